//! Serving readers of a partition: bytes of whole batches from an offset, the aborted ranges among them, and offsets
//! by timestamp.
//!
//! Invariant: a read returns whole batches only, none of which starts at or after the given bound.

use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use super::batch::{BatchFault, BatchHeader, HEADER_BYTES};
use super::buffers::Buffers;
use super::partition::PartitionLog;
use super::records::timestamp_position;
use super::scan::{ScanFault, Scanner};
use super::segment::{AbortedRange, Segment};

/// Bytes read ahead of the wanted batch, for the walk from the index entry to it; at least one index interval.
const WALK: u64 = 32 * 1024;

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    #[error("the offset is outside the log")]
    OutOfRange,
    #[error("cannot read the log of the partition")]
    Io(#[from] io::Error),
    #[error("the log of the partition is damaged")]
    Damaged(#[from] ScanFault),
}

/// Whole batches read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batches {
    pub(crate) bytes: Bytes,
    /// Offsets of the first batch and of what follows the last one.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// There are batches, and the first is larger than what was asked for.
    pub(crate) too_small: bool,
}

/// A record found by its timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dated {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
}

impl PartitionLog {
    /// Reads whole batches from the one that holds `offset`, up to `max_bytes` and below `bound`. The first batch is
    /// returned even when it alone exceeds `max_bytes`, if `at_least_one`.
    pub(crate) fn read(
        &self,
        offset: i64,
        bound: i64,
        max_bytes: usize,
        at_least_one: bool,
        buffers: &mut Buffers,
    ) -> Result<Batches, ReadFault> {
        if offset < self.start || offset > self.end {
            return Err(ReadFault::OutOfRange);
        }
        if offset >= bound || (max_bytes == 0 && !at_least_one) {
            return Ok(Batches::default());
        }
        let first = self.segments.partition_point(|segment| segment.next_offset <= offset);
        for segment in &self.segments[first..] {
            if segment.base >= bound {
                break;
            }
            match self.read_segment(segment, offset, bound, max_bytes, at_least_one, buffers)? {
                Window::Batches(batches) => return Ok(batches),
                Window::TooSmall => return Ok(Batches { too_small: true, ..Batches::default() }),
                Window::Nothing => {} // cleaned away; look on in the next segment
            }
        }
        Ok(Batches::default())
    }

    /// Bytes from a position at or a little before `offset` to the end of the log.
    pub(crate) fn bytes_from(&self, offset: i64) -> u64 {
        if offset >= self.end {
            return 0;
        }
        let first = self.segments.partition_point(|segment| segment.next_offset <= offset);
        let later: u64 = self.segments[first..].iter().skip(1).map(|segment| segment.size).sum();
        let here = self.segments.get(first).map_or(0, |segment| {
            segment.size - segment.index.position_of(segment.relative(offset)).min(segment.size)
        });
        here + later
    }

    fn read_segment(
        &self,
        segment: &Segment,
        offset: i64,
        bound: i64,
        max_bytes: usize,
        at_least_one: bool,
        buffers: &mut Buffers,
    ) -> Result<Window, ReadFault> {
        let file = self.files.get(segment.id, &segment.path)?;
        let mut position = segment.index.position_of(segment.relative(offset));
        let mut length = (segment.size - position).min(max_bytes as u64 + WALK);
        loop {
            let mut buffer = buffers.take(length as usize);
            let read = &mut buffer[..length as usize];
            file.read_exact_at(read, position)?;
            let (skip, needed) = match cut_batches(read, offset, bound, max_bytes, at_least_one) {
                Cut::Range { start, end, from, to } => {
                    let bytes = buffers.lend(buffer).slice(start..end);
                    return Ok(Window::Batches(Batches { bytes, from, to, too_small: false }));
                }
                Cut::TooSmall => {
                    buffers.give_back(buffer);
                    return Ok(Window::TooSmall);
                }
                Cut::Nothing => {
                    buffers.give_back(buffer);
                    return Ok(Window::Nothing);
                }
                // The walk ran out of buffer before it met the batch, or the batch is larger than the buffer.
                Cut::Further { skip, needed } => (skip, needed),
            };
            buffers.give_back(buffer);
            position += skip as u64;
            let rest = segment.size.saturating_sub(position);
            if rest == 0 {
                return Ok(Window::Nothing);
            }
            let stuck = skip == 0 && needed as u64 <= length;
            if stuck || needed as u64 > rest {
                let fault = BatchFault::Short;
                return Err(ReadFault::Damaged(ScanFault::Damaged { position, fault }));
            }
            length = rest.min((max_bytes as u64 + WALK).max(needed as u64));
        }
    }

