//! `velocity-drop.pace` against a small world whose quarter is 2026-01-05 to 2026-04-06, mid-cycle 2026-02-19T12:00.

use bellwether_wire::envelope::Event;
use bellwether_wire::pb;

use crate::world::{World, key_result, ticket, time};

const START: &str = "2026-01-05T00:00:00Z";
const MID: &str = "2026-02-19T12:00:00Z";
const END: &str = "2026-04-06T00:00:00Z";
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

fn custom(kind: pb::KeyResultKind, baseline: f64, target: f64) -> pb::KeyResultRecorded {
    pb::KeyResultRecorded { watch_pace: true, ..key_result("kr", "custom", kind, baseline, target) }
}

/// What the rule said, without its name.
#[track_caller]
fn check(world: &World, expected: &[&str]) {
    let lines = world.triggers();
    let of_rule: Vec<String> = lines
        .iter()
        .filter(|line| line.contains("velocity-drop.pace"))
        .map(|line| line.replace(" velocity-drop.pace", ""))
        .collect();
    assert_eq!(of_rule, expected);
}

/// A sprint of squad `a` that commits ten points and ships some.
fn sprint(world: &mut World, number: u32, closed: &str, shipped: u32) {
    let id = format!("s{number}");
    let opened = time(closed).minus(bellwether_model::Millis::days(5)).to_rfc3339();
    for point in 0..10 {
        world.at(&opened, ticket(&format!("{id}-{point}"), &id, 1.0));
    }
    world.activate(&opened, &id);
    let tickets: Vec<String> = (0..shipped).map(|point| format!("{id}-{point}")).collect();
    world.deploy(closed, &tickets.iter().map(String::as_str).collect::<Vec<_>>());
    world.close(closed, &id);
}

#[test]
fn scenario_accumulate_0_to_100_at_mid_cycle_24_fires_and_25_does_not() {
    let mut low = world(custom(ACCUMULATE, 0.0, 100.0));
    low.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    low.until("2026-02-20T00:00:00Z");
    check(&low, &["fired a 2026-02-19T12:00:00.000Z"]);

    let mut enough = world(custom(ACCUMULATE, 0.0, 100.0));
    enough.reading("2026-02-18T09:00:00Z", "kr", 25.0);
    enough.until("2026-02-20T00:00:00Z");
    check(&enough, &[]);
}

#[test]
fn the_explain_block_is_enough_for_a_pencil() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    world.until(MID);
    let fired = world.fired("velocity-drop.pace");
    assert_eq!((fired.number.as_str(), fired.key_result.as_str()), ("T2", "kr"));
    assert_eq!(fired.squads, ["a"]);
    let explain = fired.explain.as_ref().expect("explained");
    assert_eq!(explain.arithmetic, "((24 - 0) / (100 - 0)) / (1/2) = 0.48 < 0.5");
    let inputs: Vec<(&str, &str)> =
        explain.inputs.iter().map(|input| (input.name.as_str(), input.value.as_str())).collect();
    assert_eq!(
        inputs,
        [
            ("target", "100"),
            ("pace", "0.48"),
            ("value", "24"),
            ("baseline", "0"),
            ("progress", "0.24"),
            ("elapsed", "0.5"),
        ]
    );
    let threshold = &explain.thresholds[0];
    assert_eq!((threshold.name.as_str(), threshold.value.as_str()), ("pace.floor", "0.5"));
    assert_eq!(explain.events[0].r#type, "bellwether.reading.recorded.v1");
    let window = explain.window.as_ref().expect("a window");
    assert_eq!((window.from, window.to), (crate::world::stamp(START), crate::world::stamp(END)));
}

