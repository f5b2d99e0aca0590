//! The page rules against a small world.

use bellwether_wire::pb;

use crate::world::{World, stamp};

/// `count` pages of somebody, one a day from `first` of January on, at noon.
fn daily(world: &mut World, who: &str, first: u32, count: u32) {
    for n in 0..count {
        let day = first + n;
        let (month, day) = if day > 31 { (2, day - 31) } else { (1, day) };
        world.page(&format!("2026-{month:02}-{day:02}T12:00:00Z"), who);
    }
}

#[test]
fn scenario_29_pages_in_28_days_over_a_median_of_7_fires_load_and_concentration() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    let mut pages: Vec<(u32, u32, &str)> = Vec::new();
    for n in 0..28 {
        pages.push((6 + n, 12, "ann"));
    }
    pages.push((33, 13, "ann"));
    for n in 0..7 {
        pages.push((6 + 4 * n, 9, "bob"));
        pages.push((6 + 4 * n, 10, "cy"));
    }
    pages.sort_unstable();
    for (day, hour, who) in pages {
        let (month, day) = if day > 31 { (2, day - 31) } else { (1, day) };
        world.page(&format!("2026-{month:02}-{day:02}T{hour:02}:00:00Z"), who);
    }
    let fired: Vec<String> = world
        .triggers()
        .into_iter()
        .filter(|line| line.starts_with("fired") && line.contains("ann"))
        .collect();
    assert_eq!(fired.len(), 3, "{fired:#?}");
    assert!(fired.iter().any(|line| line.starts_with("fired velocity-drop.forecast ann")));
    let load = world.fired("velocity-drop.page-load").explain.clone().expect("explained");
    assert_eq!(load.inputs[0].value, "17");
    assert!(fired.iter().any(|line| line.starts_with("fired velocity-drop.concentration ann")));

    world.until("2026-02-02T14:00:00Z");
    let last = world.said.iter().rev().find_map(|event| match &event.payload {
        bellwether_wire::Payload::LoadAssessed(message) => Some(message.clone()),
        _ => None,
    });
    let last = last.expect("load was assessed");
    assert_eq!((last.engineers[0].pages, last.engineers[0].per_week.as_str()), (29, "7.2"));
    let shown = |measure: &Option<pb::Measure>| measure.as_ref().map(|measure| measure.display.clone());
    assert_eq!(shown(&last.median).as_deref(), Some("7.0"));
    assert_eq!(shown(&last.ratio).as_deref(), Some("4.1"));
    let concentration = world.fired("velocity-drop.concentration");
    assert_eq!(concentration.squads, ["a"]);
}

#[test]
fn r33_a_concentration_gives_the_counts_its_median_is_of_and_nobody_s_name() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    world.page("2026-01-06T08:00:00Z", "cy");
    world.page("2026-01-06T08:00:00Z", "bob");
    daily(&mut world, "ann", 7, 4);
    let explain = world.fired("velocity-drop.concentration").explain.as_ref().expect("explained");
    let value =
        |name: &str| explain.inputs.iter().find(|input| input.name == name).map(|it| it.value.as_str());
    assert_eq!((value("eligible-counts"), value("median-pages")), (Some("4, 1, 1"), Some("1")));
    assert_eq!(explain.arithmetic, "4 / 1 = 4.00 > 2.5");
}

#[test]
fn r33_seventeen_pages_fire_and_sixteen_do_not() {
    let mut world = World::new(&["ann"]);
    daily(&mut world, "ann", 6, 16);
    assert!(!world.triggers().iter().any(|line| line.contains("page-load")));
    daily(&mut world, "ann", 22, 1);
    assert!(
        world
            .triggers()
            .iter()
            .any(|line| line == "fired velocity-drop.page-load ann 2026-01-22T12:00:00.000Z")
    );
}

#[test]
fn r34_the_forecast_yields_to_page_load_at_once() {
    let mut world = World::new(&["ann"]);
    daily(&mut world, "ann", 6, 17);
    let lines = world.triggers();
    assert_eq!(
        lines,
        [
            "fired velocity-drop.forecast ann 2026-01-12T00:00:00.000Z",
            "fired velocity-drop.page-load ann 2026-01-22T12:00:00.000Z",
            "cleared velocity-drop.forecast ann 2026-01-22T12:00:00.000Z: became page-load",
        ]
    );
}

