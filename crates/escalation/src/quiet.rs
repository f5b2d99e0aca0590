//! Quiet hours and business time of a recipient (R76): when something may reach a person.
//!
//! Quiet hours move an instant inside them to their end. A level that asks for business time waits that many of the
//! recipient's business hours, 09-17 on their business days, and is sent only in such hours. Wall times follow the
//! zone: a change of the clocks neither shortens nor repeats a quiet night.

use bellwether_model::{EventTime, LocalDay, Millis, WorkCalendar, Zone};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use crate::policy::LevelPolicy;

const MINUTES_OF_A_DAY: u32 = 24 * 60;

/// Business hours begin at 09:00.
const OPENS_AT: u32 = 9 * 60;

/// Business hours end at 17:00.
const CLOSES_AT: u32 = 17 * 60;

/// How many days business hours are looked for: two years, as the calendar does for business days. A calendar without
/// any is treated as elapsed time.
const LOOKAHEAD_DAYS: i32 = 2 * 366;

/// How often an instant is moved out of quiet and into business hours in turn. Each needs one move; a policy whose
/// quiet hours cover all business hours would never settle.
const MAX_MOVES: u32 = 8;

/// Hours of the day in which nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuietHours {
    from_minute: u32,
    until_minute: u32,
}

impl QuietHours {
    /// Reads the message; `None` for hours that are empty or no times of a day.
    pub(crate) fn read(message: &pb::QuietHours) -> Option<Self> {
        let (from_minute, until_minute) = (message.from_minute, message.until_minute);
        let valid =
            from_minute < MINUTES_OF_A_DAY && until_minute <= MINUTES_OF_A_DAY && from_minute != until_minute;
        valid.then_some(Self { from_minute, until_minute })
    }

    /// The end of the quiet hours that an instant lies in; the instant itself outside them.
    pub(crate) fn leave(self, zone: Zone, at: EventTime) -> EventTime {
        let (day, minute) = (zone.local_day(at), zone.local_minute(at));
        let overnight = self.from_minute > self.until_minute;
        let end = if minute >= self.from_minute && (overnight || minute < self.until_minute) {
            zone.at(if overnight { day.plus(1) } else { day }, self.until_minute)
        } else if overnight && minute < self.until_minute {
            zone.at(day, self.until_minute)
        } else {
            at
        };
        // Where the clock shows an hour twice, the second time around the end has passed.
        end.max(at)
    }
}

/// A recipient's days and hours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hours {
    /// Zone.
    pub(crate) zone: Zone,
    /// Business days.
    pub(crate) calendar: WorkCalendar,
}

impl Hours {
    /// The first instant at or after one at which a level may reach the recipient.
    pub(crate) fn open(&self, level: &LevelPolicy, at: EventTime) -> EventTime {
        let mut open = at;
        for _ in 0..MAX_MOVES {
            let business = if level.business_time { self.next_business_instant(open) } else { open };
            let moved = level.quiet_hours.map_or(business, |quiet| quiet.leave(self.zone, business));
            if moved == open {
                break;
            }
            open = moved;
        }
        open
    }

    /// The instant at which a level's wait has run for the recipient.
    pub(crate) fn after(&self, level: &LevelPolicy, from: EventTime, wait: Millis) -> EventTime {
        if level.business_time { self.after_business_time(from, wait) } else { from.plus(wait) }
    }

    fn after_business_time(&self, from: EventTime, wait: Millis) -> EventTime {
        let mut left = wait;
        for day in self.days_from(from) {
            let Some((opens, closes)) = self.business_hours(day) else { continue };
            let start = from.max(opens);
            if start >= closes {
                continue;
            }
            let there = closes.since(start);
            if left <= there {
                return start.plus(left);
            }
            left -= there;
        }
        from.plus(wait)
    }

    /// The end of business hours still belongs to them, so that a wait that ends there is over there.
    fn next_business_instant(&self, at: EventTime) -> EventTime {
        self.days_from(at)
            .filter_map(|day| self.business_hours(day))
            .find(|(_, closes)| at <= *closes)
            .map_or(at, |(opens, _)| at.max(opens))
    }

