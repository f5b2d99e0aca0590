//! Effective-dated versions of reference data (R5).
//!
//! A version replaces those recorded before it from its first instant on; past its end there is nothing, and nothing
//! older comes back. So the topic, compacted to the last record of each id, says of the present what all records say.
//! Reference data may be read ahead of logical time; what was recorded later does not count yet.

use bellwether_model::EventTime;

/// One version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Version<T> {
    /// When it became known.
    pub(crate) recorded: EventTime,
    /// First instant it holds.
    pub(crate) from: EventTime,
    /// End, exclusive; `None` for open.
    pub(crate) until: Option<EventTime>,
    /// What it says.
    pub(crate) value: T,
}

/// All versions of one datum, in the order they were read.
#[derive(Debug, Clone)]
pub(crate) struct Versions<T>(Vec<Version<T>>);

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Versions<T> {
    /// Adds a version; the same one twice is one.
    pub(crate) fn record(&mut self, version: Version<T>) {
        if !self.0.contains(&version) {
            self.0.push(version);
        }
    }
}

impl<T> Versions<T> {
    /// Ends the datum at an instant, as far as it was recorded before.
    pub(crate) fn end(&mut self, at: EventTime) {
        for version in self.0.iter_mut().filter(|version| version.recorded <= at) {
            if version.until.is_none_or(|until| until > at) {
                version.until = Some(at.max(version.from));
            }
        }
    }

    /// The version that counts at an instant: of those known and begun the one recorded last, unless it has ended.
    pub(crate) fn version_at(&self, at: EventTime) -> Option<&Version<T>> {
        self.0
            .iter()
            .filter(|version| version.recorded <= at && version.from <= at)
            .max_by_key(|version| (version.recorded, version.from))
            .filter(|version| version.until.is_none_or(|until| at < until))
    }

    /// The version recorded at an instant, though others were since; of several the one begun last by another instant.
    pub(crate) fn recorded_at(&self, recorded: EventTime, at: EventTime) -> Option<&Version<T>> {
        let begun = self.0.iter().filter(|version| version.recorded == recorded && version.from <= at);
        begun.max_by_key(|version| version.from)
    }

    /// What counts at an instant.
    pub(crate) fn at(&self, at: EventTime) -> Option<&T> {
        self.version_at(at).map(|version| &version.value)
    }

    /// True when some version was recorded at or before an instant, effective or not.
    pub(crate) fn is_known(&self, at: EventTime) -> bool {
        self.0.iter().any(|version| version.recorded <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(versions: &[(i64, i64, Option<i64>, &'static str)], at: i64, expected: Option<&str>) {
        let mut all = Versions::default();
        for (recorded, from, until, value) in versions {
            all.record(Version {
                recorded: EventTime::from_ms(*recorded),
                from: EventTime::from_ms(*from),
                until: until.map(EventTime::from_ms),
                value: *value,
            });
        }
        assert_eq!(all.at(EventTime::from_ms(at)).copied(), expected, "at {at}");
    }

    #[test]
    fn r05_what_is_recorded_later_does_not_count_yet() {
        let versions = [(0, 0, None, "old"), (9, 3, None, "corrected")];
        check(&versions, 8, Some("old"));
        check(&versions, 9, Some("corrected"));
    }

    #[test]
    fn r05_a_version_counts_from_its_first_instant_on_and_the_later_record_among_equals() {
        check(&[(0, 0, None, "a"), (1, 5, None, "b")], 4, Some("a"));
        check(&[(0, 0, None, "a"), (1, 5, None, "b")], 5, Some("b"));
        check(&[(0, 5, None, "wrong"), (1, 5, None, "right")], 6, Some("right"));
        check(&[(0, 5, None, "new"), (0, 0, Some(5), "old")], 6, Some("new"));
    }

    #[test]
    fn r05_recorded_again_with_an_end_a_datum_ends() {
        let versions = [(0, 5, None, "open"), (7, 5, Some(10), "closed")];
        check(&versions, 9, Some("closed"));
        check(&versions, 10, None);
    }

    #[test]
    fn r05_what_compaction_leaves_says_of_the_present_what_all_versions_say() {
        let bounds = [(0, None), (0, Some(4)), (3, None), (3, Some(6)), (5, None)];
        for (a, b) in bounds.iter().flat_map(|a| bounds.iter().map(move |b| (a, b))) {
            for at in b.0.max(2)..8 {
                let expected = b.1.is_none_or(|until| at < until).then_some("last");
                check(&[(1, a.0, a.1, "first"), (2, b.0, b.1, "last")], at, expected);
            }
        }
    }

    #[test]
    fn an_ended_datum_is_gone_from_that_instant_on() {
        let mut all = Versions::default();
        let at = EventTime::from_ms;
        all.record(Version { recorded: at(0), from: at(0), until: None, value: "there" });
        all.end(at(10));
        assert_eq!(all.at(at(9)).copied(), Some("there"));
        assert_eq!(all.at(at(10)), None);
        assert!(all.is_known(at(10)));
    }
}
