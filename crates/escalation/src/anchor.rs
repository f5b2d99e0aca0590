//! Anchors: instants of the quarter before which a level is not due (R70).
//!
//! The quarter is that of the start and the anchor is computed once, so that a later change of the fiscal calendar
//! moves no deadline of a running escalation.

use bellwether_model::{EventTime, Quarter};
use serde::{Deserialize, Serialize};

/// An instant before which a level is not due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    /// The instant.
    pub(crate) at: EventTime,
    /// What it is, in words.
    pub(crate) words: String,
}

/// The anchor of a level: the later one where it has both; `None` without either, or where no quarter is known.
pub(crate) fn anchor(
    quarter: Option<&Quarter>,
    not_before_week: Option<u32>,
    days_before_end: Option<u32>,
) -> Option<Anchor> {
    let quarter = quarter?;
    let week = not_before_week.map(|week| Anchor {
        at: quarter.week_end(week),
        words: format!("{week} weeks into {}", quarter.name),
    });
    let end = days_before_end.map(|days| Anchor {
        at: quarter.t_minus_days(days),
        words: format!("{days} days before the end of {}", quarter.name),
    });
    match (week, end) {
        (Some(week), Some(end)) => Some(if week.at > end.at { week } else { end }),
        (week, end) => week.or(end),
    }
}
