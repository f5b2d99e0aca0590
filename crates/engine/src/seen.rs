//! Exact dedup by (source, id) over a horizon of logical days.
//!
//! Ids are kept as 128-bit hashes in one table per day of arrival; tables older than [`HORIZON_DAYS`] are dropped, so the
//! memory is bounded by the arrivals of nine days. What repeats later is caught by the components, whose state is keyed
//! by the things themselves.

use std::collections::{BTreeMap, HashMap};

use bellwether_model::EventTime;
use bellwether_wire::envelope::EventId;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Sources redeliver for at most 48 hours to 7 days; one day of slack for the log's own lag.
pub(crate) const HORIZON_DAYS: i64 = 9;
const DAY_MS: i64 = 86_400_000;

/// Events seen, by day of arrival, each with a hash of its content.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    #[serde(with = "sorted")]
    days: BTreeMap<i64, HashMap<u128, u64>>,
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
        if let Some(known) = self.days.values().find_map(|day| day.get(&hash)) {
            return if *known == content { Sighting::Repeat } else { Sighting::Conflict };
        }
        if !self.days.contains_key(&today) {
            self.days.retain(|day, _| today - day < HORIZON_DAYS);
        }
        self.days.entry(today).or_default().insert(hash, content);
        Sighting::New
    }
}

fn hash(id: &EventId) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(id.source.as_bytes());
    hasher.update(&[0x1f]);
    hasher.update(id.id.as_bytes());
    hasher.digest128()
}

/// Sets are written in order, so that equal states have equal bytes.
mod sorted {
    use std::collections::{BTreeMap, HashMap};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Entry = (u64, u64, u64);

    pub(super) fn serialize<S: Serializer>(
        days: &BTreeMap<i64, HashMap<u128, u64>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let sorted: BTreeMap<i64, Vec<Entry>> = days
            .iter()
            .map(|(day, set)| {
                let mut list: Vec<Entry> = set.iter().map(|(hash, content)| split(*hash, *content)).collect();
                list.sort_unstable();
                (*day, list)
            })
            .collect();
        sorted.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<i64, HashMap<u128, u64>>, D::Error> {
        let sorted = BTreeMap::<i64, Vec<Entry>>::deserialize(deserializer)?;
        Ok(sorted.into_iter().map(|(day, list)| (day, list.into_iter().map(join).collect())).collect())
    }

    #[allow(clippy::cast_possible_truncation, reason = "the two halves of a 128-bit hash")]
    fn split(hash: u128, content: u64) -> Entry {
        ((hash >> 64) as u64, hash as u64, content)
    }

    fn join((high, low, content): Entry) -> (u128, u64) {
        (u128::from(high) << 64 | u128::from(low), content)
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
