//! The log seen from outside: what topics hold, how far the roles are, and events put in.

use std::fmt::Write as _;

use anyhow::{Context, ensure};
use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::{EventLog, NewRecord, PartitionReader, Position, TopicPartition};
use bellwether_wire::frame;
use bellwether_wire::topics::Topic;
use bytes::Bytes;

use super::settings::Settings;
use crate::conformance::wait::{Deadline, TURN};

/// Records of one append.
const BATCH: usize = 2_000;

/// A record without its position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Partition.
    pub partition: u32,
    /// Key.
    pub key: Option<Bytes>,
    /// Payload.
    pub value: Option<Bytes>,
    /// Headers in order.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Record time.
    pub timestamp_ms: i64,
}

impl Said {
    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        bellwether_wire::binary::optional(&self.headers, name).unwrap_or_default()
    }

    /// True when it says that a role was away: when and how often is the clock's affair.
    pub fn is_pause(&self) -> bool {
        self.header("ce_type").starts_with("bellwether.process.")
    }

    /// What it is, in a line.
    pub fn line(&self) -> String {
        let key = self.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let bytes = self.value.as_ref().map_or(0, Bytes::len);
        let (kind, id) = (self.header("ce_type"), self.header("ce_id"));
        format!("{} {key} {kind} {id} at {} ({bytes} bytes)", self.partition, self.timestamp_ms)
    }
}

/// The log of a running process.
#[derive(Debug)]
pub struct Outside {
    log: KafkaLog,
    settings: Settings,
}

impl Outside {
    /// Connects.
    pub fn connect(servers: &str, settings: &Settings) -> anyhow::Result<Self> {
        let log =
            KafkaLog::connect(KafkaOptions::new(servers.to_owned())).context("connecting to the log")?;
        Ok(Self { log, settings: settings.clone() })
    }

    /// Appends in order and waits for the acknowledgements.
    pub fn append(&self, records: &[NewRecord]) -> anyhow::Result<()> {
        let mut appender = self.log.appender()?;
        for chunk in records.chunks(BATCH) {
            appender.append(chunk.to_vec())?;
        }
        Ok(())
    }

    /// Everything committed readers see of a topic, partition by partition. Of `facts` each fact by itself: which facts share
    /// a frame follows from where transactions ended, which a kill moves, and nothing else does.
    pub fn contents(&self, topic: Topic) -> anyhow::Result<Vec<Said>> {
        let mut said = Vec::new();
        for partition in self.partitions(topic) {
            let bounds = self.log.bounds(&partition)?;
            let mut reader = self.log.read(&partition, bounds.start)?;
            let deadline = Deadline::new(format!("{partition} is read to {}", bounds.stable_end));
            while reader.next_offset() < bounds.stable_end {
                deadline.check(|| format!("offset {}", reader.next_offset()))?;
                for record in reader.next(TURN)? {
                    let record = Said {
                        partition: record.from.partition,
                        key: record.key,
                        value: record.value,
                        headers: record.headers,
                        timestamp_ms: record.timestamp_ms,
                    };
                    match (&record.value, topic) {
                        (Some(value), Topic::Facts) => {
                            let facts = frame::cut(value)?;
                            said.extend(
                                facts.into_iter().map(|fact| Said { value: Some(fact), ..record.clone() }),
                            );
                        }
                        _ => said.push(record),
                    }
                }
            }
        }
        Ok(said)
    }

    /// Sum of a topic's end offsets.
    pub fn end(&self, topic: Topic) -> anyhow::Result<i64> {
        self.partitions(topic).iter().map(|at| Ok(self.log.bounds(at)?.end)).sum()
    }

    /// Sum of the positions a role has committed in its inputs; markers count, so it is a measure of progress, no count.
    pub fn progress(&self, role: &str) -> anyhow::Result<i64> {
        Ok(self.positions(role)?.iter().map(|position| position.next_offset).sum())
    }

    /// Waits until every role has done with all there is; `look` may fail early.
    pub fn settle(&self, mut look: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
        for role in ["route", "process", "escalate"] {
            let deadline = Deadline::new(format!("{role} has done with its inputs"));
            // Grows with what its forerunners, all of them done, have said.
            let mut tails = Vec::new();
            for partition in self.inputs(role) {
                let start = self.log.bounds(&partition)?.start;
                let reader = self.log.read(&partition, start)?;
                tails.push(Tail { partition, reader, last: -1 });
            }
            loop {
                look()?;
                let committed = self.positions(role)?;
                let mut behind = String::new();
                for tail in &mut tails {
                    tail.follow()?;
                    let at = committed.iter().find(|position| position.partition == tail.partition);
                    let next = at.map_or(0, |position| position.next_offset);
                    if tail.last >= next {
                        write!(behind, " {} {next} of {}", tail.partition, tail.last + 1)?;
                    }
                }
                if behind.is_empty() {
                    break;
                }
                deadline.check(|| behind)?;
            }
        }
        Ok(())
    }

    fn positions(&self, role: &str) -> anyhow::Result<Vec<Position>> {
        let group = format!("{}-{role}", self.settings.prefix);
        Ok(self.log.committed(&group, &self.inputs(role))?)
    }

    fn inputs(&self, role: &str) -> Vec<TopicPartition> {
        let topics: &[Topic] = match role {
            "route" => &Topic::SOURCES,
            "process" => &[Topic::Facts],
            _ => &[Topic::Trigger, Topic::Command],
        };
        topics.iter().flat_map(|topic| self.partitions(*topic)).collect()
    }

    fn partitions(&self, topic: Topic) -> Vec<TopicPartition> {
        let count = match topic {
            Topic::Facts => self.settings.facts,
            Topic::Trigger
            | Topic::Command
            | Topic::Escalation
            | Topic::EscalationDelay
            | Topic::KeyResult => self.settings.functions,
            Topic::Sprint
            | Topic::Ticket
            | Topic::Page
            | Topic::Delivery
            | Topic::Okr
            | Topic::Reference
            | Topic::Receipt
            | Topic::Dlq => 1,
        };
        let name = self.settings.topic(topic);
        (0..count).map(|number| TopicPartition::new(name.clone(), number)).collect()
    }
}

struct Tail {
    partition: TopicPartition,
    reader: Box<dyn PartitionReader>,
    /// Offset of the last record.
    last: i64,
}

impl Tail {
    fn follow(&mut self) -> anyhow::Result<()> {
        loop {
            let records = self.reader.next(TURN)?;
            let Some(record) = records.last() else { return Ok(()) };
            self.last = record.offset;
        }
    }
}

/// Fails at the first difference, and says which.
pub fn unlike(what: &str, found: &[Said], wanted: &[Said]) -> anyhow::Result<()> {
    for (number, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        ensure!(
            found == wanted,
            "{what}: record {number} is\n  {}\nand not\n  {}\n{found:?}\n{wanted:?}",
            found.line(),
            wanted.line()
        );
    }
    let common = found.len().min(wanted.len());
    let (more, less) = (found.get(common).map(Said::line), wanted.get(common).map(Said::line));
    ensure!(
        found.len() == wanted.len(),
        "{what}: {} records, not {}; too many from {more:?}, missing from {less:?}",
        found.len(),
        wanted.len()
    );
    Ok(())
}
