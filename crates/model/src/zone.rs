//! Time zones: what day and minute it is somewhere, and when a local day or wall time begins.
//!
//! Wall time and instants are tied by one definition: the instant of a wall time is the first at which the local clock
//! shows that time or a later one. So a wall time that a change of the clocks skips is the first instant after the gap,
//! and one that happens twice is its first. A day that a zone skipped whole (Samoa, 2011-12-30) begins where the next
//! one does and is empty. Where clocks went back across midnight, instants after a day's first one can show the day
//! before again; [`Zone::local_day`] says what the clock shows.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{Error, EventTime, LocalDay, zone_memo};

/// Milliseconds of a day without a change of the clocks.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Seconds in which the offset of a zone changes at most once. The shortest time that any zone kept an offset, in the
/// whole table (2025b), is 6.96 days: the northern states of Brazil in October 2000.
pub(crate) const ONE_CHANGE_S: i64 = 4 * 86_400;

/// No zone was ever more than 16 hours from UTC; a day has room to spare and two days have at most one change.
const REACH_S: i64 = 86_400;

/// A time zone by its IANA name; in snapshots it is that name.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Reads an IANA name, exact: `America/New_York`.
    pub fn parse(name: &str) -> Result<Self, Error> {
        name.parse().map(Self).map_err(|_| Error::Zone { name: name.to_owned() })
    }

    /// Returns the IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the calendar day that the local clock shows at an instant.
    pub fn local_day(self, at: EventTime) -> LocalDay {
        day_of(local_ms(at, self.offset_s(at.ms().div_euclid(1_000))))
    }

    /// Returns the minute of the local day at an instant, 0 to 1439.
    pub fn local_minute(self, at: EventTime) -> u32 {
        minute_of(local_ms(at, self.offset_s(at.ms().div_euclid(1_000))))
    }

    /// Returns the first instant of a local day, also where midnight is skipped or happens twice.
    pub fn day_start(self, day: LocalDay) -> EventTime {
        self.resolve(i64::from(day.days()) * DAY_MS)
    }

    /// Returns the instant of a wall time; minutes from 1440 on are those of the days that follow.
    pub fn at(self, day: LocalDay, minute: u32) -> EventTime {
        self.resolve(i64::from(day.days()) * DAY_MS + i64::from(minute) * 60_000)
    }

    /// The first instant at which the local clock shows this or later.
    fn resolve(self, local_ms: i64) -> EventTime {
        let local_s = local_ms.div_euclid(1_000);
        let (lo, hi) = (local_s - REACH_S, local_s + REACH_S);
        let (before, after) = (self.offset_s(lo), self.offset_s(hi));
        if before == after {
            return EventTime::from_ms(local_ms - before * 1_000);
        }
        let change_ms = zone_memo::change_between(self, lo, hi) * 1_000;
        let by_old = local_ms - before * 1_000;
        let by_new = local_ms - after * 1_000;
        EventTime::from_ms(if by_old < change_ms { by_old } else { by_new.max(change_ms) })
    }

    /// Seconds that the local clock is ahead of UTC at a second since 1970.
    pub(crate) fn offset_s(self, second: i64) -> i64 {
        zone_memo::offset_s(self, second)
    }

    /// Its number in the table of zones.
    pub(crate) const fn number(self) -> usize {
        self.0 as usize
    }

    /// The same by a search in the zone's table.
    pub(crate) fn search_offset_s(self, second: i64) -> i64 {
        let at = DateTime::from_timestamp(second, 0).map_or(chrono::NaiveDateTime::MIN, |at| at.naive_utc());
        i64::from(self.0.offset_from_utc_datetime(&at).fix().local_minus_utc())
    }
}

/// Milliseconds since 1970-01-01 on the local clock.
pub(crate) fn local_ms(at: EventTime, offset_s: i64) -> i64 {
    at.ms() + offset_s * 1_000
}

/// The day of a local clock.
pub(crate) fn day_of(local_ms: i64) -> LocalDay {
    // Instants end with the year 9999, whose days fit 32 bits.
    LocalDay::from_days(local_ms.div_euclid(DAY_MS) as i32)
}

/// The minute of the day of a local clock.
pub(crate) fn minute_of(local_ms: i64) -> u32 {
    (local_ms.rem_euclid(DAY_MS) / 60_000) as u32
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl TryFrom<String> for Zone {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        Self::parse(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl std::str::FromStr for Zone {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::parse(name)
    }
}

#[cfg(test)]
pub(crate) mod tests;
