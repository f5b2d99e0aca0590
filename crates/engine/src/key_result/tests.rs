//! Assessments of key results against a small world whose quarter is 2026-01-05 to 2026-04-06, 13 weeks.

mod projection;
mod status;

use bellwether_wire::pb;

use crate::world::{World, human, in_category, key_result, stamp, ticket};

const START: &str = "2026-01-05T00:00:00Z";
const WEEK_6: &str = "2026-02-16T00:00:00Z";
const ACCUMULATE: pb::KeyResultKind = pb::KeyResultKind::Accumulate;
const REACH: pb::KeyResultKind = pb::KeyResultKind::ReachLevel;
const HOLD: pb::KeyResultKind = pb::KeyResultKind::HoldLevel;

/// A world with one key result, whose stream begins with the quarter.
fn world(key_result: pb::KeyResultRecorded) -> World {
    let mut world = World::new(&["ann", "bob", "cy"]);
    world.at("2026-01-02T00:00:00Z", key_result);
    world.at(START, pb::SourceProgressed { source: "test://world".into(), ..Default::default() });
    world
}

/// A sprint with one committed point of ten that ships a share, and as many interrupts.
fn sprint(world: &mut World, id: &str, opened: &str, closed: &str, shipped: u32) {
    for point in 0..10 {
        world.at(opened, ticket(&format!("{id}-{point}"), id, 1.0));
    }
    world.activate(opened, id);
    let tickets: Vec<String> = (0..shipped).map(|point| format!("{id}-{point}")).collect();
    world.deploy(closed, &tickets.iter().map(String::as_str).collect::<Vec<_>>());
    world.close(closed, id);
}

fn exact(measure: &Option<pb::Measure>) -> &str {
    measure.as_ref().map_or("", |measure| measure.exact.as_str())
}

fn shown(measure: &Option<pb::Measure>) -> &str {
    measure.as_ref().map_or("", |measure| measure.display.as_str())
}

#[track_caller]
fn check_status(world: &World, status: pb::Status, reason: &str) {
    let got = world.assessed("kr");
    assert_eq!((got.status(), got.reason.as_str()), (status, reason));
}

#[test]
fn r41_at_equal_instants_the_last_recorded_reading_replaces() {
    let mut world = world(key_result("kr", "custom", REACH, 0.0, 40.0));
    let of = |value| pb::ReadingRecorded {
        key_result: "kr".into(),
        value,
        at: stamp("2026-01-10T00:00:00Z"),
        ..Default::default()
    };
    world.at("2026-01-12T00:00:00Z", of(7.0));
    world.at("2026-01-11T00:00:00Z", of(9.0));
    world.until("2026-01-13T00:00:00Z");
    assert_eq!(exact(&world.assessed("kr").current), "7");
}

#[test]
fn r25_a_re_opened_sprint_is_out_of_the_series_until_it_closes_again() {
    let mut world = world(key_result("kr", "O1.1", HOLD, 0.0, 0.9));
    sprint(&mut world, "s1", "2026-01-05T09:00:00Z", "2026-01-09T17:00:00Z", 8);
    sprint(&mut world, "s2", "2026-01-12T09:00:00Z", "2026-01-16T17:00:00Z", 6);
    world.until("2026-01-17T00:00:00Z");
    assert_eq!((exact(&world.assessed("kr").current), exact(&world.assessed("kr").pace)), ("0.6", "0"));
    world.reopen("2026-01-17T09:00:00Z", "s2");
    world.until("2026-01-17T10:00:00Z");
    assert_eq!(exact(&world.assessed("kr").current), "0.8");
    world.deploy("2026-01-18T09:00:00Z", &["s2-6", "s2-7", "s2-8"]);
    world.close("2026-01-18T17:00:00Z", "s2");
    world.until("2026-01-18T18:00:00Z");
    assert_eq!((exact(&world.assessed("kr").current), exact(&world.assessed("kr").pace)), ("0.9", "0.5"));
}

#[test]
fn r43_reach_level_of_a_computed_measure_keeps_pace_with_its_present_value() {
    let mut world = world(key_result("kr", "O1.1", REACH, 60.0, 90.0));
    sprint(&mut world, "s1", "2026-01-05T09:00:00Z", "2026-01-09T17:00:00Z", 7);
    world.until("2026-01-12T00:00:00Z");
    // (70 - 60) / (90 - 60) over 1/13 of the quarter.
    assert_eq!(exact(&world.assessed("kr").pace), "13/3");
}

#[test]
fn r43_a_custom_hold_level_has_weeks_with_its_last_value() {
    let mut world = world(key_result("kr", "custom", HOLD, 0.0, 5.0));
    world.reading("2026-01-14T09:00:00Z", "kr", 6.0);
    // At exactly the week end: the week before it has the old value.
    world.reading("2026-01-26T00:00:00Z", "kr", 4.0);
    world.until("2026-02-02T00:00:00Z");
    // Week 1 has no data; weeks 2 and 3 meet 5; week 4 does not.
    assert_eq!(exact(&world.assessed("kr").pace), "2/3");
    assert_eq!(exact(&world.assessed("kr").projected_completion), "2/3");
    assert_eq!(world.assessed("kr").projected, None);
}