    /// Aborted transactions with records in `from..to`.
    pub(crate) fn aborted_in(&self, from: i64, to: i64) -> Vec<AbortedRange> {
        let first = self.aborted.partition_point(|range| range.last_offset < from);
        let mut found = Vec::new();
        for range in &self.aborted[first..] {
            if range.first_offset < to {
                found.push(*range);
            }
            if range.stable_after >= to {
                break;
            }
        }
        found
    }

    /// The first record at or after a timestamp.
    pub(crate) fn offset_for_time(&self, timestamp: i64) -> Result<Option<Dated>, ReadFault> {
        for segment in self.segments.iter().filter(|segment| segment.latest_timestamp >= timestamp) {
            let file = self.files.get(segment.id, &segment.path)?;
            let mut scan = Scanner::new(file, segment.index.position_of_time(timestamp), segment.size);
            while let Some(batch) = scan.next()? {
                if batch.header.max_timestamp < timestamp || batch.header.is_control() {
                    continue;
                }
                let found = timestamp_position(batch.bytes, &batch.header, timestamp);
                if let Some(found) = found.filter(|found| found.offset >= self.start) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The first record that carries the largest timestamp of the log.
    pub(crate) fn latest_record(&self) -> Result<Option<Dated>, ReadFault> {
        let latest = self.segments.iter().map(|segment| segment.latest_timestamp).max();
        match latest.filter(|latest| *latest >= 0) {
            Some(latest) => self.offset_for_time(latest),
            None => Ok(None),
        }
    }
}

enum Window {
    Batches(Batches),
    TooSmall,
    Nothing,
}

enum Cut {
    /// Whole batches to serve.
    Range { start: usize, end: usize, from: i64, to: i64 },
    /// The first batch exceeds the limit and none has to be served.
    TooSmall,
    /// All batches here are before the offset or at the bound.
    Nothing,
    /// Read again `skip` bytes further, at least `needed` bytes.
    Further { skip: usize, needed: usize },
}

/// Finds the whole batches of a buffer that hold `offset..bound`.
fn cut_batches(buffer: &[u8], offset: i64, bound: i64, max_bytes: usize, at_least_one: bool) -> Cut {
    let mut at = 0;
    // Start and first offset of the range, then its end and next offset, once there is a batch in it.
    let mut range: Option<(usize, i64, usize, i64)> = None;
    let served = |range: Option<(usize, i64, usize, i64)>, otherwise| match range {
        Some((start, from, end, to)) => Cut::Range { start, end, from, to },
        None => otherwise,
    };
    while let Ok(header) = BatchHeader::parse(buffer.get(at..).unwrap_or_default()) {
        if header.base_offset >= bound {
            return served(range, Cut::Nothing);
        }
        if header.last_offset() >= offset {
            let (start, from) = range.map_or((at, header.base_offset), |(start, from, ..)| (start, from));
            let fits = at + header.size - start <= max_bytes;
            if !fits && (range.is_some() || !at_least_one) {
                return served(range, Cut::TooSmall);
            }
            if at + header.size > buffer.len() {
                return served(range, Cut::Further { skip: at, needed: header.size });
            }
            range = Some((start, from, at + header.size, header.next_offset()));
        }
        at += header.size;
    }
    served(range, Cut::Further { skip: at, needed: HEADER_BYTES })
}
