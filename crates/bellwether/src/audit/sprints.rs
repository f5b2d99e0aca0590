//! The last closed sprints of each squad, and how their reliability moved.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::Ratio;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, instant, pb};
use serde::Serialize;

use super::Names;

/// Sprints of a squad that are reported.
const SPRINTS: usize = 4;

/// One closed sprint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SprintLine {
    /// Squad, by its id.
    #[serde(rename = "squad")]
    pub id: String,
    /// Squad, by its name.
    #[serde(rename = "squad-name")]
    pub squad: String,
    /// Sprint, by its name.
    pub sprint: String,
    /// When it closed.
    pub closed_at: String,
    /// Points committed at activation.
    pub committed: f64,
    /// Committed points in production by the close; absent where the share is.
    pub shipped: Option<f64>,
    /// Committed points done by the close.
    pub done_points: f64,
    /// Points added after activation.
    pub added: f64,
    /// Points removed after activation.
    pub removed: f64,
    /// Re-estimates after activation, signed.
    pub re_estimated: f64,
    /// Re-estimates after activation, absolute, change by change.
    pub re_estimated_absolute: f64,
    /// Points of interrupt work.
    pub interrupt_points: f64,
    /// What interrupt work is measured against: `capacity`, or `commitment`.
    pub interrupt_basis: String,
    /// Share of the committed points in production by the close; absent where no deployment contains the squad's tickets.
    pub commit_reliability: Option<String>,
    /// Committed points of tickets above the size limit that have no size: in production or not, they earn no credit.
    pub credit_refused: f64,
    /// Share of the committed points done by the close.
    pub done: Option<String>,
    /// Scope change after activation, as a share of the commitment.
    pub scope_change: Option<String>,
    /// Interrupt work, as a share of capacity or commitment.
    pub interrupts: Option<String>,
    /// What drift is measured by.
    #[serde(skip)]
    pub(super) reliability: Option<Ratio>,
    /// `in production`, or `done` where the exports have no deployments of the squad's tickets.
    #[serde(skip)]
    pub(super) rests_on: &'static str,
}

/// How far one squad's reliability moved from the first of its last sprints to the last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct DriftLine {
    /// Squad, by its id.
    #[serde(rename = "squad")]
    pub id: String,
    /// Squad, by its name.
    #[serde(rename = "squad-name")]
    pub squad: String,
    /// Reliability of the first.
    pub from: String,
    /// Reliability of the last.
    pub to: String,
    /// Percentage points from the first to the last, signed.
    pub points: String,
    /// Sprints with committed points among them.
    pub sprints: usize,
    /// `in production`, or `done` where the exports have no deployments of the squad's tickets.
    pub rests_on: &'static str,
}

/// The last sprints of each squad, oldest first.
pub(super) fn last(said: &[Event], has_deployments: bool, names: &Names) -> Vec<SprintLine> {
    let in_production = squads_in_production(said);
    let mut by_squad: BTreeMap<&str, Vec<SprintLine>> = BTreeMap::new();
    let mut all: Vec<_> = closed(said).into_iter().collect();
    all.sort_by_key(|(_, message)| instant::optional(message.closed_at.as_ref()));
    for (key, message) in all {
        let has_deployments = has_deployments && in_production.contains(key.0);
        let done = ratio(&message.done_ratio);
        let shipped = ratio(&message.commit_reliability).filter(|_| has_deployments);
        let share = |ratio: Option<Ratio>| ratio.map(|ratio| format!("{} %", ratio.percent(0)));
        by_squad.entry(key.0).or_default().push(SprintLine {
            id: message.squad.clone(),
            squad: names.squad(&message.squad),
            sprint: if message.name.is_empty() { message.sprint.clone() } else { message.name.clone() },
            closed_at: instant::optional(message.closed_at.as_ref())
                .map(|at| at.to_rfc3339())
                .unwrap_or_default(),
            committed: message.committed,
            shipped: has_deployments.then_some(message.shipped),
            done_points: message.done_committed,
            added: message.added,
            removed: message.removed,
            re_estimated: message.re_estimated,
            re_estimated_absolute: message.re_estimated_absolute,
            interrupt_points: message.interrupt,
            interrupt_basis: message.interrupt_basis.clone(),
            commit_reliability: share(shipped),
            credit_refused: message.credit_refused,
            done: share(done),
            scope_change: share(ratio(&message.scope_change)),
            interrupts: share(ratio(&message.interrupt_share)),
            reliability: if has_deployments { shipped } else { done },
            rests_on: if has_deployments { "in production" } else { "done" },
        });
    }
    let last = |mut lines: Vec<SprintLine>| lines.split_off(lines.len().saturating_sub(SPRINTS));
    by_squad.into_values().flat_map(last).collect()
}

/// Squads with something in production: of the others the deployments are elsewhere, which is not 0 %.
pub(super) fn squads_in_production(said: &[Event]) -> BTreeSet<&str> {
    // Not by the ratio: what earns no credit is in production all the same.
    let ships = |message: &&pb::SprintAssessed| message.slipped < message.committed;
    closed(said).into_iter().filter(|(_, message)| ships(message)).map(|(key, _)| key.0).collect()
}

/// Drift over lines that come squad by squad, oldest first.
pub(super) fn drift(sprints: &[SprintLine]) -> Vec<DriftLine> {
    let of_squad = |lines: &[SprintLine]| {
        let known: Vec<(&SprintLine, Ratio)> =
            lines.iter().filter_map(|line| Some((line, line.reliability?))).collect();
        let [(first, from), .., (_, to)] = known.as_slice() else { return None };
        let points = to.checked_sub(*from)?;
        let sign = if points > Ratio::ZERO { "+" } else { "" };
        Some(DriftLine {
            id: first.id.clone(),
            squad: first.squad.clone(),
            from: format!("{} %", from.percent(0)),
            to: format!("{} %", to.percent(0)),
            points: format!("{sign}{}", points.percent(0)),
            sprints: known.len(),
            rests_on: first.rests_on,
        })
    };
    sprints.chunk_by(|a, b| a.id == b.id).filter_map(of_squad).collect()
}

/// The last word on each closed sprint, by squad and sprint.
fn closed(said: &[Event]) -> BTreeMap<(&str, &str), &pb::SprintAssessed> {
    said.iter()
        .filter_map(|event| match &event.payload {
            Payload::SprintAssessed(message) => Some(message.as_ref()),
            _ => None,
        })
        .filter(|message| message.closed_at.is_some())
        .map(|message| ((message.squad.as_str(), message.sprint.as_str()), message))
        .collect()
}

fn ratio(measure: &Option<pb::Measure>) -> Option<Ratio> {
    Ratio::parse(&measure.as_ref()?.exact).ok()
}
