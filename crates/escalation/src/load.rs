//! The present load of an engineer, as far as a page rule's trigger tells it: what the guard of L4 looks at (R72).
//!
//! A trigger tells its load again when it crosses the guard's line, as long as its condition holds. Of a page-load whose
//! condition is false it is known that the load is not above the threshold. Of a concentration whose condition is false
//! nothing is known; the engineer's page-load tells it then, since whoever is above its threshold fires it.

use bellwether_model::{EventTime, Ratio, RuleId};
use bellwether_wire::instant;

use crate::contract;
use crate::guard::Verdict;
use crate::instance::Instance;

/// What is known of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// As a trigger told it, on this side of the guard's line since.
    Told {
        /// Pages per week.
        rate: Ratio,
        /// The instant they were counted.
        at: Option<EventTime>,
    },
    /// Not above a threshold.
    AtMost(Ratio),
    /// Nothing.
    Unknown,
}

impl Load {
    /// What an instance tells of the present.
    pub(crate) fn told_by(instance: &Instance) -> Self {
        let explain = instance.fired.explain.as_ref();
        if let Some(input) = contract::present(explain, contract::PAGES_PER_WEEK) {
            return Ratio::parse(&input.value)
                .map_or(Self::Unknown, |rate| Self::Told { rate, at: instant::optional(input.at.as_ref()) });
        }
        let is_over = contract::is_condition_false(explain);
        match contract::threshold(explain, contract::PAGE_LOAD_PAGES_PER_WEEK) {
            Some(threshold) if is_over && instance.rule() == Some(RuleId::VelocityDropPageLoad) => {
                Self::AtMost(threshold)
            }
            Some(_) | None => Self::Unknown,
        }
    }

    /// Whether it is at least what a guard needs; if not, or if that is not known, why.
    pub(crate) fn is_at_least(self, needed: Ratio) -> Verdict {
        match self {
            Self::Told { rate, .. } if rate >= needed => Ok(()),
            Self::Told { rate, at: Some(at) } => {
                Err(format!("{rate} pages per week as of {}, needs at least {needed}", at.to_rfc3339()))
            }
            Self::Told { rate, at: None } => {
                Err(format!("{rate} pages per week when last told, needs at least {needed}"))
            }
            Self::AtMost(threshold) if threshold < needed => {
                Err(format!("at most {threshold} pages per week at present, needs at least {needed}"))
            }
            Self::AtMost(_) | Self::Unknown => {
                Err(format!("present pages per week are not known, needs at least {needed}"))
            }
        }
    }
}
