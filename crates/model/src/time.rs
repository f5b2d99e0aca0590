//! Instants and spans of elapsed time, in whole milliseconds.
//!
//! An [`EventTime`] is when something happened. It has one precision, milliseconds, truncated at the border (R3), so
//! that equality means equality on the log, on the wire and in a test. It knows no zone: see [`crate::Zone`].
//!
//! Invariant: an instant lies between [`EventTime::MIN`] and [`EventTime::MAX`]; arithmetic saturates at them.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use serde::{Deserialize, Serialize};

use crate::Error;

/// A span of elapsed time, in milliseconds; negative spans look back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(i64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// From seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(n.saturating_mul(1_000))
    }

    /// From minutes.
    pub const fn minutes(n: i64) -> Self {
        Self(n.saturating_mul(60_000))
    }

    /// From hours.
    pub const fn hours(n: i64) -> Self {
        Self(n.saturating_mul(3_600_000))
    }

    /// From days of 24 hours; local days are [`crate::LocalDay`]'s business.
    pub const fn days(n: i64) -> Self {
        Self(n.saturating_mul(86_400_000))
    }

    /// Returns the milliseconds.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// True for spans that look back.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Millis {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Millis {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Mul<i64> for Millis {
    type Output = Self;

    fn mul(self, times: i64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

impl Neg for Millis {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

/// Shows the span exactly, in the largest unit up to hours that divides it: `48 h`, `15 min`, `60500 ms`.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 3] = [(3_600_000, "h"), (60_000, "min"), (1_000, "s")];
        let (size, unit) = UNITS.into_iter().find(|(size, _)| self.0 % size == 0).unwrap_or((1, "ms"));
        f.pad(&format!("{} {unit}", self.0 / size))
    }
}

/// How an instant is shown, with its digits.
const PLAIN: &[u8; 24] = b"0000-00-00T00:00:00.000Z";

/// Reads the form that is written here, with the digits of the second or without; `None` for every other form, good or bad.
fn plain(text: &[u8]) -> Option<EventTime> {
    let second = PLAIN.len() - ".000Z".len();
    let (with_millis, end) = match text.len() - text.len().min(second) {
        1 => (false, second),
        5 => (true, second + 4),
        _ => return None,
    };
    let is_in_place = |(place, byte): (usize, &u8)| match PLAIN[place] {
        b'0' => byte.is_ascii_digit(),
        sign => *byte == sign,
    };
    if text[end] != b'Z' || !text[..end].iter().enumerate().all(is_in_place) {
        return None;
    }
    let number = |place: std::ops::Range<usize>| {
        text[place].iter().fold(0, |number: u32, digit| number * 10 + u32::from(digit - b'0'))
    };
    let year = i32::try_from(number(0..4)).ok().filter(|year| *year > 0)?;
    let day = NaiveDate::from_ymd_opt(year, number(5..7), number(8..10))?;
    let millis = if with_millis { number(20..23) } else { 0 };
    let at = day.and_hms_milli_opt(number(11..13), number(14..16), number(17..19), millis)?;
    Some(EventTime(at.and_utc().timestamp_millis()))
}

/// When something happened: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct EventTime(i64);

impl EventTime {
    /// The first instant of the year 1.
    pub const MIN: Self = Self(-62_135_596_800_000);

    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// From milliseconds since 1970; what lies outside [`Self::MIN`] and [`Self::MAX`] becomes the nearer of them.
    pub const fn from_ms(ms: i64) -> Self {
        if ms < Self::MIN.0 {
            Self::MIN
        } else if ms > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ms)
        }
    }

    /// Returns the milliseconds since 1970.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset; digits after the third of the second are cut off (R3).
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(at) = plain(text.as_bytes()) {
            return Ok(at);
        }
        let read = DateTime::parse_from_rfc3339(text)
            .map_err(|source| Error::Instant { text: text.to_owned(), source })?;
        let ms = read.timestamp_millis();
        if (Self::MIN.0..=Self::MAX.0).contains(&ms) {
            Ok(Self(ms))
        } else {
            Err(Error::InstantRange { text: text.to_owned() })
        }
    }

    /// Shows the instant in UTC with three digits of the second: `2026-01-05T09:00:00.000Z`.
    pub fn to_rfc3339(self) -> String {
        String::from_utf8_lossy(&self.text()).into_owned()
    }

    /// Digits by hand: instants are written several times in every output, and a formatter costs five times as much.
    fn text(self) -> [u8; PLAIN.len()] {
        let at = DateTime::from_timestamp_millis(self.0)
            .expect("every instant between MIN and MAX is within chrono's years");
        let mut text = *PLAIN;
        let mut write = |place: std::ops::Range<usize>, mut number: u32| {
            for digit in text[place].iter_mut().rev() {
                *digit = b"0123456789"[(number % 10) as usize];
                number /= 10;
            }
        };
        write(0..4, at.year().unsigned_abs());
        write(5..7, at.month());
        write(8..10, at.day());
        write(11..13, at.hour());
        write(14..16, at.minute());
        write(17..19, at.second());
        write(20..23, at.timestamp_subsec_millis());
        text
    }

    /// Returns the instant that much later.
    #[must_use]
    pub const fn plus(self, span: Millis) -> Self {
        Self::from_ms(self.0.saturating_add(span.0))
    }

    /// Returns the instant that much earlier.
    #[must_use]
    pub const fn minus(self, span: Millis) -> Self {
        Self::from_ms(self.0.saturating_sub(span.0))
    }

    /// Returns the time from `earlier` to this; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0 - earlier.0)
    }
}

impl From<i64> for EventTime {
    fn from(ms: i64) -> Self {
        Self::from_ms(ms)
    }
}

impl From<EventTime> for i64 {
    fn from(at: EventTime) -> Self {
        at.0
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl std::str::FromStr for EventTime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
