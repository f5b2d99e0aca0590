//! Which policy an escalation runs under, frozen when it starts.
//!
//! Of the recorded policies that match, the most specific wins. Precedence, first difference decides:
//! 1. one that names the key result before one that names none;
//! 2. one that names the squad, then its parent, then its function, before one for all org units;
//! 3. one that names the rule, then the longest family (`velocity-drop.*`), before one for all rules;
//! 4. the one recorded last, then the smaller id.
//!
//! So whoever writes a policy for one squad decides for that squad, whatever the organisation says about a rule. Where
//! none matches, the default chain of the rule holds.

use bellwether_model::{Audience, EventTime, Level, Millis, Quarter, RuleId, Thresholds};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use crate::anchor::{Anchor, anchor};
use crate::chains;
use crate::quiet::QuietHours;
use crate::reference::Reference;

/// A policy as it was when an escalation started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// Id of the policy.
    pub(crate) id: String,
    /// Its version, by the instant it was recorded.
    pub(crate) version: String,
    levels: [LevelPolicy; 5],
}

/// One level of a frozen policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LevelPolicy {
    /// Roles it goes to; empty for nobody.
    pub(crate) audience: Vec<Audience>,
    /// How long after the level below.
    pub(crate) after: Millis,
    /// True when a second window in a row makes it due at once.
    pub(crate) at_once_on_second_window: bool,
    /// Instant before which it is not due.
    pub(crate) not_before: Option<Anchor>,
    /// Channels, as on the wire; empty for all configured.
    pub(crate) channels: Vec<i32>,
    /// Hours in which nothing is sent.
    pub(crate) quiet_hours: Option<QuietHours>,
    /// True when its wait counts business hours only.
    pub(crate) business_time: bool,
}

/// What a policy is chosen for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    /// Rule, as the trigger names it.
    pub(crate) rule: &'a str,
    /// Key result; empty for none.
    pub(crate) key_result: &'a str,
    /// Squads concerned.
    pub(crate) squads: &'a [String],
    /// Function of the trigger.
    pub(crate) function: &'a str,
    /// Start of the clock.
    pub(crate) start: EventTime,
}

impl LevelPolicy {
    /// True when the hours of its recipients do not matter.
    pub(crate) fn is_always_open(&self) -> bool {
        self.quiet_hours.is_none() && !self.business_time
    }
}

impl Policy {
    /// The policy of a case, by the reference data known at an instant.
    pub(crate) fn choose(
        reference: &Reference,
        case: Case<'_>,
        thresholds: &Thresholds,
        at: EventTime,
    ) -> Self {
        let quarter = reference.quarter(case.start);
        let chosen = reference
            .policies(at)
            .filter_map(|(id, version)| {
                let specificity = specificity(reference, &version.value, case, at)?;
                Some(((specificity, version.recorded, std::cmp::Reverse(id)), version))
            })
            .max_by_key(|(rank, _)| *rank);
        match chosen {
            Some(((_, recorded, std::cmp::Reverse(id)), version)) => Self {
                id: id.to_owned(),
                version: recorded.to_rfc3339(),
                levels: Level::ALL.map(|level| recorded_level(&version.value, level, quarter.as_ref())),
            },
            None => Self {
                id: chains::POLICY.to_owned(),
                version: chains::VERSION.to_owned(),
                levels: default_levels(case.rule, thresholds, quarter.as_ref()),
            },
        }
    }

    /// One level.
    pub(crate) fn level(&self, level: Level) -> &LevelPolicy {
        &self.levels[usize::from(level.number()) - 1]
    }
}

fn default_levels(rule: &str, thresholds: &Thresholds, quarter: Option<&Quarter>) -> [LevelPolicy; 5] {
    let chain = RuleId::parse(rule).map_or(&chains::UNKNOWN_RULE, chains::chain);
    Level::ALL.map(|level| {
        let step = &chain[usize::from(level.number()) - 1];
        LevelPolicy {
            audience: step.audience.to_vec(),
            after: step.wait.under(thresholds),
            at_once_on_second_window: step.at_once_on_second_window,
            not_before: anchor(
                quarter,
                chains::not_before_week(level, thresholds),
                chains::days_before_quarter_end(level, thresholds),
            ),
            channels: Vec::new(),
            quiet_hours: None,
            business_time: false,
        }
    })
}

