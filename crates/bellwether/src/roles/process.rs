//! `process`: frames of facts in, triggers and assessments out.
//!
//! Live, the owner appends a tick to its own partition when a deadline is due and acts on it when it is read back, so
//! that time is in the log. Under warped time ticks come with the facts and are passed on to the escalator.

use bellwether_engine::{Engine, Fact, Options, Ownership};
use bellwether_log::Record;
use bellwether_model::{EventTime, Thresholds};
use bellwether_runtime::{Fold, FoldFactory, Outputs, Poison, RestoreError, Stage, StateHash, UnitId};
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, frame, instant, pb};

use super::{ENGINE, hash};
use crate::keys::Keys;
use crate::record;
use crate::topic_set::{TimeMode, TopicSet};

/// Makes the processor's fold of each partition.
#[derive(Debug, Clone)]
pub(crate) struct ProcessFactory {
    /// Topics.
    pub topics: TopicSet,
    /// Keys.
    pub keys: Keys,
    /// Thresholds before reference data.
    pub thresholds: Thresholds,
}

/// One partition's engine over the log.
#[derive(Debug)]
struct Process {
    engine: Engine,
    topics: TopicSet,
    partition: u32,
}

impl ProcessFactory {
    fn options(&self, unit: UnitId) -> Options {
        Options {
            id_key: self.keys.id.clone(),
            pseudonym_key: self.keys.pseudonym.clone(),
            thresholds: self.thresholds.clone(),
            ownership: Ownership::Partition { index: unit.0, count: self.topics.facts },
        }
    }
}

impl FoldFactory for ProcessFactory {
    fn create(&self, unit: UnitId) -> Box<dyn Fold> {
        let engine = Engine::new(self.options(unit));
        Box::new(Process { engine, topics: self.topics.clone(), partition: unit.0 })
    }

    fn restore(&self, unit: UnitId, _engine: &str, snapshot: &[u8]) -> Result<Box<dyn Fold>, RestoreError> {
        let engine = Engine::restore(self.options(unit), snapshot)
            .map_err(|error| RestoreError::with_source("not an engine's state", error))?;
        Ok(Box::new(Process { engine, topics: self.topics.clone(), partition: unit.0 }))
    }

    fn engine(&self) -> &str {
        ENGINE
    }
}

impl Fold for Process {
    fn apply(&mut self, record: &Record, out: &mut Outputs) -> Result<(), Poison> {
        let value =
            record.value.as_ref().ok_or_else(|| Poison::new(Stage::Decode, "a frame without a value"))?;
        let facts = frame::cut(value).map_err(|error| Poison::new(Stage::Decode, error.to_string()))?;
        let at = EventTime::from_ms(record.timestamp_ms);
        let mut said = Vec::new();
        for bytes in facts {
            match Fact::decode_for_fold(bytes) {
                Ok(fact) => {
                    self.engine.apply(&fact, at, &mut said);
                    if self.concerns_escalator(&fact) {
                        // What was decided up to the mark, or the outage, comes before it.
                        self.say(std::mem::take(&mut said), out);
                        self.pass_on(&fact, out);
                    }
                }
                Err(error) => self.say_skipped(record, &error.to_string(), at, &mut said),
            }
        }
        self.say(said, out);
        Ok(())
    }

    fn on_clock(&mut self, now_ms: i64, out: &mut Outputs) {
        let now = EventTime::from_ms(now_ms);
        let tick = pb::TickRecorded { at: Some(instant::timestamp(now)) };
        let id = format!("tick/{}/{}", self.partition, now.to_rfc3339());
        let fact = Fact::new(Event::new("bellwether://process", id, now, tick)).to_message();
        for record in record::of_facts(&[fact], &self.topics, self.partition, None) {
            out.push(record);
        }
    }

    fn resumed(&mut self, paused_since_ms: i64, now_ms: i64, out: &mut Outputs) {
        if !super::is_pause(self.next_due_ms(), paused_since_ms, now_ms) {
            return;
        }
        let (since, now) = (EventTime::from_ms(paused_since_ms), EventTime::from_ms(now_ms));
        let (role, partitions) = ("process".to_owned(), vec![self.partition]);
        let paused = pb::ProcessPaused { role: role.clone(), partitions: partitions.clone() };
        let resumed = pb::ProcessResumed { role, partitions };
        let id = |word: &str| format!("{word}/{}/{}", self.partition, since.to_rfc3339());
        let facts = [
            Fact::new(Event::new("bellwether://process", id("paused"), since, paused)).to_message(),
            Fact::new(Event::new("bellwether://process", id("resumed"), now, resumed)).to_message(),
        ];
        for record in record::of_facts(&facts, &self.topics, self.partition, None) {
            out.push(record);
        }
    }

    fn next_due_ms(&self) -> Option<i64> {
        self.engine.next_due().map(EventTime::ms)
    }

    fn skipped(&mut self, record: &Record, cause: &str, out: &mut Outputs) {
        let mut said = Vec::new();
        self.say_skipped(record, cause, EventTime::from_ms(record.timestamp_ms), &mut said);
        self.say(said, out);
    }

    fn snapshot(&self) -> Vec<u8> {
        self.engine.snapshot()
    }

