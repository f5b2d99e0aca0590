//! R24 against deliveries alone.

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};

use super::Deliveries;
use crate::fact::Fact;
use crate::world::deployed;

/// Deliveries made of events at the seconds given.
fn deliveries(events: Vec<(i64, Payload)>) -> Deliveries {
    let mut deliveries = Deliveries::default();
    for (index, (second, payload)) in events.into_iter().enumerate() {
        let at = EventTime::from_ms(second * 1_000);
        let event = Event::new("test://ci", format!("{index:03}"), at, payload);
        deliveries.on_fact(&Fact::new(event), at);
    }
    deliveries
}

/// Whether ticket `t`, of release `r1`, is in production by a second.
#[track_caller]
fn check(deliveries: &Deliveries, by: i64, expected: bool) {
    let by = EventTime::from_ms(by * 1_000);
    assert_eq!(deliveries.is_shipped(["t", "SHOP-1"].into_iter(), Some("r1"), by), expected);
}

fn names(tickets: &[&str]) -> Vec<String> {
    tickets.iter().map(ToString::to_string).collect()
}

fn with_tickets(deployment: &str, tickets: &[&str]) -> Payload {
    pb::DeploymentFinished { tickets: names(tickets), ..deployed(deployment) }.into()
}

fn with_release(deployment: &str) -> Payload {
    pb::DeploymentFinished { release: "r1".into(), ..deployed(deployment) }.into()
}

fn rollback(deployment: &str, of: &str) -> Payload {
    pb::DeploymentFinished { rollback_of: of.into(), tickets: names(&["t"]), ..deployed(deployment) }.into()
}

#[test]
fn r24_an_explicit_link_ships_from_the_instant_the_deployment_ended() {
    let known = deliveries(vec![(10, with_tickets("d1", &["SHOP-1"]))]);
    check(&known, 9, false);
    check(&known, 10, true);
}

#[test]
fn r24_only_successful_production_deployments_ship() {
    let failed = pb::DeploymentFinished {
        tickets: names(&["t"]),
        outcome: pb::Outcome::Failed.into(),
        ..deployed("d1")
    };
    let staging =
        pb::DeploymentFinished { tickets: names(&["t"]), environment: "staging".into(), ..deployed("d2") };
    check(&deliveries(vec![(1, failed.into()), (2, staging.into())]), 10, false);
}

#[test]
fn r24_a_change_ships_by_its_id_or_by_its_commits() {
    let change: Payload = pb::ChangeMerged {
        change: "pr-7".into(),
        commits: names(&["c1", "c2"]),
        tickets: names(&["t"]),
        ..Default::default()
    }
    .into();
    let by_id = pb::DeploymentFinished { changes: names(&["pr-7"]), ..deployed("d1") };
    let by_commit = pb::DeploymentFinished { commits: names(&["c2"]), ..deployed("d1") };
    for deployment in [by_id, by_commit] {
        check(&deliveries(vec![(1, change.clone()), (5, deployment.clone().into())]), 10, true);
        check(&deliveries(vec![(5, deployment.into()), (9, change.clone())]), 10, true);
    }
    check(&deliveries(vec![(1, change)]), 10, false);
}

#[test]
fn r24_the_release_counts_when_nothing_else_is_known() {
    check(&deliveries(vec![(1, with_release("d1"))]), 10, true);
}

#[test]
fn r24_the_first_kind_of_link_with_any_deployment_decides() {
    let mut events =
        vec![(1, with_tickets("d1", &["t"])), (2, with_release("d2")), (3, rollback("d3", "d1"))];
    check(&deliveries(events.clone()), 10, false);
    check(&deliveries(events.clone()), 2, true);
    events.push((4, with_tickets("d4", &["t"])));
    check(&deliveries(events), 10, true);
}

#[test]
fn r24_a_roll_back_ships_nothing_and_one_that_was_rolled_back_takes_nothing_back() {
    check(&deliveries(vec![(1, rollback("d2", "d1"))]), 10, false);
    let events = vec![(1, with_tickets("d1", &["t"])), (2, rollback("d2", "d1")), (3, rollback("d3", "d2"))];
    check(&deliveries(events.clone()), 2, false);
    check(&deliveries(events), 3, true);
}

#[test]
fn a_circle_of_roll_backs_ends() {
    let events = vec![
        (1, with_tickets("d1", &["t"])),
        (2, rollback("d2", "d1")),
        (2, rollback("d3", "d2")),
        (3, rollback("d2", "d3")),
    ];
    check(&deliveries(events), 10, true);
}

#[test]
fn the_last_word_about_a_deployment_counts_in_any_order() {
    let told = |second: i64, tickets: &[&str]| (second, with_tickets("d1", tickets));
    check(&deliveries(vec![told(1, &["t"]), told(2, &["x"])]), 10, false);
    check(&deliveries(vec![told(2, &["x"]), told(1, &["t"])]), 10, false);
}

#[test]
fn deliveries_are_forgotten_after_two_quarters() {
    let mut known = deliveries(vec![(1, with_tickets("d1", &["t"])), (2, rollback("d2", "d1"))]);
    let later = EventTime::from_ms(1_000).plus(super::KEEP).plus(bellwether_model::Millis::days(2));
    known.on_fact(&Fact::new(Event::new("test://ci", "x", later, deployed("d3"))), later);
    assert_eq!(known.deployments.len(), 1);
    assert!(known.by_ticket.is_empty() && known.rollbacks.is_empty());
}
