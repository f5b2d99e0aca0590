//! The clock of a level: when it is due, and why then (R70).
//!
//! Due is the later of its wait after the level below that had anybody and its anchor, absolute, computed once. Waits
//! are elapsed time; a level in business time waits the business hours of the recipient for whom they pass first, and
//! each of the others gets it when theirs have passed.

use bellwether_model::{EventTime, Level, Millis};

use crate::people::Recipient;
use crate::policy::LevelPolicy;
use crate::quiet::Hours;

/// A due instant and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    /// The instant.
    pub(crate) at: EventTime,
    /// Why, in words.
    pub(crate) because: String,
}

/// When a level is due after the one below; `below` is `None` for the start.
pub(crate) fn due(
    level: &LevelPolicy,
    below: Option<Level>,
    from: EventTime,
    recipients: &[(Recipient, Hours)],
    otherwise: &Hours,
) -> Due {
    let runs_out = |hours: &Hours| hours.after(level, from, level.after);
    let clock =
        recipients.iter().map(|(_, hours)| runs_out(hours)).min().unwrap_or_else(|| runs_out(otherwise));
    let since = below.map_or_else(|| String::from("the start"), |below| below.to_string());
    let wait = match (level.after == Millis::ZERO, level.business_time) {
        (true, false) => format!("at once after {since}"),
        (true, true) => format!("the first business hour after {since}"),
        (false, false) => format!("{} after {since}", level.after),
        (false, true) => format!("{} of business time after {since}", level.after),
    };
    match &level.not_before {
        Some(anchor) if anchor.at > clock => {
            Due { at: anchor.at, because: format!("{}, later than {wait}", anchor.words) }
        }
        Some(_) | None => Due { at: clock, because: wait },
    }
}
