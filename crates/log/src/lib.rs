//! The log port: the narrow, synchronous window through which every role sees the log.
//!
//! What it is: plain data (records, positions, topics) and three traits. What it is not: a Kafka client. The
//! Kafka adapter lives in `bellwether-kafka`, the deterministic simulator beside this file in [`sim`]; both pass
//! the one suite of [`suite`].
//!
//! Invariants:
//! - A transaction always carries consumed positions and the fencing token of the batch they come from; there is
//!   no way to append inside a group without both.
//! - Readers see committed records only, and never past the stable end.
//! - A position is the offset of the next record to read (`next_offset`).
//! - Everything blocks the calling thread; nothing here may be called from an async worker.

pub mod error;
pub mod holdings;
pub mod port;
pub mod record;
pub mod sim;
pub mod suite;
pub mod topic;

pub use error::{Error, ErrorClass, Result};
pub use holdings::Holdings;
pub use port::{
    Appender, Assignment, Assignor, Bounds, CommitOutcome, EventLog, FencingToken, GroupOptions, Member,
    PartitionReader, Polled, Transaction,
};
pub use record::{Headers, NewRecord, Position, Record, TopicPartition};
pub use topic::{Cleanup, TimestampKind, TopicInfo, TopicSpec};
