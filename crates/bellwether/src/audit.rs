//! The audit: what raw exports say about the last sprints and the on-call load, with no organisation file and no broker.
//!
//! It is an import with inferred people and squads, folded by the same code as a replay, and read off the assessments
//! and triggers. What the exports cannot show is stated. Names appear only when asked for.

use std::collections::BTreeMap;

use bellwether_wire::envelope::Event;
use bellwether_wire::ids::{self, HashKey};
use bellwether_wire::{Payload, pb};
use serde::Serialize;

/// Sprints of a squad that are reported.
pub(crate) const SPRINTS: usize = 4;

/// One closed sprint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SprintLine {
    /// Squad.
    pub squad: String,
    /// Sprint, by its name.
    pub sprint: String,
    /// When it closed.
    pub closed_at: String,
    /// Points committed at activation.
    pub committed: f64,
    /// Share of the committed points in production by the close; absent without deployments in the exports.
    pub commit_reliability: Option<String>,
    /// Share of the committed points done by the close.
    pub done: Option<String>,
    /// Scope change after activation, as a share of the commitment.
    pub scope_change: Option<String>,
    /// Interrupt work, as a share of capacity or commitment.
    pub interrupts: Option<String>,
}

/// One squad's on-call load at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LoadLine {
    /// Squad.
    pub squad: String,
    /// Who carries most: pseudonym, or name when asked for.
    pub top: String,
    /// Their pages a week, rolling four weeks.
    pub top_per_week: String,
    /// Median pages over the eligible population, four weeks.
    pub median: String,
    /// Top over median.
    pub ratio: String,
    /// People with a weekend page, quarter to date; needs quarters, else absent.
    pub weekend_people: u32,
    /// Eligible people.
    pub people: u32,
}

/// A trigger the exports would have fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TriggerLine {
    /// Rule.
    pub rule: String,
    /// Squad.
    pub squad: String,
    /// Subject: pseudonym, or name when asked for.
    pub subject: String,
    /// When.
    pub at: String,
    /// The arithmetic.
    pub arithmetic: String,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Last closed sprints, squad by squad, oldest first.
    pub sprints: Vec<SprintLine>,
    /// On-call load of squads with pages.
    pub load: Vec<LoadLine>,
    /// What would have fired.
    pub triggers: Vec<TriggerLine>,
    /// The squad whose top engineer carries most compared with the median: the next attrition risk.
    pub next_risk: Option<String>,
    /// What was assumed, and what could not be seen.
    pub notes: Vec<String>,
}

/// Reads the report off the events that went in and what the folds said.
pub(crate) fn report(input: &[Event], said: &[Event], with_names: bool) -> Report {
    let names = if with_names { names(input) } else { BTreeMap::new() };
    let deployments = input.iter().any(|event| matches!(event.payload, Payload::DeploymentFinished(_)));
    let load = load(said, &names);
    Report {
        sprints: sprints(said, deployments),
        next_risk: next_risk(&load),
        load,
        triggers: triggers(said, &names),
        notes: notes(input, deployments),
    }
}

fn names(input: &[Event]) -> BTreeMap<String, String> {
    input
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::PersonRecorded(person) if !person.name.is_empty() => {
                Some((ids::pseudonym(&HashKey::ZERO, &person.person), person.name.clone()))
            }
            _ => None,
        })
        .collect()
}

fn sprints(said: &[Event], deployments: bool) -> Vec<SprintLine> {
    let mut closed: BTreeMap<(String, String), (String, SprintLine)> = BTreeMap::new();
    for event in said {
        let Payload::SprintAssessed(m) = &event.payload else { continue };
        let Some(at) = bellwether_wire::instant::optional(m.closed_at.as_ref()) else { continue };
        let percent = |measure: &Option<pb::Measure>| measure.as_ref().map(|m| format!("{} %", percent(m)));
        let name = if m.name.is_empty() { &m.sprint } else { &m.name };
        let line = SprintLine {
            squad: m.squad.clone(),
            sprint: name.clone(),
            closed_at: at.to_rfc3339(),
            committed: m.committed,
            commit_reliability: deployments.then(|| percent(&m.commit_reliability)).flatten(),
            done: percent(&m.done_ratio),
            scope_change: percent(&m.scope_change),
            interrupts: percent(&m.interrupt_share),
        };
        closed.insert((m.squad.clone(), m.sprint.clone()), (at.to_rfc3339(), line));
    }
    let mut by_squad: BTreeMap<String, Vec<SprintLine>> = BTreeMap::new();
    let mut all: Vec<(String, SprintLine)> = closed.into_values().collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, line) in all {
        by_squad.entry(line.squad.clone()).or_default().push(line);
    }
    by_squad
        .into_values()
        .flat_map(|lines| {
            let skip = lines.len().saturating_sub(SPRINTS);
            lines.into_iter().skip(skip)
        })
        .collect()
}

