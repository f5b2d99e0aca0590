//! Fiscal quarters of the organisation (R7).
//!
//! A quarter is a run of local days in the organisation's zone: 13 weeks one after the other from the fiscal start, or as
//! configured. It begins with the first instant of its first day and ends, exclusive, with the first instant of the day
//! after its last. Spans counted in days and weeks (day 42, week 8, T-3 weeks) are calendar days in that zone, so that a
//! change of the clocks moves none of them by an hour; shares of it are exact elapsed time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Error, EventTime, LocalDay, Millis, Ratio, Zone};

/// Days of a quarter that is not configured otherwise: 13 weeks.
const CHAINED_DAYS: i32 = 91;

/// Where the organisation's quarters lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiscalCalendar {
    zone: Zone,
    fiscal_start: LocalDay,
    /// Ascending by first day, no two alike.
    configured: Vec<(Arc<str>, LocalDay)>,
}

/// One quarter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarter {
    /// Configured name; else `2026-Q1`, the first quarter of the fiscal year that begins in 2026; else the first day,
    /// for a quarter before or after the configured ones.
    pub name: Arc<str>,
    /// Running number: 0 is the first from the fiscal start, or the first configured; negative before it.
    pub index: i32,
    /// Zone of the organisation.
    pub zone: Zone,
    /// First instant.
    pub start: EventTime,
    /// End, exclusive.
    pub end: EventTime,
    /// First local day.
    pub first_day: LocalDay,
    /// Last local day.
    pub last_day: LocalDay,
}

impl FiscalCalendar {
    /// A calendar with the quarters configured by name and first day; with none, quarters of 13 weeks follow each other
    /// from the fiscal start. A configured quarter ends where the next begins; before the first and from the last on,
    /// quarters of 13 weeks go on. Two that share a name or a first day are refused.
    pub fn new<N: Into<Arc<str>>>(
        zone: Zone,
        fiscal_start: LocalDay,
        configured: impl IntoIterator<Item = (N, LocalDay)>,
    ) -> Result<Self, Error> {
        let mut configured: Vec<(Arc<str>, LocalDay)> =
            configured.into_iter().map(|(name, start)| (name.into(), start)).collect();
        configured.sort_by(|left, right| left.1.cmp(&right.1).then_with(|| left.0.cmp(&right.0)));
        for (later, (name, day)) in configured.iter().enumerate() {
            if let Some((twin, _)) = configured[..later].iter().find(|(n, d)| n == name || d == day) {
                let (first, second) = (twin.to_string(), name.to_string());
                return Err(Error::Quarters { first, second, day: day.to_string() });
            }
        }
        Ok(Self { zone, fiscal_start, configured })
    }

    /// Returns the zone of the organisation.
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// Returns the quarter that an instant lies in.
    pub fn quarter_at(&self, at: EventTime) -> Quarter {
        let quarter = self.quarter(self.index_of(self.zone.local_day(at)));
        // A clock that goes back across midnight shows the last day again after the quarter has ended.
        if at >= quarter.end && quarter.end < EventTime::MAX {
            self.quarter(quarter.index + 1)
        } else {
            quarter
        }
    }

    /// Returns the quarter with a running number.
    pub fn quarter(&self, index: i32) -> Quarter {
        let first_day = self.first_day(index);
        let next_day = self.first_day(index.saturating_add(1));
        Quarter {
            name: self.name(index, first_day),
            index,
            zone: self.zone,
            start: self.zone.day_start(first_day),
            end: self.zone.day_start(next_day),
            first_day,
            last_day: next_day.minus(1),
        }
    }

    /// Running number of the quarter that a local day lies in.
    fn index_of(&self, day: LocalDay) -> i32 {
        let begun = self.configured.partition_point(|(_, start)| *start <= day) as i32;
        match begun {
            0 => day.since(self.anchor()).div_euclid(CHAINED_DAYS),
            _ => {
                let last = begun - 1;
                let chained = day.since(self.first_day(last)) / CHAINED_DAYS;
                if begun == self.configured.len() as i32 { last + chained } else { last }
            }
        }
    }

    fn first_day(&self, index: i32) -> LocalDay {
        let last = (self.configured.len() as i32 - 1).max(0);
        match usize::try_from(index).ok().and_then(|index| self.configured.get(index)) {
            Some((_, start)) => *start,
            None if index < 0 => self.anchor().plus(index.saturating_mul(CHAINED_DAYS)),
            None => {
                let base = self.configured.last().map_or(self.fiscal_start, |(_, start)| *start);
                base.plus((index - last).saturating_mul(CHAINED_DAYS))
            }
        }
    }

    /// First day of the quarter numbered 0.
    fn anchor(&self) -> LocalDay {
        self.configured.first().map_or(self.fiscal_start, |(_, start)| *start)
    }

    fn name(&self, index: i32, first_day: LocalDay) -> Arc<str> {
        match usize::try_from(index).ok().and_then(|index| self.configured.get(index)) {
            Some((name, _)) => Arc::clone(name),
            None if self.configured.is_empty() => {
                let year = self.fiscal_start.year() + index.div_euclid(4);
                format!("{year}-Q{}", index.rem_euclid(4) + 1).into()
            }
            None => first_day.to_string().into(),
        }
    }
}

impl Quarter {
    /// True from the first instant to before the end.
    pub fn contains(&self, at: EventTime) -> bool {
        self.start <= at && at < self.end
    }

    /// Returns the time it lasts.
    pub fn total(&self) -> Millis {
        self.end.since(self.start)
    }

    /// Returns mid-cycle: the instant where exactly half of its time has passed. Days begin on whole seconds, so there
    /// is no half millisecond.
    pub fn mid(&self) -> EventTime {
        self.start.plus(Millis::from_ms(self.total().ms() / 2))
    }

    /// Returns the end of day n, counted from 1: the first instant of day n + 1.
    pub fn day_end(&self, n: u32) -> EventTime {
        self.zone.day_start(self.first_day.plus(n as i32))
    }

    /// Returns the end of week n, counted from 1: the first instant of day 7n + 1.
    pub fn week_end(&self, n: u32) -> EventTime {
        self.day_end(n.saturating_mul(7))
    }

    /// Returns the first instant of the local day that many days before its end: 21 for T-3 weeks.
    pub fn t_minus_days(&self, days: u32) -> EventTime {
        self.zone.day_start(self.last_day.plus(1).minus(days as i32))
    }

    /// Returns the share of its time that has passed: exact, 0 before it and 1 after it.
    pub fn elapsed(&self, at: EventTime) -> Ratio {
        let passed = at.clamp(self.start, self.end).since(self.start);
        Ratio::new(i128::from(passed.ms()), i128::from(self.total().ms())).unwrap_or(Ratio::ONE)
    }

    /// Returns the number of the day an instant lies in, counted from 1; 0 or less before the quarter.
    pub fn day_number(&self, at: EventTime) -> i32 {
        self.zone.local_day(at).since(self.first_day) + 1
    }

    /// Returns the number of the week an instant lies in, counted from 1; 0 or less before the quarter.
    pub fn week_number(&self, at: EventTime) -> i32 {
        (self.day_number(at) - 1).div_euclid(7) + 1
    }

    /// Returns how many full weeks it has.
    pub fn weeks(&self) -> u32 {
        (self.last_day.plus(1).since(self.first_day).max(0) / 7) as u32
    }
}

#[cfg(test)]
mod tests;
