//! Snooze: not now. Holds steps and drops repeats until its end; due instants stay (R73).
//!
//! A second snooze replaces the first.

use bellwether_model::EscalationId;
use bellwether_wire::{Event, instant, pb};

use crate::escalator::Escalator;
use crate::output::Output;

impl Escalator {
    pub(super) fn snooze(
        &mut self,
        id: &EscalationId,
        event: &Event,
        message: &pb::EscalationSnoozed,
        out: &mut Output,
    ) -> Result<(), String> {
        if message.reason.trim().is_empty() {
            return Err(String::from("a snooze needs a reason"));
        }
        let Some(until) = instant::optional(message.until.as_ref()) else {
            return Err(String::from("a snooze needs an end"));
        };
        if until <= self.now {
            return Err(format!("a snooze ends in the future, not at {}", until.to_rfc3339()));
        }
        if let Some(escalation) = self.escalations.get_mut(id) {
            escalation.snoozed_until = Some(until);
        }
        self.wake(id);
        let actor = self.pseudonyms.actor(message.actor.as_ref());
        let message = pb::EscalationSnoozed { actor, ..message.clone() };
        self.repeat_command(id, event, "snoozed", message, out);
        Ok(())
    }
}
