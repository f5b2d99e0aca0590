//! A client process of the simulated cluster: the port itself.

use std::collections::BTreeMap;

use super::fault::{Call, Fault};
use super::member::SimMember;
use super::partition::Partition;
use super::reader::SimReader;
use super::world::Topic;
use super::{Shared, lock};
use crate::{
    Appender, Bounds, Cleanup, Error, ErrorClass, EventLog, GroupOptions, Member, NewRecord, PartitionReader,
    Position, Result, TimestampKind, TopicInfo, TopicPartition, TopicSpec,
};

/// One client process. Clones are the same process.
#[derive(Debug, Clone)]
pub struct SimProcess {
    shared: Shared,
    number: u64,
}

impl SimProcess {
    pub(super) fn new(shared: Shared, number: u64) -> Self {
        Self { shared, number }
    }

    /// Kills the process between two calls: what it opened is dead, its session ends when the clock has moved on.
    pub fn crash(&self) {
        lock(&self.shared).crash(self.number);
    }

    /// Makes every group throw out the members of this process, as one that was silent for too long; it hears of it
    /// at its next poll and may act in good faith until then.
    pub fn evict(&self) {
        lock(&self.shared).evict(self.number);
    }

    /// True when the process is dead.
    pub fn has_crashed(&self) -> bool {
        lock(&self.shared).has_crashed(self.number)
    }

    /// Does one call without special faults.
    fn call<T>(&self, what: &str, body: impl FnOnce(&mut super::World) -> Result<T>) -> Result<T> {
        let mut world = lock(&self.shared);
        let fault = world.step(self.number, Call::Other, what)?;
        let result = body(&mut world);
        let survived = world.done(self.number, fault, what, Ok(()));
        // A member that a dead process opened takes the lock again as it is dropped.
        drop(world);
        survived.and(result)
    }
}

impl EventLog for SimProcess {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        self.call("create topics", |world| {
            for spec in topics {
                if spec.partitions == 0 {
                    let what = format!("create topic {}: it needs a partition", spec.name);
                    return Err(Error::new(ErrorClass::Fatal, what));
                }
                world.topics.entry(spec.name.clone()).or_insert_with(|| Topic {
                    spec: spec.clone(),
                    partitions: (0..spec.partitions)
                        .map(|number| Partition::new(TopicPartition::new(spec.name.clone(), number)))
                        .collect(),
                });
            }
            Ok(())
        })
    }

    fn describe_topics(&self, prefix: &str) -> Result<Vec<TopicInfo>> {
        self.call("describe topics", |world| {
            let matching = world.topics.iter().filter(|(name, _)| name.starts_with(prefix));
            Ok(matching.map(|(_, topic)| describe(&topic.spec)).collect())
        })
    }

    fn bounds(&self, partition: &TopicPartition) -> Result<Bounds> {
        self.call("read bounds", |world| Ok(world.partition(partition)?.bounds()))
    }

    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Position>> {
        self.call("read committed positions", |world| {
            let mut positions = Vec::new();
            for partition in partitions {
                if let Some(next_offset) = world.stable_committed(group, partition)? {
                    positions.push(Position { partition: partition.clone(), next_offset });
                }
            }
            Ok(positions)
        })
    }

    fn join(&self, options: GroupOptions) -> Result<Box<dyn Member>> {
        self.call("join a group", |world| {
            let member = SimMember::join(&self.shared, world, self.number, options)?;
            Ok(Box::new(member) as Box<dyn Member>)
        })
    }

    fn read(&self, partition: &TopicPartition, from_offset: i64) -> Result<Box<dyn PartitionReader>> {
        self.call("open a reader", |world| {
            world.partition(partition)?;
            let reader = SimReader::new(&self.shared, self.number, partition.clone(), from_offset);
            Ok(Box::new(reader) as Box<dyn PartitionReader>)
        })
    }

    fn appender(&self) -> Result<Box<dyn Appender>> {
        self.call("open an appender", |_| {
            let appender = SimAppender { shared: self.shared.clone(), process: self.number };
            Ok(Box::new(appender) as Box<dyn Appender>)
        })
    }
}

fn describe(spec: &TopicSpec) -> TopicInfo {
    let mut settings: BTreeMap<String, String> = spec.settings.iter().cloned().collect();
    let cleanup = match spec.cleanup {
        Cleanup::Delete => "delete",
        Cleanup::Compact => "compact",
    };
    let timestamps = match spec.timestamps {
        TimestampKind::CreateTime => "CreateTime",
        TimestampKind::LogAppendTime => "LogAppendTime",
    };
    settings.insert("cleanup.policy".to_owned(), cleanup.to_owned());
    settings.insert("message.timestamp.type".to_owned(), timestamps.to_owned());
    settings.insert("retention.ms".to_owned(), spec.retention_ms.to_string());
    TopicInfo {
        name: spec.name.clone(),
        partitions: spec.partitions,
        replication: spec.replication,
        settings: settings.into_iter().collect(),
    }
}

struct SimAppender {
    shared: Shared,
    process: u64,
}

impl Appender for SimAppender {
    fn append(&mut self, records: Vec<NewRecord>) -> Result<Vec<Option<i64>>> {
        let mut world = lock(&self.shared);
        let what = "append";
        let fault = world.step(self.process, Call::Append, what)?;
        let mut offsets = Vec::with_capacity(records.len());
        let mut result = Ok(());
        for record in &records {
            result = world.admit(record);
            if result.is_err() {
                break;
            }
            offsets.push(Some(world.append(record, None)?));
        }
        if fault == Some(Fault::Duplicate) && result.is_ok() {
            for record in &records {
                world.append(record, None)?;
            }
        }
        world.done(self.process, fault, what, result.map(|()| offsets))
    }
}
