//! A trigger was amended: what is said from now on is what it says now, and guards are looked at again.
//!
//! Amendments are folded in the order of their times; one that comes again, or after a later one, does nothing.

use bellwether_model::TriggerId;
use bellwether_wire::{Event, pb};

use crate::contract;
use crate::escalator::Escalator;
use crate::output::Output;

impl Escalator {
    pub(crate) fn trigger_amended(&mut self, event: &Event, message: &pb::TriggerAmended, out: &mut Output) {
        let trigger = TriggerId::from(message.trigger.as_str());
        let Some(instance) = self.instances.get_mut(&trigger).filter(|instance| instance.is_firing()) else {
            return;
        };
        match &mut instance.amended {
            Some((at, ids)) if *at == event.time => {
                if ids.contains(&event.id.id) {
                    return;
                }
                ids.push(event.id.id.clone());
            }
            Some((at, _)) if *at > event.time => return,
            amended => *amended = Some((event.time, vec![event.id.id.clone()])),
        }
        let before = instance.clone();
        let fired = &mut instance.fired;
        if let Some(explain) = &message.explain {
            fired.explain = Some(explain.clone());
        }
        if message.blast_radius.is_some() {
            fired.blast_radius.clone_from(&message.blast_radius);
        }
        if !message.squads.is_empty() {
            fired.squads.clone_from(&message.squads);
        }
        if message.subject.is_some() {
            fired.subject.clone_from(&message.subject);
        }
        fired.severity = message.severity;
        fired.key_result.clone_from(&message.key_result);
        let after = instance.clone();
        self.ledger.instance(&trigger);
        let changed = self.firing.amend(&before, &after);
        self.wake_watchers(&changed);
        let Some(escalation) = after.escalation else { return };
        let is_second_window =
            message.second_window || contract::is_second_window(after.fired.explain.as_ref());
        if is_second_window {
            self.with(&escalation, out, |context| context.arm_at_once());
        }
        self.wake(&escalation);
    }
}
