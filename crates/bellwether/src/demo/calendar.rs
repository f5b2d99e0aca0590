//! Instants of the demo's quarter: 13 weeks from Monday 2026-01-05, in UTC.

use bellwether_model::{EventTime, LocalDay, Millis, Zone};

/// First day of the quarter.
pub(crate) const FIRST_DAY: &str = "2026-01-05";
/// Weeks of the quarter.
pub(crate) const WEEKS: u32 = 13;

/// The instant of a day of the quarter (0 is the first Monday) at an hour and minute.
pub(crate) fn at(day: u32, hour: u32, minute: u32) -> EventTime {
    let offset = i64::from(day) * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60;
    start().plus(Millis::seconds(offset))
}

/// First instant of the quarter.
pub(crate) fn start() -> EventTime {
    Zone::UTC.day_start(first_day())
}

/// Last instant of the quarter.
pub(crate) fn end() -> EventTime {
    at(WEEKS * 7, 0, 0)
}

/// Week of the quarter, from 1, and the day of the week, for people.
pub(crate) fn week_and_day(at: EventTime) -> (i32, &'static str) {
    let day = Zone::UTC.local_day(at);
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let weekday = usize::try_from(day.weekday()).unwrap_or(1);
    (day.since(first_day()).div_euclid(7) + 1, names[weekday - 1])
}

fn first_day() -> LocalDay {
    LocalDay::parse(FIRST_DAY).expect("a day that exists")
}
