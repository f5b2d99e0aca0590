//! What an audit assumes, and what exports cannot show it.

use std::collections::BTreeSet;

use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};

use super::SprintLine;

/// What deployments in the exports can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deployments {
    /// There are none.
    None,
    /// There are some, and which tickets they contain cannot be told.
    OfNothing,
    /// They contain tickets of the exports.
    OfTickets,
}

/// Whether deployments can be tied to tickets: by a link, a change or a release.
pub(super) fn deployments(input: &[Event]) -> Deployments {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut releases: BTreeSet<&str> = BTreeSet::new();
    for event in input {
        if let Payload::TicketChanged(m) = &event.payload {
            known.extend([m.ticket.as_str(), m.key.as_str()]);
            releases.extend(Some(m.release.as_str()).filter(|release| !release.is_empty()));
        }
    }
    let names_any = |tickets: &[String]| tickets.iter().any(|ticket| known.contains(ticket.as_str()));
    let ties = |payload: &Payload| match payload {
        Payload::DeploymentFinished(m) => names_any(&m.tickets) || releases.contains(m.release.as_str()),
        Payload::ChangeMerged(m) => names_any(&m.tickets),
        _ => false,
    };
    if !has(input, |payload| matches!(payload, Payload::DeploymentFinished(_))) {
        Deployments::None
    } else if has(input, ties) {
        Deployments::OfTickets
    } else {
        Deployments::OfNothing
    }
}

/// Why no coverage is reported.
pub(super) const NO_COVERAGE: &str = "who responds for what cannot be told: fetch /services, /escalation_policies and \
                                      /schedules of PagerDuty";

/// Why no cost is reported.
pub(super) const NO_COST: &str = "the parameters are yours: put them into a table [cost-model] of the configuration; \
                                  docs/examples/cost-model.toml has all of them";

/// Why no dependency is reported.
pub(super) fn why_no_dependencies(input: &[Event]) -> &'static str {
    let is_blocked = |payload: &Payload| match payload {
        Payload::TicketChanged(m) => !m.blocked_by.is_empty(),
        _ => false,
    };
    if has(input, is_blocked) {
        "no ticket was held up by another squad's for more than 48 hours"
    } else {
        "no ticket of the exports is linked to one that blocks it"
    }
}

/// Notes on what went in.
pub(super) fn of(input: &[Event], deployments: Deployments, has_coverage: bool) -> Vec<String> {
    let mut notes =
        vec!["squads are inferred from boards and teams, people from users of the trackers".to_owned()];
    let stands_in = "what reached production cannot be seen; `done`, the share of the committed points that was done \
                     by the close, stands in for it";
    match deployments {
        Deployments::None => notes.push(format!("no deployments in the exports: {stands_in}")),
        Deployments::OfNothing => {
            notes.push(format!(
                "the deployments in the exports name no ticket and no change that does: {stands_in}"
            ));
        }
        Deployments::OfTickets => {}
    }
    let is_proxy = |payload: &Payload| match payload {
        Payload::PageNotified(m) => matches!(m.basis(), pb::Basis::Assignment | pb::Basis::Acknowledgement),
        _ => false,
    };
    if has(input, is_proxy) {
        notes
            .push("some pages rest on assignments or acknowledgements, not on a notification log".to_owned());
    }
    if has_coverage {
        notes.push(
            "whoever the escalation policy of a service pages, by name or by a schedule in the exports, is taken for \
             trained, and every service that is not disabled for a production system"
                .to_owned(),
        );
    }
    notes.push(
        "agreed instants of dependencies are not in such exports: only tickets held up by another squad's are seen"
            .to_owned(),
    );
    notes
}

/// Squads of whose tickets no deployment contains any.
pub(super) fn unseen_in_production(sprints: &[SprintLine]) -> Option<String> {
    let unseen: BTreeSet<&str> = sprints
        .iter()
        .filter(|line| line.commit_reliability.is_none() && line.done.is_some())
        .map(|line| line.squad.as_str())
        .collect();
    let names: Vec<&str> = unseen.into_iter().collect();
    (!names.is_empty()).then(|| {
        format!(
            "no deployment in the exports contains a ticket of {}: what of theirs reached production cannot be seen, and \
             `done` stands in for it",
            names.join(", ")
        )
    })
}

/// Points that count as not shipped whatever became of them.
pub(super) fn without_credit(sprints: &[SprintLine]) -> Option<String> {
    let told = sprints.iter().filter(|line| line.commit_reliability.is_some());
    let points: f64 = told.map(|line| line.credit_refused).sum();
    (points > 0.0).then(|| {
        format!(
            "{points} committed points of these sprints are of tickets above 2 points without a T-shirt size: they earn no \
             credit `in production`"
        )
    })
}

/// Why no sprint is reported.
pub(super) fn why_no_sprints(input: &[Event]) -> &'static str {
    if !has(input, |payload| matches!(payload, Payload::SprintClosed(_))) {
        return "no closed sprints in the exports: reliability cannot be seen; fetch the sprints of each board, or the \
                cycles of each team";
    }
    "whose sprints they are cannot be told: fetch the boards, or the teams, that they belong to"
}

/// Why no load is reported.
pub(super) fn why_no_load(input: &[Event]) -> &'static str {
    if !has(input, |payload| matches!(payload, Payload::PageNotified(_))) {
        return "no pages in the exports: on-call load cannot be seen; fetch /log_entries of PagerDuty";
    }
    if !has(input, |payload| matches!(payload, Payload::MembershipRecorded(_))) {
        return "there are pages, but who is in which team cannot be told: fetch /users and /teams of PagerDuty";
    }
    "nobody of a known squad was paged in the last four weeks of the exports"
}

fn has(input: &[Event], wanted: impl Fn(&Payload) -> bool) -> bool {
    input.iter().any(|event| wanted(&event.payload))
}
