//! State back from the compacted topic, record by record.
//!
//! Every record may come alone, in the order of the topic, older ones of a key and tombstones included: each leaves the
//! state as if the records so far were all there is, with everything derived from it.

use std::collections::BTreeSet;

use bellwether_model::{EscalationId, Level, TriggerId};
use bellwether_wire::pb;
use prost::Message as _;

use crate::changelog::{COMMAND, ESCALATION, INSTANCE, OWNER, PAUSES, SEPARATOR, STEP, THREADS};
use crate::codec::decode;
use crate::command::CommandId;
use crate::error::Error;
use crate::escalation::{Escalation, Phase};
use crate::escalator::{Escalator, Memory};
use crate::guard;
use crate::instance::{HORIZON, Instance};
use crate::pauses::Pauses;
use crate::threads::Threads;

impl Escalator {
    /// Takes up one record; no value ends what the key names.
    pub(crate) fn restore_record(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), Error> {
        if let Some(step) = key.strip_prefix(STEP) {
            self.restore_step(key, step, value)
        } else if let Some(id) = key.strip_prefix(ESCALATION) {
            let escalation = value.map(|value| decode(key, value)).transpose()?;
            self.restore_escalation(&id.into(), escalation);
            Ok(())
        } else if let Some(id) = key.strip_prefix(INSTANCE) {
            let instance = value.map(|value| decode(key, value)).transpose()?;
            self.restore_instance(&id.into(), instance);
            Ok(())
        } else if let Some(subject) = key.strip_prefix(THREADS) {
            let threads: Option<Threads> = value.map(|value| decode(key, value)).transpose()?;
            let memory = Memory::Threads(subject.to_owned());
            self.expiry.set(&memory, threads.as_ref().and_then(Threads::forget_at));
            match threads {
                Some(threads) => self.threads.insert(subject.to_owned(), threads),
                None => self.threads.remove(subject),
            };
            Ok(())
        } else if let Some((source, id)) = key.strip_prefix(COMMAND).and_then(|id| id.split_once(SEPARATOR)) {
            let id = CommandId { source: source.to_owned(), id: id.to_owned() };
            let at = value.map(|value| decode(key, value)).transpose()?;
            self.restore_command(id, at);
            Ok(())
        } else if let Some(id) = key.strip_prefix(OWNER) {
            match value {
                Some(value) => self.owners.insert(id.into(), decode(key, value)?),
                None => self.owners.remove(id),
            };
            Ok(())
        } else if key == PAUSES {
            self.pauses = value.map(|value| decode(key, value)).transpose()?.unwrap_or_else(Pauses::default);
            Ok(())
        } else {
            Err(Error::Key { key: key.to_owned() })
        }
    }

    /// Steps are derived from the state; what is kept is only which of them the topic has.
    fn restore_step(&mut self, key: &str, step: &str, value: Option<&[u8]>) -> Result<(), Error> {
        let Some(value) = value else {
            // A step id is that of its escalation, `/L`, and what follows.
            if let Some((escalation, _)) = step.rsplit_once("/L") {
                self.ledger.forget_step(escalation, step);
            }
            return Ok(());
        };
        let message = pb::Step::decode(value).map_err(|source| Error::Message {
            key: key.to_owned(),
            message: "Step",
            source,
        })?;
        self.ledger.know_step(&message.escalation, step, value);
        Ok(())
    }

    fn restore_escalation(&mut self, id: &EscalationId, escalation: Option<Escalation>) {
        self.due.set(id, escalation.as_ref().and_then(|escalation| escalation.wake));
        match escalation {
            Some(escalation) => self.escalations.insert(id.clone(), escalation),
            None => self.escalations.remove(id),
        };
        self.refresh_watch(id);
    }

    fn restore_instance(&mut self, id: &TriggerId, instance: Option<Instance>) {
        if let Some(before) = self.instances.get(id) {
            if before.is_firing() {
                self.firing.remove(before);
            }
            self.instances.remove(id);
        }
        let cleared_at = instance.as_ref().and_then(|instance| instance.cleared_at);
        self.expiry.set(&Memory::Instance(id.clone()), cleared_at.map(|at| at.plus(HORIZON)));
        let Some(instance) = instance else { return };
        if instance.is_firing() {
            self.firing.add(&instance);
        }
        let escalation = instance.escalation.clone();
        self.instances.insert(id.clone(), instance);
        if let Some(escalation) = escalation {
            self.refresh_watch(&escalation);
        }
    }

    fn restore_command(&mut self, id: CommandId, at: Option<bellwether_model::EventTime>) {
        self.expiry.set(&Memory::Command(id.clone()), at.map(|at| at.plus(HORIZON)));
        match at {
            Some(at) => self.commands.insert(id, at),
            None => self.commands.remove(&id),
        };
    }

    /// Derives what an escalation looks at from the state.
    pub(crate) fn refresh_watch(&mut self, id: &EscalationId) {
        let found =
            self.escalations.get(id).and_then(|found| Some((found, self.instances.get(&found.trigger)?)));
        let watches = found.map_or_else(BTreeSet::new, |(escalation, instance)| {
            Level::ALL
                .into_iter()
                .filter(|level| matches!(escalation.rung(*level).phase, Phase::Waiting { .. }))
                .filter_map(|level| guard::watch(level, instance))
                .collect()
        });
        self.watchers.set(id, watches);
    }
}