#[test]
fn r08_it_looks_at_mid_cycle_at_week_ends_and_at_its_own_events_only() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-10T09:00:00Z", "kr", 26.0);
    world.until(MID);
    // At mid-cycle pace is 0.52; it passes 0.5 on 2026-02-21, when nothing of the key result happens.
    world.reading("2026-02-22T09:00:00Z", "another", 1.0);
    world.page("2026-02-22T10:00:00Z", "ann");
    check(&world, &[]);
    world.until("2026-02-23T00:00:00Z");
    check(&world, &["fired a 2026-02-23T00:00:00.000Z"]);
}

#[test]
fn r08_an_event_of_its_own_makes_it_look_after_mid_cycle_and_not_before() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-18T09:00:00Z", "kr", 10.0);
    world.reading("2026-02-19T11:59:59Z", "kr", 40.0);
    world.until("2026-02-24T00:00:00Z");
    check(&world, &[]);
    world.reading("2026-02-24T09:00:00Z", "kr", 20.0);
    world.until("2026-02-24T10:00:00Z");
    check(&world, &["fired a 2026-02-24T09:00:00.000Z"]);
}

#[test]
fn r08_a_new_target_makes_it_look() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-18T09:00:00Z", "kr", 40.0);
    world.at("2026-02-24T09:00:00Z", custom(ACCUMULATE, 0.0, 200.0));
    world.until("2026-02-24T10:00:00Z");
    check(&world, &["fired a 2026-02-24T09:00:00.000Z"]);
}

#[test]
fn r02_all_readings_of_an_instant_come_before_the_look() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading(MID, "kr", 24.0);
    world.reading(MID, "kr", 30.0);
    world.until("2026-02-20T00:00:00Z");
    check(&world, &[]);
}

#[test]
fn r09_no_data_neither_fires_nor_clears() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.until("2026-03-30T00:00:00Z");
    check(&world, &[]);
}

#[test]
fn r10_it_clears_after_168_hours_and_a_drop_before_is_the_same_instance() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    world.reading("2026-02-25T09:00:00Z", "kr", 90.0);
    world.reading("2026-02-27T09:00:00Z", "kr", 10.0);
    world.reading("2026-03-02T09:00:00Z", "kr", 95.0);
    world.until("2026-03-20T00:00:00Z");
    let back = "pace is back at or above the floor, or no longer watched";
    check(
        &world,
        &[
            "fired a 2026-02-19T12:00:00.000Z",
            &format!("amended a 2026-02-25T09:00:00.000Z: {back}"),
            "amended a 2026-02-27T09:00:00.000Z: the condition holds again",
            &format!("amended a 2026-03-02T09:00:00.000Z: {back}"),
            "cleared a 2026-03-09T09:00:00.000Z: condition no longer holds",
        ],
    );
}

#[test]
fn r11_it_clears_seven_days_after_the_end_of_its_key_result() {
    let mut world = world(pb::KeyResultRecorded {
        effective_until: crate::world::stamp(END),
        ..custom(ACCUMULATE, 0.0, 100.0)
    });
    world.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    world.until("2026-04-20T00:00:00Z");
    check(
        &world,
        &[
            "fired a 2026-02-19T12:00:00.000Z",
            "amended a 2026-04-06T00:00:00.000Z: key result ended",
            "cleared a 2026-04-13T00:00:00.000Z: key result ended",
        ],
    );
    assert_eq!(world.assessed("kr").assessed_at, crate::world::stamp(END), "the last word is at its end");
}

#[test]
fn r11_a_key_result_taken_off_by_a_tombstone_ends_there() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    let ended = bellwether_wire::Payload::Tombstone { type_name: "bellwether.key-result.recorded.v1".into() };
    world.feed(&Event::new("test://world", "end", time("2026-03-02T00:00:00Z"), ended).about("kr"));
    world.reading("2026-03-03T00:00:00Z", "kr", 90.0);
    world.until("2026-04-20T00:00:00Z");
    check(
        &world,
        &[
            "fired a 2026-02-19T12:00:00.000Z",
            "amended a 2026-03-02T00:00:00.000Z: key result ended",
            "cleared a 2026-03-09T00:00:00.000Z: key result ended",
        ],
    );
}

