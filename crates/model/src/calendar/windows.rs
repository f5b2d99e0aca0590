//! Update windows: when a key result's owner is due to report (R50).
//!
//! A window closes at a wall time, 17:00 unless configured, of the last business day of the owner's week. A week without
//! business day has no window. Here is only when windows close; what was filed in one is the fold's business.

use super::WorkCalendar;
use crate::{EventTime, LocalDay, MinuteOfDay, Zone};

/// Weeks without any business day after which no further window is looked for: two years, as for business days.
const LOOKAHEAD_WEEKS: i32 = 104;

impl WorkCalendar {
    /// Returns the last business day of the week that holds a day; `None` for a week without one.
    pub fn closing_day(&self, day: LocalDay) -> Option<LocalDay> {
        let start = self.week_start(day);
        (0..7).rev().map(|ahead| start.plus(ahead)).find(|candidate| self.is_business_day(*candidate))
    }

    /// Returns when the window of the week that holds a day closes; `None` for a week without business day.
    pub fn update_window_close(&self, zone: Zone, day: LocalDay, close: MinuteOfDay) -> Option<EventTime> {
        self.closing_day(day).map(|closing| zone.at(closing, close.minute()))
    }

    /// Returns when the first window closes of a key result effective on a local day: the first whose closing day is at
    /// least `business_days` business days after it, the closing day included.
    pub fn first_update_window(
        &self,
        zone: Zone,
        effective: LocalDay,
        close: MinuteOfDay,
        business_days: u32,
    ) -> Option<EventTime> {
        let mut week = effective;
        for _ in 0..=LOOKAHEAD_WEEKS {
            if let Some(closing) = self.closing_day(week)
                && closing > effective
                && self.business_days_between(effective, closing) >= business_days
            {
                return Some(zone.at(closing, close.minute()));
            }
            week = week.plus(7);
        }
        None
    }

    /// Iterates the instants strictly after `after` at which windows close, in order, without end unless the calendar
    /// runs out of business days.
    pub fn update_window_closes_after(
        &self,
        zone: Zone,
        after: EventTime,
        close: MinuteOfDay,
    ) -> impl Iterator<Item = EventTime> + '_ {
        // One week earlier, because a clock that goes back across midnight can show the week before.
        let mut week = self.week_start(zone.local_day(after)).minus(7);
        let mut last = after;
        std::iter::from_fn(move || {
            for _ in 0..=LOOKAHEAD_WEEKS {
                let found = self.update_window_close(zone, week, close);
                week = week.plus(7);
                if let Some(close_at) = found.filter(|close_at| *close_at > last) {
                    last = close_at;
                    return Some(close_at);
                }
            }
            None
        })
    }
}
