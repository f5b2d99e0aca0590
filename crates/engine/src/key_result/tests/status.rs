//! Status, and what values it is judged by.

use super::*;

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
        ("O3.1", "no valid events measured this quarter"),
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
