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
