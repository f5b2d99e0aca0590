//! The sparse index of one segment: for about every 16 KiB, which offset starts where and how late the records
//! before it are. It only narrows a search; the reader walks batch headers from the position it gives.
//!
//! Invariant: entries ascend in offset and position; `latest_before` never falls.

use bytes::BufMut;

use crate::codec::{Malformed, Reader, Writer};

/// Bytes of log between entries: a walk of at most this much per look-up, 1 MB of memory per GB of log.
const INTERVAL: u64 = 16 * 1024;

/// One point of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// Base offset of the batch, relative to the segment.
    offset: u32,
    position: u32,
    /// Largest record timestamp in the segment before this batch.
    latest_before: i64,
}

/// The sparse index of one segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SparseIndex {
    entries: Vec<Entry>,
}

impl SparseIndex {
    /// Notes a batch about to be written at `position`, when the last entry is far enough behind.
    pub(crate) fn note(&mut self, offset: u32, position: u64, latest_before: i64) {
        let due = self.entries.last().is_none_or(|last| position >= u64::from(last.position) + INTERVAL);
        if let (true, Ok(position)) = (due, u32::try_from(position)) {
            self.entries.push(Entry { offset, position, latest_before });
        }
    }

    /// Where to start walking to find the batch that holds `offset`.
    pub(crate) fn position_of(&self, offset: u32) -> u64 {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        after.checked_sub(1).map_or(0, |at| u64::from(self.entries[at].position))
    }

    /// Where to start walking to find the first batch with a record at or after `timestamp`.
    pub(crate) fn position_of_time(&self, timestamp: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.latest_before < timestamp);
        after.checked_sub(1).map_or(0, |at| u64::from(self.entries[at].position))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.list(self.entries.iter(), |out, entry| {
            out.put_u32(entry.offset);
            out.put_u32(entry.position);
            out.put_i64(entry.latest_before);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let entries = reader.list(|reader| {
            Ok(Entry { offset: reader.u32()?, position: reader.u32()?, latest_before: reader.i64()? })
        })?;
        Ok(Self { entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_start_at_or_before_the_wanted_batch() {
        let mut index = SparseIndex::default();
        for batch in 0..1_000u32 {
            index.note(batch * 10, u64::from(batch) * 5_000, i64::from(batch) * 100 - 1);
        }
        assert!(index.entries.len() < 300);
        for offset in [0, 5, 777, 9_999] {
            assert!(index.position_of(offset) <= u64::from(offset / 10) * 5_000);
            assert!(index.position_of(offset) + INTERVAL + 5_000 > u64::from(offset / 10) * 5_000);
        }
        assert_eq!(index.position_of_time(0), 0);
        assert!(index.position_of_time(50_000) <= 500 * 5_000);
    }

    #[test]
    fn encoding_round_trips_and_refuses_truncation() {
        let mut index = SparseIndex::default();
        (0..10u32).for_each(|at| index.note(at, u64::from(at) * 20_000, 3));
        let mut bytes = Vec::new();
        index.encode(&mut bytes);
        assert_eq!(SparseIndex::decode(&mut Reader::new(&bytes)), Ok(index));
        bytes.pop();
        assert!(SparseIndex::decode(&mut Reader::new(&bytes)).is_err());
    }
}