#[test]
fn r10_a_window_rule_clears_after_168_hours_of_false() {
    let mut world = World::new(&["ann"]);
    for n in 0..17 {
        world.page(&format!("2026-01-06T{:02}:00:00Z", n), "ann");
    }
    world.until("2026-03-01T00:00:00Z");
    let lines: Vec<String> = world.triggers().into_iter().filter(|line| line.contains("page-load")).collect();
    assert_eq!(
        lines,
        [
            "fired velocity-drop.page-load ann 2026-01-06T16:00:00.000Z",
            "amended velocity-drop.page-load ann 2026-02-03T00:00:00.000Z: the mean is back at or below the threshold",
            "cleared velocity-drop.page-load ann 2026-02-10T00:00:00.000Z: condition no longer holds",
        ]
    );
}

#[test]
fn r10_a_clearing_explains_the_numbers_now_and_since_when_they_are_below() {
    let mut world = World::new(&["ann"]);
    for n in 0..17 {
        world.page(&format!("2026-01-06T{n:02}:00:00Z"), "ann");
    }
    for n in 0..3 {
        world.page(&format!("2026-02-04T{n:02}:00:00Z"), "ann");
    }
    world.until("2026-03-01T00:00:00Z");
    let explain = world.why_cleared("velocity-drop.page-load");
    assert_eq!(
        explain.arithmetic,
        "3 pages / 4 weeks = 0.75 a week < 4; \
         false since 2026-02-03T00:00:00.000Z + 168 h = 2026-02-10T00:00:00.000Z"
    );
    let inputs: Vec<(&str, &str)> =
        explain.inputs.iter().map(|input| (input.name.as_str(), input.value.as_str())).collect();
    assert_eq!(
        inputs,
        [("pages", "3"), ("pages-per-week", "0.75"), ("condition-false-since", "2026-02-03T00:00:00.000Z")]
    );
    assert_eq!(explain.inputs[0].at, stamp("2026-02-10T00:00:00Z"), "now, not when it became false");
    let keys: Vec<&str> = explain.thresholds.iter().map(|threshold| threshold.name.as_str()).collect();
    assert_eq!(keys, ["page-load.pages-per-week", "page-load.window-days", "clear-after-hours"]);
    assert_eq!(explain.events.len(), 3);
    let severity = world.said.iter().find_map(|event| match &event.payload {
        bellwether_wire::Payload::TriggerCleared(m) if m.rule == "velocity-drop.page-load" => {
            Some(m.severity())
        }
        _ => None,
    });
    assert_eq!(severity, Some(pb::Severity::Critical), "that of the firing");
}

#[test]
fn r34_a_forecast_that_clears_explains_the_highest_day_or_the_load_it_became() {
    let mut world = World::new(&["ann"]);
    daily(&mut world, "ann", 6, 7);
    world.until("2026-02-20T00:00:00Z");
    let explain = world.why_cleared("velocity-drop.forecast");
    assert!(explain.arithmetic.starts_with("7 still inside after 1 days + "), "{}", explain.arithmetic);
    assert!(explain.arithmetic.contains(" < 16; false since "), "{}", explain.arithmetic);
    assert!(explain.inputs.iter().any(|input| input.name == "highest-day" && input.value == "1"));

    let mut world = World::new(&["ann"]);
    daily(&mut world, "ann", 6, 17);
    let explain = world.why_cleared("velocity-drop.forecast");
    assert_eq!(explain.arithmetic, "17 pages / 4 weeks = 4.25 a week > 4");
}

#[test]
fn r10_a_condition_that_comes_back_before_is_the_same_instance_amended() {
    let mut world = World::new(&["ann"]);
    for n in 0..17 {
        world.page(&format!("2026-01-06T{:02}:00:00Z", n), "ann");
    }
    for n in 0..17 {
        world.page(&format!("2026-02-05T{:02}:00:00Z", n), "ann");
    }
    let lines: Vec<String> = world.triggers().into_iter().filter(|line| line.contains("page-load")).collect();
    assert_eq!(
        lines[2],
        "amended velocity-drop.page-load ann 2026-02-05T16:00:00.000Z: the condition holds again"
    );
    world.until("2026-02-20T00:00:00Z");
    assert_eq!(
        world.triggers().iter().filter(|line| line.contains("cleared velocity-drop.page-load")).count(),
        0
    );
}

#[test]
fn r33_with_a_median_of_zero_a_top_of_four_is_concentrated() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    for (n, who) in ["bob", "cy"].into_iter().enumerate() {
        world.at(
            "2026-01-05T00:00:00Z",
            pb::ShiftScheduled {
                shift: format!("s{n}"),
                responder: crate::world::person(who),
                start: stamp("2026-01-05T00:00:00Z"),
                end: stamp("2026-03-05T00:00:00Z"),
                ..Default::default()
            },
        );
    }
    daily(&mut world, "ann", 6, 4);
    let fired = world.fired("velocity-drop.concentration");
    let explain = fired.explain.as_ref().expect("explained");
    assert_eq!(explain.notes, ["concentrated"]);
    assert_eq!(explain.arithmetic, "median 0 has no ratio; 4 >= 4 pages on one engineer");
}

