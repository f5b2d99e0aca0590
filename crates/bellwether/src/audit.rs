//! The audit: what raw exports say about the last sprints and the on-call load, with no organisation file and no broker.
//!
//! It is an import with inferred people and squads, folded by the same code as a replay, and read off the assessments
//! and triggers. What the exports cannot show is stated, and why a table is empty. Names of people appear only when
//! asked for.

pub(crate) mod cost;
mod coverage;
mod dependencies;
pub(crate) mod html;
mod load;
mod notes;
mod sprints;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::Payload;
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::{self, HashKey};
use serde::Serialize;

pub(crate) use cost::CostLine;
pub(crate) use coverage::CoverageLine;
pub(crate) use dependencies::DependencyLine;
pub(crate) use load::LoadLine;
pub(crate) use sprints::{DriftLine, SprintLine};

use notes::Deployments;

/// A trigger the exports would have fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TriggerLine {
    /// Rule.
    pub rule: String,
    /// Squads, by their names.
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
    /// How reliability moved over them.
    pub drift: Vec<DriftLine>,
    /// On-call load of squads with pages.
    pub load: Vec<LoadLine>,
    /// Who responds for each system, the worst first.
    pub coverage: Vec<CoverageLine>,
    /// Tickets held up by another squad's for more than 48 hours.
    pub dependencies: Vec<DependencyLine>,
    /// What would have fired.
    pub triggers: Vec<TriggerLine>,
    /// What it costs, by the user's parameters.
    pub cost: Vec<CostLine>,
    /// The squad whose top engineer carries most compared with the median: the next attrition risk.
    pub next_risk: Option<String>,
    /// Why there is nothing, where there is nothing.
    pub empty: Empty,
    /// What was assumed, and what could not be seen.
    pub notes: Vec<String>,
}

/// Why a table is empty; nothing for one that is not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Empty {
    /// Of sprints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sprints: Option<&'static str>,
    /// Of drift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<&'static str>,
    /// Of load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<&'static str>,
    /// Of coverage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<&'static str>,
    /// Of dependencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<&'static str>,
    /// Of cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<&'static str>,
    /// Of triggers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<&'static str>,
}

/// The instant at which the exports end: that of the last event that is not a plan. Shifts and sprints that are still to
/// come are in the exports of today, and four weeks before them nobody was paged.
pub(crate) fn end(input: &[Event]) -> EventTime {
    let is_plan =
        |event: &&Event| matches!(event.payload, Payload::ShiftScheduled(_) | Payload::SprintPlanned(_));
    let last = |events: &mut dyn Iterator<Item = &Event>| events.map(|event| event.time).max();
    last(&mut input.iter().filter(|event| !is_plan(event)))
        .or_else(|| last(&mut input.iter()))
        .unwrap_or(EventTime::MIN)
}

/// Reads the report off the events that went in and what the folds said of them.
pub(crate) fn report(
    input: &[Event],
    said: &[Event],
    with_names: bool,
    parameters: &BTreeMap<String, String>,
) -> Report {
    let names = Names::of(input, with_names);
    let deployments = notes::deployments(input);
    let sprints = sprints::last(said, deployments == Deployments::OfTickets, &names);
    let drift = sprints::drift(&sprints);
    let load = load::lines(said, &names);
    let coverage = coverage::lines(input, &names);
    let dependencies = dependencies::lines(input, end(input), &names);
    let triggers = triggers(said, &names);
    let cost = cost::lines(parameters);
    let empty = Empty {
        sprints: sprints.is_empty().then(|| notes::why_no_sprints(input)),
        drift: drift.is_empty().then_some("it takes two closed sprints of a squad with committed points"),
        load: load.is_empty().then(|| notes::why_no_load(input)),
        coverage: coverage.is_empty().then_some(notes::NO_COVERAGE),
        dependencies: dependencies.is_empty().then(|| notes::why_no_dependencies(input)),
        cost: cost.is_empty().then_some(notes::NO_COST),
        triggers: triggers.is_empty().then_some("nothing in the exports passes a threshold"),
    };
    let next_risk = load::next_risk(&load);
    let mut notes = notes::of(input, deployments, !coverage.is_empty());
    if deployments == Deployments::OfTickets {
        notes.extend(notes::unseen_in_production(&sprints));
        notes.extend(notes::without_credit(&sprints));
    }
    Report { sprints, drift, load, coverage, dependencies, triggers, cost, next_risk, empty, notes }
}

/// What people and squads are called.
#[derive(Debug, Default)]
struct Names {
    people: BTreeMap<String, String>,
    squads: BTreeMap<String, String>,
}

impl Names {
    /// The names of reference data; those of people only when asked for. Squads of one name are told apart by their ids.
    fn of(input: &[Event], with_people: bool) -> Self {
        let mut names = Self::default();
        for event in input {
            match &event.payload {
                Payload::PersonRecorded(person) if with_people && !person.name.is_empty() => {
                    names.people.insert(ids::pseudonym(&HashKey::ZERO, &person.person), person.name.clone());
                }
                Payload::SquadRecorded(squad) if !squad.name.is_empty() => {
                    names.squads.insert(squad.squad.clone(), squad.name.clone());
                }
                _ => {}
            }
        }
        let mut once = BTreeSet::new();
        let twice: BTreeSet<String> =
            names.squads.values().filter(|name| !once.insert(name.as_str())).cloned().collect();
        for (squad, name) in &mut names.squads {
            if twice.contains(name) {
                *name = format!("{name} ({squad})");
            }
        }
        names
    }

    fn person(&self, pseudonym: &str) -> String {
        self.people.get(pseudonym).cloned().unwrap_or_else(|| pseudonym.to_owned())
    }

    fn squad(&self, squad: &str) -> String {
        self.squads.get(squad).cloned().unwrap_or_else(|| squad.to_owned())
    }
}

fn triggers(said: &[Event], names: &Names) -> Vec<TriggerLine> {
    said.iter()
        .filter_map(|event| match &event.payload {
            Payload::TriggerFired(m) => {
                let squads: Vec<String> = m.squads.iter().map(|squad| names.squad(squad)).collect();
                Some(TriggerLine {
                    rule: m.rule.clone(),
                    squad: squads.join(", "),
                    subject: names.person(m.subject.as_ref().map_or("", |subject| subject.id.as_str())),
                    at: event.time.to_rfc3339(),
                    arithmetic: m
                        .explain
                        .as_ref()
                        .map(|explain| explain.arithmetic.clone())
                        .unwrap_or_default(),
                })
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
