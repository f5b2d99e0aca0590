//! The offset of a zone at many instants, for a few nanoseconds each.
//!
//! Looking an offset up costs a search in the zone's table; the offset found last almost always holds for the next instant
//! too. Each thread remembers two intervals per zone in which the offset is known not to change - now, and the week ends
//! beyond a change of the clocks - and searches again outside them. It is a memo and no state: it says the same as a search
//! for every instant in any order.

use std::cell::Cell;

use crate::Zone;
use crate::zone::ONE_CHANGE_S;

/// Steps of [`ONE_CHANGE_S`] to look ahead and back: 64 days, so that a replay of a year looks up six to eight times
/// and one look-up stays near a microsecond.
const STEPS: i64 = 16;

/// Zones remembered at once; those whose numbers fall on one place take turns.
const PLACES: usize = 64;

/// The interval around the second that was last asked about.
#[derive(Debug, Clone, Copy)]
struct Interval {
    zone: Zone,
    /// First second.
    from_s: i64,
    /// End, exclusive; an empty interval before the first question.
    to_s: i64,
    offset_s: i64,
}

const EMPTY: Interval = Interval { zone: Zone::UTC, from_s: 0, to_s: 0, offset_s: 0 };

thread_local! {
    static INTERVALS: [[Cell<Interval>; 2]; PLACES] =
        const { [const { [const { Cell::new(EMPTY) }; 2] }; PLACES] };
}

/// Seconds that the local clock of a zone is ahead of UTC at a second since 1970.
pub(crate) fn offset_s(zone: Zone, second: i64) -> i64 {
    INTERVALS.with(|intervals| {
        let [newer, older] = &intervals[zone.number() % PLACES];
        for known in [newer.get(), older.get()] {
            if known.zone == zone && known.from_s <= second && second < known.to_s {
                return known.offset_s;
            }
        }
        let found = Interval::around(zone, second);
        older.set(newer.replace(found));
        found.offset_s
    })
}

/// The first second of `(lo, hi]` with the offset of `hi`, given that the offset changes once between them.
pub(crate) fn change_between(zone: Zone, mut lo: i64, mut hi: i64) -> i64 {
    let old = zone.search_offset_s(lo);
    while hi - lo > 1 {
        let middle = lo + (hi - lo) / 2;
        if zone.search_offset_s(middle) == old { lo = middle } else { hi = middle }
    }
    hi
}

impl Interval {
    #[cold]
    fn around(zone: Zone, second: i64) -> Self {
        let offset_s = zone.search_offset_s(second);
        let interval = Self { zone, from_s: second, to_s: second, offset_s };
        Self { from_s: interval.start_s(second), to_s: interval.end_s(second), ..interval }
    }

    /// The end of the interval that holds a second: the next change, or where looking ended.
    fn end_s(&self, second: i64) -> i64 {
        for step in 0..STEPS {
            let (lo, hi) = (second + step * ONE_CHANGE_S, second + (step + 1) * ONE_CHANGE_S);
            if self.zone.search_offset_s(hi) != self.offset_s {
                return change_between(self.zone, lo, hi);
            }
        }
        second + STEPS * ONE_CHANGE_S
    }

    /// The first second of the interval that holds a second: the last change, or where looking ended.
    fn start_s(&self, second: i64) -> i64 {
        for step in 0..STEPS {
            let (hi, lo) = (second - step * ONE_CHANGE_S, second - (step + 1) * ONE_CHANGE_S);
            if self.zone.search_offset_s(lo) != self.offset_s {
                return change_between(self.zone, lo, hi);
            }
        }
        second - STEPS * ONE_CHANGE_S
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::zone::tests::any_zone;

    /// Seconds at which the zone changes its offset in the year after a day, found at each midnight UTC.
    fn changes(zone: Zone, day: i64) -> Vec<i64> {
        let midnights = (day..day + 366).map(|day| day * 86_400);
        midnights
            .filter(|midnight| zone.search_offset_s(*midnight) != zone.search_offset_s(midnight + 86_400))
            .map(|midnight| change_between(zone, midnight, midnight + 86_400))
            .collect()
    }

    fn says_the_same(zone: Zone, second: i64) -> Result<(), TestCaseError> {
        prop_assert_eq!(offset_s(zone, second), zone.search_offset_s(second), "{} at {}", zone, second);
        Ok(())
    }

    proptest! {
        #[test]
        fn the_memo_says_what_a_search_says_in_any_order(
            asked in prop::collection::vec((any_zone(), -2_500_000_000..4_500_000_000_i64), 1..40),
        ) {
            for (zone, second) in asked {
                says_the_same(zone, second)?;
            }
        }

        #[test]
        fn the_memo_is_right_on_both_sides_of_every_change(
            zone in any_zone(), day in -18_000..47_000_i64, start in 0..366_i64, step in -9_000..9_000_i64,
        ) {
            says_the_same(zone, (day + start) * 86_400)?;
            for change in changes(zone, day) {
                for off in [0, -1, 1, step, -step, -1, 0] {
                    says_the_same(zone, change + off)?;
                }
            }
        }
    }
}
