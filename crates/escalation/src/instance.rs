//! Trigger instances as the escalator knows them: what fired, as it stands now, and until when it is remembered.
//!
//! An instance that cleared is remembered for a while, so that a repeat of its events changes nothing and a command that
//! comes too late hears why; then it is dropped. Guards look only at those that have not cleared.

use std::collections::BTreeMap;

use bellwether_model::{EscalationId, EventTime, Millis, RuleId, TriggerId};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use crate::codec;

/// How long a cleared instance and a folded command are remembered: the horizon within which a repeat of an event is
/// recognised everywhere.
pub(crate) const HORIZON: Millis = Millis::days(8);

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// The event that fired it, with explain, squads and blast radius as last amended.
    #[serde(with = "codec::message")]
    pub(crate) fired: pb::TriggerFired,
    /// Time of the last amendment that was folded, and the ids of all at that time.
    pub(crate) amended: Option<(EventTime, Vec<String>)>,
    /// When it cleared.
    pub(crate) cleared_at: Option<EventTime>,
    /// Why its escalation ended, once it has.
    pub(crate) ended: Option<String>,
    /// Id of its escalation; `None` when it started none.
    pub(crate) escalation: Option<EscalationId>,
}

impl Instance {
    /// The rule; `None` for one that this version does not know.
    pub(crate) fn rule(&self) -> Option<RuleId> {
        RuleId::parse(&self.fired.rule).ok()
    }

    /// True for the rules about pages.
    pub(crate) fn is_page_rule(&self) -> bool {
        self.rule().is_some_and(RuleId::is_page_rule)
    }

    /// The squad it belongs to: a dependency's provider, else the subject's.
    pub(crate) fn squad(&self) -> &str {
        let subject = self.fired.subject.as_ref().map_or("", |subject| subject.squad.as_str());
        self.fired.squads.first().map_or(subject, String::as_str)
    }

    /// Pseudonym of the engineer it is about, when it is about one.
    pub(crate) fn engineer(&self) -> Option<&str> {
        let subject = self.fired.subject.as_ref()?;
        (subject.kind() == pb::SubjectKind::Engineer).then_some(subject.id.as_str())
    }

    /// True while it has fired and not cleared.
    pub(crate) fn is_firing(&self) -> bool {
        self.cleared_at.is_none()
    }
}

/// All instances that are firing or remembered, and which escalation belongs to which.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instances {
    by_trigger: BTreeMap<TriggerId, Instance>,
    by_escalation: BTreeMap<EscalationId, TriggerId>,
}

impl Instances {
    /// An instance.
    pub(crate) fn get(&self, trigger: &str) -> Option<&Instance> {
        self.by_trigger.get(trigger)
    }

    /// An instance, to be changed; its escalation stays.
    pub(crate) fn get_mut(&mut self, trigger: &str) -> Option<&mut Instance> {
        self.by_trigger.get_mut(trigger)
    }

    /// The instance that an escalation belongs to, running or ended.
    pub(crate) fn of_escalation(&self, escalation: &str) -> Option<&Instance> {
        self.get(self.by_escalation.get(escalation)?)
    }

    /// Adds an instance.
    pub(crate) fn insert(&mut self, trigger: TriggerId, instance: Instance) {
        if let Some(escalation) = &instance.escalation {
            self.by_escalation.insert(escalation.clone(), trigger.clone());
        }
        self.by_trigger.insert(trigger, instance);
    }

    /// Drops an instance.
    pub(crate) fn remove(&mut self, trigger: &str) {
        if let Some(instance) = self.by_trigger.remove(trigger)
            && let Some(escalation) = instance.escalation
        {
            self.by_escalation.remove(&escalation);
        }
    }
}
