//! Assessments of key results against a small world whose quarter is 2026-01-05 to 2026-04-06, 13 weeks.

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
fn scenario_nps_from_14_57_to_40_with_18_at_week_6_projects_22() {
    let mut world = world(key_result("kr", "O3.2", REACH, 14.57, 40.0));
    world.reading(WEEK_6, "kr", 18.0);
    world.until("2026-02-17T00:00:00Z");
    let assessed = world.assessed("kr");
    // 14.57 + (18 - 14.57) x 13/6
    assert_eq!((exact(&assessed.projected), shown(&assessed.projected)), ("13201/600", "22"));
    assert_eq!(
        (exact(&assessed.projected_completion), shown(&assessed.projected_completion)),
        ("13201/24000", "55")
    );
}

#[test]
fn scenario_nps_from_0_to_40_with_18_at_week_6_projects_39() {
    let mut world = world(key_result("kr", "O3.2", REACH, 0.0, 40.0));
    world.at(
        WEEK_6,
        pb::SurveyClosed {
            survey: "q1".into(),
            key_result: "kr".into(),
            promoters: 34,
            passives: 50,
            detractors: 16,
            ..Default::default()
        },
    );
    world.until("2026-02-17T00:00:00Z");
    let assessed = world.assessed("kr");
    assert_eq!(exact(&assessed.current), "18");
    assert_eq!((exact(&assessed.projected), exact(&assessed.projected_completion)), ("39", "0.975"));
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
fn r42_status_follows_value_and_pace() {
    for (value, status, reason) in [
        (100.0, pb::Status::Green, "100 meets the target of 100"),
        (50.0, pb::Status::Green, "pace 1.08"),
        (46.0, pb::Status::Amber, "46 does not meet the target of 100; pace 1.00"),
        (24.0, pb::Status::Amber, "24 does not meet the target of 100; pace 0.52"),
        (23.0, pb::Status::Red, "23 does not meet the target of 100; pace 0.50 is below 0.5"),
    ] {
        let mut world = world(key_result("kr", "custom", ACCUMULATE, 0.0, 100.0));
        world.reading(WEEK_6, "kr", value);
        world.until("2026-02-16T01:00:00Z");
        check_status(&world, status, reason);
    }
}

#[test]
fn r42_no_value_is_no_data_and_measures_out_of_reach_say_so() {
    for (measure, reason) in [
        ("custom", "no reading yet"),
        ("O1.1", "no closed sprint with data"),
        ("O2", "no pages known, or nobody in the squad"),
        ("O2.3", "O2.3 is not computed yet"),
        ("O3.1", "O3.1 is not computed yet"),
        ("O3.3", "O3.3 is not computed yet"),
    ] {
        let mut world = world(key_result("kr", measure, HOLD, 0.0, 1.0));
        world.reading("2026-01-08T00:00:00Z", "other", 1.0);
        world.until("2026-01-12T00:00:00Z");
        check_status(&world, pb::Status::NoData, reason);
    }
    let mut org_wide =
        world(pb::KeyResultRecorded { squad: String::new(), ..key_result("kr", "O1.1", HOLD, 0.0, 0.9) });
    org_wide.until("2026-01-12T00:00:00Z");
    check_status(&org_wide, pb::Status::NoData, "O1.1 is computed for squads only");
}

#[test]
fn r42_silence_decays_the_status_of_a_custom_measure() {
    let mut world = world(pb::KeyResultRecorded {
        no_update_window: false,
        ..key_result("kr", "custom", REACH, 0.0, 10.0)
    });
    let check_in = |value| pb::CheckInFiled {
        key_result: "kr".into(),
        actor: human("ann"),
        evidence: vec!["https://example.org/chart".into()],
        report: Some(pb::check_in_filed::Report::Value(value)),
        ..Default::default()
    };
    world.at("2026-01-09T12:00:00Z", check_in(12.0));
    world.until("2026-01-09T18:00:00Z");
    check_status(&world, pb::Status::Green, "12 meets the target of 10");
    assert_eq!(exact(&world.assessed("kr").update_compliance), "1");
    world.until("2026-01-16T18:00:00Z");
    check_status(&world, pb::Status::Amber, "12 meets the target of 10; one update window missed");
    world.until("2026-01-23T18:00:00Z");
    check_status(&world, pb::Status::NoData, "2 update windows missed in a row");
    assert_eq!(exact(&world.assessed("kr").update_compliance), "1/3");
    assert_eq!(world.assessed("kr").windows_missed_in_a_row, 2);
    // Late for its window, and still an update.
    world.at("2026-01-24T12:00:00Z", check_in(11.0));
    world.until("2026-01-24T18:00:00Z");
    check_status(&world, pb::Status::Green, "11 meets the target of 10");
    assert_eq!(world.assessed("kr").last_valid_update, stamp("2026-01-24T12:00:00Z"));
}

#[test]
fn a_check_in_without_evidence_is_no_reading() {
    let mut world = world(key_result("kr", "custom", REACH, 0.0, 10.0));
    world.at(
        "2026-01-09T12:00:00Z",
        pb::CheckInFiled {
            key_result: "kr".into(),
            actor: human("ann"),
            report: Some(pb::check_in_filed::Report::Value(12.0)),
            ..Default::default()
        },
    );
    world.until("2026-01-12T00:00:00Z");
    check_status(&world, pb::Status::NoData, "no reading yet");
}

#[test]
fn r42_sprint_measures_show_the_last_closed_sprint_with_data_on_the_scale_of_their_target() {
    for (target, unit, current, green) in
        [(90.0, "", "80", false), (0.8, "", "0.8", true), (1.0, "%", "80", true)]
    {
        let mut world =
            world(pb::KeyResultRecorded { unit: unit.into(), ..key_result("kr", "O1.1", HOLD, 0.0, target) });
        sprint(&mut world, "s1", "2026-01-05T09:00:00Z", "2026-01-09T17:00:00Z", 8);
        world.activate("2026-01-12T09:00:00Z", "empty");
        world.close("2026-01-16T17:00:00Z", "empty");
        world.until("2026-01-17T00:00:00Z");
        let assessed = world.assessed("kr");
        assert_eq!((exact(&assessed.current), assessed.status() == pb::Status::Green), (current, green));
    }
}

#[test]
fn the_targets_of_scope_change_and_interrupts_are_strict() {
    for (measure, added, status) in
        [("O1.2", 1, pb::Status::Red), ("O1.2", 0, pb::Status::Green), ("O1.3", 1, pb::Status::Red)]
    {
        let mut world = world(key_result("kr", measure, HOLD, 0.0, 10.0));
        for point in 0..10 {
            world.at("2026-01-05T08:00:00Z", ticket(&format!("t{point}"), "s1", 1.0));
        }
        world.activate("2026-01-05T09:00:00Z", "s1");
        for point in 0..added {
            let new = ticket(&format!("new{point}"), "s1", 1.0);
            let done = in_category(&new, pb::StatusCategory::InProgress);
            world.at("2026-01-07T09:00:00Z", pb::TicketChanged { interrupt: true, ..done });
        }
        world.close("2026-01-09T17:00:00Z", "s1");
        world.until("2026-01-10T00:00:00Z");
        let assessed = world.assessed("kr");
        assert_eq!(
            (assessed.status(), exact(&assessed.current)),
            (status, if added == 1 { "10" } else { "0" })
        );
    }
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
fn r44_hold_level_is_projected_only_after_three_ended_periods() {
    let mut world = world(key_result("kr", "custom", HOLD, 0.0, 5.0));
    world.reading("2026-01-06T09:00:00Z", "kr", 6.0);
    world.until("2026-01-19T00:00:00Z");
    assert_eq!(world.assessed("kr").projected_completion, None);
    world.until("2026-01-26T00:00:00Z");
    assert_eq!(exact(&world.assessed("kr").projected_completion), "1");
}

#[test]
fn r44_lower_is_better_is_the_target_over_the_projection() {
    let mut world = world(key_result("kr", "custom", REACH, 100.0, 40.0));
    world.reading(WEEK_6, "kr", 76.0);
    world.until("2026-02-17T00:00:00Z");
    // 100 - 24 x 13/6 = 48; 40 / 48.
    assert_eq!(exact(&world.assessed("kr").projected), "48");
    assert_eq!(exact(&world.assessed("kr").projected_completion), "5/6");
    world.reading("2026-02-17T00:00:00Z", "kr", -500.0);
    world.until("2026-02-18T00:00:00Z");
    assert_eq!(exact(&world.assessed("kr").projected_completion), "1", "complete at 0 or less");
}

#[test]
fn r44_readings_of_earlier_quarters_draw_no_line_and_accumulated_measures_have_none() {
    let mut world = world(key_result("kr", "custom", REACH, 0.0, 10.0));
    world.reading("2026-01-20T00:00:00Z", "kr", 5.0);
    world.until("2026-04-13T00:00:00Z");
    assert_eq!((exact(&world.assessed("kr").current), &world.assessed("kr").projected), ("5", &None));

    let mut computed = World::new(&["ann"]);
    computed.at("2026-01-02T00:00:00Z", key_result("kr", "O1.1", ACCUMULATE, 0.0, 90.0));
    sprint(&mut computed, "s1", "2026-01-05T09:00:00Z", "2026-01-09T17:00:00Z", 7);
    computed.until("2026-01-12T00:00:00Z");
    assert_eq!((exact(&computed.assessed("kr").current), &computed.assessed("kr").projected), ("70", &None));
}

#[test]
fn r45_momentum_is_the_trend_of_the_last_three_sprints() {
    let mut world = world(key_result("kr", "O1.1", HOLD, 0.0, 90.0));
    for (id, opened, closed, shipped) in [
        ("s1", "2026-01-05T09:00:00Z", "2026-01-09T17:00:00Z", 9),
        ("s2", "2026-01-12T09:00:00Z", "2026-01-16T17:00:00Z", 8),
    ] {
        sprint(&mut world, id, opened, closed, shipped);
    }
    world.until("2026-01-17T00:00:00Z");
    assert_eq!(world.assessed("kr").momentum, None);
    sprint(&mut world, "s3", "2026-01-19T09:00:00Z", "2026-01-23T17:00:00Z", 7);
    world.until("2026-01-24T00:00:00Z");
    assert_eq!(exact(&world.assessed("kr").momentum), "-10.0000");
}

#[test]
fn r45_page_measures_have_their_values_at_the_closes_of_sprints() {
    let mut world = world(key_result("kr", "O2", HOLD, 8.0, 4.0));
    for (day, id) in [(9, "s1"), (16, "s2"), (23, "s3")] {
        world.activate(&format!("2026-01-{day:02}T08:00:00Z"), id);
        for hour in 9..13 {
            world.page(&format!("2026-01-{day:02}T{hour:02}:00:00Z"), "ann");
        }
        world.close(&format!("2026-01-{day:02}T17:00:00Z"), id);
    }
    world.until("2026-01-24T00:00:00Z");
    // One, two and three pages a week, and less is better.
    assert_eq!(exact(&world.assessed("kr").momentum), "-1.0000");
    assert_eq!(exact(&world.assessed("kr").current), "3");
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
    world.until("2026-01-13T00:00:00Z");
    assert_eq!(world.assessed("kr").oldest_overdue_dependency_days, 2, "Friday and Monday");
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
