//! The log: connects, asks, and opens members, readers and appenders.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use bellwether_log::{
    Appender, Bounds, Error, ErrorClass, EventLog, GroupOptions, Member, PartitionReader, Position, Result,
    TopicInfo, TopicPartition, TopicSpec,
};

use crate::appender::KafkaAppender;
use crate::asking::{ASK, Asking, settle};
use crate::config;
use crate::context::{Common, GroupContext, named};
use crate::failure;
use crate::member::KafkaMember;
use crate::options::KafkaOptions;
use crate::reader::Readers;
use crate::topics::{self, Admin};

/// A cluster as one process sees it. Clones share its connections.
#[derive(Clone)]
pub struct KafkaLog {
    inner: Arc<Inner>,
}

struct Inner {
    options: KafkaOptions,
    common: Common,
    asking: Arc<Asking>,
    admin: Admin,
    readers: Arc<Readers>,
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl KafkaLog {
    /// Checks the options and opens the first connections; fails when no broker answers.
    pub fn connect(options: KafkaOptions) -> Result<Self> {
        options
            .validate()
            .map_err(|error| Error::with_source(ErrorClass::Fatal, "read the options of the log", error))?;
        let common = Common::new(&options);
        let asking = Arc::new(Asking::open(&options, &common)?);
        let readers = Arc::new(Readers::new(options.clone(), common.clone(), Arc::clone(&asking)));
        let admin = Admin::new(options.clone(), common.clone());
        Ok(Self { inner: Arc::new(Inner { options, common, asking, admin, readers }) })
    }
}

impl EventLog for KafkaLog {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        let inner = &self.inner;
        topics::create(&inner.admin, &inner.asking, topics)
    }

    fn describe_topics(&self, prefix: &str) -> Result<Vec<TopicInfo>> {
        let inner = &self.inner;
        topics::describe(&inner.admin, &inner.asking, prefix)
    }

    fn bounds(&self, partition: &TopicPartition) -> Result<Bounds> {
        self.inner.asking.bounds(partition)
    }

    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Position>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let inner = &self.inner;
        let consumer: BaseConsumer<GroupContext> = config::positions(&inner.options, group)
            .create_with_context(GroupContext::new(inner.common.clone()))
            .map_err(|error| failure::fatal(format!("read the positions of {group}"), error))?;
        settle(&consumer, &inner.common);
        let found = committed_offsets(&consumer, group, partitions, ASK)?;
        let position = |(partition, committed): (TopicPartition, Option<i64>)| {
            committed.map(|next_offset| Position { partition, next_offset })
        };
        Ok(found.into_iter().filter_map(position).collect())
    }

    fn join(&self, options: GroupOptions) -> Result<Box<dyn Member>> {
        let inner = &self.inner;
        for topic in &options.topics {
            if !inner.asking.has_leaders(topic)? {
                let what = format!("join {}: topic {topic} does not exist or has no leader", options.group);
                return Err(Error::new(ErrorClass::Fatal, what));
            }
        }
        Ok(Box::new(KafkaMember::join(inner.options.clone(), inner.common.clone(), options)?))
    }

    fn read(&self, partition: &TopicPartition, from_offset: i64) -> Result<Box<dyn PartitionReader>> {
        Ok(Box::new(self.inner.readers.open(partition, from_offset)))
    }

    fn appender(&self) -> Result<Box<dyn Appender>> {
        Ok(Box::new(KafkaAppender::open(&self.inner.options, &self.inner.common)?))
    }
}

/// Stable committed positions, in the order asked for.
pub(crate) fn committed_offsets(
    consumer: &BaseConsumer<GroupContext>,
    group: &str,
    partitions: &[TopicPartition],
    within: Duration,
) -> Result<Vec<(TopicPartition, Option<i64>)>> {
    let what = || format!("read the committed positions of {group}");
    let asked = consumer
        .committed_offsets(list(partitions.iter()), within)
        .map_err(|error| failure::failure(what(), error))?;
    let names = named(&asked);
    let mut found = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let place = names.iter().position(|name| name == partition);
        let elements = asked.elements();
        let Some(element) = place.and_then(|place| elements.get(place)) else {
            return Err(Error::new(ErrorClass::Transient, format!("{}: none told for {partition}", what())));
        };
        element.error().map_err(|error| failure::failure(what(), error))?;
        let committed = match element.offset() {
            Offset::Offset(next_offset) => Some(next_offset),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
                None
            }
        };
        found.push((partition.clone(), committed));
    }
    Ok(found)
}

/// Partitions in the client's form.
pub(crate) fn list<'a>(partitions: impl Iterator<Item = &'a TopicPartition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic, i32::try_from(partition.partition).unwrap_or(i32::MAX));
    }
    list
}
