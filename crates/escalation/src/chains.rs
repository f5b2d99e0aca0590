//! The default chains, as data: what happens where no recorded policy says otherwise.
//!
//! One line is one rule; `&[]` is nobody, by policy. The waits are names of thresholds, so that a configured wait moves
//! every chain. Whoever changes a chain lets [`bellwether_model::BUILT_IN_POLICY_VERSION`] grow.

use bellwether_model::{Audience, Level, Millis, RuleId, Thresholds};

use Audience::{AdjacentEms, BothEms, Cfo, Chro, Cto, KeyResultOwner, PlatformLead, SquadEm, VpEngineering};

/// How long after the level below a level is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    AtOnce,
    /// `escalation.step-hours`.
    Step,
    /// `check-in.escalate-after-hours`.
    CheckIn,
}

/// One level of a default chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainLevel {
    /// Who; empty for nobody.
    pub(crate) audience: &'static [Audience],
    /// When, after the level below.
    pub(crate) wait: Wait,
    /// True when a second window in a row makes it due at once.
    pub(crate) at_once_on_second_window: bool,
}

/// The five levels of a rule, lowest first.
pub(crate) type Chain = [ChainLevel; 5];

const fn to(audience: &'static [Audience], wait: Wait) -> ChainLevel {
    ChainLevel { audience, wait, at_once_on_second_window: false }
}

const NOBODY: ChainLevel = to(&[], Wait::Step);

const PAGES: Chain = [
    to(&[SquadEm], Wait::AtOnce),
    to(&[AdjacentEms, PlatformLead], Wait::Step),
    to(&[VpEngineering], Wait::Step),
    to(&[Cto], Wait::Step),
    to(&[Cto, VpEngineering, Chro, Cfo], Wait::Step),
];

const PROGRESS: Chain = [
    to(&[SquadEm, KeyResultOwner], Wait::AtOnce),
    to(&[AdjacentEms, PlatformLead], Wait::Step),
    to(&[VpEngineering], Wait::Step),
    to(&[Cto], Wait::Step),
    to(&[Cto, VpEngineering, Cfo], Wait::Step),
];

const KPI_DRIFT: Chain = [
    to(&[KeyResultOwner, PlatformLead], Wait::AtOnce),
    NOBODY,
    to(&[VpEngineering], Wait::Step),
    to(&[Cto], Wait::Step),
    NOBODY,
];

const MISSED_CHECK_IN: Chain = [
    to(&[KeyResultOwner], Wait::AtOnce),
    NOBODY,
    ChainLevel { audience: &[VpEngineering], wait: Wait::CheckIn, at_once_on_second_window: true },
    NOBODY,
    NOBODY,
];

const OWNER_ABSENCE: Chain = [
    to(&[KeyResultOwner, SquadEm], Wait::AtOnce),
    NOBODY,
    to(&[VpEngineering], Wait::AtOnce),
    to(&[Cto], Wait::Step),
    NOBODY,
];

const DEPENDENCY_BREACH: Chain = [
    to(&[BothEms], Wait::AtOnce),
    NOBODY,
    to(&[VpEngineering], Wait::AtOnce),
    to(&[Cto], Wait::Step),
    to(&[Cto, VpEngineering, Cfo], Wait::Step),
];

/// The default chain of a rule.
pub(crate) const fn chain(rule: RuleId) -> &'static Chain {
    match rule {
        RuleId::VelocityDropPageLoad | RuleId::VelocityDropConcentration | RuleId::VelocityDropForecast => {
            &PAGES
        }
        RuleId::VelocityDropPace | RuleId::MomentumDecay | RuleId::ProjectedMiss => &PROGRESS,
        RuleId::KpiDrift => &KPI_DRIFT,
        RuleId::MissedCheckIn => &MISSED_CHECK_IN,
        RuleId::OwnerAbsence => &OWNER_ABSENCE,
        RuleId::DependencyBreach => &DEPENDENCY_BREACH,
    }
}

/// The chain of a rule this version does not know: nobody, which the escalation then says level by level.
pub(crate) const UNKNOWN_RULE: Chain = [NOBODY; 5];

impl Wait {
    /// The wait under the thresholds in force.
    pub(crate) fn under(self, thresholds: &Thresholds) -> Millis {
        match self {
            Self::AtOnce => Millis::ZERO,
            Self::Step => thresholds.escalation_step,
            Self::CheckIn => thresholds.check_in_escalate_after,
        }
    }
}

/// Week of the quarter before which a default level is not due.
pub(crate) fn not_before_week(level: Level, thresholds: &Thresholds) -> Option<u32> {
    (level == Level::L4).then_some(thresholds.escalation_l4_week)
}

/// Days before the end of the quarter from which a default level is due.
pub(crate) fn days_before_quarter_end(level: Level, thresholds: &Thresholds) -> Option<u32> {
    (level == Level::L5).then_some(thresholds.escalation_l5_days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_chains() {
        let mut table = String::new();
        for rule in RuleId::ALL {
            table.push_str(&format!("{rule}\n"));
            for (level, step) in Level::ALL.into_iter().zip(chain(*rule)) {
                let who: Vec<&str> = step.audience.iter().map(|role| role.as_str()).collect();
                let who = if who.is_empty() { "-".to_owned() } else { who.join(", ") };
                let second = if step.at_once_on_second_window { ", at once on a second window" } else { "" };
                table.push_str(&format!("  {level} {:?}{second}: {who}\n", step.wait));
            }
        }
        insta::assert_snapshot!(table);
    }
}
