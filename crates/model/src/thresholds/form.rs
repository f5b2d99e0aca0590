//! How threshold values are read and shown.
//!
//! A form reads text to an exact value, bounded so that no rule overflows or loops without end on what somebody typed,
//! and shows it in the same unit.

use crate::{Millis, MinuteOfDay, Ratio};

/// Longest span anybody may ask for: ten years of hours.
const MOST_HOURS: i64 = 10 * 366 * 24;

/// Largest count or ratio.
const MOST: i64 = 1_000_000;

/// Longest window in local days: what the rings of the fold can be sized for, a little over a year.
const MOST_DAYS: u32 = 400;

/// Reads and shows the values of one shape.
pub(super) trait Form {
    /// The exact value.
    type Value;
    /// What text it takes, for people.
    const EXPECTED: &'static str;
    /// Reads a value; `None` for what it does not take.
    fn read(text: &str) -> Option<Self::Value>;
    /// Shows a value as it would be typed.
    fn show(value: &Self::Value) -> String;
}

/// An exact ratio that is not negative.
pub(super) enum Number {}

impl Form for Number {
    type Value = Ratio;
    const EXPECTED: &'static str = "a number or fraction from 0 to 1000000";

    fn read(text: &str) -> Option<Ratio> {
        Ratio::parse(text).ok().filter(|value| !value.is_negative() && *value <= Ratio::int(MOST))
    }

    fn show(value: &Ratio) -> String {
        value.exact()
    }
}

/// A count of at least one.
pub(super) enum Count {}

impl Form for Count {
    type Value = u32;
    const EXPECTED: &'static str = "a whole number from 1 to 1000000";

    fn read(text: &str) -> Option<u32> {
        text.parse().ok().filter(|value| (1..=MOST).contains(&i64::from(*value)))
    }

    fn show(value: &u32) -> String {
        value.to_string()
    }
}

/// A number of local days, at least one.
pub(super) enum Days {}

impl Form for Days {
    type Value = u32;
    const EXPECTED: &'static str = "a whole number of days from 1 to 400";

    fn read(text: &str) -> Option<u32> {
        text.parse().ok().filter(|value| (1..=MOST_DAYS).contains(value))
    }

    fn show(value: &u32) -> String {
        value.to_string()
    }
}

/// Local days of the rolling window of pages. Every fold counts pages in windows of this length, and the mean a week is
/// over it: another value would change the divisor and not the window.
pub(super) enum PageWindow {}

impl Form for PageWindow {
    type Value = u32;
    const EXPECTED: &'static str =
        "the one length of the window that pages are counted in, which no setting changes";

    fn read(text: &str) -> Option<u32> {
        Days::read(text).filter(|days| *days == 28)
    }

    fn show(value: &u32) -> String {
        Days::show(value)
    }
}

/// Elapsed time, typed as a number of units of `UNIT` milliseconds.
pub(super) struct Span<const UNIT: i64>;

/// Elapsed time in hours.
pub(super) type Hours = Span<3_600_000>;
/// Elapsed time in minutes.
pub(super) type Minutes = Span<60_000>;
/// Elapsed time in seconds.
pub(super) type Seconds = Span<1_000>;

impl<const UNIT: i64> Form for Span<UNIT> {
    type Value = Millis;
    const EXPECTED: &'static str = match UNIT {
        3_600_000 => "a number of hours, at most ten years, whole in milliseconds",
        60_000 => "a number of minutes, at most ten years, whole in milliseconds",
        _ => "a number of seconds, at most ten years, whole in milliseconds",
    };

    fn read(text: &str) -> Option<Millis> {
        let ms = Ratio::parse(text).ok()?.checked_mul(Ratio::int(UNIT))?;
        let whole = i64::try_from(ms.num()).ok().filter(|_| ms.den() == 1)?;
        (0..=Millis::hours(MOST_HOURS).ms()).contains(&whole).then_some(Millis::from_ms(whole))
    }

    fn show(value: &Millis) -> String {
        Ratio::new(i128::from(value.ms()), i128::from(UNIT)).map_or_else(String::new, Ratio::exact)
    }
}

/// Ascending spans of hours, separated by commas.
pub(super) enum HoursList {}

impl Form for HoursList {
    type Value = Vec<Millis>;
    const EXPECTED: &'static str =
        "ascending hours above 0, separated by commas, at most ten, or nothing for none";

    fn read(text: &str) -> Option<Vec<Millis>> {
        if text.is_empty() {
            return Some(Vec::new());
        }
        let spans: Vec<Millis> =
            text.split(',').map(|part| Hours::read(part.trim())).collect::<Option<_>>()?;
        let ascending = spans.windows(2).all(|pair| pair[0] < pair[1]);
        (ascending && spans.len() <= 10 && spans[0] > Millis::ZERO).then_some(spans)
    }

    fn show(value: &Vec<Millis>) -> String {
        value.iter().map(Hours::show).collect::<Vec<_>>().join(",")
    }
}

/// A time of the day.
pub(super) enum Clock {}

impl Form for Clock {
    type Value = MinuteOfDay;
    const EXPECTED: &'static str = "a time of day from 00:00 to 23:59";

    fn read(text: &str) -> Option<MinuteOfDay> {
        MinuteOfDay::parse(text).ok()
    }

    fn show(value: &MinuteOfDay) -> String {
        value.to_string()
    }
}