#[test]
fn r33_when_the_top_changes_hands_the_old_instance_is_false_and_the_new_one_fires() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    world.page("2026-01-06T08:00:00Z", "cy");
    world.page("2026-01-06T08:00:00Z", "bob");
    daily(&mut world, "ann", 7, 4);
    for n in 0..10 {
        world.page(&format!("2026-01-12T{n:02}:00:00Z"), "bob");
    }
    let lines: Vec<String> =
        world.triggers().into_iter().filter(|line| line.contains("concentration")).collect();
    assert_eq!(lines[0], "fired velocity-drop.concentration ann 2026-01-10T12:00:00.000Z");
    assert!(lines.iter().any(|line| line.starts_with("fired velocity-drop.concentration bob")), "{lines:#?}");
    world.until("2026-01-25T00:00:00Z");
    assert!(world.triggers().iter().any(|line| line.starts_with("cleared velocity-drop.concentration ann")));
    let explain = world.why_cleared("velocity-drop.concentration");
    assert!(
        explain.arithmetic.starts_with("4 pages of the engineer < 11 of the top; false since "),
        "{}",
        explain.arithmetic
    );
}

#[test]
fn r09_fewer_than_three_eligible_people_are_no_data() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    daily(&mut world, "ann", 6, 12);
    daily(&mut world, "bob", 18, 1);
    assert!(!world.triggers().iter().any(|line| line.contains("concentration")));
}

#[test]
fn r72_a_concentration_without_data_still_tells_the_load_at_present() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    world.page("2026-01-06T08:00:00Z", "bob");
    world.page("2026-01-06T09:00:00Z", "cy");
    daily(&mut world, "ann", 8, 24);
    let changes = |world: &World| {
        let of_load = |event: &bellwether_wire::envelope::Event| match &event.payload {
            bellwether_wire::Payload::TriggerAmended(amended)
                if amended.rule == "velocity-drop.concentration" =>
            {
                Some((event.time.to_rfc3339(), amended.change.clone()))
            }
            _ => None,
        };
        world.said.iter().filter_map(of_load).collect::<Vec<_>>()
    };
    let up = "was below 6 pages a week, is at least 6 pages a week".to_owned();
    let down = "was at least 6 pages a week, is below 6 pages a week".to_owned();
    assert_eq!(changes(&world), [("2026-01-31T12:00:00.000Z".to_owned(), up.clone())]);
    // Bob's page and cy's are out of the window from 3 February on, and ann's first one from the 5th.
    world.until("2026-02-12T00:00:00Z");
    assert_eq!(
        changes(&world),
        [("2026-01-31T12:00:00.000Z".to_owned(), up), ("2026-02-05T00:00:00.000Z".to_owned(), down)]
    );
    assert!(!world.triggers().iter().any(|line| line.contains("cleared velocity-drop.concentration")));
}

#[test]
fn r32_a_load_of_fewer_than_three_eligible_people_has_no_median_and_no_ratio() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    daily(&mut world, "ann", 6, 4);
    world.page("2026-01-10T12:00:00Z", "bob");
    let mut said = Vec::new();
    for (until, who) in [("2026-01-12T00:00:00Z", "cy"), ("2026-01-13T00:00:00Z", "cy")] {
        world.until(until);
        let load = world.said.iter().rev().find_map(|event| match &event.payload {
            bellwether_wire::Payload::LoadAssessed(load) => Some(load),
            _ => None,
        });
        let load = load.expect("load was assessed");
        said.push((load.eligible, load.median.is_some(), load.ratio.is_some()));
        world.page(&until.replace("00:", "10:"), who);
    }
    assert_eq!(said, [(2, false, false), (3, true, true)]);
}

#[test]
fn friday_2330_in_new_york_is_a_weekend_page_only_in_tokyo() {
    let mut world = World::new(&["cy"]);
    world.member("2026-01-01T00:00:00Z", "ann", "a", "America/New_York");
    world.member("2026-01-01T00:00:00Z", "bob", "a", "Asia/Tokyo");
    world.page("2026-01-10T04:30:00Z", "ann");
    world.page("2026-01-10T04:30:00Z", "bob");
    world.page("2026-01-12T12:00:00Z", "cy");
    world.until("2026-01-13T00:00:00Z");
    let load = world.said.iter().rev().find_map(|event| match &event.payload {
        bellwether_wire::Payload::LoadAssessed(message) => Some(message),
        _ => None,
    });
    let load = load.expect("load was assessed");
    assert_eq!(load.weekend_people, 1);
    assert_eq!(load.weekend_pages, 1);
}

