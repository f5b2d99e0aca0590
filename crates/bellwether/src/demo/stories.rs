//! What goes wrong in the quarter: a burning engineer, a second one later, a late API, a squad that slips, an owner who
//! falls silent. The numbers are chosen so that every level is reached; nothing else in the demo knows them.

use bellwether_wire::{instant, pb};

use super::calendar::{WEEKS, at};
use super::organisation::{SQUADS, engineer};
use super::quarter::{Writer, human, page, ticket_state};

/// The squad that ships about half of what it commits.
pub(crate) const SLIPPING: usize = 3;
/// The squad whose key result's owner stops reporting.
pub(crate) const SILENT: usize = 4;
/// The first week, from 0, without a check-in.
pub(crate) const SILENT_FROM_WEEK: u32 = 3;
/// The squad whose senior engineer burns.
const BURNING: usize = 0;
/// The squad of the second one, of the same function.
const SECOND: usize = 1;

/// Writes all stories.
pub(crate) fn write(out: &mut Writer) {
    burning(out, BURNING, 2, &[3, 5, 6, 7]);
    burning(out, SECOND, 6, &[4, 6, 7]);
    late_api(out);
}

/// Pages a week that ramp up and stay at the last figure until the quarter ends.
fn burning(out: &mut Writer, squad: usize, from_week: u32, ramp: &[u32]) {
    let person = engineer(squad, 0);
    for week in from_week..WEEKS {
        let step = usize::try_from(week - from_week).unwrap_or(0).min(ramp.len() - 1);
        for n in 0..ramp[step] {
            page(out, SQUADS[squad].0, &person, at(week * 7 + n % 7, 2 + n, 30));
        }
    }
}

/// `identity` owes `checkout` an API by the Friday of week 6 and delivers it in week 8.
fn late_api(out: &mut Writer) {
    let due = at(5 * 7 + 4, 17, 0);
    out.reference(pb::CustomerCommitmentRecorded {
        customer_commitment: "northwind-go-live".into(),
        title: "single sign-on for Northwind".into(),
        due_on: "2026-03-20".into(),
        depends_on_tickets: vec!["checkout-sso-2".into()],
        ..Default::default()
    });
    let blocked_by = |ticket: &str| vec![pb::BlockedBy { ticket: ticket.into(), since: None }];
    let linked = pb::TicketChanged {
        blocked_by: blocked_by("checkout-sso-1"),
        ..ticket_state("checkout-sso-2", "", "board-checkout", 3.0, pb::StatusCategory::Todo)
    };
    out.add("jira://acme", at(1, 10, 0), linked);
    out.add(
        "form://okr",
        at(2, 11, 0),
        pb::DependencyAgreed {
            dependency: "token-exchange-api".into(),
            title: "token exchange API".into(),
            actor: human("identity-em"),
            kind: pb::DependencyKind::Api.into(),
            provider: "identity".into(),
            consumer: "checkout".into(),
            blocks_key_results: vec!["checkout-adoption".into()],
            blocks_tickets: vec!["checkout-sso-1".into()],
            due: Some(pb::dependency_agreed::Due::DueAt(instant::timestamp(due))),
            ..Default::default()
        },
    );
    out.add(
        "form://okr",
        at(7 * 7 + 1, 15, 0),
        pb::DependencyDelivered {
            dependency: "token-exchange-api".into(),
            actor: human("identity-em"),
            ..Default::default()
        },
    );
}
