//! `dependency-breach`: a cross-squad dependency passed its agreed instant undelivered, or a blocker on it has been open
//! for 48 h (R53).
//!
//! One instance per dependency, judged where its consumer is. Its key result is the smallest of those it blocks that has
//! not ended; all are in the blast radius. A date re-agreed before it passed does not fire; re-agreed after, it clears.

use bellwether_model::{DependencyId, EventTime, KeyResultId, RuleId};
use bellwether_wire::pb;

use super::missed_check_in::sources;
use crate::context::{Context, WITHDRAWN};
use crate::dependency::{Dependencies, Dependency, State, blast};
use crate::explain::{ExplainBuilder, Told};
use crate::instance::{Finding, InstanceKey, Subject, Verdict};

const CLEARS_WHEN: &str = "it is delivered, cancelled, or re-agreed; for a blocker, cleared";

/// Why a dependency is breached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Breach {
    /// The agreed instant passed.
    Due(EventTime),
    /// A blocker has been open for its allowed time.
    Blocker {
        /// Which.
        blocker: String,
        /// Since when.
        since: EventTime,
        /// When its time was up.
        at: EventTime,
    },
}

impl Breach {
    fn at(&self) -> EventTime {
        match self {
            Breach::Due(at) | Breach::Blocker { at, .. } => *at,
        }
    }
}

/// The instance of a dependency.
pub(crate) fn key(dependency: &DependencyId) -> InstanceKey {
    InstanceKey {
        rule: RuleId::DependencyBreach,
        subject: Subject::Dependency(dependency.clone()),
        scope: None,
    }
}

/// Looks at a dependency at the end of an instant: at exactly its due instant it is breached unless a deed was in time.
pub(crate) fn look(graph: &Dependencies, context: &mut Context<'_>, id: &DependencyId) {
    look_with(graph, context, id, context.cause.event.is_none());
}

/// Looks at a dependency whose due instant may have changed: its own deadline judges the instant itself.
pub(crate) fn look_after_change(graph: &Dependencies, context: &mut Context<'_>, id: &DependencyId) {
    look_with(graph, context, id, false);
}

/// `instant_is_over`: all events of this instant have been folded, so what is due now has passed.
fn look_with(graph: &Dependencies, context: &mut Context<'_>, id: &DependencyId, instant_is_over: bool) {
    let Some(dependency) = graph.get(id) else { return };
    let judged_in =
        if dependency.consumer.as_str().is_empty() { &dependency.provider } else { &dependency.consumer };
    if !context.owns(judged_in) || context.first_event.is_none() {
        return;
    }
    let key = key(id);
    let breach = breach(graph, context, id, dependency, instant_is_over);
    let Some(breach) = breach else {
        context.instances.held.remove(&key);
        if let Some(fired_for) = context.instances.get(&key).map(|instance| instance.as_of) {
            let verdict = settled(graph, context, id, dependency, fired_for);
            context.judge(key, verdict);
        }
        return;
    };
    let finding = finding(graph, context, id, dependency, &breach);
    if context.instances.get(&key).is_none() {
        let sources = sources(context, &finding.squads);
        if let Some(stale) = context.sources.stale(&sources, breach.at(), context.thresholds().source_slack) {
            let verdict = Verdict::Held {
                source: stale.source,
                since: Some(stale.complete_through),
                as_of: breach.at(),
                finding: Box::new(finding),
            };
            context.judge(key, verdict);
            return;
        }
    }
    context.judge(key, Verdict::True(Box::new(finding)));
}

/// Why a running breach is over, and how the dependency stands.
fn settled(
    graph: &Dependencies,
    context: &Context<'_>,
    id: &DependencyId,
    dependency: &Dependency,
    fired_for: EventTime,
) -> Verdict {
    let due = graph.due_at(dependency);
    let (reason, withdrawn) = match dependency.state {
        State::Delivered(at) => ("delivered", at <= fired_for),
        State::Cancelled => ("cancelled", false),
        State::Open if due.is_none() => ("no longer due", false),
        State::Open => (
            "re-agreed, or the blocker was cleared",
            dependency.due_since <= fired_for && due.is_some_and(|due| due > fired_for),
        ),
    };
    let mut explain = ExplainBuilder::new(RuleId::DependencyBreach).clears_when(CLEARS_WHEN);
    if let Some(due) = due {
        let (text, since) = (due.to_rfc3339(), dependency.due_since);
        explain = explain.input("due", &text, &text, "instant", since);
    }
    let explain = match dependency.state {
        State::Delivered(at) => {
            let text = at.to_rfc3339();
            explain.input("delivered", &text, &text, "instant", at).arithmetic(format!("delivered at {text}"))
        }
        State::Cancelled => explain.arithmetic("cancelled: nothing is owed any more"),
        State::Open => {
            let allowed = context.thresholds().dependency_blocker;
            let owed = match due {
                Some(due) => format!("{} has not passed", due.to_rfc3339()),
                None => "it has no due instant".to_owned(),
            };
            let cleared = graph.blockers_of(id).filter_map(|(_, blocker)| blocker.cleared_told.as_ref());
            explain
                .threshold(context.thresholds(), "dependency.blocker-hours", "h")
                .arithmetic(format!("{owed}, and no blocker has been open for {allowed}"))
                .events(cleared.map(Told::named))
        }
    };
    let explain = explain.events(dependency.end_told.iter().chain(&dependency.due_told).map(Told::named));
    Verdict::Over { reason: if withdrawn { WITHDRAWN } else { reason }, explain: Box::new(explain) }
}

