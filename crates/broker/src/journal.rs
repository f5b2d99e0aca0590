//! The journal: one append-only file that holds everything but the records: topics, committed group offsets, producer
//! ids and the durable part of transactions. What is in memory is the fold of its entries (`image`), and whoever
//! wants to change something durable appends an entry.
//!
//! The file is rewritten as a minimal one on open and whenever it has grown to several times that.
//!
//! Invariants: an entry is applied to the image only once it is in the file; a failed append leaves both as they
//! were; entries appended together are in the file together or not at all.

mod entry;
mod file;
mod image;

pub(crate) use entry::{Entry, OffsetRow, OffsetRows, PartitionRef};
pub(crate) use file::Journal;
pub(crate) use image::{CommittedOffset, Image, TopicRow, TransactionPhase, TransactionRow};
