//! Walks the batches of a segment file in order, a buffer at a time. Used where every batch must be seen: recovery,
//! cleaning, look-ups by time. Serving fetches does not come through here.
//!
//! Invariant: the buffer never grows beyond one chunk or one batch, and a batch that claims more bytes than the file
//! holds is a fault, not an allocation.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::batch::{BatchFault, BatchHeader, HEADER_BYTES};

const CHUNK: u64 = 256 * 1024;

/// Why a scan stopped early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanFault {
    #[error("cannot read the segment")]
    Io(#[from] io::Error),
    #[error("the batch at position {position} is damaged")]
    Damaged {
        position: u64,
        #[source]
        fault: BatchFault,
    },
}

/// One batch found.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) position: u64,
    pub(crate) header: BatchHeader,
    pub(crate) bytes: &'a [u8],
}

/// A walk over part of a segment file.
#[derive(Debug)]
pub(crate) struct Scanner {
    file: Arc<File>,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl Scanner {
    /// Walks from `position`, which must be the start of a batch, to `end`.
    pub(crate) fn new(file: Arc<File>, position: u64, end: u64) -> Self {
        Self { file, position, end, buffer: Vec::new(), buffer_at: position }
    }

    /// Where the next batch starts.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Returns the next batch, header parsed and checksum not checked.
    pub(crate) fn next(&mut self) -> Result<Option<Found<'_>>, ScanFault> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        let damaged = |fault| ScanFault::Damaged { position, fault };
        if self.end - position < HEADER_BYTES as u64 {
            return Err(damaged(BatchFault::Short));
        }
        self.fill(HEADER_BYTES)?;
        let at = (position - self.buffer_at) as usize;
        let header = BatchHeader::parse(&self.buffer[at..]).map_err(damaged)?;
        if self.end - position < header.size as u64 {
            return Err(damaged(BatchFault::Short));
        }
        self.fill(header.size)?;
        let at = (position - self.buffer_at) as usize;
        self.position += header.size as u64;
        Ok(Some(Found { position, header, bytes: &self.buffer[at..at + header.size] }))
    }

    /// Makes `needed` bytes from the current position available in the buffer.
    fn fill(&mut self, needed: usize) -> io::Result<()> {
        let held_to = self.buffer_at + self.buffer.len() as u64;
        if self.position >= self.buffer_at && self.position + needed as u64 <= held_to {
            return Ok(());
        }
        let length = (self.end - self.position).min(CHUNK.max(needed as u64));
        self.buffer.resize(length as usize, 0);
        self.buffer_at = self.position;
        self.file.read_exact_at(&mut self.buffer, self.position)
    }
}
