//! Records and positions: what is appended, what comes back, and where one is in a partition.

use bytes::Bytes;

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name, prefix included.
    pub topic: String,
    /// Partition number, from 0.
    pub partition: u32,
}

impl TopicPartition {
    /// Names a partition.
    pub fn new(topic: impl Into<String>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// Where a reader is in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The partition.
    pub partition: TopicPartition,
    /// Offset of the next record to read: one past the last one done.
    pub next_offset: i64,
}

/// Record headers in order; names may repeat, a value may be absent.
pub type Headers = Vec<(String, Option<Bytes>)>;

/// A record to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Topic and explicit partition; nothing relies on a client's default partitioner.
    pub to: TopicPartition,
    /// Record key; compaction keeps the last value of each.
    pub key: Option<Bytes>,
    /// Payload; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers in order.
    pub headers: Headers,
    /// Create time in Unix milliseconds; `None` takes the client's clock. A topic with append time overrides it.
    pub timestamp_ms: Option<i64>,
}

/// A record read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it was read.
    pub from: TopicPartition,
    /// Its offset.
    pub offset: i64,
    /// Record key.
    pub key: Option<Bytes>,
    /// Payload; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers in order.
    pub headers: Headers,
    /// Record time in Unix milliseconds: the append time where the topic says so, else the create time.
    pub timestamp_ms: i64,
}
