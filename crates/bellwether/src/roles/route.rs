//! `route`: events of all source topics in, frames of facts out.
//!
//! Under warped time (R15) records wait until every input has passed a mark, facts carry the time of their event, and
//! a mark becomes a tick in every partition.

use std::collections::BTreeMap;

use bellwether_engine::Fact;
use bellwether_engine::routing::{Routed, Router, Target};
use bellwether_log::{NewRecord, Record};
use bellwether_model::EventTime;
use bellwether_runtime::{
    Fold, FoldFactory, OrderKey, Outputs, Poison, RestoreError, Stage, StateHash, UnitId,
};
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, frame, instant, pb, topics};
use bytes::Bytes;

use super::{ENGINE, hash};
use crate::record;
use crate::topic_set::{TimeMode, TopicSet};

/// Makes the router's fold.
#[derive(Debug, Clone)]
pub(crate) struct RouteFactory {
    /// Topics.
    pub topics: TopicSet,
}

/// The router over the log.
#[derive(Debug)]
struct Route {
    router: Router,
    topics: TopicSet,
    last_mark: i64,
}

impl FoldFactory for RouteFactory {
    fn create(&self, _unit: UnitId) -> Box<dyn Fold> {
        Box::new(Route { router: Router::new(), topics: self.topics.clone(), last_mark: i64::MIN })
    }

    fn restore(&self, _unit: UnitId, _engine: &str, snapshot: &[u8]) -> Result<Box<dyn Fold>, RestoreError> {
        let (router, last_mark) = match (self.topics.time, snapshot.split_last_chunk()) {
            (TimeMode::Warped, Some((router, last_mark))) => (router, i64::from_le_bytes(*last_mark)),
            (TimeMode::Warped, None) => {
                return Err(RestoreError::new("a router's state without its last mark"));
            }
            (TimeMode::Live, _) => (snapshot, i64::MIN),
        };
        let router = Router::restore(router)
            .map_err(|error| RestoreError::with_source("not a router's state", error))?;
        Ok(Box::new(Route { router, topics: self.topics.clone(), last_mark }))
    }

    fn engine(&self) -> &str {
        ENGINE
    }

    /// A client's cost is per record: facts of one transaction for one partition, of one time, share frames.
    fn pack(&self, records: Vec<NewRecord>) -> Vec<NewRecord> {
        let facts_topic = self.topics.name(Topic::Facts);
        let mut packed: Vec<NewRecord> = Vec::new();
        let mut open: BTreeMap<u32, (NewRecord, Vec<Bytes>)> = BTreeMap::new();
        for mut record in records {
            let is_frame =
                record.to.topic == facts_topic && record.headers.is_empty() && record.key.is_none();
            let Some(frame) = record.value.take_if(|_| is_frame) else {
                packed.push(record);
                continue;
            };
            let partition = record.to.partition;
            match open.get_mut(&partition) {
                Some((first, frames)) if first.timestamp_ms == record.timestamp_ms => frames.push(frame),
                _ => {
                    let before = open.insert(partition, (record, vec![frame]));
                    packed.extend(before.into_iter().flat_map(joined));
                }
            }
        }
        packed.extend(open.into_values().flat_map(joined));
        packed
    }
}

/// Frames of one partition and time as few records.
fn joined((record, frames): (NewRecord, Vec<Bytes>)) -> impl Iterator<Item = NewRecord> {
    let of_frame = move |frame| NewRecord { value: Some(frame), ..record.clone() };
    frame::join(frames).into_iter().map(of_frame)
}

impl Fold for Route {
    fn apply(&mut self, record: &Record, out: &mut Outputs) -> Result<(), Poison> {
        let event =
            record::to_event(record).map_err(|error| Poison::new(Stage::Decode, error.to_string()))?;
        if let Payload::TickRecorded(_) = &event.payload {
            self.mark(event.time, out);
            return Ok(());
        }
        let now = EventTime::from_ms(record.timestamp_ms);
        let routed = self.router.route(&event, now);
        self.send(&event, record.value.as_ref(), routed, out);
        Ok(())
    }

    fn on_clock(&mut self, _now_ms: i64, _out: &mut Outputs) {}

    fn next_due_ms(&self) -> Option<i64> {
        None
    }