#[test]
fn r40_only_watched_measures_and_those_marked_fire() {
    let mut unmarked = world(key_result("kr", "custom", ACCUMULATE, 0.0, 100.0));
    unmarked.reading("2026-02-18T09:00:00Z", "kr", 1.0);
    unmarked.until("2026-03-01T00:00:00Z");
    check(&unmarked, &[]);

    for (measure, fires) in [("O1.1", true), ("O1.2", false)] {
        let mut world = world(key_result("kr", measure, REACH, 0.0, 90.0));
        sprint(&mut world, 1, "2026-02-18T17:00:00Z", if fires { 1 } else { 10 });
        world.until("2026-02-20T00:00:00Z");
        assert_eq!(
            world.triggers().iter().any(|line| line.contains("velocity-drop.pace")),
            fires,
            "{measure}"
        );
    }
}

#[test]
fn r43_commit_reliability_to_hold_needs_two_closed_sprints_and_counts_those_that_met() {
    let mut world = world(key_result("kr", "O1.1", HOLD, 0.0, 90.0));
    sprint(&mut world, 1, "2026-02-20T17:00:00Z", 8);
    world.until("2026-02-26T00:00:00Z");
    check(&world, &[]);
    sprint(&mut world, 2, "2026-02-27T17:00:00Z", 9);
    sprint(&mut world, 3, "2026-03-06T17:00:00Z", 7);
    world.until("2026-03-07T00:00:00Z");
    // 0 of 1: too few; 1 of 2 is exactly the floor; 1 of 3 is below it.
    check(&world, &["fired a 2026-03-06T17:00:00.000Z"]);
    let explain = world.fired("velocity-drop.pace").explain.as_ref().expect("explained");
    assert_eq!(explain.arithmetic, "1 periods met / 3 ended with data = 0.33 < 0.5");
    let sprints: Vec<(&str, &str, &str)> = explain
        .inputs
        .iter()
        .filter(|input| input.name.starts_with("sprint"))
        .map(|input| (input.name.as_str(), input.value.as_str(), input.display.as_str()))
        .collect();
    assert_eq!(
        sprints,
        [
            ("sprint s1", "80", "80, not met"),
            ("sprint s2", "90", "90, met"),
            ("sprint s3", "70", "70, not met")
        ]
    );
    assert_eq!(explain.events.len(), 3);
}

#[test]
fn r43_pages_a_week_to_hold_are_judged_at_week_ends() {
    let mut world = world(key_result("kr", "O2", HOLD, 0.0, 4.0));
    // Seventeen pages in the first week: over the limit at the ends of the weeks 1 to 4.
    for hour in 0..17 {
        world.page(&format!("2026-01-06T{hour:02}:00:00Z"), "ann");
    }
    world.until("2026-02-02T00:00:00Z");
    assert_eq!(world.assessed("kr").pace.as_ref().map(|pace| pace.exact.as_str()), Some("0"));
    // From week 5 on the window holds none of them: 3 of 7 weeks at week 7.
    world.until("2026-02-24T00:00:00Z");
    check(&world, &["fired a 2026-02-19T12:00:00.000Z"]);
    world.until("2026-03-02T00:00:00Z");
    assert_eq!(world.assessed("kr").pace.as_ref().map(|pace| pace.exact.as_str()), Some("0.5"));
    let last = world.triggers().into_iter().rev().find(|line| line.contains("velocity-drop.pace"));
    assert!(
        last.is_some_and(|line| line.starts_with("amended") && line.contains("2026-03-02T00:00:00.000Z"))
    );
}

