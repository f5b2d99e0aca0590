//! A trigger fired: the instance is known from now on, and its escalation starts.
//!
//! A repeat of the event does nothing, however late within the horizon. A backfilled trigger starts no escalation and
//! still counts for guards: it is fired and not cleared. No two triggers share an escalation.

use bellwether_model::{EscalationId, TriggerId};
use bellwether_wire::{ids, instant, pb};

use crate::contract;
use crate::escalation::Escalation;
use crate::escalator::Escalator;
use crate::instance::Instance;
use crate::output::Output;
use crate::policy::Policy;

impl Escalator {
    pub(crate) fn trigger_fired(&mut self, message: &pb::TriggerFired, out: &mut Output) {
        let trigger = TriggerId::from(message.trigger.as_str());
        if message.trigger.is_empty() || self.instances.get(&trigger).is_some() {
            return;
        }
        let escalation = (!message.backfill)
            .then(|| self.escalation_id(message))
            .filter(|escalation| self.instances.of_escalation(escalation).is_none());
        let instance = Instance {
            fired: message.clone(),
            amended: None,
            cleared_at: None,
            ended: None,
            escalation: escalation.clone(),
        };
        let changed = self.firing.add(&instance);
        self.instances.insert(trigger.clone(), instance);
        self.ledger.instance(&trigger);
        self.wake_watchers(&changed);
        if let Some(escalation) = escalation {
            self.start(escalation, trigger, message, out);
        }
    }

    fn start(&mut self, id: EscalationId, trigger: TriggerId, message: &pb::TriggerFired, out: &mut Output) {
        let started_at = instant::optional(message.fired_at.as_ref()).unwrap_or(self.now).min(self.now);
        let thresholds = self.reference.thresholds(self.now);
        let policy = Policy::choose(&self.reference, message, started_at, &thresholds, self.now);
        let started = pb::EscalationStarted {
            escalation: id.to_string(),
            trigger: message.trigger.clone(),
            rule: message.rule.clone(),
            key_result: message.key_result.clone(),
            subject: message.subject.clone(),
            function: message.function.clone(),
            started_at: Some(instant::timestamp(started_at)),
            policy: policy.id.clone(),
            policy_version: policy.version.clone(),
        };
        out.say(format!("{id}/started"), self.now, id.as_str(), started);
        let escalation = Escalation::new(id.clone(), trigger, started_at, policy, &thresholds);
        self.escalations.insert(id.clone(), escalation);
        let is_second_window = contract::is_second_window(message.explain.as_ref());
        self.with(&id, out, |context| {
            context.arm_first();
            if is_second_window {
                context.arm_at_once();
            }
        });
        self.wake(&id);
    }

    /// The id that came with the trigger. A writer that leaves it out gets one of what is known here.
    fn escalation_id(&self, message: &pb::TriggerFired) -> EscalationId {
        if !message.escalation.is_empty() {
            return message.escalation.as_str().into();
        }
        let subject = message.subject.as_ref().map_or("", |subject| subject.id.as_str());
        let as_of = instant::optional(message.as_of.as_ref()).unwrap_or(self.now);
        ids::escalation_id(&self.id_key, &message.rule, &message.key_result, subject, as_of).into()
    }
}
