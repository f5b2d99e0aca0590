//! `escalate`: triggers and commands in, timed steps out; its state lives in the compacted delay topic.
//!
//! Triggers and commands are folded by time, source and id, so that a backlog of both gives what it would have given when it
//! came: an acknowledgement is never read before what it acknowledges.
//!
//! Time comes from the owner's clock, and under warped time from the ticks that the processor passes on. Commands that
//! concern key results are passed on to `okr`, so that the squads' folds see them in their own order.

use bellwether_escalation::{Escalator, Options, Output};
use bellwether_log::{NewRecord, Record, TopicPartition};
use bellwether_model::{EventTime, Thresholds};
use bellwether_runtime::{
    Fold, FoldFactory, OrderKey, Outputs, Poison, RestoreError, Stage, StateHash, UnitId,
};
use bellwether_wire::Payload;
use bellwether_wire::topics::Topic;
use bytes::Bytes;

use super::{ENGINE, hash};
use crate::keys::Keys;
use crate::record;
use crate::topic_set::{TimeMode, TopicSet};

/// Makes the escalator's fold of each partition.
#[derive(Debug, Clone)]
pub(crate) struct EscalateFactory {
    /// Topics.
    pub topics: TopicSet,
    /// Keys.
    pub keys: Keys,
    /// Thresholds before reference data.
    pub thresholds: Thresholds,
}

/// One partition's escalator over the log.
#[derive(Debug)]
struct Escalate {
    escalator: Escalator,
    topics: TopicSet,
    partition: u32,
}

impl FoldFactory for EscalateFactory {
    fn create(&self, unit: UnitId) -> Box<dyn Fold> {
        let escalator = Escalator::new(Options {
            id_key: self.keys.id.clone(),
            pseudonym_key: self.keys.pseudonym.clone(),
            thresholds: self.thresholds.clone(),
        });
        Box::new(Escalate { escalator, topics: self.topics.clone(), partition: unit.0 })
    }

    fn restore(&self, _unit: UnitId, _engine: &str, _bytes: &[u8]) -> Result<Box<dyn Fold>, RestoreError> {
        Err(RestoreError::new("the escalator is restored from its changelog, not from snapshots"))
    }

    fn engine(&self) -> &str {
        ENGINE
    }
}

impl Fold for Escalate {
    fn apply(&mut self, record: &Record, out: &mut Outputs) -> Result<(), Poison> {
        let event =
            record::to_event(record).map_err(|error| Poison::new(Stage::Decode, error.to_string()))?;
        let at = EventTime::from_ms(record.timestamp_ms);
        let mut output = Output::default();
        match &event.payload {
            Payload::TickRecorded(_) => self.escalator.advance(event.time, &mut output),
            Payload::OwnerAssigned(_) | Payload::InterventionRecorded(_) => {
                self.escalator.apply(&event, at, &mut output);
                out.push(record::of_event(&event, &self.topics, Topic::Okr, 0));
            }
            _ => self.escalator.apply(&event, at, &mut output),
        }
        self.say(output, out);
        Ok(())
    }

    fn on_clock(&mut self, now_ms: i64, out: &mut Outputs) {
        let mut output = Output::default();
        self.escalator.advance(EventTime::from_ms(now_ms), &mut output);
        self.say(output, out);
    }

    fn next_due_ms(&self) -> Option<i64> {
        self.escalator.next_due().map(EventTime::ms)
    }

    fn resumed(&mut self, paused_since_ms: i64, now_ms: i64, out: &mut Outputs) {
        if !super::is_pause(self.next_due_ms(), paused_since_ms, now_ms) {
            return;
        }
        let mut output = Output::default();
        self.escalator.paused(EventTime::from_ms(paused_since_ms));
        self.escalator.resumed(EventTime::from_ms(now_ms), &mut output);
        self.say(output, out);
    }

    fn skipped(&mut self, record: &Record, cause: &str, _out: &mut Outputs) {
        // The dead-letter topic has the record and the cause; a trigger that cannot be read starts nothing.
        tracing::error!(from = %record.from, offset = record.offset, cause, "record skipped by the escalator");
    }

    fn observe(&mut self, record: &Record) -> Result<(), Poison> {
        let event =
            record::to_event(record).map_err(|error| Poison::new(Stage::Decode, error.to_string()))?;
        self.escalator.reference(&event);
        Ok(())
    }

    fn load_changelog(&mut self, record: &Record) -> Result<(), Poison> {
        let key = record
            .key
            .as_ref()
            .and_then(|key| std::str::from_utf8(key).ok())
            .ok_or_else(|| Poison::new(Stage::Decode, "a changelog record without a key"))?;
        let value = record.value.as_ref().map(|value| value.to_vec());
        self.escalator
            .restore(std::iter::once((key.to_owned(), value)))
            .map_err(|error| Poison::new(Stage::Decode, error.to_string()))
    }

    fn order_key(&self, record: &Record) -> OrderKey {
        super::order_key(record)
    }

    fn holds_until_marks(&self) -> bool {
        self.topics.time == TimeMode::Warped
    }

    fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    fn state_hash(&self) -> StateHash {
        hash(&[])
    }
}

impl Escalate {
    fn say(&mut self, output: Output, out: &mut Outputs) {
        for event in output.events {
            out.push(record::of_event(&event, &self.topics, Topic::Escalation, self.partition));
        }
        let to = TopicPartition::new(self.topics.name(Topic::EscalationDelay), self.partition);
        for (key, value) in self.escalator.changelog() {
            out.push(NewRecord {
                to: to.clone(),
                key: Some(Bytes::from(key)),
                value: value.map(Bytes::from),
                headers: Vec::new(),
                timestamp_ms: None,
            });
        }
    }
}