#[test]
fn r08_somebody_eligible_by_a_shift_alone_moves_the_squad_at_their_own_midnight() {
    let mut world = World::new(&["ann", "bob"]);
    world.member("2026-01-01T00:00:00Z", "cy", "a", "Asia/Tokyo");
    world.page("2026-01-06T08:00:00Z", "bob");
    world.at(
        "2026-01-06T09:00:00Z",
        pb::ShiftScheduled {
            shift: "s".into(),
            responder: crate::world::person("cy"),
            start: stamp("2026-01-19T18:00:00Z"),
            end: stamp("2026-01-20T02:00:00Z"),
            ..Default::default()
        },
    );
    daily(&mut world, "ann", 7, 4);
    world.until("2026-01-21T00:00:00Z");
    // 2026-01-20 begins in Tokyo, whose day holds the shift.
    assert_eq!(
        world.triggers().first().map(String::as_str),
        Some("fired velocity-drop.concentration ann 2026-01-19T15:00:00.000Z")
    );
}

#[test]
fn a_restored_engine_goes_on_as_if_nothing_had_happened() {
    let mut straight = World::new(&["ann", "bob", "cy"]);
    daily(&mut straight, "ann", 6, 25);
    let mut broken = World::new(&["ann", "bob", "cy"]);
    daily(&mut broken, "ann", 6, 12);
    let snapshot = broken.engine.snapshot();
    broken.engine = crate::Engine::restore(crate::Options::default(), &snapshot).expect("own snapshot");
    assert_eq!(broken.engine.snapshot(), snapshot);
    let router = broken.router.snapshot();
    broken.router = crate::routing::Router::restore(&router).expect("own snapshot");
    daily(&mut broken, "ann", 18, 13);
    assert_eq!(broken.said, straight.said);
    assert_eq!(broken.engine.snapshot(), straight.engine.snapshot());
}

#[test]
fn r32_a_membership_recorded_late_moves_the_pages_of_its_time_to_the_service_s_squad() {
    let mut world = World::new(&["ann"]);
    let start = "2026-01-01T00:00:00Z";
    world.at(start, pb::SquadRecorded { squad: "b".into(), function: "eng".into(), ..Default::default() });
    let system = pb::SystemRecorded {
        system: "sys".into(),
        squad: "b".into(),
        services: vec!["s1".into()],
        ..Default::default()
    };
    world.at(start, system);
    let page = pb::PageNotified {
        incident: "i".into(),
        responder: crate::world::person("ann"),
        channel: pb::PageChannel::Push.into(),
        basis: pb::Basis::NotificationLog.into(),
        service: "s1".into(),
        ..Default::default()
    };
    world.at("2026-01-10T12:00:00Z", page);
    let late = pb::MembershipRecorded {
        person: "ann".into(),
        squad: "b".into(),
        effective_from: stamp(start),
        ..Default::default()
    };
    world.at("2026-01-12T12:00:00Z", late);
    world.until("2026-01-13T00:00:00Z");
    let last = |squad: &str| {
        let loads = world.said.iter().filter_map(|event| match &event.payload {
            bellwether_wire::Payload::LoadAssessed(load) if load.squad == squad => Some(load),
            _ => None,
        });
        loads.last().map(|load| load.engineers.iter().map(|engineer| engineer.pages).sum::<u32>())
    };
    assert_eq!((last("a"), last("b")), (Some(0), Some(1)));
}

#[test]
fn a_trigger_names_the_version_of_the_escalation_policy_in_force_when_it_fires() {
    let policy = |id: &str, org_unit: &str| pb::EscalationPolicyRecorded {
        escalation_policy: id.into(),
        rules: vec!["velocity-drop.*".into()],
        org_units: vec![org_unit.into()],
        ..Default::default()
    };
    let named = |world: &World| {
        let fired = world.fired("velocity-drop.page-load");
        (fired.policy.clone(), fired.policy_version.clone())
    };
    let mut world = World::new(&["ann"]);
    let mut without = World::new(&["ann"]);
    world.at("2026-01-02T00:00:00Z", policy("org", "eng"));
    world.at("2026-01-03T00:00:00Z", policy("ours", "a"));
    world.at("2026-01-04T00:00:00Z", policy("ours", "a"));
    world.at("2026-01-05T00:00:00Z", policy("theirs", "b"));
    world.at(
        "2026-01-05T00:00:00Z",
        pb::EscalationPolicyRecorded { effective_from: stamp("2026-02-01T00:00:00Z"), ..policy("ours", "a") },
    );
    for world in [&mut world, &mut without] {
        daily(world, "ann", 6, 17);
    }
    assert_eq!(named(&world), ("ours".to_owned(), "2026-01-04T00:00:00.000Z".to_owned()));
    assert_eq!(named(&without), ("default".to_owned(), "built-in/1".to_owned()));
}

