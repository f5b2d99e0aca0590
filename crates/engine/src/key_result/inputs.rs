//! What the assessment of a key result takes from other components: narrow, so that each can grow by itself.

use bellwether_model::{EventTime, KeyResultId};

use super::marks::TREND;
use crate::check_in::CheckIns;
use crate::context::Context;
use crate::dependency::Dependencies;
use crate::page::Pages;
use crate::slo::Objectives;
use crate::sprint::Sprints;

/// Closed windows that compliance looks back on (R46).
const COMPLIANCE_WINDOWS: usize = 6;

/// What is known of the update windows of a key result.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct UpdateRecord {
    /// Last valid update, late ones included.
    pub(crate) last_valid: Option<EventTime>,
    /// Windows kept, of the last closed ones that compliance looks at (R46).
    pub(crate) kept: u32,
    /// How many those are; 0 is no data.
    pub(crate) closed: u32,
    /// Windows missed in a row, up to the last closed one.
    pub(crate) missed_in_a_row: u32,
    /// Windows closed since the last valid update, late ones included: silence decays status and momentum.
    pub(crate) silent_windows: u32,
    /// The last three closes, in order.
    pub(crate) last_closes: Vec<EventTime>,
    /// The confidence stated last, 0 to 100.
    pub(crate) confidence: Option<u32>,
}

/// What is overdue of what others owe a key result.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inbound {
    /// The oldest overdue dependency, in business days.
    pub(crate) oldest_overdue_days: u32,
    /// How many are overdue.
    pub(crate) overdue: u32,
}

/// Who knows the update windows.
pub(crate) trait Updates {
    /// The record of a key result at the instant of the context.
    fn of(&self, context: &Context<'_>, key_result: &KeyResultId) -> UpdateRecord;
}

/// Who knows the dependencies.
pub(crate) trait DependencyHealth {
    /// True when anything is overdue for a key result at the instant of the context: how long changes day by day.
    fn is_overdue(&self, context: &Context<'_>, key_result: &KeyResultId) -> bool;

    /// What is overdue for a key result at the instant of the context.
    fn inbound(&self, context: &Context<'_>, key_result: &KeyResultId) -> Inbound;
}

impl Updates for CheckIns {
    fn of(&self, _: &Context<'_>, key_result: &KeyResultId) -> UpdateRecord {
        let confidence = self.confidence(key_result);
        let Some(windows) = self.windows(key_result) else {
            return UpdateRecord { confidence, ..UpdateRecord::default() };
        };
        let (kept, closed) = windows.compliance(COMPLIANCE_WINDOWS);
        let mut last_closes: Vec<EventTime> = windows.closes().take(TREND).collect();
        last_closes.reverse();
        UpdateRecord {
            last_valid: windows.last_valid(),
            kept,
            closed,
            missed_in_a_row: windows.missed_in_a_row(),
            silent_windows: windows.missed_since_valid(),
            last_closes,
            confidence,
        }
    }
}

impl DependencyHealth for Dependencies {
    fn is_overdue(&self, context: &Context<'_>, key_result: &KeyResultId) -> bool {
        self.overdue(key_result, context.now).next().is_some()
    }

    fn inbound(&self, context: &Context<'_>, key_result: &KeyResultId) -> Inbound {
        let now = context.now;
        let due: Vec<EventTime> = self.overdue(key_result, now).collect();
        let owner = context.reference.key_result(key_result, now).map(|known| known.owner.clone());
        let oldest_overdue_days = owner.zip(due.iter().min()).map_or(0, |(owner, oldest)| {
            let zone = context.reference.zone_of(&owner, now);
            let calendar = context.reference.calendar_of(&owner, now);
            calendar.business_days_between(zone.local_day(*oldest), zone.local_day(now))
        });
        Inbound { oldest_overdue_days, overdue: u32::try_from(due.len()).unwrap_or(u32::MAX) }
    }
}

/// Everything a key result is measured by besides its own readings.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    /// Pages.
    pub(crate) pages: &'a Pages,
    /// Sprints.
    pub(crate) sprints: &'a Sprints,
    /// Update windows.
    pub(crate) updates: &'a dyn Updates,
    /// Dependencies.
    pub(crate) dependencies: &'a dyn DependencyHealth,
    /// Service-level objectives.
    pub(crate) objectives: &'a Objectives,
}

impl std::fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").finish_non_exhaustive()
    }
}
