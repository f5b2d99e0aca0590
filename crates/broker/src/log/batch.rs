//! The fixed header of a record batch (format 2): reading it, stamping the fields the broker owns, checking the
//! checksum and building the broker's own batches (transaction markers, emptied batches).
//!
//! Not here: the records inside a batch (`records`). The produce and fetch paths never look at those.
//!
//! Invariant: base offset and leader epoch are outside the checksum and may be stamped in place; whoever changes
//! anything behind them recomputes it.

use bytes::BufMut;

/// Bytes of the header; the records, possibly compressed, follow.
pub(crate) const HEADER_BYTES: usize = 61;
/// Base offset and length: the part of the header that the length field does not count.
pub(crate) const LENGTH_PREFIX: usize = 12;
/// Where the checksum starts to count.
const CHECKSUM_FROM: usize = 21;
const MAGIC: i8 = 2;
const COMPRESSION_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

/// What is wrong with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchFault {
    #[error("the batch ends early")]
    Short,
    #[error("record format {0} is not supported, only 2 is")]
    Magic(i8),
    #[error("the length or the record count of the batch is impossible")]
    Shape,
    #[error("the checksum of the batch does not match")]
    Checksum,
}

/// The header fields the broker works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// Bytes of the whole batch, header included.
    pub(crate) size: usize,
    pub(crate) crc: u32,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the front of `bytes`, which may hold less than the whole batch.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BatchFault> {
        let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else { return Err(BatchFault::Short) };
        let magic = head[16] as i8;
        if magic != MAGIC {
            return Err(BatchFault::Magic(magic));
        }
        let length = i32_at(head, 8);
        let least = (HEADER_BYTES - LENGTH_PREFIX) as i32;
        let (base_offset, last_offset_delta) = (i64_at(head, 0), i32_at(head, 23));
        let possible = length >= least
            && last_offset_delta >= 0
            && base_offset >= 0
            && base_offset < i64::MAX - i64::from(i32::MAX)
            && i32_at(head, 57) >= 0;
        if !possible {
            return Err(BatchFault::Shape);
        }
        Ok(Self {
            base_offset,
            size: length as usize + LENGTH_PREFIX,
            crc: i32_at(head, 17) as u32,
            attributes: i16_at(head, 21),
            last_offset_delta,
            base_timestamp: i64_at(head, 27),
            max_timestamp: i64_at(head, 35),
            producer_id: i64_at(head, 43),
            producer_epoch: i16_at(head, 51),
            base_sequence: i32_at(head, 53),
            record_count: i32_at(head, 57),
        })
    }

    /// Reads the header of exactly one whole batch and checks its checksum.
    pub(crate) fn parse_whole(bytes: &[u8]) -> Result<Self, BatchFault> {
        let header = Self::parse(bytes)?;
        if bytes.len() < header.size {
            return Err(BatchFault::Short);
        }
        if crc32c::crc32c(&bytes[CHECKSUM_FROM..header.size]) != header.crc {
            return Err(BatchFault::Checksum);
        }
        Ok(header)
    }

    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    pub(crate) fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    /// The sequence number of the last record; sequences wrap from `i32::MAX` to 0.
    pub(crate) fn last_sequence(&self) -> i32 {
        advance_sequence(self.base_sequence, self.last_offset_delta)
    }

    pub(crate) fn has_producer(&self) -> bool {
        self.producer_id >= 0
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub(crate) fn compression(&self) -> i16 {
        self.attributes & COMPRESSION_MASK
    }

    /// When the deletions in this batch may go: set by the cleaner, in the place of the base timestamp.
    pub(crate) fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.base_timestamp)
    }

    pub(crate) fn has_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }
}

/// Adds to a sequence number, wrapping from `i32::MAX` to 0.
pub(crate) fn advance_sequence(sequence: i32, by: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(by);
    if sum > i64::from(i32::MAX) { (sum - i64::from(i32::MAX) - 1) as i32 } else { sum as i32 }
}