#[test]
fn r43_weekend_pages_to_spread_are_judged_over_the_quarter_to_date() {
    let mut world = world(key_result("kr", "O2.2", HOLD, 0.0, 3.0));
    for day in [10, 11, 17] {
        world.page(&format!("2026-01-{day}T12:00:00Z"), "ann");
    }
    world.until("2026-02-21T00:00:00Z");
    check(&world, &[]);
    world.page("2026-02-21T09:00:00Z", "bob");
    world.until("2026-02-21T10:00:00Z");
    check(&world, &["fired a 2026-02-21T09:00:00.000Z"]);
    world.page("2026-02-22T09:00:00Z", "cy");
    world.until("2026-02-22T10:00:00Z");
    let last = world.triggers().into_iter().rev().find(|line| line.contains("velocity-drop.pace"));
    assert!(
        last.is_some_and(|line| line.starts_with("amended") && line.contains("2026-02-22T09:00:00.000Z"))
    );
}

#[test]
fn r04_periods_before_the_key_result_was_recorded_do_not_count() {
    let mut world = World::new(&["ann"]);
    sprint(&mut world, 1, "2026-01-16T17:00:00Z", 1);
    sprint(&mut world, 2, "2026-01-30T17:00:00Z", 1);
    world.at("2026-02-02T09:00:00Z", key_result("kr", "O1.1", HOLD, 0.0, 90.0));
    sprint(&mut world, 3, "2026-02-13T17:00:00Z", 1);
    world.until("2026-02-25T00:00:00Z");
    check(&world, &[]);
    sprint(&mut world, 4, "2026-03-06T17:00:00Z", 1);
    world.until("2026-03-07T00:00:00Z");
    check(&world, &["fired a 2026-03-06T17:00:00.000Z"]);
}

#[test]
fn r01_a_late_deployment_that_shows_it_was_never_due_withdraws_it() {
    let mut world = world(key_result("kr", "O1.1", REACH, 0.0, 90.0));
    sprint(&mut world, 1, "2026-02-18T17:00:00Z", 2);
    world.until("2026-02-20T00:00:00Z");
    check(&world, &["fired a 2026-02-19T12:00:00.000Z"]);
    let tickets: Vec<String> = (2..9).map(|point| format!("s1-{point}")).collect();
    world.deploy("2026-02-18T16:00:00Z", &tickets.iter().map(String::as_str).collect::<Vec<_>>());
    world.until("2026-02-21T00:00:00Z");
    check(&world, &["fired a 2026-02-19T12:00:00.000Z", "cleared a 2026-02-20T00:00:00.000Z: withdrawn"]);
}

#[test]
fn r14_what_imported_facts_of_the_past_decide_is_backfill() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.until("2026-03-10T09:00:00Z");
    world.at(
        "2026-03-05T09:00:00Z",
        pb::ReadingRecorded {
            key_result: "kr".into(),
            value: 5.0,
            basis: pb::Basis::Import.into(),
            ..Default::default()
        },
    );
    world.until("2026-03-10T10:00:00Z");
    assert!(world.fired("velocity-drop.pace").backfill);
}

#[test]
fn a_key_result_that_goes_to_another_squad_wanes_in_the_first() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    world.until(MID);
    world.at("2026-02-23T12:00:00Z", pb::SquadRecorded { squad: "b".into(), ..Default::default() });
    world.at(
        "2026-02-23T12:00:00Z",
        pb::KeyResultRecorded { squad: "b".into(), ..custom(ACCUMULATE, 0.0, 100.0) },
    );
    world.until("2026-03-03T00:00:00Z");
    check(
        &world,
        &[
            "fired a 2026-02-19T12:00:00.000Z",
            "amended a 2026-02-23T12:00:00.000Z: the key result belongs to another squad",
            "fired b 2026-02-23T12:00:00.000Z",
            "cleared a 2026-03-02T12:00:00.000Z: condition no longer holds",
        ],
    );
}

