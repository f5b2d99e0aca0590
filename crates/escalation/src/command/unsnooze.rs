//! Unsnooze: now after all. What is overdue runs in the deadline phase of this instant.

use bellwether_model::EscalationId;
use bellwether_wire::{Event, pb};

use crate::escalator::Escalator;
use crate::output::Output;

impl Escalator {
    pub(super) fn unsnooze(
        &mut self,
        id: &EscalationId,
        event: &Event,
        message: &pb::EscalationUnsnoozed,
        out: &mut Output,
    ) -> Result<(), String> {
        if let Some(escalation) = self.escalations.get_mut(id) {
            escalation.snoozed_until = None;
        }
        self.wake(id);
        let actor = self.pseudonyms.actor(message.actor.as_ref());
        let message = pb::EscalationUnsnoozed { actor, ..message.clone() };
        self.repeat_command(id, event, "unsnoozed", message, out);
        Ok(())
    }
}