    fn days_from(&self, at: EventTime) -> impl Iterator<Item = LocalDay> {
        let first = self.zone.local_day(at);
        (0..=LOOKAHEAD_DAYS).map(move |ahead| first.plus(ahead))
    }

    fn business_hours(&self, day: LocalDay) -> Option<(EventTime, EventTime)> {
        self.calendar
            .is_business_day(day)
            .then(|| (self.zone.at(day, OPENS_AT), self.zone.at(day, CLOSES_AT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Hours {
        Hours { zone: Zone::parse("Europe/Berlin").unwrap(), calendar: WorkCalendar::default() }
    }

    fn at(text: &str) -> EventTime {
        EventTime::parse(text).unwrap()
    }

    fn leave(from: u32, until: u32, instant: &str) -> String {
        let quiet = QuietHours::read(&pb::QuietHours { from_minute: from * 60, until_minute: until * 60 });
        quiet.unwrap().leave(berlin().zone, at(instant)).to_rfc3339()
    }

    #[test]
    fn quiet_hours_begin_at_their_first_minute_and_end_before_their_last() {
        assert_eq!(leave(22, 7, "2026-01-05T20:59:59.999Z"), "2026-01-05T20:59:59.999Z");
        assert_eq!(leave(22, 7, "2026-01-05T21:00:00Z"), "2026-01-06T06:00:00.000Z");
        assert_eq!(leave(22, 7, "2026-01-06T05:59:59.999Z"), "2026-01-06T06:00:00.000Z");
        assert_eq!(leave(22, 7, "2026-01-06T06:00:00Z"), "2026-01-06T06:00:00.000Z");
    }

    #[test]
    fn quiet_hours_within_a_day_and_until_midnight() {
        assert_eq!(leave(12, 13, "2026-01-05T11:30:00Z"), "2026-01-05T12:00:00.000Z");
        assert_eq!(leave(20, 24, "2026-01-05T22:30:00Z"), "2026-01-05T23:00:00.000Z");
    }

    #[test]
    fn where_the_clock_shows_an_hour_twice_the_second_is_not_quiet_again() {
        // Sunday 2026-10-25, 02:00 to 03:00 twice in Berlin; quiet until 02:30.
        let quiet = QuietHours { from_minute: 22 * 60, until_minute: 150 };
        let second = at("2026-10-25T01:15:00Z");
        assert_eq!(quiet.leave(berlin().zone, second), second);
    }

    #[test]
    fn hours_that_are_none_are_no_quiet_hours() {
        for (from_minute, until_minute) in [(60, 60), (1440, 60), (0, 1441)] {
            assert_eq!(QuietHours::read(&pb::QuietHours { from_minute, until_minute }), None);
        }
    }

    #[test]
    fn business_time_skips_nights_weekends_and_counts_to_the_very_end() {
        let after = |from: &str, hours: i64| {
            berlin().after_business_time(at(from), Millis::hours(hours)).to_rfc3339()
        };
        // Friday 16:00 in Berlin.
        assert_eq!(after("2026-01-09T15:00:00Z", 1), "2026-01-09T16:00:00.000Z");
        assert_eq!(after("2026-01-09T15:00:00Z", 2), "2026-01-12T09:00:00.000Z");
        assert_eq!(after("2026-01-10T03:00:00Z", 0), "2026-01-12T08:00:00.000Z");
        assert_eq!(after("2026-01-05T08:00:00Z", 48), "2026-01-12T16:00:00.000Z");
    }

    #[test]
    fn a_calendar_without_business_days_counts_elapsed_time() {
        let calendar = WorkCalendar::from_iso(1..=7, []).unwrap();
        let hours = Hours { zone: Zone::UTC, calendar };
        let from = at("2026-01-05T08:00:00Z");
        assert_eq!(hours.after_business_time(from, Millis::hours(48)), from.plus(Millis::hours(48)));
        assert_eq!(hours.next_business_instant(from), from);
    }
}
