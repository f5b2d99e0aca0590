//! A backlog on the facts topic: filled, folded beside for what must be said, and watched while a role works it off.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use bellwether_engine::{Engine, Fact, Options, Ownership};
use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::{Topic, squad_partition};
use bellwether_wire::{catalogue, frame};
use bytes::Bytes;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::{Offset, TopicPartitionList};

use crate::client;
use crate::site::FACTS_PARTITIONS;
use crate::workload::{Workload, squad_id};

/// What the roles demand of the topic besides its timestamps; the backlog is younger.
const RETENTION_MS: &str = "10368000000";

/// Events that must be said, by topic word and id, with their bytes' hash.
pub type Expected = BTreeMap<(&'static str, String), u64>;

/// A filled topic.
#[derive(Debug)]
pub struct Backlog {
    /// Facts of the workload.
    pub facts: u64,
    /// Facts of reference data beside them, those of all partitions together.
    pub reference: u64,
    /// Frames, those of reference data included.
    pub frames: u64,
    /// Bytes of all frames.
    pub bytes: u64,
    /// End offset of each partition.
    pub ends: Vec<i64>,
    /// What must be said, when the bench folded beside.
    pub expected: Option<Expected>,
}

/// Makes and fills the facts topic.
///
/// # Errors
/// When the broker refuses.
pub fn fill(
    servers: &str,
    prefix: &str,
    workload: &Workload,
    per_frame: usize,
    expect: bool,
) -> Result<Backlog> {
    let topic = Topic::Facts.name(prefix);
    let partitions = i32::try_from(FACTS_PARTITIONS)?;
    let settings = |stamps| {
        [("cleanup.policy", "delete"), ("retention.ms", RETENTION_MS), ("message.timestamp.type", stamps)]
    };
    client::create_topic(servers, &topic, partitions, &settings("CreateTime"))?;
    let mut filler = Filler {
        producer: client::bulk_producer(servers)?,
        topic: topic.clone(),
        lanes: (0..FACTS_PARTITIONS).map(|index| Lane::new(index, expect)).collect(),
        frames: 0,
        bytes: 0,
        expected: BTreeMap::new(),
    };
    let mut reference = 0;
    for event in workload.reference() {
        reference += u64::from(FACTS_PARTITIONS);
        let fact = Fact::new(event);
        for lane in 0..FACTS_PARTITIONS {
            filler.add(lane, fact.clone(), workload.before(), per_frame)?;
        }
    }
    for lane in 0..FACTS_PARTITIONS {
        filler.flush(lane)?;
    }
    for placed in workload.facts() {
        let lane = squad_partition(&squad_id(placed.squad), FACTS_PARTITIONS);
        filler.add(lane, placed.fact, placed.at, per_frame)?;
    }
    for lane in 0..FACTS_PARTITIONS {
        filler.flush(lane)?;
    }
    client::drain(&filler.producer)?;
    // Partitions end a little before the backlog does: until there, the role's own ticks judge what comes due.
    filler.tick(EventTime::from_ms(workload.end_ms()));
    alter(servers, &topic, &settings("LogAppendTime"))?;
    let ends = filler.lanes.iter().map(|lane| lane.end).collect();
    let expected = expect.then_some(filler.expected);
    let Filler { frames, bytes, .. } = filler;
    Ok(Backlog { facts: workload.facts, reference, frames, bytes, ends, expected })
}

fn alter(servers: &str, topic: &str, settings: &[(&str, &str)]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client::config(servers).create()?;
    let mut change = AlterConfig::new(ResourceSpecifier::Topic(topic));
    for (key, value) in settings {
        change = change.set(key, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for altered in runtime.block_on(admin.alter_configs([&change], &AdminOptions::new()))? {
        altered.map_err(|(_, code)| anyhow!("cannot set {topic} to append time: {code}"))?;
    }
    Ok(())
}

struct Filler {
    producer: BaseProducer,
    topic: String,
    lanes: Vec<Lane>,
    frames: u64,
    bytes: u64,
    expected: Expected,
}

/// One partition under way.
struct Lane {
    engine: Option<Engine>,
    pending: Vec<Fact>,
    last: EventTime,
    end: i64,
}

impl Lane {
    fn new(index: u32, expect: bool) -> Self {
        let ownership = Ownership::Partition { index, count: FACTS_PARTITIONS };
        let engine = expect.then(|| Engine::new(Options { ownership, ..Options::default() }));
        Self { engine, pending: Vec::new(), last: EventTime::MIN, end: 0 }
    }
}

impl Filler {
    fn add(&mut self, lane: u32, fact: Fact, at: EventTime, per_frame: usize) -> Result<()> {
        let place = &mut self.lanes[lane as usize];
        place.pending.push(fact);
        place.last = at;
        if place.pending.len() >= per_frame { self.flush(lane) } else { Ok(()) }
    }

    /// Sends what is pending as frames with the time of the last fact, and folds it if something is expected of it.
    fn flush(&mut self, lane: u32) -> Result<()> {
        let place = &mut self.lanes[lane as usize];
        let (facts, at) = (std::mem::take(&mut place.pending), place.last);
        let messages: Vec<_> = facts.iter().map(Fact::to_message).collect();
        for bytes in frame::pack(&messages) {
            let record = BaseRecord::to(&self.topic)
                .partition(i32::try_from(lane)?)
                .payload(&bytes[..])
                .timestamp(at.ms());
            client::send(&self.producer, record)?;
            place.end += 1;
            self.frames += 1;
            self.bytes += bytes.len() as u64;
        }
        self.producer.poll(std::time::Duration::ZERO);
        if let Some(engine) = &mut place.engine {
            let mut said = Vec::new();
            for fact in &facts {
                engine.apply(fact, at, &mut said);
            }
            note(&mut self.expected, &said);
        }
        Ok(())
    }

    fn tick(&mut self, through: EventTime) {
        for engine in self.lanes.iter_mut().filter_map(|lane| lane.engine.as_mut()) {
            let mut said = Vec::new();
            engine.tick(through, &mut said);
            note(&mut self.expected, &said);
        }
    }
}

fn note(expected: &mut Expected, said: &[Event]) {
    for event in said {
        if let Some(topic) = output(event) {
            let bytes = event.payload.encode().unwrap_or_default();
            expected.insert((topic.thing(), event.id.id.clone()), hash(&bytes));
        }
    }
}

/// The output topic of what an engine says; none for what it says to itself.
fn output(event: &Event) -> Option<Topic> {
    match catalogue::home_topic(event.type_name()) {
        Some(Topic::Trigger) => Some(Topic::Trigger),
        Some(Topic::Facts) => None,
        _ => Some(Topic::KeyResult),
    }
}

/// FNV-1a: what tells outputs apart, not what keeps anybody from making equal ones.
pub(crate) fn hash(bytes: &Bytes) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Looks at how far the group of the processor is.
pub struct Watch {
    consumer: BaseConsumer,
    list: TopicPartitionList,
    ends: Vec<i64>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl Watch {
    /// Of a backlog's ends.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(servers: &str, prefix: &str, ends: &[i64]) -> Result<Self> {
        let consumer = client::config(servers).set("group.id", format!("{prefix}-process")).create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..ends.len() {
            list.add_partition(&Topic::Facts.name(prefix), i32::try_from(partition)?);
        }
        Ok(Self { consumer, list, ends: ends.to_vec() })
    }

    /// Frames that are not committed yet.
    ///
    /// # Errors
    /// When the group's coordinator does not answer.
    pub fn left(&self) -> Result<u64> {
        let committed = self
            .consumer
            .committed_offsets(self.list.clone(), client::PATIENCE)
            .context("asking for the group's positions")?;
        let mut left = 0;
        for element in committed.elements() {
            let next = match element.offset() {
                Offset::Offset(next) => next,
                _ => 0,
            };
            let place = usize::try_from(element.partition())?;
            left += u64::try_from(self.ends[place].saturating_sub(next)).unwrap_or(0);
        }
        Ok(left)
    }
}
