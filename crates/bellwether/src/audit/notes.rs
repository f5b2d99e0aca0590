//! What an audit assumes, and what exports cannot show it.

use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};

/// Notes on what went in.
pub(super) fn of(input: &[Event], has_deployments: bool) -> Vec<String> {
    let mut notes =
        vec!["squads are inferred from boards and teams, people from users of the trackers".to_owned()];
    if !has_deployments {
        let note = "no deployments in the exports: what reached production cannot be seen; `done`, the share of the \
                    committed points that was done by the close, stands in for it";
        notes.push(note.to_owned());
    }
    let is_proxy = |payload: &Payload| match payload {
        Payload::PageNotified(m) => matches!(m.basis(), pb::Basis::Assignment | pb::Basis::Acknowledgement),
        _ => false,
    };
    if has(input, is_proxy) {
        notes
            .push("some pages rest on assignments or acknowledgements, not on a notification log".to_owned());
    }
    notes.push(
        "dependencies between squads, coverage and cost are not in such exports and not reported".to_owned(),
    );
    notes
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
