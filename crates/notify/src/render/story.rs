//! What each rule has to say at every level; a table from rule to words.

mod check_in;
mod dependency;
mod general;
mod pace;
mod page;

use bellwether_model::RuleId;

use crate::redaction::StepView;

/// A heading and its lines.
pub(super) type Part = (&'static str, Vec<String>);

/// The words of a rule.
pub(super) trait Story {
    /// What happened, without a full stop.
    fn headline(&self, view: &StepView) -> String;
    /// What, where, since when.
    fn summary(&self, view: &StepView) -> String;
    /// What the squad's manager sees beside the numbers.
    fn context(&self, view: &StepView) -> Vec<Part>;
    /// What neighbours can do.
    fn help(&self, view: &StepView) -> Vec<Part>;
    /// What the VP sees beside the numbers.
    fn brief(&self, view: &StepView) -> Vec<Part>;
    /// What fails, for the CTO.
    fn failure(&self, view: &StepView) -> Vec<String>;
    /// Why it fails.
    fn causes(&self, view: &StepView) -> Vec<String>;
    /// What to do.
    fn actions(&self, view: &StepView) -> Vec<String>;
    /// What it costs.
    fn costs(&self, view: &StepView) -> Vec<String>;
    /// The decision that is asked for.
    fn decision(&self, view: &StepView) -> String;
    /// Options of a war room, each with its cost.
    fn options(&self, view: &StepView) -> Vec<String>;
}

/// The words of a view's rule.
pub(super) fn of(view: &StepView) -> &'static dyn Story {
    match view.rule {
        Some(
            RuleId::VelocityDropPageLoad | RuleId::VelocityDropConcentration | RuleId::VelocityDropForecast,
        ) => &page::Page,
        Some(RuleId::MissedCheckIn) => &check_in::CheckIn,
        Some(RuleId::VelocityDropPace) => &pace::Pace,
        Some(RuleId::DependencyBreach) => &dependency::Dependency,
        Some(RuleId::MomentumDecay | RuleId::KpiDrift | RuleId::OwnerAbsence | RuleId::ProjectedMiss)
        | None => &general::General,
    }
}
