//! The log of one partition: segments of verbatim record batches on disk, what it remembers of its producers, and how
//! both survive a crash. No sockets, no protocol messages, no knowledge of topics, groups or coordinators.
//!
//! All file work is short, positioned reads and writes on the calling thread; the page cache does the caching, nothing
//! of a log's content is kept in memory.

pub(crate) mod batch;
mod buffers;
pub(crate) mod clean;
pub(crate) mod files;
mod index;
pub(crate) mod partition;
pub(crate) mod producers;
mod read;
pub(crate) mod records;
mod recovery;
mod retention;
mod scan;
mod segment;
pub(crate) mod settings;

pub(crate) use buffers::Buffers;
pub(crate) use read::{Batches, Dated, ReadFault};
pub(crate) use segment::{AbortedRange, replace_file};

#[cfg(test)]
pub(crate) mod testing;
