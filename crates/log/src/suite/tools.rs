//! What the cases are written with: failures, topics, and a member that starts what it is given.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Harness;
use crate::{
    Appender, Assignor, Bounds, Cleanup, Error, EventLog, FencingToken, GroupOptions, Member, NewRecord,
    Polled, Position, Record, TimestampKind, TopicPartition, TopicSpec, Transaction,
};

/// How long one poll may wait; short, so that two members on one thread both stay in their group.
pub(super) const POLL: Duration = Duration::from_millis(50);
/// How many polls a case makes before it gives up: a minute on a real broker, nothing on the simulator.
pub(super) const POLLS: usize = 1_200;

/// How often to look for a marker; a look at a broker takes about a millisecond.
const MARKER_LOOKS: usize = 1_000;

/// Why a case failed.
#[derive(Debug)]
pub struct Failure(String);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut text = format!("{:?}: {error}", error.class());
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            text.push_str(&format!(": {deeper}"));
            cause = deeper.source();
        }
        Failure(text)
    }
}

pub(super) type Outcome = Result<(), Failure>;

pub(super) fn fail<T>(what: impl Into<String>) -> Result<T, Failure> {
    Err(Failure(what.into()))
}

pub(super) fn ensure(holds: bool, what: impl Into<String>) -> Outcome {
    if holds { Ok(()) } else { fail(what) }
}

pub(super) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Outcome {
    ensure(found == expected, format!("{what}: found {found:?}, expected {expected:?}"))
}

/// A case's log and names.
pub(super) struct Bench<'a> {
    pub(super) log: Arc<dyn EventLog>,
    harness: &'a dyn Harness,
    /// Opened by the first filling and kept, because a client takes its time to open.
    appender: RefCell<Option<Box<dyn Appender>>>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(harness: &'a dyn Harness) -> Self {
        Self { log: harness.log(), harness, appender: RefCell::default() }
    }

    pub(super) fn unique(&self, name: &str) -> String {
        self.harness.unique(name)
    }

    /// A topic of its own with this many partitions.
    pub(super) fn topic(&self, name: &str, partitions: u32) -> Result<String, Failure> {
        let spec = spec(self.unique(name), partitions);
        self.log.create_topics(std::slice::from_ref(&spec))?;
        Ok(spec.name)
    }

    /// Appends values with the numbers `range` to one partition, outside transactions.
    pub(super) fn fill(&self, to: &TopicPartition, range: std::ops::Range<u32>) -> Outcome {
        self.append(range.map(|number| numbered(to, number)).collect())?;
        Ok(())
    }

    /// Appends outside transactions; the offsets told.
    pub(super) fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Option<i64>>, Failure> {
        let mut kept = self.appender.borrow_mut();
        let mut appender = match kept.take() {
            Some(appender) => appender,
            None => self.log.appender()?,
        };
        let offsets = appender.append(records)?;
        *kept = Some(appender);
        Ok(offsets)
    }

    /// The bounds of a partition once no transaction is open there. A commit is answered when it is decided; Apache
    /// Kafka writes its marker a moment later, and on a busy machine a long one.
    pub(super) fn settled(&self, partition: &TopicPartition) -> Result<Bounds, Failure> {
        let mut bounds = self.log.bounds(partition)?;
        for _ in 0..MARKER_LOOKS {
            if bounds.stable_end == bounds.end {
                break;
            }
            bounds = self.log.bounds(partition)?;
        }
        Ok(bounds)
    }

    /// All committed records of a partition from an offset to its stable end, and where the reader ended. What was
    /// decided before is in it.
    pub(super) fn read(&self, from: &TopicPartition, offset: i64) -> Result<(Vec<Record>, i64), Failure> {
        self.settled(from)?;
        let mut reader = self.log.read(from, offset)?;
        let mut records = Vec::new();
        loop {
            let batch = reader.next(POLL)?;
            if batch.is_empty() {
                return Ok((records, reader.next_offset()));
            }
            records.extend(batch);
        }
    }

    pub(super) fn options(&self, group: &str, topics: &[&str]) -> GroupOptions {
        GroupOptions {
            group: group.to_owned(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            assignor: Assignor::CooperativeSticky,
            transactional_id: self.unique("id"),
            start_at_beginning: true,
            max_batch_bytes: 4 << 20,
            max_batch_records: 1_000,
        }
    }

    pub(super) fn join(&self, options: GroupOptions) -> Result<Hand, Failure> {
        Ok(Hand { member: self.log.join(options)?, held: BTreeMap::new(), starts: true })
    }
}

