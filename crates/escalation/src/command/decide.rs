//! Lock a decision: what L4 and L5 ask for is done, so they are not repeated any more. Their clocks go on.

use bellwether_model::{EscalationId, Level};

use crate::escalation::{Escalation, Phase};
use crate::escalator::Escalator;

/// The lowest level that asks for a decision.
const ASKS: Level = Level::L4;

/// True once a level was sent that asks for a decision.
pub(super) fn asks_for_decision(escalation: &Escalation) -> bool {
    Level::ALL
        .into_iter()
        .filter(|level| *level >= ASKS)
        .any(|level| matches!(escalation.rung(level).phase, Phase::Fired { .. } | Phase::Sending { .. }))
}

impl Escalator {
    pub(super) fn lock_decision(&mut self, id: &EscalationId) -> Result<(), String> {
        if let Some(escalation) = self.escalations.get_mut(id) {
            escalation.repeats.retain(|repeat| repeat.level < ASKS);
        }
        self.wake(id);
        Ok(())
    }
}