#[test]
fn a_restored_engine_fires_as_if_nothing_had_happened() {
    let run = |restart: bool| {
        let mut world = world(key_result("kr", "O1.1", HOLD, 0.0, 90.0));
        sprint(&mut world, 1, "2026-02-06T17:00:00Z", 1);
        if restart {
            let snapshot = world.engine.snapshot();
            world.engine =
                crate::Engine::restore(crate::Options::default(), &snapshot).expect("own snapshot");
        }
        sprint(&mut world, 2, "2026-02-18T17:00:00Z", 1);
        world.until("2026-03-01T00:00:00Z");
        (world.said.clone(), world.engine.snapshot())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn r43_a_pace_of_a_curve_gives_its_points_and_enough_digits_to_tell_it_from_the_floor() {
    let point = |elapsed: f64, planned: f64| pb::CurvePoint { elapsed, planned };
    let curved = pb::KeyResultRecorded { curve: vec![point(0.5, 0.2)], ..custom(ACCUMULATE, 0.0, 100.0) };
    let mut world = world(curved);
    world.reading("2026-02-18T09:00:00Z", "kr", 9.9);
    world.until(MID);
    let explain = world.fired("velocity-drop.pace").explain.as_ref().expect("explained");
    assert_eq!(explain.arithmetic, "((9.9 - 0) / (100 - 0)) / (1/5) = 0.495 < 0.5");
    let value =
        |name: &str| explain.inputs.iter().find(|input| input.name == name).map(|it| it.value.as_str());
    assert_eq!(value("curve"), Some("(0, 0) (0.5, 0.2) (1, 1)"));
    assert_eq!((value("elapsed"), value("planned")), (Some("0.5"), Some("0.2")));
}

#[test]
fn r10_a_pace_that_clears_explains_what_it_is_now() {
    let mut world = world(custom(ACCUMULATE, 0.0, 100.0));
    world.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    world.reading("2026-02-23T00:00:00Z", "kr", 70.0);
    world.until("2026-03-02T00:00:00Z");
    let explain = world.why_cleared("velocity-drop.pace");
    assert_eq!(
        explain.arithmetic,
        "((70 - 0) / (100 - 0)) / (8/13) = 1.14 > 0.5; \
         false since 2026-02-23T00:00:00.000Z + 168 h = 2026-03-02T00:00:00.000Z"
    );
    let keys: Vec<&str> = explain.thresholds.iter().map(|threshold| threshold.name.as_str()).collect();
    assert_eq!(keys, ["pace.floor", "clear-after-hours"]);
}

#[test]
fn r11_a_pace_whose_key_result_ended_explains_how_it_stood_at_its_end() {
    let mut world = world(pb::KeyResultRecorded {
        effective_until: crate::world::stamp(END),
        ..custom(ACCUMULATE, 0.0, 100.0)
    });
    world.reading("2026-02-18T09:00:00Z", "kr", 24.0);
    world.until("2026-04-20T00:00:00Z");
    assert_eq!(
        world.why_cleared("velocity-drop.pace").arithmetic,
        "((24 - 0) / (100 - 0)) / (1/1) = 0.24 < 0.5; \
         false since 2026-04-06T00:00:00.000Z + 168 h = 2026-04-13T00:00:00.000Z"
    );
}

/// Ids of the events that the first firing names.
fn named(world: &World) -> Vec<String> {
    let explain = world.fired("velocity-drop.pace").explain.as_ref().expect("explained");
    explain.events.iter().map(|event| event.id.clone()).collect()
}

#[test]
fn r43_a_pace_of_pages_names_the_latest_pages_of_whoever_has_the_most() {
    let mut world = world(key_result("kr", "O2", HOLD, 0.0, 4.0));
    world.page("2026-01-26T08:00:00Z", "bob");
    let first = world.events;
    for hour in 0..20 {
        world.page(&format!("2026-02-02T{hour:02}:00:00Z"), "ann");
    }
    world.page("2026-02-16T09:00:00Z", "bob");
    world.until(MID);
    check(&world, &["fired a 2026-02-19T12:00:00.000Z"]);
    let newest_first: Vec<String> = (first + 11..=first + 20).rev().map(|n| format!("{n:06}")).collect();
    assert_eq!(named(&world), newest_first);
}

#[test]
fn r43_a_pace_of_weekends_names_weekend_pages_only() {
    let mut world = world(key_result("kr", "O2.2", HOLD, 0.0, 4.0));
    world.page("2026-01-09T12:00:00Z", "ann");
    let first = world.events + 1;
    for hour in 8..12 {
        world.page(&format!("2026-01-10T{hour:02}:00:00Z"), "ann");
    }
    world.until(MID);
    let newest_first: Vec<String> = (first..first + 4).rev().map(|n| format!("{n:06}")).collect();
    assert_eq!(named(&world), newest_first);
}

/// A week of the quarter measured as one interval, told when it ends, of a thousand valid events.
fn week_of_ci(world: &mut World, week: i64, told: Option<&str>, bad: u64) {
    let end = time(START).plus(bellwether_model::Millis::days(7 * week));
    let message = pb::SliMeasured {
        slo: "ci".into(),
        good: 1_000 - bad,
        valid: 1_000,
        from: Some(bellwether_wire::instant::timestamp(end.minus(bellwether_model::Millis::days(7)))),
        to: Some(bellwether_wire::instant::timestamp(end)),
        ..Default::default()
    };
    world.at(told.unwrap_or(&end.to_rfc3339()), message);
}

/// A key result on the platform SLO, in percent, and the bad events of the first six weeks.
fn platform(bad: [u64; 6]) -> World {
    let slo = pb::KeyResultRecorded { slos: vec!["ci".into()], ..key_result("kr", "O3.1", HOLD, 0.0, 99.5) };
    let mut world = world(slo);
    for (week, bad) in (1..).zip(bad) {
        week_of_ci(&mut world, week, None, bad);
        let of_another =
            pb::SliMeasured { slo: "search".into(), good: 0, valid: 5_000, ..Default::default() };
        world.at(&time(START).plus(bellwether_model::Millis::days(7 * week)).to_rfc3339(), of_another);
    }
    world
}

#[test]
fn r43_a_platform_slo_is_judged_by_weeks_whose_bad_events_are_within_the_budget() {
    // Exactly the budget, five in a thousand, is met.
    let mut low = platform([5, 6, 6, 5, 6, 6]);
    low.until("2026-02-20T00:00:00Z");
    check(&low, &["fired a 2026-02-19T12:00:00.000Z"]);
    let explain = low.fired("velocity-drop.pace").explain.as_ref().expect("an explain block");
    assert_eq!(explain.arithmetic, "2 periods met / 6 ended with data = 0.33 < 0.5");
    let week = explain.inputs.iter().find(|input| input.name == "week 2").expect("the second week");
    assert_eq!((week.value.as_str(), week.display.as_str()), ("99.4", "99.4, not met"));

    let mut half = platform([5, 6, 6, 5, 6, 0]);
    half.until("2026-02-20T00:00:00Z");
    check(&half, &[]);
}

#[test]
fn r42_the_present_value_of_a_platform_slo_is_the_quarter_to_date() {
    let mut world = platform([0, 0, 0, 0, 0, 30]);
    world.until("2026-02-16T01:00:00Z");
    let assessed = world.assessed("kr");
    assert_eq!(assessed.status(), pb::Status::Green, "{}", assessed.reason);
    assert_eq!(assessed.current.as_ref().map(|value| value.exact.as_str()), Some("99.5"));
    assert_eq!(assessed.pace.as_ref().map(|value| value.exact.as_str()), Some("5/6"));
}

#[test]
fn r08_a_week_measured_again_has_the_pace_looked_at() {
    let mut world = platform([5, 6, 6, 5, 6, 6]);
    week_of_ci(&mut world, 2, Some("2026-02-21T09:00:00Z"), 0);
    world.until("2026-02-22T00:00:00Z");
    check(
        &world,
        &[
            "fired a 2026-02-19T12:00:00.000Z",
            "amended a 2026-02-21T09:00:00.000Z: pace is back at or above the floor, or no longer watched",
        ],
    );
}