/// A level of a recorded policy; one that it does not list has nobody on it.
fn recorded_level(
    policy: &pb::EscalationPolicyRecorded,
    level: Level,
    quarter: Option<&Quarter>,
) -> LevelPolicy {
    let listed = policy.levels.iter().find(|listed| listed.level == u32::from(level.number()));
    let Some(listed) = listed else {
        return LevelPolicy {
            audience: Vec::new(),
            after: Millis::ZERO,
            at_once_on_second_window: false,
            not_before: None,
            channels: Vec::new(),
            quiet_hours: None,
            business_time: false,
        };
    };
    LevelPolicy {
        audience: listed.audience().filter_map(role).collect(),
        after: Millis::hours(i64::from(listed.after_hours)),
        at_once_on_second_window: listed.at_once_on_second_window,
        not_before: anchor(quarter, listed.not_before_week, listed.days_before_quarter_end),
        channels: listed.channels.clone(),
        quiet_hours: listed.quiet_hours.as_ref().and_then(QuietHours::read),
        business_time: listed.business_time,
    }
}

fn role(audience: pb::Audience) -> Option<Audience> {
    match audience {
        pb::Audience::Unspecified => None,
        pb::Audience::SquadEm => Some(Audience::SquadEm),
        pb::Audience::AdjacentEms => Some(Audience::AdjacentEms),
        pb::Audience::PlatformLead => Some(Audience::PlatformLead),
        pb::Audience::VpEngineering => Some(Audience::VpEngineering),
        pb::Audience::Cto => Some(Audience::Cto),
        pb::Audience::Chro => Some(Audience::Chro),
        pb::Audience::Cfo => Some(Audience::Cfo),
        pb::Audience::KeyResultOwner => Some(Audience::KeyResultOwner),
        pb::Audience::BothEms => Some(Audience::BothEms),
    }
}

/// How closely a policy fits: key result, org unit, rule. Greater is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Specificity(bool, u8, usize);

/// How closely a policy fits a case; `None` when it does not.
fn specificity(
    reference: &Reference,
    policy: &pb::EscalationPolicyRecorded,
    case: Case<'_>,
    at: EventTime,
) -> Option<Specificity> {
    let names_key_result = match policy.key_results.as_slice() {
        [] => false,
        named if named.iter().any(|named| named == case.key_result) => true,
        _ => return None,
    };
    let org_unit = if policy.org_units.is_empty() {
        0
    } else {
        policy.org_units.iter().filter_map(|unit| org_unit_rank(reference, unit, case, at)).max()?
    };
    let rule = if policy.rules.is_empty() {
        0
    } else {
        policy.rules.iter().filter_map(|pattern| rule_rank(pattern, case.rule)).max()?
    };
    Some(Specificity(names_key_result, org_unit, rule))
}

fn org_unit_rank(reference: &Reference, unit: &str, case: Case<'_>, at: EventTime) -> Option<u8> {
    if case.squads.iter().any(|squad| squad == unit) {
        return Some(3);
    }
    let squads = || case.squads.iter().filter_map(|squad| reference.squad(squad, at));
    if squads().any(|squad| squad.parent == unit) {
        return Some(2);
    }
    (case.function == unit || squads().any(|squad| squad.function == unit)).then_some(1)
}

/// The length of what a pattern fixes of the rule's name, and one more when it fixes all of it.
fn rule_rank(pattern: &str, rule: &str) -> Option<usize> {
    match pattern.strip_suffix('*') {
        Some(family) => rule.starts_with(family).then(|| family.len() + 1),
        None => (pattern == rule).then(|| rule.len() + 2),
    }
}