/// Returns the header a batch gets in the log: its base offset, leader epoch 0, and the time of the append when the
/// topic asks for it, in which case the checksum is recomputed.
pub(crate) fn stamp(batch: &[u8], base_offset: i64, append_time: Option<i64>) -> [u8; HEADER_BYTES] {
    let mut head = [0; HEADER_BYTES];
    head.copy_from_slice(&batch[..HEADER_BYTES]);
    head[0..8].copy_from_slice(&base_offset.to_be_bytes());
    head[12..16].copy_from_slice(&0i32.to_be_bytes());
    let attributes = i16_at(&head, 21);
    let wanted = match append_time {
        Some(_) => attributes | LOG_APPEND_TIME,
        None => attributes & !LOG_APPEND_TIME,
    };
    if append_time.is_some() || wanted != attributes {
        head[21..23].copy_from_slice(&wanted.to_be_bytes());
        if let Some(at) = append_time {
            head[35..43].copy_from_slice(&at.to_be_bytes());
        }
        let crc = crc32c::crc32c_append(crc32c::crc32c(&head[CHECKSUM_FROM..]), &batch[HEADER_BYTES..]);
        head[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    head
}

/// Rebuilds a batch around other records: count, length and checksum follow; offsets, times and producer stay.
pub(crate) fn with_records(batch: &[u8], records: &[u8], count: i32) -> Vec<u8> {
    rebuild(batch, records, count, None)
}

/// Like [`with_records`], and notes when the deletions in it may go. The records' times must count from `horizon`.
pub(crate) fn with_horizon(batch: &[u8], records: &[u8], count: i32, horizon: i64) -> Vec<u8> {
    rebuild(batch, records, count, Some(horizon))
}

fn rebuild(batch: &[u8], records: &[u8], count: i32, horizon: Option<i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + records.len());
    out.extend_from_slice(&batch[..HEADER_BYTES]);
    out.extend_from_slice(records);
    if let Some(horizon) = horizon {
        let attributes = i16_at(&out, 21) | DELETE_HORIZON;
        out[21..23].copy_from_slice(&attributes.to_be_bytes());
        out[27..35].copy_from_slice(&horizon.to_be_bytes());
    }
    let length = (out.len() - LENGTH_PREFIX) as i32;
    out[8..12].copy_from_slice(&length.to_be_bytes());
    out[57..61].copy_from_slice(&count.to_be_bytes());
    let crc = crc32c::crc32c(&out[CHECKSUM_FROM..]);
    out[17..21].copy_from_slice(&crc.to_be_bytes());
    out
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    Abort,
    Commit,
}

/// Builds the control batch that ends a transaction in one partition.
pub(crate) fn marker(producer_id: i64, producer_epoch: i16, ending: Ending, now: i64) -> Vec<u8> {
    let mut record = Vec::with_capacity(24);
    record.put_u8(0); // attributes
    record.put_u8(0); // timestamp delta
    record.put_u8(0); // offset delta
    record.put_u8(4 << 1); // key length, zigzag
    record.put_i16(0); // key version
    record.put_i16(match ending {
        Ending::Abort => 0,
        Ending::Commit => 1,
    });
    record.put_u8(6 << 1); // value length, zigzag
    record.put_i16(0); // value version
    record.put_i32(0); // coordinator epoch
    record.put_u8(0); // headers

    let mut batch = Vec::with_capacity(HEADER_BYTES + 1 + record.len());
    batch.put_i64(0);
    batch.put_i32(0);
    batch.put_i32(0);
    batch.put_i8(MAGIC);
    batch.put_u32(0);
    batch.put_i16(TRANSACTIONAL | CONTROL);
    batch.put_i32(0);
    batch.put_i64(now);
    batch.put_i64(now);
    batch.put_i64(producer_id);
    batch.put_i16(producer_epoch);
    batch.put_i32(-1);
    batch.put_i32(1);
    let mut records = Vec::with_capacity(1 + record.len());
    records.put_u8((record.len() as u8) << 1);
    records.extend_from_slice(&record);
    with_records(&batch, &records, 1)
}

/// Reads how a transaction ended from its control batch; `None` for other control batches.
pub(crate) fn marker_ending(batch: &[u8]) -> Option<Ending> {
    // Length, attributes, two deltas and the key length are one byte each in every marker ever written: they are small.
    let key = batch.get(HEADER_BYTES + 5..HEADER_BYTES + 9)?;
    match i16::from_be_bytes([key[2], key[3]]) {
        0 => Some(Ending::Abort),
        1 => Some(Ending::Commit),
        _ => None,
    }
}

fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    (i64::from(i32_at(bytes, at)) << 32) | i64::from(i32_at(bytes, at + 4) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker_reads_back_with_its_ending() {
        for ending in [Ending::Abort, Ending::Commit] {
            let batch = marker(7, 3, ending, 1_000);
            let header = BatchHeader::parse_whole(&batch).unwrap();
            assert!(header.is_control() && header.is_transactional());
            assert_eq!((header.producer_id, header.producer_epoch, header.size), (7, 3, batch.len()));
            assert_eq!(marker_ending(&batch), Some(ending));
        }
    }

    #[test]
    fn stamping_offset_keeps_checksum_and_append_time_renews_it() {
        let batch = marker(7, 3, Ending::Commit, 1_000);
        let mut stamped = batch.clone();
        stamped[..HEADER_BYTES].copy_from_slice(&stamp(&batch, 99, None));
        assert_eq!(BatchHeader::parse_whole(&stamped).unwrap().base_offset, 99);
        stamped[..HEADER_BYTES].copy_from_slice(&stamp(&batch, 99, Some(5_000)));
        let header = BatchHeader::parse_whole(&stamped).unwrap();
        assert!(header.has_log_append_time());
        assert_eq!(header.max_timestamp, 5_000);
    }

    #[test]
    fn sequences_wrap_to_zero() {
        assert_eq!(advance_sequence(i32::MAX, 1), 0);
        assert_eq!(advance_sequence(i32::MAX - 1, 3), 1);
        assert_eq!(advance_sequence(5, 4), 9);
    }

    #[test]
    fn damaged_batches_are_refused() {
        let batch = marker(7, 3, Ending::Commit, 1_000);
        assert_eq!(BatchHeader::parse_whole(&batch[..60]), Err(BatchFault::Short));
        assert_eq!(BatchHeader::parse_whole(&batch[..batch.len() - 1]), Err(BatchFault::Short));
        let mut flipped = batch.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(BatchHeader::parse_whole(&flipped), Err(BatchFault::Checksum));
        let mut old = batch;
        old[16] = 1;
        assert_eq!(BatchHeader::parse_whole(&old), Err(BatchFault::Magic(1)));
    }
}
