//! Topics as we declare and as we find them.

/// What the log may forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// Records older than the retention go.
    Delete,
    /// All but the last record of each key go.
    Compact,
}

/// Whose clock stamps the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampKind {
    /// The producer's.
    CreateTime,
    /// The broker's, at append.
    LogAppendTime,
}

/// A topic as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name, prefix included.
    pub name: String,
    /// Partition count; fixed at creation.
    pub partitions: u32,
    /// Replication factor; 1 on the embedded broker.
    pub replication: u16,
    /// Clean-up policy.
    pub cleanup: Cleanup,
    /// Retention in milliseconds; -1 keeps for ever.
    pub retention_ms: i64,
    /// Record time.
    pub timestamps: TimestampKind,
    /// Further settings by their Kafka name, sorted by name.
    pub settings: Vec<(String, String)>,
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Name.
    pub name: String,
    /// Partition count.
    pub partitions: u32,
    /// Replication factor of partition 0.
    pub replication: u16,
    /// All settings the broker tells, by Kafka name, sorted.
    pub settings: Vec<(String, String)>,
}