/// A ratio as a whole percentage, half to even.
fn percent(measure: &pb::Measure) -> String {
    bellwether_model::Ratio::parse(&measure.exact)
        .map_or_else(|_| measure.display.clone(), |ratio| ratio.percent(0))
}

fn load(said: &[Event], names: &BTreeMap<String, String>) -> Vec<LoadLine> {
    let mut last: BTreeMap<String, &pb::LoadAssessed> = BTreeMap::new();
    for event in said {
        if let Payload::LoadAssessed(message) = &event.payload {
            last.insert(message.squad.clone(), message);
        }
    }
    last.into_values()
        .filter_map(|message| {
            let top = message.engineers.first()?;
            let shown = |measure: &Option<pb::Measure>| {
                measure.as_ref().map_or_else(|| "-".to_owned(), |measure| measure.display.clone())
            };
            Some(LoadLine {
                squad: message.squad.clone(),
                top: named(&top.engineer, names),
                top_per_week: top.per_week.clone(),
                median: shown(&message.median),
                ratio: if message.concentrated { "median 0".to_owned() } else { shown(&message.ratio) },
                weekend_people: message.weekend_people,
                people: message.eligible,
            })
        })
        .collect()
}

fn next_risk(load: &[LoadLine]) -> Option<String> {
    let ratio = |line: &LoadLine| line.ratio.parse::<f64>().unwrap_or(0.0);
    let riskiest = load.iter().filter(|line| line.people >= 3 && ratio(line) > 1.5);
    riskiest
        .max_by(|a, b| ratio(a).total_cmp(&ratio(b)).then_with(|| b.squad.cmp(&a.squad)))
        .map(|line| format!("{}: one engineer carries {}x the median", line.squad, line.ratio))
}

fn triggers(said: &[Event], names: &BTreeMap<String, String>) -> Vec<TriggerLine> {
    said.iter()
        .filter_map(|event| match &event.payload {
            Payload::TriggerFired(m) => Some(TriggerLine {
                rule: m.rule.clone(),
                squad: m.squads.join(", "),
                subject: named(m.subject.as_ref().map_or("", |subject| subject.id.as_str()), names),
                at: event.time.to_rfc3339(),
                arithmetic: m.explain.as_ref().map(|explain| explain.arithmetic.clone()).unwrap_or_default(),
            }),
            _ => None,
        })
        .collect()
}

fn named(pseudonym: &str, names: &BTreeMap<String, String>) -> String {
    names.get(pseudonym).cloned().unwrap_or_else(|| pseudonym.to_owned())
}

fn notes(input: &[Event], deployments: bool) -> Vec<String> {
    let has = |wanted: fn(&Payload) -> bool| input.iter().any(|event| wanted(&event.payload));
    let mut notes =
        vec!["squads are inferred from boards and teams, people from users of the trackers".to_owned()];
    if !deployments {
        notes.push(
            "no deployments in the exports: what reached production cannot be seen; `done` is shown beside it".to_owned(),
        );
    }
    if !has(|payload| matches!(payload, Payload::PageNotified(_))) {
        notes.push("no pages in the exports: on-call load cannot be seen".to_owned());
    }
    let proxies = |payload: &Payload| match payload {
        Payload::PageNotified(m) => matches!(m.basis(), pb::Basis::Assignment | pb::Basis::Acknowledgement),
        _ => false,
    };
    if input.iter().any(|event| proxies(&event.payload)) {
        notes
            .push("some pages rest on assignments or acknowledgements, not on a notification log".to_owned());
    }
    if !has(|payload| matches!(payload, Payload::SprintClosed(_))) {
        notes.push("no closed sprints in the exports: reliability cannot be seen".to_owned());
    }
    notes.push(
        "dependencies between squads, coverage and cost are not in such exports and not reported".to_owned(),
    );
    notes
}
