//! The end of an escalation: what was pending is cancelled, and the instance remembers why.

use bellwether_model::{EscalationId, Level};
use bellwether_wire::{instant, pb};

use crate::escalation::Phase;
use crate::escalator::Escalator;
use crate::output::Output;

/// Why a pending level is passed over when its escalation ends.
const CANCELLED: &str = "cancelled";

impl Escalator {
    /// Ends a running escalation; does nothing for one that is not.
    pub(crate) fn end(
        &mut self,
        id: &EscalationId,
        reason: &str,
        actor: Option<pb::Actor>,
        evidence: &[String],
        out: &mut Output,
    ) {
        self.with(id, out, |context| {
            for level in Level::ALL {
                match context.escalation.rung(level).phase {
                    Phase::Armed { .. } | Phase::Waiting { .. } | Phase::Sending { .. } => {
                        context.skip(level, CANCELLED);
                    }
                    Phase::Ahead | Phase::Fired { .. } | Phase::Skipped => {}
                }
            }
        });
        let Some(escalation) = self.escalations.remove(id) else { return };
        self.due.set(id, None);
        let trigger = escalation.trigger;
        if let Some(instance) = self.instances.get_mut(&trigger) {
            instance.ended = Some(reason.to_owned());
        }
        self.refresh_watch(id);
        self.ledger.instance(&trigger);
        self.ledger.escalation(id);
        let ended = pb::EscalationEnded {
            escalation: id.to_string(),
            trigger: trigger.to_string(),
            reason: reason.to_owned(),
            ended_at: Some(instant::timestamp(self.now)),
            actor,
            evidence: evidence.to_vec(),
        };
        out.say(format!("{id}/ended"), self.now, id.as_str(), ended);
    }
}
