//! The policy an escalation runs under, frozen when it starts.
//!
//! The trigger names the version in force at its firing, and that one runs, whatever was recorded since
//! ([`bellwether_model::PolicyCase`] says which is in force). Where it names none, or one that is not kept here any more -
//! `reference` is compacted to the last version of each - the one in force when the escalation starts is taken.

use bellwether_model::{
    Audience, BUILT_IN_POLICY, BUILT_IN_POLICY_VERSION, EventTime, Level, Millis, PolicyCandidate,
    PolicyCase, PolicyScope, Quarter, RuleId, Thresholds,
};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use crate::anchor::{Anchor, anchor};
use crate::chains;
use crate::quiet::QuietHours;
use crate::reference::Reference;
use crate::versions::Version;

/// A policy as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordedPolicy {
    /// What it is for.
    pub(crate) scope: PolicyScope,
    /// Its levels.
    pub(crate) levels: Vec<pb::PolicyLevel>,
}

impl From<&pb::EscalationPolicyRecorded> for RecordedPolicy {
    fn from(message: &pb::EscalationPolicyRecorded) -> Self {
        let scope = PolicyScope {
            rules: message.rules.clone(),
            key_results: message.key_results.clone(),
            org_units: message.org_units.clone(),
        };
        Self { scope, levels: message.levels.clone() }
    }
}

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

impl LevelPolicy {
    /// True when the hours of its recipients do not matter.
    pub(crate) fn is_always_open(&self) -> bool {
        self.quiet_hours.is_none() && !self.business_time
    }
}

impl Policy {
    /// The policy that a trigger is to run under, by the reference data known at an instant.
    pub(crate) fn choose(
        reference: &Reference,
        fired: &pb::TriggerFired,
        start: EventTime,
        thresholds: &Thresholds,
        at: EventTime,
    ) -> Self {
        let quarter = reference.quarter(start);
        let named = reference.policy_version(&fired.policy, &fired.policy_version, start);
        let is_built_in = named.is_none() && fired.policy == BUILT_IN_POLICY;
        let chosen = named.or_else(|| if is_built_in { None } else { in_force(reference, fired, at) });
        match chosen {
            Some((id, version)) => Self {
                id: id.to_owned(),
                version: version.recorded.to_rfc3339(),
                levels: Level::ALL.map(|level| recorded_level(&version.value, level, quarter.as_ref())),
            },
            None => Self {
                id: BUILT_IN_POLICY.to_owned(),
                version: BUILT_IN_POLICY_VERSION.to_owned(),
                levels: default_levels(&fired.rule, thresholds, quarter.as_ref()),
            },
        }
    }

    /// One level.
    pub(crate) fn level(&self, level: Level) -> &LevelPolicy {
        &self.levels[usize::from(level.number()) - 1]
    }
}

/// The recorded policy in force at an instant; `None` where none fits.
fn in_force<'a>(
    reference: &'a Reference,
    fired: &pb::TriggerFired,
    at: EventTime,
) -> Option<(&'a str, &'a Version<RecordedPolicy>)> {
    let squads = fired.squads.iter().filter_map(|squad| reference.squad(squad, at));
    let (parents, mut functions): (Vec<&str>, Vec<&str>) =
        squads.map(|squad| (squad.parent.as_str(), squad.function.as_str())).unzip();
    functions.push(&fired.function);
    let case = PolicyCase {
        rule: &fired.rule,
        key_result: &fired.key_result,
        squads: &fired.squads,
        parents: &parents,
        functions: &functions,
    };
    let candidates = reference.policies(at).map(|(id, version)| PolicyCandidate {
        id,
        recorded: version.recorded,
        scope: &version.value.scope,
    });
    let chosen = case.choose(candidates)?;
    reference.policies(at).find(|(id, _)| *id == chosen.id)
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
fn recorded_level(policy: &RecordedPolicy, level: Level, quarter: Option<&Quarter>) -> LevelPolicy {
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