/// The breach that holds now, the earlier of the two kinds.
fn breach(
    graph: &Dependencies,
    context: &Context<'_>,
    id: &DependencyId,
    dependency: &Dependency,
    instant_is_over: bool,
) -> Option<Breach> {
    if dependency.state != State::Open {
        return None;
    }
    let now = context.now;
    let passed = |at: EventTime| at < now || (instant_is_over && at == now);
    let due = graph
        .due_at(dependency)
        .map(|due| due.max(dependency.due_since))
        .filter(|due| passed(*due))
        .map(Breach::Due);
    let allowed = context.thresholds().dependency_blocker;
    let blocked = graph
        .blockers_of(id)
        .filter(|(_, blocker)| blocker.cleared.is_none())
        .map(|(blocker_id, blocker)| Breach::Blocker {
            blocker: blocker_id.to_string(),
            since: blocker.since,
            at: blocker.since.plus(allowed).max(blocker.raised),
        })
        .filter(|breach| passed(breach.at()))
        .min_by_key(Breach::at);
    match (due, blocked) {
        (Some(due), Some(blocked)) => Some(if blocked.at() < due.at() { blocked } else { due }),
        (due, blocked) => due.or(blocked),
    }
}

fn finding(
    graph: &Dependencies,
    context: &Context<'_>,
    id: &DependencyId,
    dependency: &Dependency,
    breach: &Breach,
) -> Finding {
    let radius = blast::radius(graph, context, id);
    let reach = [
        counted(radius.key_results.len(), "key result", "key results"),
        counted(radius.tickets.len(), "ticket", "tickets"),
        counted(radius.customer_commitments.len(), "customer commitment", "customer commitments"),
        counted(radius.dependencies.len(), "further dependency", "further dependencies"),
    ]
    .join(", ");
    let mut explain = ExplainBuilder::new(RuleId::DependencyBreach)
        .note(format!("reaches {reach}"))
        .clears_when(CLEARS_WHEN);
    explain = match breach {
        Breach::Due(at) => {
            // What was agreed; agreed when it had passed already, it is breached at once.
            let agreed = graph.due_at(dependency).unwrap_or(*at).to_rfc3339();
            let (now, is_late) = (at.to_rfc3339(), graph.due_at(dependency).is_some_and(|due| due < *at));
            explain
                .input("due", &agreed, &agreed, "instant", breach.at())
                .arithmetic(if is_late {
                    format!("undelivered at {now}, when {agreed} was agreed, which had passed")
                } else {
                    format!("undelivered at {agreed}, the agreed instant")
                })
                .events(dependency.due_told.iter().map(Told::named))
        }
        Breach::Blocker { blocker, since, at } => {
            let allowed = context.thresholds().dependency_blocker;
            let over = since.plus(allowed);
            // Told of later, it fires at the telling.
            let told = if over < *at { format!(", told at {}", at.to_rfc3339()) } else { String::new() };
            let (since, over) = (since.to_rfc3339(), over.to_rfc3339());
            let raised = graph.blockers_of(id).filter(|(id, _)| id.as_str() == blocker.as_str());
            let raised = raised.filter_map(|(_, blocker)| blocker.raised_told.as_ref());
            explain
                .threshold(context.thresholds(), "dependency.blocker-hours", "h")
                .events(raised.chain(&dependency.due_told).map(Told::named))
                .input("blocker", blocker, blocker, "", breach.at())
                .input("blocked-since", &since, &since, "instant", breach.at())
                .arithmetic(format!("{since} + {allowed} = {over}{told}, and blocker {blocker} is open"))
        }
    };
    let squads = [&dependency.provider, &dependency.consumer];
    Finding {
        key_result: key_result(context, dependency),
        id_suffix: None,
        as_of: breach.at(),
        severity: pb::Severity::Critical,
        explain: explain.build(),
        blast_radius: Some(radius),
        squads: squads.into_iter().map(ToString::to_string).filter(|squad| !squad.is_empty()).collect(),
        watched: match breach {
            Breach::Due(_) => "past due".to_owned(),
            Breach::Blocker { blocker, .. } => format!("blocked by {blocker}"),
        },
        amend: None,
        second_window: false,
    }
}

/// The smallest of the blocked key results that has not ended (R11, R53).
fn key_result(context: &Context<'_>, dependency: &Dependency) -> Option<KeyResultId> {
    let effective = |id: &&KeyResultId| context.reference.key_result(id, context.now).is_some();
    dependency.key_results.iter().find(effective).cloned()
}

/// A number with its noun.
fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}