    fn skipped(&mut self, record: &Record, cause: &str, out: &mut Outputs) {
        let fact = pb::FactSkipped {
            fact: None,
            reason: cause.to_owned(),
            partition: record.from.partition,
            offset: record.offset,
        };
        let at = EventTime::from_ms(record.timestamp_ms);
        let id = format!("skipped/{}/{}", record.from, record.offset);
        self.push(0, &[Fact::new(Event::new("bellwether://route", id, at, fact)).to_message()], at, out);
    }

    fn order_key(&self, record: &Record) -> OrderKey {
        super::order_key(record)
    }

    fn holds_until_marks(&self) -> bool {
        self.topics.time == TimeMode::Warped
    }

    /// The router's state; under warped time with the last mark behind it, which the other inputs bring once more.
    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = self.router.snapshot();
        if self.topics.time == TimeMode::Warped {
            bytes.extend(self.last_mark.to_le_bytes());
        }
        bytes
    }

    fn state_hash(&self) -> StateHash {
        hash(&self.snapshot())
    }
}

impl Route {
    fn send(&self, event: &Event, value: Option<&Bytes>, routed: Routed, out: &mut Outputs) {
        if !out.wanted() {
            return;
        }
        // Fields of a newer version travel on with what came in; what was held back until now is written anew.
        let message = |fact: &Fact| match value {
            Some(value) if fact.event == *event => pb::Fact { data: value.clone(), ..fact.to_message() },
            _ => fact.to_message(),
        };
        let mut by_partition: BTreeMap<u32, Vec<pb::Fact>> = BTreeMap::new();
        for (target, fact) in routed.facts {
            match target {
                Target::Everywhere => {
                    let message = message(&fact);
                    for partition in 0..self.topics.facts {
                        by_partition.entry(partition).or_default().push(message.clone());
                    }
                }
                Target::Squads => self.to_squads(&fact, &message(&fact), &mut by_partition),
            }
        }
        for skipped in routed.skipped {
            let id = format!("skipped/{}/{}", event.id.source, event.id.id);
            let fact = Fact::new(Event::new("bellwether://route", id, event.time, skipped));
            by_partition.entry(0).or_default().push(fact.to_message());
        }
        for (partition, facts) in by_partition {
            self.push(partition, &facts, event.time, out);
        }
    }

    fn to_squads(&self, fact: &Fact, message: &pb::Fact, by_partition: &mut BTreeMap<u32, Vec<pb::Fact>>) {
        let mut squads: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for squad in &fact.squads {
            let partition = topics::squad_partition(squad.as_str(), self.topics.facts);
            squads.entry(partition).or_default().push(squad.to_string());
        }
        for (partition, squads) in squads {
            by_partition.entry(partition).or_default().push(pb::Fact { squads, ..message.clone() });
        }
    }

    /// Every input has passed this instant: every partition may judge its deadlines, and commands up to it may be
    /// obeyed, since whoever publishes marks publishes what happened before them first.
    fn mark(&mut self, at: EventTime, out: &mut Outputs) {
        if at.ms() <= self.last_mark {
            return;
        }
        self.last_mark = at.ms();
        let tick = pb::TickRecorded { at: Some(instant::timestamp(at)) };
        let id = format!("mark/{}", at.to_rfc3339());
        let mark = Event::new("bellwether://route", id, at, tick);
        let fact = Fact::new(mark.clone()).to_message();
        for partition in 0..self.topics.facts {
            self.push(partition, std::slice::from_ref(&fact), at, out);
        }
        for partition in 0..self.topics.functions {
            out.push(record::of_event(&mark, &self.topics, Topic::Command, partition));
        }
    }

