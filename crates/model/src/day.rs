//! Calendar days and times of the day, as a wall clock shows them.
//!
//! Neither is an instant: a day begins at different instants in different zones, and [`crate::Zone`] says when.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::Error;

/// A calendar day: days since 1970-01-01. Arithmetic saturates at the years 0 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i32", into = "i32")]
pub struct LocalDay(i32);

impl LocalDay {
    /// 0000-01-01, so that the local day of every instant exists.
    pub const MIN: Self = Self(-719_528);

    /// 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// From days since 1970-01-01; what lies outside [`Self::MIN`] and [`Self::MAX`] becomes the nearer of them.
    pub const fn from_days(days: i32) -> Self {
        if days < Self::MIN.0 {
            Self::MIN
        } else if days > Self::MAX.0 {
            Self::MAX
        } else {
            Self(days)
        }
    }

    /// From year, month and day of the month; `None` where the calendar has no such day.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self::from_date)
    }

    /// Reads an ISO date: `2026-01-05`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // chrono alone would take blanks, days of one digit and years of five.
        let shaped = text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let read = shaped.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
        read.map(Self::from_date).ok_or_else(|| Error::Day { text: text.to_owned() })
    }

    /// Returns the days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// Returns the ISO weekday, Monday 1 to Sunday 7.
    pub const fn weekday(self) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7) as u32 + 1
    }

    /// Returns the calendar year.
    pub fn year(self) -> i32 {
        self.date().year()
    }

    /// Returns the day that many days later; negative looks back.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self::from_days(self.0.saturating_add(days))
    }

    /// Returns the day that many days earlier.
    #[must_use]
    pub const fn minus(self, days: i32) -> Self {
        Self::from_days(self.0.saturating_sub(days))
    }

    /// Returns the days from `earlier` to this one.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    fn from_date(date: NaiveDate) -> Self {
        Self::from_days(date.to_epoch_days())
    }

    fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).expect("every day between MIN and MAX is within chrono's years")
    }
}

impl From<i32> for LocalDay {
    fn from(days: i32) -> Self {
        Self::from_days(days)
    }
}

impl From<LocalDay> for i32 {
    fn from(day: LocalDay) -> Self {
        day.0
    }
}

impl fmt::Display for LocalDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date();
        f.pad(&format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()))
    }
}

impl std::str::FromStr for LocalDay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// A time of the day on the wall, to the minute: 0 to 1439.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MinuteOfDay(u32);

impl MinuteOfDay {
    /// Midnight.
    pub const MIDNIGHT: Self = Self(0);

    /// 17:00, when update windows close (R50).
    pub const FIVE_PM: Self = Self(17 * 60);

    /// From minutes since midnight; `None` from 1440 on.
    pub const fn new(minute: u32) -> Option<Self> {
        if minute < 24 * 60 { Some(Self(minute)) } else { None }
    }

    /// Reads `17:00`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text).ok_or_else(|| Error::MinuteOfDay { text: text.to_owned() })
    }

    /// Returns the minutes since midnight.
    pub const fn minute(self) -> u32 {
        self.0
    }

    fn read(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(Self(hour * 60 + minute))
    }
}

impl TryFrom<String> for MinuteOfDay {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<MinuteOfDay> for String {
    fn from(at: MinuteOfDay) -> Self {
        at.to_string()
    }
}

impl fmt::Display for MinuteOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:02}:{:02}", self.0 / 60, self.0 % 60))
    }
}

impl std::str::FromStr for MinuteOfDay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
