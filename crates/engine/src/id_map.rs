//! Maps and sets by id: a hash for short texts, the same in every run.
//!
//! Ids come from the organisation and its own signed sources, so nobody is kept out by a secret seed; a fixed one keeps the
//! fold free of chance. Maps are never iterated where order shows.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A map by id.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// A set of ids.
pub(crate) type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;

/// Hashes texts by xxh3, each seeded with what came before it.
#[derive(Debug, Default, Clone)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// Ends of texts and kinds of subjects: mixed without a hash of their own.
    fn write_u8(&mut self, byte: u8) {
        self.0 = self.0.rotate_left(8) ^ u64::from(byte);
    }

    /// Numbers given in a row: their low bits differ as they are, the high ones after this.
    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, kind: isize) {
        self.0 = (self.0 ^ kind.unsigned_abs() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::hash::{BuildHasher as _, BuildHasherDefault};

    use super::IdHasher;

    #[test]
    fn ids_that_differ_little_have_hashes_that_differ() {
        let hasher = BuildHasherDefault::<IdHasher>::default();
        let hashes: BTreeSet<u64> =
            (0..10_000).map(|n| hasher.hash_one((n % 7, format!("eng-{n:04}")))).collect();
        assert_eq!(hashes.len(), 10_000);
        assert_ne!(hasher.hash_one(("ab", "c")), hasher.hash_one(("a", "bc")));
    }
}
