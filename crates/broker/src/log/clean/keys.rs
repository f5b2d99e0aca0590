//! The latest offset of each key, in bounded memory: keys are represented by 128-bit keyed hashes in a sorted vector.
//!
//! Two different keys sharing a hash would lose one record; with random 128-bit hashes and a million keys
//! the chance is about 1 in 10^26 per clean.

use std::hash::{BuildHasher, RandomState};

use crate::log::records::{records, unfold};
use crate::log::scan::Found;

/// Keys held at once: 24 bytes each, so at most 24 MB while a clean runs. A log with more is cleaned in several goes.
const CAPACITY: usize = 1 << 20;

type Entry = ([u64; 2], i64);

/// Latest offsets by key.
#[derive(Debug)]
pub(super) struct LatestOffsets {
    entries: Vec<Entry>,
    hashers: [RandomState; 2],
    capacity: usize,
}

impl LatestOffsets {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), hashers: [RandomState::new(), RandomState::new()], capacity: CAPACITY }
    }

    /// Notes the keys of a batch; false when there is no room for them, and then none is noted.
    /// A batch that cannot be read has no keys: the filter keeps it as it is.
    pub(super) fn note_batch(&mut self, batch: &Found<'_>) -> bool {
        let Ok(unfolded) = unfold(batch.bytes, &batch.header) else { return true };
        let count = batch.header.record_count.max(0) as usize;
        if self.entries.len() + count > self.capacity {
            self.shrink();
            if !self.entries.is_empty() && self.entries.len() + count > self.capacity {
                return false;
            }
        }
        for record in records(&unfolded).flatten() {
            if let Some(key) = record.key {
                let offset = batch.header.base_offset + i64::from(record.offset_delta);
                self.entries.push((self.hash(key), offset));
            }
        }
        true
    }

    /// Sorts the entries for look-ups.
    pub(super) fn seal(mut self) -> Self {
        self.shrink();
        self
    }

    /// The latest offset of a key, if the uncleaned part holds it.
    pub(super) fn get(&self, key: &[u8]) -> Option<i64> {
        let hash = self.hash(key);
        let at = self.entries.binary_search_by(|entry| entry.0.cmp(&hash)).ok()?;
        Some(self.entries[at].1)
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        [self.hashers[0].hash_one(key), self.hashers[1].hash_one(key)]
    }

    /// Keeps the latest entry of each key.
    fn shrink(&mut self) {
        self.entries.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        self.entries.dedup_by_key(|entry| entry.0);
    }
}
