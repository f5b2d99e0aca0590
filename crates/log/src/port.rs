//! The three traits: the log, a member of a group, a reader of one partition; and the transaction.

use std::time::Duration;

use crate::{NewRecord, Position, Record, Result, TopicInfo, TopicPartition, TopicSpec};

/// The log. Cheap to share between threads.
pub trait EventLog: Send + Sync + std::fmt::Debug {
    /// Creates the topics that do not exist. One that exists is left as it is.
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<()>;

    /// Describes the topics whose names begin with `prefix`, sorted by name.
    fn describe_topics(&self, prefix: &str) -> Result<Vec<TopicInfo>>;

    /// First offset, stable end and end of a partition.
    fn bounds(&self, partition: &TopicPartition) -> Result<Bounds>;

    /// Stable committed positions of a group, without joining it; partitions with none are left out.
    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Position>>;

    /// Joins a consumer group as a transactional member.
    fn join(&self, options: GroupOptions) -> Result<Box<dyn Member>>;

    /// Reads one partition from an offset, outside any group, committed records only.
    fn read(&self, partition: &TopicPartition, from_offset: i64) -> Result<Box<dyn PartitionReader>>;

    /// An idempotent appender outside any group, for what has no consumed position: connectors, commands.
    fn appender(&self) -> Result<Box<dyn Appender>>;
}

/// How to join a group.
#[derive(Debug, Clone)]
pub struct GroupOptions {
    /// Consumer group.
    pub group: String,
    /// Topics to subscribe to, all of them existing.
    pub topics: Vec<String>,
    /// How partitions are dealt out among members.
    pub assignor: Assignor,
    /// Stable transactional id: `<app>-<role>-<ordinal>`.
    pub transactional_id: String,
    /// Where a partition without a committed position starts: its first offset when true; an error when false.
    pub start_at_beginning: bool,
    /// Bound on the bytes a poll hands over at once.
    pub max_batch_bytes: usize,
    /// Bound on the records a poll hands over at once.
    pub max_batch_records: usize,
}

/// How a group deals out partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignor {
    /// Moves as few partitions as it can; for groups of one topic.
    CooperativeSticky,
    /// Gives the same partition numbers of equally partitioned topics to the same member; for groups whose
    /// state is fed by several co-partitioned topics.
    Range,
}

/// First offset, stable end, end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Offset of the first record still kept.
    pub start: i64,
    /// One past the last record a committed reader may see.
    pub stable_end: i64,
    /// One past the last record.
    pub end: i64,
}

/// Ties a batch to the assignment in which it was read. A commit is refused, whatever the group's present generation
/// is, when one of its partitions was not held from the token until now; see [`crate::Holdings`]. Changes to other
/// partitions do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FencingToken(pub u64);

/// A partition handed over, and where to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The partition.
    pub partition: TopicPartition,
    /// Stable committed position; `None` when the group has none.
    pub committed: Option<i64>,
}

/// What a poll brought. Nothing is delivered for a partition between its revocation and its next assignment.
#[derive(Debug)]
pub enum Polled {
    /// Partitions were handed over. They are paused until [`Member::start`] is called for each.
    Assigned(Vec<Assignment>),
    /// Partitions were taken away. `lost` means another owner may already be at work.
    Revoked {
        /// Which.
        partitions: Vec<TopicPartition>,
        /// True when the group threw us out rather than asked.
        lost: bool,
    },
    /// Records, in offset order per partition, grouped by partition.
    Batch {
        /// The records.
        records: Vec<Record>,
        /// The assignment they belong to.
        token: FencingToken,
    },
    /// Nothing within the time-out.
    Idle {
        /// The present assignment, for transactions that speak for partitions without new records (ticks).
        token: FencingToken,
    },
}

/// Records to append, positions consumed, and the fence: all of it or nothing.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Records to append, in order.
    pub records: Vec<NewRecord>,
    /// Consumed positions, even unchanged ones, of every partition this transaction speaks for. Never empty.
    pub positions: Vec<Position>,
    /// The fence.
    pub token: FencingToken,
}

/// A commit that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOutcome {
    /// Offsets given to the appended records, in their order, where the log tells them.
    pub offsets: Vec<Option<i64>>,
}

/// A member of a consumer group with a transactional producer of its own. Lives on one thread.
pub trait Member: Send {
    /// Waits up to `timeout` for an assignment change or records.
    fn poll(&mut self, timeout: Duration) -> Result<Polled>;

    /// Starts delivery of an assigned partition at an offset.
    fn start(&mut self, partition: &TopicPartition, next_offset: i64) -> Result<()>;

    /// Stops delivery of a partition until [`Member::start`]; what was fetched is forgotten.
    fn pause(&mut self, partition: &TopicPartition) -> Result<()>;

    /// Commits a transaction. On [`crate::ErrorClass::Aborted`] the caller undoes and rewinds with
    /// [`Member::start`]; on `Indefinite` the member has re-opened its producer and the caller reads
    /// [`Member::committed`] before it decides.
    fn commit(&mut self, transaction: &Transaction) -> Result<CommitOutcome>;

    /// Stable committed positions of assigned partitions.
    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Assignment>>;

    /// Leaves the group at once, so that the others need not wait for the session to end.
    fn leave(self: Box<Self>) -> Result<()>;
}

/// Reads one partition up to its stable end.
pub trait PartitionReader: Send {
    /// The next records, up to the stable end as it is at the call; empty at the end. Waits at most `timeout`
    /// when at the end for more to come.
    fn next(&mut self, timeout: Duration) -> Result<Vec<Record>>;

    /// Offset of the next record to read, control markers passed included.
    fn next_offset(&self) -> i64;
}

/// Appends outside any group; each call returns after the log acknowledged every record.
pub trait Appender: Send {
    /// Appends in order and waits for the acknowledgements.
    fn append(&mut self, records: Vec<NewRecord>) -> Result<Vec<Option<i64>>>;
}
