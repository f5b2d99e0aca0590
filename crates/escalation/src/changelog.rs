//! State on the compacted topic: one record for everything that changed, and back.
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

use crate::codec::{decode, encode};
use crate::command::CommandId;
use crate::error::Error;
use crate::escalation::{Escalation, Phase};
use crate::escalator::{Escalator, Memory};
use crate::firing::Watch;
use crate::guard;
use crate::instance::{HORIZON, Instance};
use crate::threads::{SubjectKey, Threads};

const STEP: &str = "step/";
const ESCALATION: &str = "escalation/";
const INSTANCE: &str = "instance/";
const THREADS: &str = "threads/";
const COMMAND: &str = "command/";
const OWNER: &str = "owner/";
const PAUSES: &str = "pauses";

/// Stands between source and id of a command; it occurs in neither.
const SEPARATOR: char = '\u{1f}';

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

    pub(crate) fn read_changelog(&mut self, records: impl Iterator<Item = Record>) -> Result<(), Error> {
        let last: BTreeMap<String, Option<Vec<u8>>> = records.collect();
        for (key, value) in last {
            if let Some(value) = value {
                self.read_record(&key, &value)?;
            }
        }
        self.index();
        Ok(())
    }

    fn read_record(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
        if let Some(id) = key.strip_prefix(STEP) {
            let step = pb::Step::decode(value).map_err(|source| Error::Message {
                key: key.to_owned(),
                message: "Step",
                source,
            })?;
            let steps = self.ledger.steps.entry(step.escalation.as_str().into()).or_default();
            steps.insert(id.to_owned(), value.to_vec());
        } else if let Some(id) = key.strip_prefix(ESCALATION) {
            self.escalations.insert(id.into(), decode(key, value)?);
        } else if let Some(id) = key.strip_prefix(INSTANCE) {
            self.instances.insert(id.into(), decode::<Instance>(key, value)?);
        } else if let Some(subject) = key.strip_prefix(THREADS) {
            self.threads.insert(subject.to_owned(), decode(key, value)?);
        } else if let Some((source, id)) = key.strip_prefix(COMMAND).and_then(|id| id.split_once(SEPARATOR)) {
            let id = CommandId { source: source.to_owned(), id: id.to_owned() };
            self.commands.insert(id, decode(key, value)?);
        } else if let Some(id) = key.strip_prefix(OWNER) {
            self.owners.insert(id.into(), decode(key, value)?);
        } else if key == PAUSES {
            self.pauses = decode(key, value)?;
        } else {
            return Err(Error::Key { key: key.to_owned() });
        }
        Ok(())
    }

    /// Rebuilds what is derived from the state.
    fn index(&mut self) {
        for (trigger, instance) in self.instances.iter() {
            match instance.cleared_at {
                Some(at) => self.expiry.set(&Memory::Instance(trigger.clone()), Some(at.plus(HORIZON))),
                None => {
                    self.firing.add(instance);
                }
            }
        }
        for (id, at) in &self.commands {
            self.expiry.set(&Memory::Command(id.clone()), Some(at.plus(HORIZON)));
        }
        for (subject, threads) in &self.threads {
            self.expiry.set(&Memory::Threads(subject.clone()), Threads::forget_at(threads));
        }
        let mut watching = Vec::new();
        for (id, escalation) in &self.escalations {
            self.due.set(id, escalation.wake);
            if let (Phase::Waiting { .. }, Some(instance)) =
                (&escalation.rung(Level::L5).phase, self.instances.get(&escalation.trigger))
            {
                watching.push((id.clone(), Watch::of(instance)));
            }
        }
        for (id, watch) in watching {
            self.watch(&id, watch, true);
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