    fn state_hash(&self) -> StateHash {
        hash(&self.engine.snapshot())
    }
}

impl Process {
    fn say(&self, said: Vec<Event>, out: &mut Outputs) {
        if !out.wanted() {
            return;
        }
        for event in said {
            match event.payload.home_topic() {
                Some(Topic::Trigger) => {
                    let partition = record::function_partition(function(&event), &self.topics);
                    out.push(record::of_event(&event, &self.topics, Topic::Trigger, partition));
                }
                Some(Topic::Facts) => {
                    let at_ms = (self.topics.time == TimeMode::Warped).then_some(event.time.ms());
                    let fact = Fact::new(event).to_message();
                    for record in record::of_facts(&[fact], &self.topics, self.partition, at_ms) {
                        out.push(record);
                    }
                }
                _ => {
                    let partition = record::partition_of(&event, &self.topics, Topic::KeyResult);
                    out.push(record::of_event(&event, &self.topics, Topic::KeyResult, partition));
                }
            }
        }
    }

    /// The escalator learns from the processor that it was away, and under warped time that an instant is over.
    fn concerns_escalator(&self, fact: &Fact) -> bool {
        match &fact.event.payload {
            Payload::TickRecorded(_) => self.topics.time == TimeMode::Warped,
            Payload::ProcessPaused(_) | Payload::ProcessResumed(_) => true,
            // Triggers are said by the engine; nothing else of a squad's facts is the escalator's business.
            _ => false,
        }
    }

    fn pass_on(&self, fact: &Fact, out: &mut Outputs) {
        for partition in 0..self.topics.functions {
            out.push(record::of_event(&fact.event, &self.topics, Topic::Trigger, partition));
        }
    }

    fn say_skipped(&self, record: &Record, cause: &str, at: EventTime, said: &mut Vec<Event>) {
        let skipped = pb::FactSkipped {
            fact: None,
            reason: cause.to_owned(),
            partition: record.from.partition,
            offset: record.offset,
        };
        let id = format!("skipped/{}/{}/{}", record.from, record.offset, said.len());
        said.push(Event::new("bellwether://process", id.clone(), at, skipped).about(id));
    }
}

fn function(event: &Event) -> &str {
    match &event.payload {
        Payload::TriggerFired(m) => &m.function,
        Payload::TriggerAmended(m) => &m.function,
        Payload::TriggerHeld(m) => &m.function,
        Payload::TriggerSuppressed(m) => &m.function,
        Payload::TriggerCleared(m) => &m.function,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use bellwether_engine::Resolved;
    use bellwether_wire::ids::HashKey;

    use super::super::PAUSE_MS;
    use super::*;

    #[test]
    fn a_processor_that_was_away_while_something_was_pending_says_so_in_its_own_facts() {
        let topics =
            TopicSet { prefix: "t".into(), facts: 4, functions: 1, replication: 1, time: TimeMode::Live };
        let keys = Keys { id: HashKey::ZERO, pseudonym: HashKey::ZERO };
        let factory = ProcessFactory { topics: topics.clone(), keys, thresholds: Thresholds::default() };
        let told = |pending: bool, away_ms: i64| {
            let mut out = Outputs::collecting();
            let mut fold = factory.create(UnitId(3));
            if pending {
                fold.apply(&page(&topics), &mut out).expect("a page");
            }
            fold.resumed(1_000, 1_000 + away_ms, &mut out);
            let records = out.records().iter();
            let facts = records.flat_map(|record| {
                assert_eq!((&record.to.topic, record.to.partition), (&topics.name(Topic::Facts), 3));
                let frame = record.value.clone().expect("a frame");
                let facts: Vec<String> = frame::cut(&frame)
                    .expect("whole")
                    .into_iter()
                    .map(|fact| Fact::decode(fact).expect("a fact").event)
                    .map(|event| format!("{} {}", event.type_name(), event.time.ms()))
                    .collect();
                facts
            });
            facts.collect::<Vec<_>>()
        };
        assert_eq!(told(true, PAUSE_MS - 1), Vec::<String>::new());
        assert_eq!(
            told(true, PAUSE_MS),
            ["bellwether.process.paused.v1 1000", "bellwether.process.resumed.v1 91000"]
        );
        assert_eq!(told(false, PAUSE_MS), Vec::<String>::new(), "nothing was pending");
    }

    /// A record with a page of ann, whose window moves at the next midnight.
    fn page(topics: &TopicSet) -> Record {
        let identity = pb::Identity { source: "test://pages".into(), external_id: "ann".into() };
        let message = pb::PageNotified {
            incident: "i".into(),
            responder: Some(identity.clone()),
            channel: pb::PageChannel::Push.into(),
            ..Default::default()
        };
        let mut fact = Fact::new(Event::new("test://pages", "1", EventTime::from_ms(0), message));
        fact.resolved = vec![Resolved {
            source: identity.source,
            external_id: identity.external_id,
            person: "ann".into(),
        }];
        let record = record::of_facts(&[fact.to_message()], topics, 3, None).remove(0);
        Record {
            from: record.to,
            offset: 0,
            key: None,
            value: record.value,
            headers: Vec::new(),
            timestamp_ms: 1_000,
        }
    }
}
