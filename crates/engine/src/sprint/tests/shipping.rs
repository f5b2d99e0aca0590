//! What is in production by the close.

use super::*;

#[test]
fn r20_a_deployment_that_ends_at_exactly_the_close_counts() {
    let mut world = world();
    world.close(CLOSED, "s");
    world.deploy(CLOSED, &["t1"]);
    world.deploy("2026-01-16T17:00:00.001Z", &["t2"]);
    world.until(AFTER);
    let assessments = world.sprint_assessments("s");
    assert_eq!(assessments.iter().filter(|message| message.closed_at.is_some()).count(), 1);
    assert_eq!((assessments.last().unwrap().shipped, assessments.last().unwrap().slipped), (5.0, 3.0));
}

#[test]
fn r23_above_two_points_without_a_size_earns_no_credit() {
    let mut world = World::new(&["ann"]);
    for (id, points) in [("big", 3.0), ("small", 2.0)] {
        world.at(BEFORE, pb::TicketChanged { size: String::new(), ..ticket(id, "s", points) });
    }
    world.at(BEFORE, ticket("sized", "s", 5.0));
    world.activate(ACTIVATED, "s");
    world.at(DURING, ticket("big", "s", 3.0));
    world.deploy(LATER, &["big", "small", "sized"]);
    let world = closed(world);
    let sprint = world.sprint("s");
    assert_eq!(
        (sprint.committed, sprint.shipped, sprint.credit_refused, sprint.slipped),
        (10.0, 7.0, 3.0, 0.0)
    );
    assert_eq!(shown(&sprint.commit_reliability), ("0.7", "70"));
}

#[test]
fn r23_a_committed_ticket_that_was_removed_and_ships_counts() {
    let mut world = world();
    world.at(DURING, ticket("t1", "", 5.0));
    world.deploy(LATER, &["t1"]);
    let world = closed(world);
    assert_eq!((world.sprint("s").shipped, world.sprint("s").slipped), (5.0, 3.0));
}

#[test]
fn r24_done_alone_is_not_shipped() {
    let mut world = world();
    world.at(DURING, in_category(&ticket("t1", "s", 5.0), DONE));
    let world = closed(world);
    assert_eq!((world.sprint("s").done, world.sprint("s").shipped), (5.0, 0.0));
    assert_eq!(shown(&world.sprint("s").done_ratio), ("0.625", "62"));
}

#[test]
fn r23_done_is_a_share_of_the_committed_points_whatever_was_added_or_removed() {
    let mut world = world();
    world.at(DURING, in_category(&ticket("t1", "s", 8.0), DONE));
    world.at(DURING, in_category(&ticket("t2", "", 3.0), DONE));
    world.at(DURING, ticket("late", "s", 5.0));
    world.at(LATER, in_category(&ticket("late", "s", 5.0), DONE));
    let world = closed(world);
    let sprint = world.sprint("s");
    assert_eq!((sprint.committed, sprint.done, sprint.done_committed), (8.0, 13.0, 8.0));
    assert_eq!(shown(&sprint.done_ratio), ("1", "100"));
}

#[test]
fn r24_a_deployment_may_name_any_key_the_ticket_had() {
    let mut world = world();
    world.at(DURING, pb::TicketChanged { key: "OLD-1".into(), ..ticket("t1", "s", 5.0) });
    world.at(DURING, pb::TicketChanged { key: "NEW-1".into(), ..ticket("t1", "s", 5.0) });
    world.deploy(LATER, &["OLD-1"]);
    assert_eq!(closed(world).sprint("s").shipped, 5.0);
}

#[test]
fn r24_grace_makes_the_outcome_provisional_until_it_ends() {
    let mut world = world();
    world.at(
        BEFORE,
        pb::ThresholdsRecorded {
            thresholds: "ours".into(),
            values: [("sprint.grace-hours".to_owned(), "24".to_owned())].into(),
            ..Default::default()
        },
    );
    world.close(CLOSED, "s");
    world.deploy("2026-01-17T17:00:00Z", &["t1"]);
    world.deploy("2026-01-17T17:00:00.001Z", &["t2"]);
    world.until("2026-01-18T00:00:00Z");
    let closed: Vec<(bool, f64)> = world
        .sprint_assessments("s")
        .into_iter()
        .filter(|message| message.closed_at.is_some())
        .map(|message| (message.provisional, message.shipped))
        .collect();
    assert_eq!(closed, [(true, 0.0), (false, 5.0)]);
}

#[test]
fn shipped_by_a_deployment_of_a_change_that_names_the_ticket() {
    let mut world = world();
    world.at(LATER, pb::DeploymentFinished { commits: vec!["c1".into()], ..deployed("d1") });
    let mut world = closed(world);
    assert_eq!(world.sprint("s").shipped, 0.0);
    world.at(
        AFTER,
        pb::ChangeMerged {
            change: "pr-1".into(),
            commits: vec!["c1".into()],
            tickets: vec!["t1".into()],
            ..Default::default()
        },
    );
    world.until("2026-01-18T00:00:00Z");
    assert_eq!(world.sprint("s").shipped, 5.0, "the tie may become known later");
}
