//! Where a key result leads, and its trend.

use super::*;

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
    let interval = (exact(&assessed.interval_low), exact(&assessed.interval_high));
    assert_eq!((assessed.answers, interval), (100, ("4.24", "30.71")), "O3.2: n and an interval");
    assert_eq!((exact(&assessed.projected), exact(&assessed.projected_completion)), ("39", "0.975"));
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

fn sure(world: &mut World, when: &str, who: &str, value: f64, confidence: u32) {
    world.at(
        when,
        pb::CheckInFiled {
            key_result: "kr".into(),
            actor: human(who),
            report: Some(pb::check_in_filed::Report::Value(value)),
            confidence: Some(confidence),
            evidence: vec!["https://e".into()],
            ..Default::default()
        },
    );
}

#[test]
fn r44_the_projection_is_told_as_a_share_of_the_way_and_against_the_stated_confidence() {
    let mut world = world(key_result("kr", "custom", REACH, 20.0, 40.0));
    world.until(START);
    // One week of thirteen: 20 + 13 = 33 at the end.
    sure(&mut world, "2026-01-12T00:00:00Z", "ann", 21.0, 90);
    world.until("2026-01-12T00:00:00Z");
    let assessed = world.assessed("kr");
    assert_eq!((exact(&assessed.projected), exact(&assessed.projected_completion)), ("33", "0.825"));
    assert_eq!((exact(&assessed.projected_progress), shown(&assessed.projected_progress)), ("0.65", "65"));
    assert_eq!((exact(&assessed.confidence), shown(&assessed.confidence)), ("0.9", "90"));
    assert_eq!((exact(&assessed.confidence_gap), shown(&assessed.confidence_gap)), ("-0.075", "-8"));
}

#[test]
fn r41_only_valid_check_ins_state_a_confidence_and_the_last_one_counts() {
    let mut world = world(key_result("kr", "custom", REACH, 0.0, 40.0));
    sure(&mut world, "2026-01-12T00:00:00Z", "ann", 2.0, 80);
    sure(&mut world, "2026-01-13T00:00:00Z", "cy", 3.0, 10);
    world.until("2026-01-14T00:00:00Z");
    assert_eq!(exact(&world.assessed("kr").confidence), "0.8");
    sure(&mut world, "2026-01-15T00:00:00Z", "ann", 4.0, 70);
    world.until("2026-01-16T00:00:00Z");
    assert_eq!(exact(&world.assessed("kr").confidence), "0.7");
}
