//! What is committed, and what changes after it.

use super::*;

#[test]
fn scenario_sprint_of_30_points_plus_5_minus_3_and_a_re_estimate_of_2() {
    let mut world = World::new(&["ann"]);
    for (id, points) in [("t1", 13.0), ("t2", 8.0), ("t3", 6.0), ("t4", 3.0)] {
        world.at(BEFORE, ticket(id, "s", points));
    }
    world.activate(ACTIVATED, "s");
    world.at(DURING, ticket("t5", "s", 5.0));
    world.at(DURING, ticket("t4", "", 3.0));
    world.at(DURING, ticket("t2", "s", 10.0));
    let world = closed(world);
    check(&world, [34.0, 5.0, 3.0, 2.0, 2.0]);
    let sprint = world.sprint("s");
    assert_eq!((sprint.committed, sprint.committed_tickets), (30.0, 4));
    assert_eq!(shown(&sprint.scope_change), ("1/3", "33"));
}

#[test]
fn r20_changes_at_exactly_the_activation_belong_to_the_commitment() {
    let mut world = World::new(&["ann"]);
    world.at(BEFORE, ticket("t1", "s", 5.0));
    world.activate(ACTIVATED, "s");
    world.at(ACTIVATED, ticket("t1", "s", 8.0));
    world.at(ACTIVATED, ticket("t2", "s", 3.0));
    let world = closed(world);
    assert_eq!(world.sprint("s").committed, 11.0);
    check(&world, [11.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn r20_changes_at_the_close_or_after_are_outside() {
    let mut world = world();
    world.close(CLOSED, "s");
    world.at(CLOSED, ticket("t3", "s", 8.0));
    world.at(AFTER, ticket("t1", "s", 8.0));
    world.until("2026-01-18T00:00:00Z");
    check(&world, [8.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn r20_unfinished_tickets_moved_out_within_a_minute_of_the_close_are_carried_over() {
    for (at, removed) in
        [("2026-01-16T16:58:59.999Z", 5.0), ("2026-01-16T16:59:00Z", 0.0), ("2026-01-16T16:59:59Z", 0.0)]
    {
        let mut world = world();
        world.at(at, ticket("t1", "next", 5.0));
        check(&closed(world), [8.0 - removed, 0.0, removed, 0.0, 0.0]);
    }
}

#[test]
fn r20_carry_over_is_no_scope_change_of_a_later_revision_and_coming_back_no_addition() {
    let mut world = world();
    world.close(CLOSED, "s");
    world.at("2026-01-16T17:01:00Z", ticket("t1", "next", 5.0));
    world.at("2026-01-16T17:01:00.001Z", ticket("t2", "next", 3.0));
    world.reopen("2026-01-16T18:00:00Z", "s");
    world.at("2026-01-16T18:10:00Z", ticket("t1", "s", 5.0));
    world.close("2026-01-19T17:00:00Z", "s");
    world.until("2026-01-20T00:00:00Z");
    assert_eq!(world.sprint("s").revision, 2);
    check(&world, [5.0, 0.0, 3.0, 0.0, 0.0]);
}

#[test]
fn r20_a_finished_ticket_that_leaves_at_the_close_is_a_removal() {
    let mut world = world();
    let t1 = ticket("t1", "s", 5.0);
    world.at(DURING, in_category(&t1, DONE));
    world.at("2026-01-16T16:59:30Z", pb::TicketChanged { sprint: String::new(), ..in_category(&t1, DONE) });
    check(&closed(world), [3.0, 0.0, 5.0, 0.0, 0.0]);
}

#[test]
fn r21_sub_tasks_never_count() {
    let mut world = World::new(&["ann"]);
    world.at(BEFORE, ticket("t1", "s", 5.0));
    world.at(BEFORE, pb::TicketChanged { sub_task: true, ..ticket("t1a", "s", 2.0) });
    world.activate(ACTIVATED, "s");
    world.at(DURING, pb::TicketChanged { kind: pb::TicketKind::SubTask.into(), ..ticket("t1b", "s", 2.0) });
    let world = closed(world);
    assert_eq!(world.sprint("s").committed, 5.0);
    check(&world, [5.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn r21_a_ticket_done_before_activation_or_when_dragged_in_is_outside_until_re_opened() {
    let mut world = World::new(&["ann"]);
    let (t1, t2) = (ticket("t1", "s", 5.0), ticket("t2", "s", 3.0));
    world.at(BEFORE, in_category(&t1, DONE));
    world.activate(ACTIVATED, "s");
    world.at(DURING, in_category(&t2, DONE));
    world.until("2026-01-09T00:00:00Z");
    check(&world, [0.0, 0.0, 0.0, 0.0, 0.0]);
    world.at(LATER, in_category(&t1, IN_PROGRESS));
    world.at(LATER, in_category(&t2, TODO));
    check(&closed(world), [8.0, 8.0, 0.0, 0.0, 0.0]);
}

#[test]
fn r21_entering_cancelled_is_a_removal_and_leaving_it_an_addition() {
    let mut world = world();
    let t1 = ticket("t1", "s", 5.0);
    world.at(DURING, in_category(&t1, CANCELLED));
    world.at(LATER, in_category(&t1, IN_PROGRESS));
    check(&closed(world), [8.0, 5.0, 5.0, 0.0, 0.0]);
}

#[test]
fn r22_removing_and_adding_again_is_two_scope_changes() {
    let mut world = world();
    world.at(DURING, ticket("t1", "", 5.0));
    world.at(LATER, ticket("t1", "s", 5.0));
    let world = closed(world);
    check(&world, [8.0, 5.0, 5.0, 0.0, 0.0]);
    assert_eq!(shown(&world.sprint("s").scope_change), ("1.25", "125"));
}

#[test]
fn r22_a_removal_counts_at_the_points_last_counted_and_an_addition_at_the_new_ones() {
    let mut world = world();
    world.activate(ACTIVATED, "other");
    world.at(DURING, ticket("t1", "other", 8.0));
    world.close(CLOSED, "other");
    let world = closed(world);
    check(&world, [3.0, 0.0, 5.0, 0.0, 0.0]);
    assert_eq!(world.sprint("other").added, 8.0);
}

#[test]
fn r22_re_estimates_count_signed_in_the_sum_and_absolute_in_the_ratio() {
    let mut world = world();
    world.at(DURING, ticket("t2", "s", 5.0));
    world.at(LATER, ticket("t2", "s", 3.0));
    let world = closed(world);
    check(&world, [8.0, 0.0, 0.0, 0.0, 4.0]);
    assert_eq!(shown(&world.sprint("s").scope_change), ("0.5", "50"));
}

#[test]
fn commitment_is_never_changed_by_later_estimates_and_counts_the_unestimated() {
    let mut world = world();
    world.at(ACTIVATED, pb::TicketChanged { points: None, ..ticket("t3", "s", 0.0) });
    world.at(DURING, ticket("t3", "s", 2.0));
    world.at(DURING, ticket("t1", "s", 13.0));
    let world = closed(world);
    let sprint = world.sprint("s");
    assert_eq!((sprint.committed, sprint.committed_tickets, sprint.unestimated), (8.0, 3, 1));
    check(&world, [18.0, 0.0, 0.0, 10.0, 10.0]);
}

#[test]
fn a_deleted_ticket_leaves_the_sprint() {
    let mut world = world();
    world.at(DURING, pb::TicketRemoved { ticket: "t1".into(), squad: "a".into(), ..Default::default() });
    check(&closed(world), [3.0, 0.0, 5.0, 0.0, 0.0]);
}
