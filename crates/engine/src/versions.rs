//! Effective-dated versions of reference data.
//!
//! A datum is a list of versions; the one that counts at an instant is, among those effective then, the one that
//! became effective last, and among equals the one recorded last (R5). Everything in the list has been recorded
//! before the fold looks, so knowledge needs no check of its own.

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
    /// Adds a version. One with the same first instant as an older one replaces it from now on.
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

    /// The version that counts at an instant.
    pub(crate) fn version_at(&self, at: EventTime) -> Option<&Version<T>> {
        self.0
            .iter()
            .filter(|version| version.from <= at && version.until.is_none_or(|until| at < until))
            .max_by_key(|version| (version.from, version.recorded))
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
