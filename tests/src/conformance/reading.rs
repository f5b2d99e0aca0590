//! Reading partitions by hand: assign, poll, stop at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Cluster;
use super::wait::{CALL, Deadline, TURN, eventually};

/// Which records a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Those of committed transactions, up to the stable end.
    Committed,
    /// All.
    Uncommitted,
}

impl Isolation {
    fn setting(self) -> &'static str {
        match self {
            Self::Committed => "read_committed",
            Self::Uncommitted => "read_uncommitted",
        }
    }
}

/// A record read, detached from the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Partition it was in.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Payload.
    pub value: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Record time and whose it is.
    pub timestamp: Timestamp,
}

impl Seen {
    /// Copies a message of the client.
    pub fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
        });
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
            timestamp: message.timestamp(),
        }
    }

    /// The payload as text; empty when there is none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned()
    }
}

/// The payloads as text, in the order read.
pub fn texts(records: &[Seen]) -> Vec<String> {
    records.iter().map(Seen::text).collect()
}

impl Cluster {
    /// A consumer that commits nothing by itself, starts nowhere by itself and tells the end of a partition.
    pub fn consumer(&self, group: &str, settings: &[(&str, &str)]) -> anyhow::Result<BaseConsumer> {
        Ok(self.consumer_config(group, settings).create()?)
    }

    /// The settings of [`Cluster::consumer`].
    pub fn consumer_config(&self, group: &str, settings: &[(&str, &str)]) -> rdkafka::ClientConfig {
        let mut config = self.config(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
            ("allow.auto.create.topics", "false"),
            ("fetch.wait.max.ms", "100"),
            ("fetch.error.backoff.ms", "20"),
        ]);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        config
    }

    /// A reader of one partition from an offset.
    pub fn reader(
        &self,
        topic: &str,
        partition: i32,
        from: Offset,
        isolation: Isolation,
    ) -> anyhow::Result<BaseConsumer> {
        let consumer = self.consumer("unused", &[("isolation.level", isolation.setting())])?;
        know_leaders(&consumer, topic)?;
        consumer.assign(&at(topic, &[(partition, from)])?)?;
        Ok(consumer)
    }

    /// Every record of a topic that a reader sees now, by partition and offset.
    pub fn read_all(&self, topic: &str, isolation: Isolation) -> anyhow::Result<Vec<Seen>> {
        let consumer = self.consumer("unused", &[("isolation.level", isolation.setting())])?;
        let partitions = know_leaders(&consumer, topic)?;
        let all: Vec<_> = (0..partitions).map(|partition| (partition, Offset::Beginning)).collect();
        consumer.assign(&at(topic, &all)?)?;
        let mut records = read_to_end(&consumer, all.len())?;
        records.sort_by_key(|record| (record.partition, record.offset));
        Ok(records)
    }

    /// What a committed reader sees once no transaction is open: Apache Kafka answers a commit when it is decided, and
    /// writes the markers that show it a moment later.
    pub fn read_settled(&self, topic: &str) -> anyhow::Result<Vec<Seen>> {
        let partitions = i32::try_from(self.usable_partitions(topic)?)?;
        for partition in 0..partitions {
            self.settled(topic, partition)?;
        }
        self.read_all(topic, Isolation::Committed)
    }

    /// Waits until nothing of a partition is open.
    pub fn settled(&self, topic: &str, partition: i32) -> anyhow::Result<()> {
        eventually(format!("the stable end of {topic}[{partition}] at its end"), || {
            let stable = self.bounds(topic, partition, Isolation::Committed)?;
            Ok((stable == self.bounds(topic, partition, Isolation::Uncommitted)?).then_some(()))
        })
    }

    /// First offset and end of a partition, as a reader of that isolation is told.
    pub fn bounds(&self, topic: &str, partition: i32, isolation: Isolation) -> anyhow::Result<(i64, i64)> {
        let consumer = self.consumer("unused", &[("isolation.level", isolation.setting())])?;
        // A new leader is in the metadata before it knows of it itself, and a client asks again for as long as it says so.
        eventually(format!("{topic}/{partition} has a leader that knows it"), || {
            match consumer.fetch_watermarks(topic, partition, CALL) {
                Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::NotLeaderForPartition) => {
                    Ok(None)
                }
                asked => asked.map(Some).context("asking for watermarks"),
            }
        })
    }

    /// The group's stable committed position.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> anyhow::Result<Option<i64>> {
        let consumer = self.consumer(group, &[])?;
        let list = consumer.committed_offsets(at(topic, &[(partition, Offset::Invalid)])?, CALL)?;
        let element = list.find_partition(topic, partition).context("no answer for the partition")?;
        element.error()?;
        match element.offset() {
            Offset::Offset(offset) => Ok(Some(offset)),
            Offset::Invalid => Ok(None),
            other => bail!("a committed position of {other:?}"),
        }
    }
}

/// Has the client learn a topic's leaders, and tells the number of its partitions. A client that is assigned what it
/// does not know waits 0.5 s before it asks.
fn know_leaders(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<i32> {
    let metadata = consumer.fetch_metadata(Some(topic), CALL)?;
    let found = metadata.topics().first().context("no answer for the topic")?;
    Ok(i32::try_from(found.partitions().len())?)
}

/// Positions of one topic.
pub fn at(topic: &str, positions: &[(i32, Offset)]) -> anyhow::Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in positions {
        list.add_partition_offset(topic, *partition, *offset)?;
    }
    Ok(list)
}

/// Polls until the ends of that many partitions were told; what came before.
pub fn read_to_end(consumer: &BaseConsumer, partitions: usize) -> anyhow::Result<Vec<Seen>> {
    let deadline = Deadline::new(format!("the ends of {partitions} partitions"));
    let (mut records, mut ends) = (Vec::new(), BTreeSet::new());
    while ends.len() < partitions {
        deadline.check(|| format!("{} records, ends of {ends:?}", records.len()))?;
        match next(consumer, TURN)? {
            Next::Record(record) => records.push(record),
            Next::End(partition) => {
                ends.insert(partition);
            }
            Next::Nothing => {}
        }
    }
    Ok(records)
}

/// Polls until that many records have come.
pub fn read_count(consumer: &BaseConsumer, count: usize) -> anyhow::Result<Vec<Seen>> {
    let deadline = Deadline::new(format!("{count} records"));
    let mut records = Vec::new();
    while records.len() < count {
        deadline.check(|| format!("{} records", records.len()))?;
        if let Next::Record(record) = next(consumer, TURN)? {
            records.push(record);
        }
    }
    Ok(records)
}

/// What a poll brought.
#[derive(Debug)]
pub enum Next {
    /// A record.
    Record(Seen),
    /// The end of a partition.
    End(i32),
    /// Nothing in time, or a connection that comes back by itself.
    Nothing,
}

/// One poll.
pub fn next(
    consumer: &BaseConsumer<impl rdkafka::consumer::ConsumerContext>,
    wait: Duration,
) -> anyhow::Result<Next> {
    match consumer.poll(wait) {
        None => Ok(Next::Nothing),
        Some(Ok(message)) => Ok(Next::Record(Seen::of(&message))),
        Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Next::End(partition)),
        Some(Err(error)) if passes(&error) => Ok(Next::Nothing),
        Some(Err(error)) => Err(error).context("polling"),
    }
}

/// Told while a broker restarts; the client connects again by itself.
fn passes(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown)
    )
}
