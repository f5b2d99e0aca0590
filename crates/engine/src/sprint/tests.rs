//! The ledger against a small world, a test a reading.

mod scope;
mod shipping;

use bellwether_wire::{Payload, pb};

use crate::world::{World, deployed, human, in_category, person, stamp, ticket};

const BEFORE: &str = "2026-01-05T09:00:00Z";
const ACTIVATED: &str = "2026-01-05T10:00:00Z";
const DURING: &str = "2026-01-08T12:00:00Z";
const LATER: &str = "2026-01-09T12:00:00Z";
const CLOSED: &str = "2026-01-16T17:00:00Z";
const AFTER: &str = "2026-01-17T09:00:00Z";

const TODO: pb::StatusCategory = pb::StatusCategory::Todo;
const IN_PROGRESS: pb::StatusCategory = pb::StatusCategory::InProgress;
const DONE: pb::StatusCategory = pb::StatusCategory::Done;
const CANCELLED: pb::StatusCategory = pb::StatusCategory::Cancelled;

/// A sprint `s` with tickets `t1` of 5 points and `t2` of 3, active.
fn world() -> World {
    let mut world = World::new(&["ann"]);
    world.at(BEFORE, ticket("t1", "s", 5.0));
    world.at(BEFORE, ticket("t2", "s", 3.0));
    world.activate(ACTIVATED, "s");
    world
}

/// Closes the sprint and waits a day.
fn closed(mut world: World) -> World {
    world.close(CLOSED, "s");
    world.until(AFTER);
    world
}

