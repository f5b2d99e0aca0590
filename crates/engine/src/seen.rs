//! Exact dedup by (source, id) over a horizon of logical days.
//!
//! Ids are kept as 128-bit hashes, each with a hash of its content; those older than [`HORIZON_DAYS`] are dropped day by
//! day, so the memory is bounded by the arrivals of nine days. What repeats later is caught by the components, whose
//! state is keyed by the things themselves.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use bellwether_model::EventTime;
use bellwether_wire::envelope::EventId;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// Sources redeliver for at most 48 hours to 7 days; one day of slack for the log's own lag.
pub(crate) const HORIZON_DAYS: i64 = 9;
const DAY_MS: i64 = 86_400_000;

/// Events seen, each with a hash of its content.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(crate) struct Seen {
    known: HashMap<Key, u64, BuildHasherDefault<Low64>>,
    /// What arrived on each day, so that a day is dropped without a walk over the others.
    days: BTreeMap<i64, Vec<Key>>,
}

/// The two halves of a hash: as one number they would be aligned to more than they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    high: u64,
    low: u64,
}

/// Whether an event was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// For the first time.
    New,
    /// The same again.
    Repeat,
    /// The same identity with other content (R6).
    Conflict,
}

impl Seen {
    /// Notes an event; true when it is new.
    pub(crate) fn insert(&mut self, id: &EventId, now: EventTime) -> bool {
        self.sight(id, None, now) == Sighting::New
    }

    /// Notes an event and its content.
    pub(crate) fn sight(&mut self, id: &EventId, content: Option<&[u8]>, now: EventTime) -> Sighting {
        let hash = hash(id);
        let content = content.map_or(0, xxh3_64);
        let today = now.ms().div_euclid(DAY_MS);
        if let Some(known) = self.known.get(&hash) {
            return if *known == content { Sighting::Repeat } else { Sighting::Conflict };
        }
        let of_today = match self.days.entry(today) {
            Entry::Occupied(of_today) => of_today.into_mut(),
            Entry::Vacant(_) => {
                self.forget_before(today - HORIZON_DAYS + 1);
                self.days.entry(today).or_default()
            }
        };
        of_today.push(hash);
        self.known.insert(hash, content);
        Sighting::New
    }

    fn forget_before(&mut self, first: i64) {
        let kept = self.days.split_off(&first);
        for hash in std::mem::replace(&mut self.days, kept).into_values().flatten() {
            self.known.remove(&hash);
        }
    }
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.known == other.known && self.days.keys().eq(other.days.keys())
    }
}

/// The source seeds the hash of the id.
#[allow(clippy::cast_possible_truncation, reason = "the two halves of a 128-bit hash")]
fn hash(id: &EventId) -> Key {
    let hash = xxh3_128_with_seed(id.id.as_bytes(), xxh3_64(id.source.as_bytes()));
    Key { high: (hash >> 64) as u64, low: hash as u64 }
}

/// The keys are hashes already: half of one is as good as a hash of it.
#[derive(Debug, Default, Clone)]
struct Low64(u64);

impl Hasher for Low64 {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    /// The last word is the low half.
    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }
}

/// In snapshots: days of arrival, each with the two halves of the hashes and the content, in order, so that equal states
/// have equal bytes.
#[derive(Serialize, Deserialize)]
struct Written(BTreeMap<i64, Vec<(u64, u64, u64)>>);

impl From<Seen> for Written {
    fn from(seen: Seen) -> Self {
        let written = |key: Key| (key.high, key.low, seen.known.get(&key).copied().unwrap_or_default());
        let day = |(day, hashes): (i64, Vec<Key>)| {
            let mut list: Vec<_> = hashes.into_iter().map(written).collect();
            list.sort_unstable();
            (day, list)
        };
        Self(seen.days.into_iter().map(day).collect())
    }
}

impl From<Written> for Seen {
    fn from(Written(days): Written) -> Self {
        let mut seen = Self::default();
        for (day, list) in days {
            let of_day = seen.days.entry(day).or_default();
            for (high, low, content) in list {
                of_day.push(Key { high, low });
                seen.known.insert(Key { high, low }, content);
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> EventId {
        EventId { source: "jira://a".to_owned(), id: text.to_owned() }
    }

    fn day(n: i64) -> EventTime {
        EventTime::from_ms(n * DAY_MS)
    }

    #[test]
    fn a_repeat_within_the_horizon_is_seen() {
        let mut seen = Seen::default();
        assert!(seen.insert(&id("1"), day(0)));
        assert!(!seen.insert(&id("1"), day(8)));
        assert!(seen.insert(&id("2"), day(8)));
    }

    #[test]
    fn r06_the_same_identity_with_other_content_is_a_conflict() {
        let mut seen = Seen::default();
        assert_eq!(seen.sight(&id("1"), Some(b"a"), day(0)), Sighting::New);
        assert_eq!(seen.sight(&id("1"), Some(b"a"), day(1)), Sighting::Repeat);
        assert_eq!(seen.sight(&id("1"), Some(b"b"), day(1)), Sighting::Conflict);
    }

    #[test]
    fn memory_ends_with_the_horizon() {
        let mut seen = Seen::default();
        seen.insert(&id("1"), day(0));
        seen.insert(&id("2"), day(9));
        assert!(seen.insert(&id("1"), day(9)));
    }
}
