//! Trigger instances: (rule, key result, subject), from firing to clearing.
//!
//! ```text
//!            true                 false (window rules)
//!   none ---------> active -----------------------------> waning
//!     ^               ^  ^            true: amended          |
//!     |               |  +-----------------------------------+
//!     |  false (date rules), 168 h false, ended              |
//!     +---------------+--------------------------------------+
//! ```
//! Invariants: an instance fires once; a condition that comes back while waning is the same instance (R10); no data
//! changes nothing (R9); the id is made of the first `as_of` and never changes (R60).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;

use bellwether_model::EventTime;
use bellwether_model::RuleId;
use bellwether_model::{DependencyId, KeyResultId, PersonId, SquadId};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use crate::explain::ExplainBuilder;
use crate::id_map::IdMap;

/// What a trigger is about, by its plain id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// An engineer, by person id.
    Engineer(PersonId),
    /// A squad.
    Squad(SquadId),
    /// A key result.
    KeyResult(KeyResultId),
    /// A dependency.
    Dependency(DependencyId),
}

impl Subject {
    /// The plain id of R60, without what is appended where there is no key result.
    pub(crate) fn plain(&self) -> &str {
        match self {
            Self::Engineer(id) => id,
            Self::Squad(id) => id,
            Self::KeyResult(id) => id,
            Self::Dependency(id) => id,
        }
    }
}

/// What makes an instance this one and no other.
///
/// The key result is not part of it: the instance keeps the one it fired with, though a successor may come; only that of
/// a dependency goes on with another (R11).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct InstanceKey {
    /// Rule.
    pub rule: RuleId,
    /// Subject.
    pub subject: Subject,
    /// Squad or key result, for rules that judge a subject once for each of them.
    pub scope: Option<Arc<str>>,
}

/// A running instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// Trigger id.
    pub trigger: String,
    /// Escalation id.
    pub escalation: String,
    /// Key result it fired with, or follows.
    pub key_result: Option<KeyResultId>,
    /// The instant the decision is of.
    pub as_of: EventTime,
    /// When it was decided.
    pub fired_at: EventTime,
    /// Since when the condition is false, for window rules.
    pub false_since: Option<EventTime>,
    /// True when it wanes because its key result ended (R11).
    #[serde(default)]
    pub ended: bool,
    /// How often it was amended.
    pub amendments: u32,
    /// What a guard elsewhere looks at, as of the last event; a change is an amendment.
    pub watched: String,
    /// Squads concerned.
    pub squads: Vec<String>,
    /// Function, for the partition.
    pub function: String,
    /// True when it was decided by imported facts of the past.
    pub backfill: bool,
    /// Severity it was last said with.
    #[serde(default = "severity_before")]
    pub severity: pb::Severity,
}

/// What a running instance is taken to be that was written before severities were kept.
fn severity_before() -> pb::Severity {
    pb::Severity::Warning
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// The condition holds.
    True(Box<Finding>),
    /// It does not: a window rule's clear-after time runs.
    False {
        /// Why, for the amendment that says so.
        reason: &'static str,
        /// What a guard elsewhere looks at; when it changes, the waning instance is amended.
        watched: String,
        /// How it stands now.
        explain: Box<ExplainBuilder>,
    },
    /// It does not, and a running instance clears now: date rules, and what never was due.
    Over {
        /// Why.
        reason: &'static str,
        /// How it stands now.
        explain: Box<ExplainBuilder>,
    },
    /// Nothing can be said: nothing changes.
    NoData,
    /// The decision waits for a source (R12).
    Held {
        /// Which source.
        source: String,
        /// Since when it is behind.
        since: Option<EventTime>,
        /// The instant the decision will be of.
        as_of: EventTime,
        /// What would be said.
        finding: Box<Finding>,
    },
}

impl Verdict {
    /// The condition does not hold; the rule's clear-after time runs.
    pub(crate) fn no(reason: &'static str, watched: impl Into<String>, explain: ExplainBuilder) -> Self {
        Self::False { reason, watched: watched.into(), explain: Box::new(explain) }
    }
}

/// A condition that holds, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// Key result it is about; `None` where there is none.
    pub key_result: Option<KeyResultId>,
    /// What is appended to the subject in the id where there is no key result (R60).
    pub id_suffix: Option<String>,
    /// The instant the decision is of.
    pub as_of: EventTime,
    /// Severity.
    pub severity: pb::Severity,
    /// Explain block.
    pub explain: pb::Explain,
    /// What it reaches.
    pub blast_radius: Option<pb::BlastRadius>,
    /// Squads concerned, the provider's first for a dependency.
    pub squads: Vec<String>,
    /// What a guard elsewhere looks at; when it changes, the running instance is amended.
    pub watched: String,
    /// Set to amend a running instance for this reason even when nothing else changed.
    pub amend: Option<String>,
    /// True for a second update window missed in a row.
    pub second_window: bool,
}

