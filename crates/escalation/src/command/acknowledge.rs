//! Acknowledge: somebody has seen it. Drops repeats for a while, stops no clock (R73).

use bellwether_model::EscalationId;
use bellwether_wire::{Event, instant, pb};

use crate::escalator::Escalator;
use crate::output::Output;

impl Escalator {
    pub(super) fn acknowledge(
        &mut self,
        id: &EscalationId,
        event: &Event,
        message: &pb::EscalationAcknowledged,
        out: &mut Output,
    ) -> Result<(), String> {
        let now = self.now;
        let Some(escalation) = self.escalations.get_mut(id) else { return Ok(()) };
        let until = now.plus(escalation.limits.acknowledge);
        escalation.acknowledged_until = Some(until);
        self.ledger.escalation(id);
        let message = pb::EscalationAcknowledged {
            until: Some(instant::timestamp(until)),
            actor: self.pseudonyms.actor(message.actor.as_ref()),
            ..message.clone()
        };
        self.repeat_command(id, event, "acknowledged", message, out);
        Ok(())
    }
}