/// Checks final, added, removed, signed and absolute re-estimates.
#[track_caller]
fn check(world: &World, expected: [f64; 5]) {
    let got = world.sprint("s");
    assert_eq!(
        [got.r#final, got.added, got.removed, got.re_estimated, got.re_estimated_absolute],
        expected,
        "{got:#?}"
    );
    assert_eq!(got.r#final, got.committed + got.added + got.re_estimated - got.removed);
}

fn shown(measure: &Option<pb::Measure>) -> (&str, &str) {
    measure.as_ref().map_or(("", ""), |measure| (measure.exact.as_str(), measure.display.as_str()))
}

#[test]
fn r25_without_committed_points_there_is_no_ratio() {
    let mut world = World::new(&["ann"]);
    world.activate(ACTIVATED, "s");
    world.at(DURING, ticket("t1", "s", 5.0));
    let world = closed(world);
    assert_eq!(world.sprint("s").commit_reliability, None);
    assert_eq!(world.sprint("s").scope_change, None);
}

#[test]
fn r25_a_re_opened_sprint_makes_a_second_revision_and_overwrites_nothing() {
    let mut world = world();
    world.close(CLOSED, "s");
    world.at("2026-01-16T19:00:00Z", ticket("t3", "s", 2.0));
    world.reopen("2026-01-16T20:00:00Z", "s");
    world.deploy("2026-01-17T09:00:00Z", &["t1"]);
    world.close("2026-01-17T17:00:00Z", "s");
    world.until("2026-01-18T00:00:00Z");
    let revisions: Vec<(u32, bool, f64, f64)> = world
        .sprint_assessments("s")
        .into_iter()
        .map(|message| (message.revision, message.closed_at.is_some(), message.added, message.shipped))
        .collect();
    assert_eq!(
        revisions,
        [
            (1, false, 0.0, 0.0),
            (1, true, 0.0, 0.0),
            (2, false, 2.0, 0.0),
            (2, false, 2.0, 5.0),
            (2, true, 2.0, 5.0),
        ]
    );
}

#[test]
fn r26_a_second_activation_without_a_close_is_ignored_with_a_warning() {
    let mut world = world();
    world.activate(DURING, "s");
    let world = closed(world);
    let warnings: Vec<&str> = world
        .said
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::FactSkipped(message) => Some(message.reason.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(warnings, ["sprint s: the sprint is active already"]);
    assert_eq!(world.sprint("s").activated_at, stamp(ACTIVATED));
}

#[test]
fn r26_a_removed_sprint_keeps_its_closed_outcome() {
    let mut world = closed(world());
    let before = world.sprint_assessments("s").len();
    world.at(
        "2026-01-18T00:00:00Z",
        pb::SprintRemoved { sprint: "s".into(), squad: "a".into(), ..Default::default() },
    );
    world.deploy(LATER, &["t1"]);
    world.until("2026-01-19T00:00:00Z");
    assert_eq!(world.sprint_assessments("s").len(), before + 1, "a late deployment still changes it");
    assert_eq!(world.sprint("s").shipped, 5.0);
}

#[test]
fn r26_a_sprint_of_a_board_without_squad_waits_for_one() {
    let mut world = World::new(&["ann"]);
    world.at(ACTIVATED, pb::SprintActivated { sprint: "s".into(), board: "B".into(), ..Default::default() });
    world.at(DURING, ticket("t1", "s", 5.0));
    world.at(CLOSED, pb::SprintClosed { sprint: "s".into(), board: "B".into(), ..Default::default() });
    world.until(AFTER);
    assert!(world.sprint_assessments("s").is_empty());
    world.at(AFTER, pb::SquadRecorded { squad: "a".into(), boards: vec!["B".into()], ..Default::default() });
    world.until("2026-01-18T00:00:00Z");
    assert_eq!((world.sprint("s").squad.as_str(), world.sprint("s").added), ("a", 5.0));
}

#[test]
fn r27_interrupts_are_flagged_work_against_the_declared_capacity() {
    let mut world = world();
    let interrupt = |id: &str, points| pb::TicketChanged { interrupt: true, ..ticket(id, "", points) };
    world.at(
        BEFORE,
        pb::CapacityDeclared {
            squad: "a".into(),
            sprint: "s".into(),
            amount: Some(pb::capacity_declared::Amount::PersonDays(20.0)),
            ..Default::default()
        },
    );
    world.at(BEFORE, in_category(&interrupt("before", 3.0), IN_PROGRESS));
    world.at(DURING, in_category(&interrupt("during", 2.0), DONE));
    world.at(DURING, interrupt("untouched", 8.0));
    world.at(
        DURING,
        pb::TicketChanged { points: None, ..in_category(&interrupt("unestimated", 0.0), IN_PROGRESS) },
    );
    world.at(DURING, in_category(&interrupt("no-flag", 5.0), IN_PROGRESS));
    world.at(LATER, pb::TicketChanged { interrupt: false, ..in_category(&interrupt("no-flag", 5.0), DONE) });
    world.at(DURING, pb::TicketChanged { sub_task: true, ..in_category(&interrupt("sub", 5.0), DONE) });
    world.at(
        DURING,
        pb::TicketChanged { squad: "b".into(), ..in_category(&interrupt("other squad", 5.0), DONE) },
    );
    let world = closed(world);
    let sprint = world.sprint("s");
    assert_eq!((sprint.interrupt, sprint.capacity, sprint.interrupt_basis.as_str()), (6.0, 20.0, "capacity"));
    assert_eq!(shown(&sprint.interrupt_share), ("0.3", "30"));
}

#[test]
fn r27_without_a_capacity_interrupts_are_measured_against_the_commitment() {
    let mut world = world();
    world.at(DURING, pb::TicketChanged { interrupt: true, ..in_category(&ticket("t3", "s", 2.0), DONE) });
    let world = closed(world);
    let sprint = world.sprint("s");
    assert_eq!(
        (sprint.interrupt, sprint.capacity, sprint.interrupt_basis.as_str()),
        (2.0, 8.0, "commitment")
    );
}

/// A signed exception for `t3`, of at most 4 points, valid from the middle of the sprint.
fn exception(signer: &str) -> pb::ScopeExceptionSigned {
    pb::ScopeExceptionSigned {
        scope_exception: "e1".into(),
        sprint: "s".into(),
        tickets: vec!["t3".into()],
        points: Some(4.0),
        valid_from: stamp("2026-01-08T00:00:00Z"),
        signed_by: person(signer),
        actor: human(signer),
        ..Default::default()
    }
}

/// Product asks for what [`exception`] signs.
fn file_exception(world: &mut World) {
    let filed = pb::ScopeExceptionFiled {
        scope_exception: "e1".into(),
        sprint: "s".into(),
        tickets: vec!["t3".into()],
        actor: human("bob"),
        ..Default::default()
    };
    world.at(DURING, filed);
}

#[test]
fn an_exception_that_nobody_filed_approves_nothing_whoever_signs_it() {
    for (filed, approved) in [(false, 0.0), (true, 2.0)] {
        let mut world = world();
        world.at(DURING, ticket("t3", "s", 2.0));
        if filed {
            file_exception(&mut world);
        }
        world.at(LATER, exception("ann"));
        assert_eq!(closed(world).sprint("s").approved, approved, "filed: {filed}");
    }
}

#[test]
fn scope_changes_are_approved_as_far_as_a_signed_exception_covers_them() {
    let mut world = world();
    world.at("2026-01-07T00:00:00Z", ticket("t3", "s", 1.0));
    world.at(DURING, ticket("t3", "s", 6.0));
    world.at(DURING, ticket("t4", "s", 2.0));
    file_exception(&mut world);
    world.at(LATER, exception("ann"));
    let mut world = closed(world);
    check(&world, [16.0, 3.0, 0.0, 5.0, 5.0]);
    assert_eq!(world.sprint("s").approved, 4.0);
    world.at(
        AFTER,
        pb::ScopeExceptionRejected { scope_exception: "e1".into(), sprint: "s".into(), ..Default::default() },
    );
    world.until("2026-01-18T00:00:00Z");
    assert_eq!(world.sprint("s").approved, 0.0);
}

#[test]
fn only_the_named_vp_of_engineering_approves() {
    for (signer, approved) in [("ann", 0.0), ("vera", 2.0)] {
        let mut world = world();
        world.at(
            BEFORE,
            pb::OrganisationRecorded {
                organisation: "acme".into(),
                zone: "UTC".into(),
                fiscal_start: "2026-01-05".into(),
                roles: vec![pb::RoleHolder {
                    role: pb::Role::VpEngineering.into(),
                    person: "vera".into(),
                    function: "eng".into(),
                }],
                ..Default::default()
            },
        );
        world.at(DURING, ticket("t3", "s", 2.0));
        file_exception(&mut world);
        world.at(LATER, exception(signer));
        assert_eq!(closed(world).sprint("s").approved, approved, "{signer}");
    }
}

#[test]
fn an_open_sprint_is_published_at_most_once_an_hour() {
    let mut world = world();
    for minute in 0..30 {
        world.at(&format!("2026-01-05T11:{minute:02}:00Z"), ticket("t1", "s", f64::from(minute)));
    }
    world.until("2026-01-05T13:00:00Z");
    let published: Vec<f64> = world.sprint_assessments("s").iter().map(|message| message.r#final).collect();
    assert_eq!(published, [8.0, 32.0]);
}

#[test]
fn r01_late_facts_change_a_closed_sprint_with_the_same_revision() {
    let mut world = closed(world());
    world.at(DURING, ticket("t3", "s", 2.0));
    world.until("2026-01-18T00:00:00Z");
    world.deploy(LATER, &["t2"]);
    world.until("2026-01-19T00:00:00Z");
    let sprint = world.sprint("s");
    assert_eq!((sprint.revision, sprint.added, sprint.shipped), (1, 2.0, 3.0));
    check(&world, [10.0, 2.0, 0.0, 0.0, 0.0]);
}

#[test]
fn r02_changes_of_one_instant_are_in_the_order_of_the_sources_versions() {
    for versions in [["9", "10"], ["10", "9"]] {
        let mut world = world();
        for version in versions {
            let points = if version == "10" { 8.0 } else { 1.0 };
            world.at(DURING, pb::TicketChanged { version: version.into(), ..ticket("t1", "s", points) });
        }
        check(&closed(world), [11.0, 0.0, 0.0, 3.0, 11.0]);
    }
}

#[test]
fn a_restored_engine_knows_its_sprints() {
    let mut world = world();
    let snapshot = world.engine.snapshot();
    world.engine = crate::Engine::restore(crate::Options::default(), &snapshot).expect("own snapshot");
    assert_eq!(world.engine.snapshot(), snapshot);
    world.at(DURING, ticket("t1", "", 5.0));
    check(&closed(world), [3.0, 0.0, 5.0, 0.0, 0.0]);
}