pub(super) fn spec(name: String, partitions: u32) -> TopicSpec {
    TopicSpec {
        name,
        partitions,
        replication: 1,
        cleanup: Cleanup::Delete,
        retention_ms: -1,
        timestamps: TimestampKind::CreateTime,
        settings: Vec::new(),
    }
}

pub(super) fn numbered(to: &TopicPartition, number: u32) -> NewRecord {
    NewRecord {
        to: to.clone(),
        key: Some(Bytes::from(format!("k{number}"))),
        value: Some(Bytes::from(format!("v{number}"))),
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

pub(super) fn values(records: &[Record]) -> Vec<String> {
    let text =
        |record: &Record| String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
    records.iter().map(text).collect()
}

pub(super) fn expected(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("v{number}")).collect()
}

/// One past the last record of each partition in a batch.
pub(super) fn positions(records: &[Record]) -> Vec<Position> {
    let mut next: BTreeMap<&TopicPartition, i64> = BTreeMap::new();
    for record in records {
        next.insert(&record.from, record.offset + 1);
    }
    next.into_iter()
        .map(|(partition, next_offset)| Position { partition: partition.clone(), next_offset })
        .collect()
}

/// A member, what it holds, and whether partitions are started as they come.
pub(super) struct Hand {
    pub(super) member: Box<dyn Member>,
    pub(super) held: BTreeMap<TopicPartition, Option<i64>>,
    pub(super) starts: bool,
}

impl Hand {
    /// One poll; keeps the books, and starts new partitions at their committed position or at 0.
    pub(super) fn poll(&mut self) -> Result<Polled, Failure> {
        let polled = self.member.poll(POLL)?;
        match &polled {
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    let doubled = self.held.insert(assignment.partition.clone(), assignment.committed);
                    ensure(doubled.is_none(), format!("{} was assigned twice", assignment.partition))?;
                    if self.starts {
                        self.member.start(&assignment.partition, assignment.committed.unwrap_or(0))?;
                    }
                }
            }
            Polled::Revoked { partitions, .. } => {
                for partition in partitions {
                    let held = self.held.remove(partition);
                    ensure(held.is_some(), format!("{partition} was revoked and not held"))?;
                }
            }
            Polled::Batch { records, .. } => {
                for record in records {
                    let held = self.held.contains_key(&record.from);
                    ensure(held, format!("{} delivered and not held", record.from))?;
                }
                ensure(!records.is_empty(), "an empty batch")?;
            }
            Polled::Idle { .. } => {}
        }
        Ok(polled)
    }

    /// Polls until this many partitions are held.
    pub(super) fn hold(&mut self, count: usize) -> Outcome {
        for _ in 0..POLLS {
            if self.held.len() == count {
                return Ok(());
            }
            self.poll()?;
        }
        fail(format!("waited for {count} partitions, hold {:?}", self.held.keys()))
    }

    /// Polls until this many records have come; they and the last token.
    pub(super) fn take(&mut self, count: usize) -> Result<(Vec<Record>, FencingToken), Failure> {
        let mut taken = Vec::new();
        for _ in 0..POLLS {
            if let Polled::Batch { records, token } = self.poll()? {
                taken.extend(records);
                if taken.len() >= count {
                    return Ok((taken, token));
                }
            }
        }
        fail(format!("waited for {count} records, got {}", taken.len()))
    }

    /// Polls until nothing comes; the token. Fails when records come.
    pub(super) fn idle(&mut self) -> Result<FencingToken, Failure> {
        for _ in 0..POLLS {
            match self.poll()? {
                Polled::Idle { token } => return Ok(token),
                Polled::Batch { records, .. } => return fail(format!("unexpected records {records:?}")),
                Polled::Assigned(_) | Polled::Revoked { .. } => {}
            }
        }
        fail("never idle")
    }

    /// Commits outputs and the positions of what was taken.
    pub(super) fn commit(
        &mut self,
        taken: &[Record],
        outputs: Vec<NewRecord>,
        token: FencingToken,
    ) -> crate::Result<crate::CommitOutcome> {
        self.member.commit(&Transaction { records: outputs, positions: positions(taken), token })
    }

    /// The committed position of one partition.
    pub(super) fn committed(&mut self, partition: &TopicPartition) -> Result<Option<i64>, Failure> {
        let found = self.member.committed(std::slice::from_ref(partition))?;
        Ok(found.first().and_then(|assignment| assignment.committed))
    }
}
