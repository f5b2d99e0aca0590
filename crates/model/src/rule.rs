//! The rules that fire triggers: their names, numbers, versions and how they clear.
//!
//! What a rule computes is the engine's business.

use crate::Millis;
use crate::text_enum::text_enum;

text_enum! {
    /// A rule of the trigger table, in the table's order.
    pub enum RuleId ("rule") {
        /// T1: an update window closed without a valid update.
        MissedCheckIn = "missed-check-in",
        /// T2: at or after mid-cycle, pace is below its floor.
        VelocityDropPace = "velocity-drop.pace",
        /// T2: an engineer's rolling mean of pages is above the threshold.
        VelocityDropPageLoad = "velocity-drop.page-load",
        /// T2: the top engineer carries too many times the squad's median.
        VelocityDropConcentration = "velocity-drop.concentration",
        /// T2: the present rate will take the rolling mean past the threshold.
        VelocityDropForecast = "velocity-drop.forecast",
        /// T3: a series worsened over two sprint-to-sprint steps.
        MomentumDecay = "momentum-decay",
        /// T4: an operating KPI drifts while its key result is green.
        KpiDrift = "kpi-drift",
        /// T5: five full business days without owner-driven progress.
        OwnerAbsence = "owner-absence",
        /// T6: a cross-squad dependency passed its agreed instant.
        DependencyBreach = "dependency-breach",
        /// T7: projected completion is below its floor.
        ProjectedMiss = "projected-miss",
    }
}

/// When a trigger clears after its condition became false (R10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearAfter {
    /// With the condition.
    AtOnce,
    /// When the condition has not held for this long.
    After(Millis),
}

impl RuleId {
    /// Returns the trigger number, `T1` to `T7`.
    pub const fn number(self) -> &'static str {
        match self {
            Self::MissedCheckIn => "T1",
            Self::VelocityDropPace
            | Self::VelocityDropPageLoad
            | Self::VelocityDropConcentration
            | Self::VelocityDropForecast => "T2",
            Self::MomentumDecay => "T3",
            Self::KpiDrift => "T4",
            Self::OwnerAbsence => "T5",
            Self::DependencyBreach => "T6",
            Self::ProjectedMiss => "T7",
        }
    }

    /// Returns the version of the rule's arithmetic; it grows when the same facts would be decided differently.
    pub const fn version(self) -> u32 {
        match self {
            Self::MissedCheckIn
            | Self::VelocityDropPace
            | Self::VelocityDropPageLoad
            | Self::VelocityDropConcentration
            | Self::VelocityDropForecast
            | Self::MomentumDecay
            | Self::KpiDrift
            | Self::OwnerAbsence
            | Self::DependencyBreach
            | Self::ProjectedMiss => 1,
        }
    }

    /// True for rules about a date, which clear with their condition; the others look at windows.
    pub const fn is_date_rule(self) -> bool {
        match self {
            Self::MissedCheckIn | Self::OwnerAbsence | Self::DependencyBreach => true,
            Self::VelocityDropPace
            | Self::VelocityDropPageLoad
            | Self::VelocityDropConcentration
            | Self::VelocityDropForecast
            | Self::MomentumDecay
            | Self::KpiDrift
            | Self::ProjectedMiss => false,
        }
    }

    /// True for the rules about pages of engineers and squads.
    pub const fn is_page_rule(self) -> bool {
        match self {
            Self::VelocityDropPageLoad | Self::VelocityDropConcentration | Self::VelocityDropForecast => true,
            Self::MissedCheckIn
            | Self::VelocityDropPace
            | Self::MomentumDecay
            | Self::KpiDrift
            | Self::OwnerAbsence
            | Self::DependencyBreach
            | Self::ProjectedMiss => false,
        }
    }

    /// Returns how it clears unless configured otherwise: [`crate::Thresholds::clear_after`] knows the configured time.
    pub const fn clear_after(self) -> ClearAfter {
        if self.is_date_rule() { ClearAfter::AtOnce } else { ClearAfter::After(Millis::hours(168)) }
    }
}