#[test]
fn r43_concentration_is_met_by_a_top_of_few_pages_and_not_by_a_median_of_0() {
    let mut world = world(key_result("kr", "O2.1", HOLD, 0.0, 1.5));
    for (shift, who) in ["ann", "bob", "cy"].into_iter().enumerate() {
        world.at(
            "2026-01-05T00:00:00Z",
            pb::ShiftScheduled {
                shift: format!("s{shift}"),
                responder: crate::world::person(who),
                start: stamp("2026-01-05T00:00:00Z"),
                end: stamp("2026-03-05T00:00:00Z"),
                ..Default::default()
            },
        );
    }
    for hour in 9..12 {
        world.page(&format!("2026-01-06T{hour:02}:00:00Z"), "ann");
    }
    world.until("2026-01-12T00:00:00Z");
    check_status(&world, pb::Status::Green, "nobody has enough pages to concentrate any");
    assert_eq!(exact(&world.assessed("kr").pace), "1");
    world.page("2026-01-13T09:00:00Z", "ann");
    world.until("2026-01-19T00:00:00Z");
    assert_eq!(exact(&world.assessed("kr").pace), "0.5");
    assert_eq!((world.assessed("kr").status(), &world.assessed("kr").current), (pb::Status::Amber, &None));
}

#[test]
fn r01_late_pages_change_the_weeks_they_fall_in() {
    let mut world = world(key_result("kr", "O2", HOLD, 0.0, 4.0));
    world.page("2026-01-06T00:00:00Z", "ann");
    world.until("2026-01-19T12:00:00Z");
    assert_eq!(exact(&world.assessed("kr").pace), "1");
    for hour in 0..17 {
        world.page(&format!("2026-01-13T{hour:02}:00:00Z"), "ann");
    }
    world.until("2026-01-19T14:00:00Z");
    assert_eq!(exact(&world.assessed("kr").pace), "0.5");
}

#[test]
fn dependencies_that_are_overdue_are_counted_in_business_days() {
    let mut world = world(key_result("kr", "custom", REACH, 0.0, 10.0));
    world.at(
        "2026-01-06T09:00:00Z",
        pb::DependencyAgreed {
            dependency: "d1".into(),
            provider: "b".into(),
            consumer: "a".into(),
            due: Some(pb::dependency_agreed::Due::DueAt(stamp("2026-01-08T17:00:00Z").expect("a due"))),
            blocks_key_results: vec!["kr".into()],
            ..Default::default()
        },
    );
    world.until("2026-01-08T18:00:00Z");
    assert_eq!(
        (world.assessed("kr").overdue_dependencies, world.assessed("kr").oldest_overdue_dependency_days),
        (1, 0)
    );
    // It grows when a day of the owner begins, and not on a weekend.
    for (until, days) in [
        ("2026-01-08T23:59:59Z", 0),
        ("2026-01-09T00:00:00Z", 1),
        ("2026-01-11T23:59:59Z", 1),
        ("2026-01-12T00:00:00Z", 2),
        ("2026-01-13T00:00:00Z", 3),
    ] {
        world.until(until);
        assert_eq!(world.assessed("kr").oldest_overdue_dependency_days, days, "{until}");
    }
    world.at(
        "2026-01-13T09:00:00Z",
        pb::DependencyDelivered { dependency: "d1".into(), ..Default::default() },
    );
    world.until("2026-01-13T10:00:00Z");
    assert_eq!(world.assessed("kr").overdue_dependencies, 0);
}

#[test]
fn r04_nothing_is_said_of_a_key_result_before_the_first_event() {
    let mut world = World::new(&["ann"]);
    world.at("2026-01-02T00:00:00Z", key_result("kr", "custom", REACH, 0.0, 10.0));
    world.until("2026-02-02T00:00:00Z");
    assert!(world.assessments("kr").is_empty());
}

#[test]
fn at_most_one_assessment_is_published_in_an_instant_and_the_last_one_holds() {
    let mut world = world(key_result("kr", "custom", REACH, 0.0, 10.0));
    world.reading("2026-01-07T09:00:00Z", "kr", 1.0);
    world.until("2026-01-07T09:00:00Z");
    world.reading("2026-01-07T09:00:00Z", "kr", 2.0);
    world.until("2026-01-07T10:00:00Z");
    let mut instants: Vec<_> = world.assessments("kr").iter().map(|message| message.assessed_at).collect();
    instants.dedup();
    assert_eq!(instants.len(), world.assessments("kr").len());
    assert_eq!(exact(&world.assessed("kr").current), "2");
}

#[test]
fn assessments_say_how_old_their_sources_are() {
    let mut world = world(key_result("kr", "custom", REACH, 0.0, 10.0));
    world.at(
        "2026-01-07T09:00:00Z",
        pb::SourceProgressed {
            source: "jira://a".into(),
            complete_through: stamp("2026-01-07T08:59:00Z"),
            ..Default::default()
        },
    );
    world.until("2026-01-12T00:00:00Z");
    let assessed = world.assessed("kr");
    assert_eq!(assessed.sources[0].source, "jira://a");
    assert_eq!(assessed.sources[0].complete_through, stamp("2026-01-07T08:59:00Z"));
}
