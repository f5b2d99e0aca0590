//! The local day of many instants, for a few nanoseconds each.
//!
//! Looking an offset up costs a search in the zone's table; the offset of the last instant almost always holds for the
//! next one. The cache keeps one interval in which the offset is known not to change, and looks again outside it. It is
//! a memo and no state: it says the same as [`Zone`] for every instant in any order, and lies in no snapshot.

use crate::zone::{ONE_CHANGE_S, day_of, local_ms, minute_of};
use crate::{EventTime, LocalDay, Zone};

/// Steps of [`ONE_CHANGE_S`] to look ahead and back: 64 days, so that a replay of a year looks up six to eight times
/// and one look-up stays near a microsecond.
const STEPS: i64 = 16;

/// A zone with the interval around the instant it was last asked about.
#[derive(Debug, Clone)]
pub struct ZoneCache {
    zone: Zone,
    /// First instant of the interval.
    from: EventTime,
    /// End of the interval, exclusive; an empty interval before the first question.
    to: EventTime,
    offset_s: i64,
}

impl ZoneCache {
    /// An empty cache.
    pub const fn new(zone: Zone) -> Self {
        Self { zone, from: EventTime::MIN, to: EventTime::MIN, offset_s: 0 }
    }

    /// Returns the zone.
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// Returns what [`Zone::local_day`] returns.
    #[inline]
    pub fn local_day(&mut self, at: EventTime) -> LocalDay {
        day_of(local_ms(at, self.offset_s(at)))
    }

    /// Returns what [`Zone::local_minute`] returns.
    #[inline]
    pub fn local_minute(&mut self, at: EventTime) -> u32 {
        minute_of(local_ms(at, self.offset_s(at)))
    }

    /// Returns local day and minute of one instant.
    #[inline]
    pub fn local(&mut self, at: EventTime) -> (LocalDay, u32) {
        let local = local_ms(at, self.offset_s(at));
        (day_of(local), minute_of(local))
    }

    #[inline]
    fn offset_s(&mut self, at: EventTime) -> i64 {
        if at < self.from || at >= self.to {
            self.look_up(at);
        }
        self.offset_s
    }

    #[cold]
    fn look_up(&mut self, at: EventTime) {
        let second = at.ms().div_euclid(1_000);
        self.offset_s = self.zone.offset_s(second);
        let (from, to) = (self.start_s(second), self.end_s(second));
        self.from = EventTime::from_ms(from * 1_000);
        self.to = EventTime::from_ms(to * 1_000);
    }

    /// The end of the interval that holds a second: the next change, or where looking ended.
    fn end_s(&self, second: i64) -> i64 {
        for step in 0..STEPS {
            let (lo, hi) = (second + step * ONE_CHANGE_S, second + (step + 1) * ONE_CHANGE_S);
            if self.zone.offset_s(hi) != self.offset_s {
                return self.zone.change_between(lo, hi);
            }
        }
        second + STEPS * ONE_CHANGE_S
    }

    /// The first second of the interval that holds a second: the last change, or where looking ended.
    fn start_s(&self, second: i64) -> i64 {
        for step in 0..STEPS {
            let (hi, lo) = (second - step * ONE_CHANGE_S, second - (step + 1) * ONE_CHANGE_S);
            if self.zone.offset_s(lo) != self.offset_s {
                return self.zone.change_between(lo, hi);
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
            .filter(|midnight| zone.offset_s(*midnight) != zone.offset_s(midnight + 86_400))
            .map(|midnight| zone.change_between(midnight, midnight + 86_400))
            .collect()
    }

    fn says_the_same(cache: &mut ZoneCache, at: EventTime) -> Result<(), TestCaseError> {
        let zone = cache.zone();
        let plain = (zone.local_day(at), zone.local_minute(at));
        prop_assert_eq!((cache.local_day(at), cache.local_minute(at)), plain, "{} at {}", zone, at);
        prop_assert_eq!(cache.local(at), plain);
        Ok(())
    }

    proptest! {
        #[test]
        fn the_cache_says_what_the_zone_says_in_any_order(
            zone in any_zone(),
            instants in prop::collection::vec(-2_500_000_000_000..4_500_000_000_000_i64, 1..40),
        ) {
            let mut cache = ZoneCache::new(zone);
            for ms in instants {
                says_the_same(&mut cache, EventTime::from_ms(ms))?;
            }
        }

        #[test]
        fn the_cache_is_right_on_both_sides_of_every_change(
            zone in any_zone(), day in -18_000..47_000_i64, start in 0..366_i64, step in -9_000_000..9_000_000_i64,
        ) {
            let mut cache = ZoneCache::new(zone);
            says_the_same(&mut cache, EventTime::from_ms((day + start) * 86_400_000))?;
            for change in changes(zone, day) {
                for off in [0, -1, 1, step, -step, -1, 0] {
                    says_the_same(&mut cache, EventTime::from_ms(change * 1_000 + off))?;
                }
            }
        }
    }

    #[test]
    fn an_empty_cache_knows_the_ends_of_time() {
        for end in [EventTime::MIN, EventTime::MAX] {
            let zone = Zone::parse("America/New_York").unwrap();
            assert_eq!(ZoneCache::new(zone).local_day(end), zone.local_day(end));
        }
    }
}