/// All running instances, and decisions on hold.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(crate) struct Instances {
    active: IdMap<InstanceKey, Instance>,
    /// Keys of the running instances of each subject, and of each rule and scope.
    of_subject: IdMap<Subject, BTreeSet<InstanceKey>>,
    of_scope: IdMap<(RuleId, Arc<str>), BTreeSet<InstanceKey>>,
    /// Decisions on hold, by the instant each is of, and the source it was last said to wait for.
    pub(crate) held: BTreeMap<InstanceKey, BTreeMap<EventTime, String>>,
}

impl Instances {
    /// The running instance of a key.
    pub(crate) fn get(&self, key: &InstanceKey) -> Option<&Instance> {
        self.active.get(key)
    }

    /// The running instance of a key, to change it.
    pub(crate) fn get_mut(&mut self, key: &InstanceKey) -> Option<&mut Instance> {
        self.active.get_mut(key)
    }

    /// An instance begins.
    pub(crate) fn insert(&mut self, key: InstanceKey, instance: Instance) {
        self.of_subject.entry(key.subject.clone()).or_default().insert(key.clone());
        if let Some(scope) = &key.scope {
            self.of_scope.entry((key.rule, scope.clone())).or_default().insert(key.clone());
        }
        self.active.insert(key, instance);
    }

    /// An instance ends.
    pub(crate) fn remove(&mut self, key: &InstanceKey) -> Option<Instance> {
        let instance = self.active.remove(key)?;
        drop_from(&mut self.of_subject, &key.subject, key);
        if let Some(scope) = &key.scope {
            drop_from(&mut self.of_scope, &(key.rule, scope.clone()), key);
        }
        Some(instance)
    }

    /// The decision of a key about an instant, and about those before it, is made.
    pub(crate) fn release(&mut self, key: &InstanceKey, through: EventTime) {
        if let Some(waiting) = self.held.get_mut(key) {
            waiting.retain(|as_of, _| *as_of > through);
            if waiting.is_empty() {
                self.held.remove(key);
            }
        }
    }

    /// Keys of the running instances of a subject, in order.
    pub(crate) fn of_subject(&self, subject: &Subject) -> impl Iterator<Item = &InstanceKey> {
        self.of_subject.get(subject).into_iter().flatten()
    }

    /// Engineers with running instances, in order.
    pub(crate) fn engineers(&self) -> BTreeSet<PersonId> {
        let engineer = |subject: &Subject| match subject {
            Subject::Engineer(person) => Some(person.clone()),
            Subject::Squad(_) | Subject::KeyResult(_) | Subject::Dependency(_) => None,
        };
        self.of_subject.keys().filter_map(engineer).collect()
    }

    /// Keys of the running instances of a rule in a scope, in order.
    pub(crate) fn of_scope(&self, rule: RuleId, scope: &Arc<str>) -> impl Iterator<Item = &InstanceKey> {
        self.of_scope.get(&(rule, scope.clone())).into_iter().flatten()
    }

    /// Keys of the running instances of a rule, in order; walks all of them.
    pub(crate) fn of_rule(&self, rule: RuleId) -> Vec<InstanceKey> {
        let mut keys: Vec<InstanceKey> = self.active.keys().filter(|key| key.rule == rule).cloned().collect();
        keys.sort_unstable();
        keys
    }
}

fn drop_from<K: Eq + Hash>(index: &mut IdMap<K, BTreeSet<InstanceKey>>, at: &K, key: &InstanceKey) {
    if let Some(keys) = index.get_mut(at) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(at);
        }
    }
}

/// In snapshots: in order, without the indexes.
#[derive(Serialize, Deserialize)]
struct Written {
    active: BTreeMap<InstanceKey, Instance>,
    #[serde(deserialize_with = "held_by_instant")]
    held: BTreeMap<InstanceKey, BTreeMap<EventTime, String>>,
}

/// Snapshots of format 2 held the source alone: of what instant the decision is was not kept, so it is said once more.
fn held_by_instant<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<InstanceKey, BTreeMap<EventTime, String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Waiting {
        ByInstant(BTreeMap<EventTime, String>),
        Source(#[allow(dead_code, reason = "read and left out")] String),
    }
    let written = BTreeMap::<InstanceKey, Waiting>::deserialize(deserializer)?;
    let by_instant = written.into_iter().filter_map(|(key, waiting)| match waiting {
        Waiting::ByInstant(by_instant) => Some((key, by_instant)),
        Waiting::Source(_) => None,
    });
    Ok(by_instant.collect())
}

impl From<Instances> for Written {
    fn from(instances: Instances) -> Self {
        Self { active: instances.active.into_iter().collect(), held: instances.held }
    }
}

impl From<Written> for Instances {
    fn from(written: Written) -> Self {
        let mut instances = Self { held: written.held, ..Self::default() };
        for (key, instance) in written.active {
            instances.insert(key, instance);
        }
        instances
    }
}
