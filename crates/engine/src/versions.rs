//! Effective-dated versions of reference data.
//!
//! A datum is a list of versions. A version replaces those recorded before it from its first instant on; past its end
//! there is nothing, and nothing older comes back (R5). So the topic, compacted to the last record of each id, says of
//! the present what all records say. Everything in the list has been recorded before the fold looks, so knowledge needs
//! no check of its own.

use bellwether_model::EventTime;
use serde::{Deserialize, Serialize};

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version<T> {
    /// When it became known, event time of the record.
    pub recorded: EventTime,
    /// First instant it holds.
    pub from: EventTime,
    /// End, exclusive; `None` for open.
    pub until: Option<EventTime>,
    /// What it says.
    pub value: T,
}

/// All versions of one datum, in the order they were recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Versions<T>(Vec<Version<T>>);

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Versions<T> {
    /// Adds a version, which replaces older ones from its first instant on.
    pub(crate) fn record(&mut self, version: Version<T>) {
        self.0.push(version);
    }

    /// Ends the datum at an instant: nothing is effective from then on, unless recorded later.
    pub(crate) fn end(&mut self, at: EventTime) {
        for version in &mut self.0 {
            if version.until.is_none_or(|until| until > at) {
                version.until = Some(at.max(version.from));
            }
        }
    }

    /// The version that counts at an instant: of those that have begun the one recorded last, unless it has ended.
    pub(crate) fn version_at(&self, at: EventTime) -> Option<&Version<T>> {
        self.0
            .iter()
            .filter(|version| version.from <= at)
            .max_by_key(|version| (version.recorded, version.from))
            .filter(|version| version.until.is_none_or(|until| at < until))
    }

    /// What counts at an instant.
    pub(crate) fn at(&self, at: EventTime) -> Option<&T> {
        self.version_at(at).map(|version| &version.value)
    }

    /// All versions, in the order they were recorded.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Version<T>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(recorded: i64, from: i64, until: Option<i64>, value: &str) -> Version<String> {
        Version {
            recorded: EventTime::from_ms(recorded),
            from: EventTime::from_ms(from),
            until: until.map(EventTime::from_ms),
            value: value.to_owned(),
        }
    }

    fn check(versions: &[Version<String>], at: i64, expected: Option<&str>) {
        let mut all = Versions::default();
        for version in versions {
            all.record(version.clone());
        }
        assert_eq!(all.at(EventTime::from_ms(at)).map(String::as_str), expected, "at {at}");
    }

    #[test]
    fn r05_the_version_effective_last_counts() {
        let versions = [version(0, 0, None, "old"), version(5, 10, None, "new")];
        check(&versions, 9, Some("old"));
        check(&versions, 10, Some("new"));
    }

    #[test]
    fn r05_a_correction_recorded_later_replaces_the_same_first_instant() {
        let versions = [version(0, 10, None, "wrong"), version(7, 10, None, "right")];
        check(&versions, 12, Some("right"));
    }

    #[test]
    fn r05_recorded_again_with_an_end_a_datum_ends() {
        let versions = [version(0, 10, None, "open"), version(7, 10, Some(20), "closed")];
        check(&versions, 19, Some("closed"));
        check(&versions, 20, None);
        let later = [version(0, 0, None, "open"), version(7, 10, Some(20), "closed")];
        check(&later, 9, Some("open"));
        check(&later, 20, None);
    }

    #[test]
    fn r05_of_one_recording_instant_the_version_effective_last_counts_in_any_order() {
        let history = [version(0, 10, None, "new"), version(0, 0, Some(10), "old")];
        check(&history, 9, Some("old"));
        check(&history, 12, Some("new"));
    }

    #[test]
    fn r05_what_compaction_leaves_says_of_the_present_what_all_versions_say() {
        let bounds = [(0, None), (0, Some(4)), (3, None), (3, Some(6)), (5, None)];
        for (a, b) in bounds.iter().flat_map(|a| bounds.iter().map(move |b| (a, b))) {
            let last = version(2, b.0, b.1, "last");
            for at in last.from.ms().max(2)..8 {
                let expected = last.until.is_none_or(|until| at < until.ms()).then_some("last");
                check(&[version(1, a.0, a.1, "first"), last.clone()], at, expected);
            }
        }
    }

    #[test]
    fn a_version_past_its_end_does_not_count() {
        check(&[version(0, 0, Some(10), "once")], 10, None);
    }

    #[test]
    fn an_ended_datum_is_gone_from_that_instant_on() {
        let mut all = Versions::default();
        all.record(version(0, 0, None, "there"));
        all.end(EventTime::from_ms(10));
        assert_eq!(all.at(EventTime::from_ms(9)).map(String::as_str), Some("there"));
        assert_eq!(all.at(EventTime::from_ms(10)), None);
    }
}
