//! State to the compacted topic: one record for everything that changed since the last one.
//!
//! Keys: `step/<id>` a pending step or repeat, as the timer queue and what an audit reads; `escalation/<id>`,
//! `instance/<trigger>`, `threads/<subject>`, `command/<source>\u{1f}<id>`, `owner/<key result>` and `pauses` the state.
//! The state alone restores everything; steps are derived from it and written in the same transaction.
//!
//! Logical time is no state: every deadline carries its own instant.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EscalationId, KeyResultId, Level, TriggerId};
use bellwether_wire::{instant, pb};
use prost::Message as _;

use crate::codec::encode;
use crate::command::CommandId;
use crate::escalation::{Escalation, Phase};
use crate::escalator::Escalator;
use crate::guard;
use crate::instance::Instance;
use crate::threads::SubjectKey;

pub(crate) const STEP: &str = "step/";
pub(crate) const ESCALATION: &str = "escalation/";
pub(crate) const INSTANCE: &str = "instance/";
pub(crate) const THREADS: &str = "threads/";
pub(crate) const COMMAND: &str = "command/";
pub(crate) const OWNER: &str = "owner/";
pub(crate) const PAUSES: &str = "pauses";

/// Stands between source and id of a command; it occurs in neither.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// What changed since the last changelog.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    escalations: BTreeSet<EscalationId>,
    instances: BTreeSet<TriggerId>,
    threads: BTreeSet<SubjectKey>,
    commands: BTreeSet<CommandId>,
    owners: BTreeSet<KeyResultId>,
    pauses: bool,
    /// Steps on the topic, by escalation, so that only those that changed are written.
    steps: BTreeMap<EscalationId, BTreeMap<String, Vec<u8>>>,
}

impl Ledger {
    pub(crate) fn escalation(&mut self, id: &EscalationId) {
        self.escalations.insert(id.clone());
    }

    pub(crate) fn instance(&mut self, id: &TriggerId) {
        self.instances.insert(id.clone());
    }

    pub(crate) fn threads(&mut self, subject: &SubjectKey) {
        self.threads.insert(subject.clone());
    }

    pub(crate) fn command(&mut self, id: &CommandId) {
        self.commands.insert(id.clone());
    }

    pub(crate) fn owner(&mut self, key_result: &KeyResultId) {
        self.owners.insert(key_result.clone());
    }

    pub(crate) fn pauses(&mut self) {
        self.pauses = true;
    }

    /// The topic has a step.
    pub(crate) fn know_step(&mut self, escalation: &str, step: &str, value: &[u8]) {
        self.steps.entry(escalation.into()).or_default().insert(step.to_owned(), value.to_vec());
    }

    /// The topic has a step no longer.
    pub(crate) fn forget_step(&mut self, escalation: &str, step: &str) {
        if let Some(steps) = self.steps.get_mut(escalation) {
            steps.remove(step);
            if steps.is_empty() {
                self.steps.remove(escalation);
            }
        }
    }
}

type Record = (String, Option<Vec<u8>>);

impl Escalator {
    pub(crate) fn write_changelog(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        for id in std::mem::take(&mut self.ledger.escalations) {
            self.write_steps(&id, &mut records);
            records.push((format!("{ESCALATION}{id}"), self.escalations.get(&id).map(encode)));
        }
        for id in std::mem::take(&mut self.ledger.instances) {
            records.push((format!("{INSTANCE}{id}"), self.instances.get(&id).map(encode)));
        }
        for subject in std::mem::take(&mut self.ledger.threads) {
            records.push((format!("{THREADS}{subject}"), self.threads.get(&subject).map(encode)));
        }
        for id in std::mem::take(&mut self.ledger.commands) {
            let key = format!("{COMMAND}{}{SEPARATOR}{}", id.source, id.id);
            records.push((key, self.commands.get(&id).map(encode)));
        }
        for id in std::mem::take(&mut self.ledger.owners) {
            records.push((format!("{OWNER}{id}"), self.owners.get(&id).map(encode)));
        }
        if std::mem::take(&mut self.ledger.pauses) {
            records.push((PAUSES.to_owned(), self.pauses.is_paused().then(|| encode(&self.pauses))));
        }
        records
    }

    /// Writes the steps of an escalation that are new, changed or gone.
    fn write_steps(&mut self, id: &EscalationId, records: &mut Vec<Record>) {
        let after: BTreeMap<String, Vec<u8>> = self
            .escalations
            .get(id)
            .and_then(|escalation| Some((escalation, self.instances.get(&escalation.trigger)?)))
            .map(|(escalation, instance)| pending(escalation, instance))
            .unwrap_or_default()
            .into_iter()
            .map(|step| (step.step.clone(), step.encode_to_vec()))
            .collect();
        let before = self.ledger.steps.remove(id).unwrap_or_default();
        for step in before.keys().filter(|step| !after.contains_key(*step)) {
            records.push((format!("{STEP}{step}"), None));
        }
        for (step, value) in after.iter().filter(|(step, value)| before.get(*step) != Some(*value)) {
            records.push((format!("{STEP}{step}"), Some(value.clone())));
        }
        if !after.is_empty() {
            self.ledger.steps.insert(id.clone(), after);
        }
    }
}

/// The pending steps of an escalation: levels that are armed or wait, and repeats to come.
fn pending(escalation: &Escalation, instance: &Instance) -> Vec<pb::Step> {
    let step = |step: String, level: Level, due, guard: String, repeat: u32| pb::Step {
        step,
        escalation: escalation.id.to_string(),
        level: u32::from(level.number()),
        due: Some(instant::timestamp(due)),
        guard,
        trigger: escalation.trigger.to_string(),
        repeat,
    };
    let levels = Level::ALL.into_iter().filter_map(|level| {
        let due = match &escalation.rung(level).phase {
            Phase::Armed { due } | Phase::Waiting { due, .. } => *due,
            Phase::Sending { next, .. } => *next,
            Phase::Ahead | Phase::Fired { .. } | Phase::Skipped => return None,
        };
        let guard = guard::words(level, instance, &escalation.limits);
        Some(step(escalation.step_id(level), level, due, guard, 0))
    });
    let repeats = escalation
        .repeats
        .iter()
        .map(|repeat| step(repeat.id(), repeat.level, repeat.at, String::new(), repeat.number));
    levels.chain(repeats).collect()
}
