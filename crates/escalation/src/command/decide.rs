//! Lock a decision: what L4 and L5 ask for is on record. Clocks and repeats go on: acknowledging, snoozing and a higher
//! level end repeats, and nothing else does (R73).

use bellwether_model::Level;

use crate::escalation::{Escalation, Phase};

/// The lowest level that asks for a decision.
const ASKS: Level = Level::L4;

/// True once a level was sent that asks for a decision.
pub(super) fn asks_for_decision(escalation: &Escalation) -> bool {
    Level::ALL
        .into_iter()
        .filter(|level| *level >= ASKS)
        .any(|level| matches!(escalation.rung(level).phase, Phase::Fired { .. } | Phase::Sending { .. }))
}
