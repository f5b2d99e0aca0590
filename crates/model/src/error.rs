//! What can be wrong with a value that comes from outside.
//!
//! Only reading text or configuration can fail; arithmetic answers with `None` or saturates instead.

/// A value that could not be read, with what was tried and what would have been right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Text is no instant.
    #[error("cannot read instant `{text}`: expected RFC 3339, such as 2026-01-05T09:00:00Z")]
    Instant {
        /// What was read.
        text: String,
        /// Where the reader stumbled.
        #[source]
        source: chrono::ParseError,
    },
    /// An instant lies outside the years 1 to 9999.
    #[error("instant `{text}` is outside the years 1 to 9999")]
    InstantRange {
        /// What was read.
        text: String,
    },
    /// Text is no calendar day.
    #[error("cannot read day `{text}`: expected an ISO date, such as 2026-01-05")]
    Day {
        /// What was read.
        text: String,
    },
    /// Text is no time of the day.
    #[error("cannot read time of day `{text}`: expected 00:00 to 23:59, such as 17:00")]
    MinuteOfDay {
        /// What was read.
        text: String,
    },
    /// A weekday number is not 1 to 7.
    #[error("no weekday has the number {number}: expected 1 (Monday) to 7 (Sunday)")]
    Weekday {
        /// What was given.
        number: u32,
    },
    /// A zone is in no table.
    #[error("unknown time zone `{name}`: expected an IANA name, such as Europe/Berlin")]
    Zone {
        /// What was given.
        name: String,
    },
    /// Text is no exact number, or one too large.
    #[error("cannot read {what} `{text}`: expected {expected}")]
    Number {
        /// Kind of number.
        what: &'static str,
        /// What was read.
        text: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// A level is not 1 to 5.
    #[error("no escalation level {number}: expected 1 to 5")]
    Level {
        /// What was given.
        number: u8,
    },
    /// A name is not among those that exist.
    #[error("unknown {what} `{text}`: expected one of {}", known.join(", "))]
    Name {
        /// Kind of name.
        what: &'static str,
        /// What was read.
        text: String,
        /// All names there are.
        known: &'static [&'static str],
    },
    /// Two configured quarters start on the same day or have the same name.
    #[error("quarters `{first}` and `{second}` share a name or a first day ({day})")]
    Quarters {
        /// The earlier one.
        first: String,
        /// The later one.
        second: String,
        /// First day of the later one.
        day: String,
    },
    /// A threshold key does not exist.
    #[error("unknown threshold `{key}`{}", hint(near))]
    ThresholdKey {
        /// What was given.
        key: String,
        /// Keys that look like it, nearest first.
        near: Vec<&'static str>,
    },
    /// A threshold does not take this value.
    #[error("threshold `{key}` cannot be `{value}`: expected {expected}, such as {default}")]
    ThresholdValue {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What would have been right.
        expected: &'static str,
        /// The default, as an example.
        default: &'static str,
    },
}

/// The tail of the message about an unknown key.
fn hint(near: &[&'static str]) -> String {
    if near.is_empty() {
        String::from(": no key looks like it")
    } else {
        format!(": did you mean {}?", near.join(", "))
    }
}
