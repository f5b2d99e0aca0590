//! R73: repeats, acknowledgements and snoozes.

use bellwether_wire::pb;

use crate::support::*;

fn repeats_of(world: &mut World) -> Vec<String> {
    world.said().into_iter().filter(|line| line.contains("/r")).collect()
}

#[test]
fn r73_a_step_repeats_at_24_48_and_72_hours_to_the_same_people() {
    let mut world = World::new();
    world.learn(30, squad("payments", "cy", "commerce"));
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.advance(1000);
    assert_eq!(
        repeats_of(&mut world),
        [
            "+24h esc-t/L1/r1 fired to olga ana",
            "+48h esc-t/L1/r2 fired to olga ana",
            "+72h esc-t/L1/r3 fired to olga ana",
        ]
    );
}

#[test]
fn r73_repeats_end_when_a_higher_level_fires_also_at_the_same_instant() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(96 + 72);
    assert_eq!(
        repeats_of(&mut world),
        [
            "+24h esc-t/L1/r1 fired to ana olga",
            "+72h esc-t/L2/r1 fired to bo plat",
            "+120h esc-t/L3/r1 fired to vp",
            "+144h esc-t/L3/r2 fired to vp",
            "+168h esc-t/L3/r3 fired to vp",
        ]
    );
}

#[test]
fn r73_of_levels_due_at_the_same_instant_only_the_lowest_repeats() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "dependency-breach").squads(&["payments", "infra"]));
    world.advance(100);
    assert_eq!(
        repeats_of(&mut world),
        [
            "+24h esc-t/L1/r1 fired to ana cy",
            "+48h esc-t/L1/r2 fired to ana cy",
            "+72h esc-t/L1/r3 fired to ana cy",
        ]
    );
}

#[test]
fn r73_the_lowest_that_was_sent_repeats_where_the_one_below_was_vacant() {
    let mut world = World::new();
    world.know(squad("payments", "", ""));
    world.know(squad("infra", "", ""));
    world.fire(0, &Trigger::new("t", "dependency-breach").squads(&["payments", "infra"]));
    world.advance(24);
    assert_eq!(repeats_of(&mut world), ["+24h esc-t/L3/r1 fired to vp"]);
}

#[test]
fn r73_an_acknowledgement_drops_repeats_for_24_hours_and_stops_no_clock() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(1);
    world.apply(10, acknowledge("esc-t"));
    world.advance(72);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L1 fired to ana olga",
        "+10h esc-t acknowledged until +34h",
        "+48h esc-t/L2 fired to bo plat",
        "+72h esc-t/L2/r1 fired to bo plat",
    ]);
}

#[test]
fn r73_an_acknowledgement_at_the_instant_of_a_repeat_is_in_time_and_has_expired_24_hours_later() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.apply(24, acknowledge("esc-t"));
    world.advance(48);
    assert_eq!(repeats_of(&mut world), ["+48h esc-t/L1/r2 fired to olga ana"]);
}

#[test]
fn r73_an_acknowledgement_is_of_the_escalation_and_covers_levels_sent_later() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(60, acknowledge("esc-t"));
    world.advance(95);
    assert_eq!(repeats_of(&mut world), ["+24h esc-t/L1/r1 fired to ana olga"]);
}

#[test]
fn r73_a_snooze_holds_steps_and_drops_repeats_and_the_overdue_runs_at_its_end() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, snooze("esc-t", 100));
    world.advance(100);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L1 fired to ana olga",
        "+10h esc-t snoozed until +100h",
        "+48h esc-t/L2 held: snoozed until 2026-01-09T13:00:00.000Z",
        "+96h esc-t/L3 held: snoozed until 2026-01-09T13:00:00.000Z",
        "+100h esc-t/L2 skipped: superseded",
        "+100h esc-t/L3 fired to vp, due +96h, late by 14400 s, supersedes [2]",
    ]);
}

#[test]
fn r73_a_snooze_at_the_due_instant_is_in_time() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(48, snooze("esc-t", 60));
    world.advance(59);
    assert!(!world.said().iter().any(|line| line.contains("L2 fired")));
}

#[test]
fn r73_due_instants_stay_during_a_snooze() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, snooze("esc-t", 60));
    world.advance(96);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("L3")).collect();
    assert_eq!(fired, ["+96h esc-t/L3 fired to vp"]);
}

#[test]
fn r73_unsnooze_runs_what_is_overdue_at_once() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, snooze("esc-t", 100));
    world.apply(50, unsnooze("esc-t"));
    world.advance(50);
    let said: Vec<String> = world.said().into_iter().filter(|line| line.starts_with("+50h")).collect();
    assert_eq!(said, ["+50h esc-t unsnoozed", "+50h esc-t/L2 fired to bo plat, due +48h, late by 7200 s"]);
}

#[test]
fn r73_a_snooze_without_reason_or_end_is_refused() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(0);
    world.hush();
    world.apply(1, pb::EscalationSnoozed { reason: " ".to_owned(), ..snooze("esc-t", 10) });
    world.apply(1, pb::EscalationSnoozed { until: None, ..snooze("esc-t", 10) });
    world.apply(1, snooze("esc-t", 1));
    world.expect(&[
        "+1h esc-t refused escalation.snoozed: a snooze needs a reason",
        "+1h esc-t refused escalation.snoozed: a snooze needs an end",
        "+1h esc-t refused escalation.snoozed: a snooze ends in the future, not at 2026-01-05T10:00:00.000Z",
    ]);
}

#[test]
fn r73_the_hours_of_repeats_and_acknowledgements_are_thresholds() {
    let mut world = World::new();
    world.know(pb::ThresholdsRecorded {
        thresholds: "org".to_owned(),
        values: [("escalation.repeat-hours", "12,36"), ("ack.hours", "3")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Default::default()
    });
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.apply(10, acknowledge("esc-t"));
    world.advance(100);
    assert_eq!(repeats_of(&mut world), ["+36h esc-t/L1/r2 fired to olga ana"]);
}

#[test]
fn r73_a_locked_decision_ends_no_repeats() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.apply(1, decision("esc-t"));
    world.advance(WEEK_8);
    world.apply(WEEK_8 + 1, decision("esc-t"));
    world.advance(WEEK_8 + 100);
    let said: Vec<String> =
        world.said().into_iter().filter(|line| line.contains("L4") || line.contains("refused")).collect();
    assert_eq!(
        said,
        [
            "+1h esc-t refused decision.locked: no level that asks for a decision was sent",
            "+1335h esc-t/L4 fired to cto",
            "+1359h esc-t/L4/r1 fired to cto",
            "+1383h esc-t/L4/r2 fired to cto",
            "+1407h esc-t/L4/r3 fired to cto",
        ]
    );
}