/// Amendments of a rule, each as `what changed` and the value of some inputs, `-` where there is none.
fn amendments(world: &World, rule: &str, inputs: &[&str]) -> Vec<String> {
    let line = |message: &pb::TriggerAmended| {
        let explain = message.explain.as_ref().expect("amendments are explained");
        let value = |name: &&str| explain.inputs.iter().find(|input| input.name == *name);
        let values = inputs.iter().map(|name| value(name).map_or("-", |input| input.value.as_str()));
        format!("{}: {}", message.change, values.collect::<Vec<_>>().join(", "))
    };
    let amended = world.said.iter().filter_map(|event| match &event.payload {
        bellwether_wire::Payload::TriggerAmended(message) if message.rule == rule => Some(line(message)),
        _ => None,
    });
    amended.collect()
}

#[test]
fn r10_an_amendment_that_says_false_since_carries_the_present_numbers() {
    let mut world = World::new(&["ann"]);
    for n in 0..17 {
        world.page(&format!("2026-01-06T{n:02}:00:00Z"), "ann");
    }
    world.page("2026-01-20T09:00:00Z", "ann");
    world.until("2026-02-04T00:00:00Z");
    assert_eq!(
        amendments(&world, "velocity-drop.page-load", &["pages", "pages-per-week", "condition-false-since"]),
        ["the mean is back at or below the threshold: 1, 0.25, 2026-02-03T00:00:00.000Z"]
    );
}

#[test]
fn r10_a_forecast_that_turns_false_says_the_highest_day_it_reaches() {
    let mut world = World::new(&["ann"]);
    world.page("2026-01-01T12:00:00Z", "ann");
    daily(&mut world, "ann", 6, 10);
    world.until("2026-01-25T00:00:00Z");
    let said = amendments(&world, "velocity-drop.forecast", &["pages-per-week", "condition-false-since"]);
    assert_eq!(
        said,
        ["the rate no longer takes the mean past the threshold: 2.75, 2026-01-19T00:00:00.000Z"]
    );
}

#[test]
fn r72_who_is_no_longer_the_top_is_told_with_their_own_rate_and_again_when_it_crosses_the_guards_line() {
    let mut world = World::new(&["ann", "bob", "cy"]);
    for hour in 0..24 {
        world.page(&format!("2026-01-06T{hour:02}:00:00Z"), "ann");
    }
    world.page("2026-01-07T00:00:00Z", "ann");
    world.page("2026-01-29T01:00:00Z", "cy");
    for hour in 0..10 {
        world.page(&format!("2026-01-30T{hour:02}:30:00Z"), "bob");
    }
    world.until("2026-02-04T00:00:00Z");
    assert_eq!(
        amendments(
            &world,
            "velocity-drop.concentration",
            &["top-pages", "pages-per-week", "condition-false-since"]
        ),
        [
            "no longer the top, or the ratio is back at or below the threshold: \
             25, 6.25, 2026-01-30T09:30:00.000Z",
            "was at least 6 pages a week, is below 6 pages a week: 10, 0.25, 2026-01-30T09:30:00.000Z",
        ]
    );
}

#[test]
fn r35_where_the_squad_has_no_key_result_of_the_measure_the_trigger_is_about_the_org_wide_one() {
    let of = |id: &str, measure: &str, squad: &str| pb::KeyResultRecorded {
        squad: squad.into(),
        ..crate::world::key_result(id, measure, pb::KeyResultKind::HoldLevel, 0.0, 4.0)
    };
    let mut world = World::new(&["ann"]);
    for key_result in [of("org-load", "O2", ""), of("theirs", "O2", "b"), of("org-spread", "O2.1", "")] {
        world.at("2026-01-02T00:00:00Z", key_result);
    }
    daily(&mut world, "ann", 6, 17);
    assert_eq!(world.fired("velocity-drop.page-load").key_result, "org-load");
    assert_eq!(world.fired("velocity-drop.forecast").key_result, "org-load");
    let assessed = world.assessed("org-load");
    assert_eq!((assessed.status(), assessed.reason.is_empty()), (pb::Status::NoData, false));
}
