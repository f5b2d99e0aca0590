//! Effective-dated records by id: which version of each counts at an instant.
//!
//! A version replaces those recorded before it from its first instant on; past its end there is nothing, and nothing
//! older comes back (R5). So the topic, compacted to the last record of each id, says of the present what all records say.

use std::collections::BTreeMap;

use bellwether_model::EventTime;

/// Versions kept of one record. The topic is compacted, so more than a few are seen only while it changes; the bound
/// guards against a writer that repeats itself.
const VERSIONS_MAX: usize = 32;

#[derive(Debug, Clone)]
struct Version<T> {
    recorded: EventTime,
    from: EventTime,
    until: Option<EventTime>,
    value: T,
}

/// Records of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    records: BTreeMap<String, Vec<Version<T>>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { records: BTreeMap::new() }
    }
}

impl<T> Table<T> {
    /// Adds a version that holds from its first instant, or from when it was recorded.
    pub(crate) fn record(
        &mut self,
        id: &str,
        recorded: EventTime,
        bounds: (Option<EventTime>, Option<EventTime>),
        value: T,
    ) {
        let versions = self.records.entry(id.to_owned()).or_default();
        let version = Version { recorded, from: bounds.0.unwrap_or(recorded), until: bounds.1, value };
        versions.retain(|known| (known.recorded, known.from) != (version.recorded, version.from));
        versions.push(version);
        if versions.len() > VERSIONS_MAX {
            versions.remove(0);
        }
    }

    /// Forgets a record.
    pub(crate) fn remove(&mut self, id: &str) {
        self.records.remove(id);
    }

    /// Forgets every record of which a version does not pass.
    pub(crate) fn retain(&mut self, passes: impl Fn(&T) -> bool) {
        self.records.retain(|_, versions| versions.iter().all(|version| passes(&version.value)));
    }

    /// What counts at an instant.
    pub(crate) fn at(&self, id: &str, at: EventTime) -> Option<&T> {
        effective(self.records.get(id)?, at).map(|version| &version.value)
    }

    /// What counts at an instant, else what was recorded last: a person who left still has a name.
    pub(crate) fn at_or_last(&self, id: &str, at: EventTime) -> Option<&T> {
        self.recorded_at_or_last(id, at).map(|(_, value)| value)
    }

    /// The same, with when it was recorded.
    pub(crate) fn recorded_at_or_last(&self, id: &str, at: EventTime) -> Option<(EventTime, &T)> {
        let versions = self.records.get(id)?;
        effective(versions, at).or(versions.last()).map(|version| (version.recorded, &version.value))
    }

    /// All records that count at an instant, in order of id.
    pub(crate) fn all_at(&self, at: EventTime) -> impl Iterator<Item = (&str, &T)> {
        self.records
            .iter()
            .filter_map(move |(id, versions)| Some((id.as_str(), &effective(versions, at)?.value)))
    }
}

fn effective<T>(versions: &[Version<T>], at: EventTime) -> Option<&Version<T>> {
    versions
        .iter()
        .filter(|version| version.from <= at)
        .max_by_key(|version| (version.recorded, version.from))
        .filter(|version| version.until.is_none_or(|until| at < until))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> EventTime {
        EventTime::from_ms(ms)
    }

    #[test]
    fn r05_the_version_recorded_last_counts_from_its_first_instant_to_its_end_and_nothing_older_comes_back() {
        let mut table = Table::default();
        table.record("a", at(1), (Some(at(10)), None), "first");
        table.record("a", at(2), (Some(at(20)), Some(at(30))), "second");
        table.record("a", at(3), (Some(at(20)), Some(at(30))), "corrected");
        assert_eq!(table.at("a", at(9)), None);
        assert_eq!(table.at("a", at(10)), Some(&"first"));
        assert_eq!(table.at("a", at(20)), Some(&"corrected"));
        assert_eq!(table.at("a", at(30)), None);
        assert_eq!(table.at_or_last("a", at(9)), Some(&"corrected"));
        table.remove("a");
        assert_eq!(table.at_or_last("a", at(20)), None);
    }

    #[test]
    fn r05_recorded_again_with_an_end_a_record_ends() {
        let mut table = Table::default();
        table.record("a", at(1), (Some(at(5)), None), "open");
        table.record("a", at(7), (Some(at(5)), Some(at(10))), "closed");
        assert_eq!(table.at("a", at(9)), Some(&"closed"));
        assert_eq!(table.at("a", at(10)), None);
        // Without a first instant of its own it begins when it was recorded, and ends all the same.
        table.record("b", at(1), (None, None), "open");
        table.record("b", at(7), (None, Some(at(10))), "closed");
        assert_eq!(table.at("b", at(6)), Some(&"open"));
        assert_eq!(table.at("b", at(10)), None);
        assert_eq!(table.at_or_last("b", at(10)), Some(&"closed"), "who left still has a name");
    }

    #[test]
    fn versions_are_bounded() {
        let mut table = Table::default();
        for ms in 0..100 {
            table.record("a", at(ms), (None, None), ms);
        }
        assert_eq!(table.records["a"].len(), VERSIONS_MAX);
        assert_eq!(table.at("a", at(99)), Some(&99));
    }
}