    fn push(&self, partition: u32, facts: &[pb::Fact], at: EventTime, out: &mut Outputs) {
        let at_ms = (self.topics.time == TimeMode::Warped).then_some(at.ms());
        for record in record::of_facts(facts, &self.topics, partition, at_ms) {
            out.push(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_log::TopicPartition;
    use bellwether_wire::topics::Topic;

    use super::*;

    /// The mark of an instant in a source topic, and how many facts a fold makes of it.
    fn facts_of_mark(fold: &mut dyn Fold, topics: &TopicSet, source: Topic) -> usize {
        let at = EventTime::from_ms(1_000);
        let tick = pb::TickRecorded { at: Some(instant::timestamp(at)) };
        let mark = record::of_event(&Event::new("test://marks", "mark", at, tick), topics, source, 0);
        let record = Record {
            from: TopicPartition::new(topics.name(source), 0),
            offset: 0,
            key: mark.key,
            value: mark.value,
            headers: mark.headers,
            timestamp_ms: at.ms(),
        };
        let mut out = Outputs::collecting();
        fold.apply(&record, &mut out).expect("a mark");
        out.records().iter().filter(|record| record.to.topic == topics.name(Topic::Facts)).count()
    }

    #[test]
    fn a_mark_passed_before_a_snapshot_is_not_passed_on_again_after_it() {
        let topics = TopicSet {
            prefix: "warped".into(),
            facts: 2,
            functions: 1,
            replication: 1,
            time: TimeMode::Warped,
        };
        let factory = RouteFactory { topics: topics.clone() };
        let mut before = factory.create(UnitId(0));
        assert_eq!(facts_of_mark(before.as_mut(), &topics, Topic::Sprint), 2);
        let mut after = factory.restore(UnitId(0), ENGINE, &before.snapshot()).expect("its own snapshot");
        assert_eq!(facts_of_mark(after.as_mut(), &topics, Topic::Ticket), 0);
        assert_eq!(after.state_hash(), before.state_hash());
    }

    #[test]
    fn a_field_of_a_newer_version_passes_through() {
        let topics =
            TopicSet { prefix: "newer".into(), facts: 1, functions: 1, replication: 1, time: TimeMode::Live };
        let closed = pb::SprintClosed { sprint: "s".into(), squad: "a".into(), ..Default::default() };
        let closed = Event::new("jira://acme", "1", EventTime::from_ms(1_000), closed);
        let sent = record::of_event(&closed, &topics, Topic::Sprint, 0);
        // Field 900, one byte long: of no message of this version.
        let value = [sent.value.as_ref().expect("a message").as_ref(), &[0xa2, 0x38, 1, 7]].concat();
        let record = Record {
            from: TopicPartition::new(topics.name(Topic::Sprint), 0),
            offset: 0,
            key: sent.key,
            value: Some(value.clone().into()),
            headers: sent.headers,
            timestamp_ms: 2_000,
        };
        let mut out = Outputs::collecting();
        let mut fold = RouteFactory { topics }.create(UnitId(0));
        fold.apply(&record, &mut out).expect("an event");
        let frame = out.records()[0].value.clone().expect("a frame");
        let fact = frame::cut(&frame).expect("own frame").remove(0);
        assert!(fact.windows(value.len()).any(|bytes| bytes == value), "{fact:?}");
    }

    #[test]
    fn facts_of_one_transaction_share_a_frame_for_each_partition_and_time() {
        let topics = TopicSet {
            prefix: "packed".into(),
            facts: 2,
            functions: 1,
            replication: 1,
            time: TimeMode::Live,
        };
        let fact = |id: &str| pb::Fact { id: id.to_owned(), ..Default::default() };
        let frame = |id: &str, partition, at_ms| record::of_facts(&[fact(id)], &topics, partition, at_ms);
        let tick = pb::TickRecorded { at: None };
        let mark = Event::new("test://marks", "mark", EventTime::from_ms(0), tick);
        let records = [
            frame("a", 0, None),
            frame("b", 1, None),
            vec![record::of_event(&mark, &topics, Topic::Command, 0)],
            frame("c", 0, None),
            frame("d", 0, Some(1)),
        ];
        let factory = RouteFactory { topics: topics.clone() };
        let packed = factory.pack(records.into_iter().flatten().collect());
        let ids = |record: &NewRecord| {
            let facts = frame::cut(record.value.as_ref().expect("a value")).unwrap_or_default();
            let facts = facts.into_iter().map(|fact| Fact::decode(fact).expect("a fact").event.id.id);
            facts.collect::<Vec<_>>().join(" ")
        };
        let facts = packed.iter().filter(|record| record.to.topic == topics.name(Topic::Facts));
        let facts: Vec<(u32, Option<i64>, String)> =
            facts.map(|record| (record.to.partition, record.timestamp_ms, ids(record))).collect();
        let expected =
            [(0, None, "a c"), (0, Some(1), "d"), (1, None, "b")].map(|(p, at, ids)| (p, at, ids.to_owned()));
        assert_eq!(facts, expected);
        assert_eq!(packed.len(), 4, "what is no frame stays as it is");
    }
}
