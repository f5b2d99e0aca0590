//! Resolve: it is settled. Needs evidence, or its condition to be false (R74).
//!
//! With evidence while the condition lasts the escalation ends and the instance goes on: it counts for guards, and it
//! starts no second escalation.

use bellwether_model::EscalationId;
use bellwether_wire::{Event, pb};

use crate::contract;
use crate::escalator::Escalator;
use crate::output::Output;

impl Escalator {
    pub(super) fn resolve(
        &mut self,
        id: &EscalationId,
        event: &Event,
        message: &pb::EscalationResolved,
        out: &mut Output,
    ) -> Result<(), String> {
        let has_evidence = message.evidence.iter().any(|link| !link.trim().is_empty());
        let is_condition_false = self
            .instances
            .of_escalation(id)
            .is_some_and(|instance| contract::is_condition_false(instance.fired.explain.as_ref()));
        if !has_evidence && !is_condition_false {
            return Err(String::from("a resolution needs evidence while the condition lasts"));
        }
        let actor = self.pseudonyms.actor(message.actor.as_ref());
        let message = pb::EscalationResolved { actor: actor.clone(), ..message.clone() };
        self.repeat_command(id, event, "resolved", message.clone(), out);
        self.end(id, "resolved", actor, &message.evidence, out);
        Ok(())
    }
}
