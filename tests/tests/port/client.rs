//! A member as the cases write it: options, records, and a copier that goes on through any trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::{
    Assignor, Cleanup, Error, ErrorClass, EventLog, FencingToken, GroupOptions, Member, NewRecord, Polled,
    Position, Record, TimestampKind, TopicPartition, TopicSpec, Transaction,
};
use bytes::Bytes;

/// Where Apache Kafka listens.
pub(crate) const ADDRESS: &str = "BELLWETHER_KAFKA";
/// Client settings for it.
const SETTINGS: &str = "BELLWETHER_KAFKA_SETTINGS";
/// How long anything expected may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// A name no other case, run or process uses.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("port-{name}-{now:x}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Options for an address; the further settings are those of Apache Kafka's.
pub(crate) fn options(address: &str) -> anyhow::Result<KafkaOptions> {
    let apache = std::env::var(ADDRESS).is_ok_and(|apache| apache == address);
    let words = if apache { std::env::var(SETTINGS).unwrap_or_default() } else { String::new() };
    let mut settings = BTreeMap::from([("bootstrap.servers".to_owned(), address.to_owned())]);
    for word in words.split_whitespace() {
        let (name, value) =
            word.split_once('=').with_context(|| format!("{SETTINGS}: `{word}` has no `=`"))?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    Ok(KafkaOptions::from_settings(settings)?)
}

pub(crate) fn member(group: &str, topic: &str) -> GroupOptions {
    GroupOptions {
        group: group.to_owned(),
        topics: vec![topic.to_owned()],
        assignor: Assignor::CooperativeSticky,
        transactional_id: unique("id"),
        start_at_beginning: true,
        max_batch_bytes: 1 << 20,
        max_batch_records: 100,
    }
}

pub(crate) fn topic(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        replication: 1,
        cleanup: Cleanup::Delete,
        retention_ms: -1,
        timestamps: TimestampKind::CreateTime,
        settings: Vec::new(),
    }
}

pub(crate) fn record(topic: &str, partition: u32, value: &str) -> NewRecord {
    NewRecord {
        to: TopicPartition::new(topic, partition),
        key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

/// Polls until this many records have come.
pub(crate) fn take(member: &mut dyn Member, count: usize) -> anyhow::Result<(Vec<Record>, FencingToken)> {
    let mut taken = Vec::new();
    for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
        match member.poll(POLL)? {
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    member.start(&assignment.partition, assignment.committed.unwrap_or(0))?;
                }
            }
            Polled::Batch { records, token } => {
                taken.extend(records);
                if taken.len() >= count {
                    return Ok((taken, token));
                }
            }
            Polled::Revoked { .. } | Polled::Idle { .. } => {}
        }
    }
    bail!("waited for {count} records, got {}", taken.len())
}

pub(crate) fn commit(
    member: &mut dyn Member,
    records: Vec<NewRecord>,
    taken: &[Record],
    token: FencingToken,
) -> bellwether_log::Result<()> {
    let mut next: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    for record in taken {
        next.insert(record.from.clone(), record.offset + 1);
    }
    let positions =
        next.into_iter().map(|(partition, next_offset)| Position { partition, next_offset }).collect();
    member.commit(&Transaction { records, positions, token }).map(drop)
}

/// Copies a topic to another, partition by partition, exactly once.
pub(crate) struct Copier {
    member: Box<dyn Member>,
    output: String,
    held: BTreeSet<TopicPartition>,
    /// Set from a commit that failed until everything held was rewound to what is committed.
    rewinds: bool,
    /// Commits by what became of them.
    pub(crate) outcomes: BTreeMap<String, u32>,
}

impl Copier {
    pub(crate) fn join(log: &KafkaLog, group: &str, input: &str, output: &str) -> anyhow::Result<Self> {
        let mut options = member(group, input);
        options.max_batch_records = 5;
        let member = log.join(options)?;
        let (output, held, outcomes) = (output.to_owned(), BTreeSet::new(), BTreeMap::new());
        Ok(Self { member, output, held, rewinds: false, outcomes })
    }

    /// Polls once and commits what came; how many records were committed for certain.
    pub(crate) fn step(&mut self) -> anyhow::Result<usize> {
        if self.rewinds {
            self.rewind()?;
        }
        let polled = match self.member.poll(POLL) {
            Ok(polled) => polled,
            Err(error) => return self.bear(error).map(|()| 0),
        };
        match polled {
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    self.member.start(&assignment.partition, assignment.committed.unwrap_or(0))?;
                    self.held.insert(assignment.partition);
                }
            }
            Polled::Revoked { partitions, .. } => self.held.retain(|held| !partitions.contains(held)),
            // What comes before the rewinding is ahead of what was committed.
            Polled::Batch { .. } if self.rewinds => {}
            Polled::Batch { records, token } => {
                let copies = records.iter().map(|record| NewRecord {
                    to: TopicPartition::new(self.output.clone(), record.from.partition),
                    key: record.key.clone(),
                    value: record.value.clone(),
                    headers: Vec::new(),
                    timestamp_ms: None,
                });
                let result = commit(self.member.as_mut(), copies.collect(), &records, token);
                let outcome =
                    result.as_ref().map_or_else(|error| format!("{:?}", error.class()), |()| "Ok".into());
                *self.outcomes.entry(outcome).or_default() += 1;
                match result {
                    Ok(()) => return Ok(records.len()),
                    Err(error) => {
                        self.rewinds = true;
                        self.bear(error)?;
                    }
                }
            }
            Polled::Idle { .. } => {}
        }
        Ok(0)
    }

    fn rewind(&mut self) -> anyhow::Result<()> {
        let held: Vec<TopicPartition> = self.held.iter().cloned().collect();
        match self.member.committed(&held) {
            Ok(found) => {
                for position in found {
                    self.member.start(&position.partition, position.committed.unwrap_or(0))?;
                }
                self.rewinds = false;
                Ok(())
            }
            Err(error) => self.bear(error),
        }
    }

    fn bear(&self, error: Error) -> anyhow::Result<()> {
        ensure!(error.class() != ErrorClass::Fatal, "the copier met {:#}", anyhow::Error::new(error));
        Ok(())
    }

    pub(crate) fn leave(self) -> anyhow::Result<()> {
        Ok(self.member.leave()?)
    }
}

/// Fails unless the copy holds every record of each partition once, in order.
pub(crate) fn check_copy(log: &KafkaLog, output: &str, partitions: u32, each: u32) -> anyhow::Result<()> {
    let expected: Vec<String> = (0..each).map(|number| format!("v{number}")).collect();
    for number in 0..partitions {
        let mut reader = log.read(&TopicPartition::new(output, number), 0)?;
        let mut found = Vec::new();
        loop {
            let records = reader.next(POLL)?;
            if records.is_empty() {
                break;
            }
            let text = |record: &Record| {
                String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned()
            };
            found.extend(records.iter().map(text));
        }
        let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        ensure!(
            found == expected,
            "partition {number} holds {} records instead of {each}, the first difference at {differs:?}",
            found.len()
        );
    }
    Ok(())
}
