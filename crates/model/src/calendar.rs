//! Work weeks: weekend days, holidays and the business days between them.
//!
//! A calendar is data of a person and knows no zone; where an instant is wanted, the zone is an argument. Update windows
//! are in [`windows`]. A calendar may have no business day at all, so what looks for one can answer `None`.

mod windows;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Error, LocalDay};

/// How far the next business day is looked for. Longer than any leave or shutdown; a calendar with a longer pause has
/// in effect no business days.
const LOOKAHEAD_DAYS: i32 = 2 * 366;

/// Weekend days and holidays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkCalendar {
    /// True for each weekday that belongs to the weekend, Monday first.
    pub weekend: [bool; 7],
    /// Days off; one may lie on a weekend.
    pub holidays: BTreeSet<LocalDay>,
}

/// Saturday and Sunday, no holidays.
impl Default for WorkCalendar {
    fn default() -> Self {
        Self { weekend: [false, false, false, false, false, true, true], holidays: BTreeSet::new() }
    }
}

impl WorkCalendar {
    /// From ISO weekday numbers, Monday 1 to Sunday 7 - none means Saturday and Sunday - and holidays.
    pub fn from_iso(
        weekend_days: impl IntoIterator<Item = u32>,
        holidays: impl IntoIterator<Item = LocalDay>,
    ) -> Result<Self, Error> {
        let mut weekend = [false; 7];
        for number in weekend_days {
            let index = number.checked_sub(1).and_then(|index| weekend.get_mut(index as usize));
            *index.ok_or(Error::Weekday { number })? = true;
        }
        if !weekend.contains(&true) {
            weekend = Self::default().weekend;
        }
        Ok(Self { weekend, holidays: holidays.into_iter().collect() })
    }

    /// True on the calendar's weekend days; holidays are not weekend (R31).
    pub fn is_weekend(&self, day: LocalDay) -> bool {
        self.weekend[day.weekday() as usize - 1]
    }

    /// True on days that are neither weekend nor holiday.
    pub fn is_business_day(&self, day: LocalDay) -> bool {
        !self.is_weekend(day) && !self.holidays.contains(&day)
    }

    /// Returns the first business day after a day; `None` when two years have none.
    pub fn next_business_day_after(&self, day: LocalDay) -> Option<LocalDay> {
        // At the end of the calendar a later day is the same day again.
        let later = |next: &LocalDay| *next > day && self.is_business_day(*next);
        (1..=LOOKAHEAD_DAYS).map(|ahead| day.plus(ahead)).find(later)
    }

    /// Returns the n-th business day after a day, the day itself for 0; `None` when the calendar runs out of them.
    pub fn nth_business_day_after(&self, day: LocalDay, n: u32) -> Option<LocalDay> {
        (0..n).try_fold(day, |reached, _| self.next_business_day_after(reached))
    }

    /// Counts the business days after one day up to and including another; 0 when that is not later.
    pub fn business_days_between(&self, after: LocalDay, through: LocalDay) -> u32 {
        let days = through.since(after).max(0);
        (1..=days).map(|ahead| u32::from(self.is_business_day(after.plus(ahead)))).sum()
    }

    /// Returns the first day of the week that holds a day: the day after the calendar's weekend (R50).
    pub fn week_start(&self, day: LocalDay) -> LocalDay {
        let back = (day.weekday() + 7 - self.first_weekday()) % 7;
        day.minus(back as i32)
    }

    /// The ISO weekday after the weekend. Of a weekend in several pieces the longest piece counts, the earliest in the
    /// ISO week among equals; without a weekend, or without anything else, the week begins on Monday.
    fn first_weekday(&self) -> u32 {
        let mut best = (0, 1);
        for first in 1..=7_u32 {
            let is_weekend = |weekday: u32| self.weekend[((weekday + 6) % 7) as usize];
            if is_weekend(first) {
                continue;
            }
            let length = (1..7).take_while(|back| is_weekend(first + 7 - back)).count();
            if length > best.0 {
                best = (length, first);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests;
