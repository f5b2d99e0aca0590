//! A trigger cleared: its escalation ends, what was pending is cancelled, and guards elsewhere are looked at again.

use bellwether_model::TriggerId;
use bellwether_wire::pb;

use crate::escalator::{Escalator, Memory};
use crate::instance::HORIZON;
use crate::output::Output;

/// Reasons that are told as they came; every other reason is an ordinary clearing.
const TOLD: [&str; 2] = ["withdrawn", "key result ended"];

impl Escalator {
    pub(crate) fn trigger_cleared(&mut self, message: &pb::TriggerCleared, out: &mut Output) {
        let trigger = TriggerId::from(message.trigger.as_str());
        let now = self.now;
        let Some(instance) = self.instances.get_mut(&trigger).filter(|instance| instance.is_firing()) else {
            return;
        };
        instance.cleared_at = Some(now);
        let instance = instance.clone();
        self.ledger.instance(&trigger);
        self.expiry.set(&Memory::Instance(trigger), Some(now.plus(HORIZON)));
        let changed = self.firing.remove(&instance);
        self.wake_watchers(&changed);
        if let Some(escalation) = instance.escalation {
            let reason = TOLD.into_iter().find(|told| *told == message.reason).unwrap_or("cleared");
            self.end(&escalation, reason, None, &[], out);
        }
    }
}
