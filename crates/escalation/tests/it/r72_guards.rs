//! R72: what the two highest levels wait for, and when that is looked at again.

use bellwether_escalation::contract;
use rstest::rstest;

use crate::support::*;

fn lines_of(world: &mut World, what: &str) -> Vec<String> {
    world.said().into_iter().filter(|line| line.contains(what)).collect()
}

#[rstest]
#[case("velocity-drop.page-load", "6", true)]
#[case("velocity-drop.page-load", "23/4", false)]
#[case("velocity-drop.concentration", "24/4", true)]
#[case("velocity-drop.concentration", "5.999", false)]
#[case("velocity-drop.forecast", "1", true)]
#[case("owner-absence", "0", true)]
fn r72_l4_needs_six_a_week_for_load_and_concentration(
    #[case] rule: &str,
    #[case] rate: &str,
    #[case] fires: bool,
) {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", rule).engineer("eva").rate(rate));
    world.advance(WEEK_8);
    let said = lines_of(&mut world, "/L4");
    assert_eq!(said.iter().any(|line| line.contains("fired to cto")), fires, "{said:?}");
    assert_eq!(said.iter().any(|line| line.contains("held: guard")), !fires, "{said:?}");
}

#[test]
fn r72_an_unknown_rate_holds_and_says_so() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.page-load").engineer("eva"));
    world.advance(WEEK_8);
    assert_eq!(
        lines_of(&mut world, "/L4"),
        ["+1335h esc-t/L4 held: guard: present pages per week are not known, needs at least 6"]
    );
}

/// A page rule about eva that told a rate at an hour.
fn told(rule: &str, hours: i64, rate: &str) -> Trigger {
    Trigger::new("t", rule).engineer("eva").input_of(hours, contract::PAGES_PER_WEEK, rate)
}

#[test]
fn r72_a_rate_told_before_the_condition_turned_false_is_not_at_present() {
    let mut world = World::new();
    let trigger = told("velocity-drop.page-load", 0, "6");
    world.fire(0, &trigger);
    world.apply(WEEK_8 - 20, trigger.turned_false(WEEK_8 - 20));
    world.advance(WEEK_8);
    assert_eq!(
        lines_of(&mut world, "/L4"),
        ["+1335h esc-t/L4 held: guard: present pages per week are not known, needs at least 6"]
    );
    // The condition comes back, above the line.
    world.apply(WEEK_8 + 5, told("velocity-drop.page-load", WEEK_8 + 5, "25/4").amended(false));
    world.advance(WEEK_8 + 5);
    assert_eq!(lines_of(&mut world, "/L4"), ["+1340h esc-t/L4 fired to cto, due +1335h"]);
}

#[test]
fn r72_a_rate_told_while_the_condition_is_false_is_at_present() {
    let rule = "velocity-drop.concentration";
    let mut world = World::new();
    world.fire(0, &told(rule, 0, "7"));
    world.apply(WEEK_8 - 20, told(rule, WEEK_8 - 20, "5.75").turned_false(WEEK_8 - 20));
    world.advance(WEEK_8);
    assert_eq!(
        lines_of(&mut world, "/L4"),
        ["+1335h esc-t/L4 held: guard: 5.75 pages per week as of 2026-03-01T04:00:00.000Z, needs at least 6"]
    );
    world.apply(WEEK_8 + 3, told(rule, WEEK_8 + 3, "6").turned_false(WEEK_8 - 20));
    world.advance(WEEK_8 + 3);
    assert_eq!(lines_of(&mut world, "/L4"), ["+1338h esc-t/L4 fired to cto, due +1335h"]);
}

#[test]
fn r72_a_held_guard_says_of_when_the_rate_is() {
    let mut world = World::new();
    world.fire(0, &told("velocity-drop.page-load", 0, "17/4"));
    world.advance(WEEK_8);
    assert_eq!(
        lines_of(&mut world, "/L4"),
        ["+1335h esc-t/L4 held: guard: 4.25 pages per week as of 2026-01-05T09:00:00.000Z, needs at least 6"]
    );
}

#[test]
fn r72_a_held_guard_is_said_once_and_looked_at_when_the_rate_changes() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "velocity-drop.page-load").engineer("eva");
    world.fire(0, &trigger.clone().rate("5"));
    world.advance(WEEK_8 + 30);
    world.apply(WEEK_8 + 40, trigger.clone().rate("5.5").amended(false));
    world.advance(WEEK_8 + 50);
    world.apply(WEEK_8 + 60, trigger.rate("6.25").amended(false));
    world.advance(WEEK_8 + 60);
    assert_eq!(
        lines_of(&mut world, "/L4"),
        [
            "+1335h esc-t/L4 held: guard: 5 pages per week when last told, needs at least 6",
            "+1395h esc-t/L4 fired to cto, due +1335h",
        ]
    );
}

#[test]
fn r72_a_held_guard_is_looked_at_at_the_first_instant_of_each_day_of_the_organisation() {
    let mut world = World::new();
    world.know(bellwether_wire::pb::OrganisationRecorded {
        zone: "America/New_York".to_owned(),
        ..organisation()
    });
    world.fire(0, &Trigger::new("t", "velocity-drop.page-load").engineer("eva").rate("5"));
    world.advance(WEEK_8 + 5);
    assert!(lines_of(&mut world, "L4 held").len() == 1);
    assert_eq!(world.escalator.next_due(), Some(hour(WEEK_8 + 5 + 24)));
    let trigger = Trigger::new("t", "velocity-drop.page-load").engineer("eva").rate("5.5");
    world.apply(WEEK_8 + 5 + 7, trigger.amended(false));
    world.advance(WEEK_8 + 5 + 7);
    assert_eq!(world.escalator.next_due(), Some(hour(WEEK_8 + 5 + 24)));
    world.advance(WEEK_8 + 5 + 24);
    assert_eq!(world.escalator.next_due(), Some(hour(WEEK_8 + 5 + 48)));
}

#[test]
fn r72_a_guard_that_stops_holding_during_a_snooze_counts_from_when_it_holds_again() {
    let mut world = World::new();
    let other = Trigger::new("b", "velocity-drop.pace").squads(&["search"]);
    world.fire(0, &Trigger::new("a", "velocity-drop.pace"));
    world.fire(0, &other);
    world.apply(T_3_WEEKS - 1, snooze("esc-a", T_3_WEEKS + 50));
    world.apply(T_3_WEEKS + 10, other.cleared("met"));
    world.fire(T_3_WEEKS + 20, &Trigger::new("c", "velocity-drop.pace").squads(&["infra"]));
    world.advance(T_3_WEEKS + 50);
    assert_eq!(
        lines_of(&mut world, "esc-a/L5 fired"),
        ["+1721h esc-a/L5 fired to cto vp cfo, due +1671h, late by 108000 s"]
    );
}

#[test]
fn r72_the_intervention_about_pages_needs_two_engineers_of_the_function() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("a", "velocity-drop.page-load").engineer("eva").rate("7"));
    world.fire(0, &Trigger::new("b", "velocity-drop.concentration").engineer("eva").rate("7"));
    world.advance(T_3_WEEKS);
    assert_eq!(
        lines_of(&mut world, "esc-a/L5"),
        ["+1671h esc-a/L5 held: guard: page rules fire for 1 engineer of the function, needs at least 2"]
    );
    let mut elsewhere = Trigger::new("c", "velocity-drop.forecast").engineer("ines");
    elsewhere.0.function = "platform".to_owned();
    world.fire(T_3_WEEKS + 1, &elsewhere);
    world.advance(T_3_WEEKS + 1);
    assert_eq!(lines_of(&mut world, "/L5 fired"), [""; 0]);
    world.fire(T_3_WEEKS + 2, &Trigger::new("d", "velocity-drop.forecast").engineer("ines"));
    world.advance(T_3_WEEKS + 2);
    assert_eq!(
        lines_of(&mut world, "/L5 fired"),
        [
            "+1673h esc-a/L5 fired to cto vp chro cfo, due +1671h",
            "+1673h esc-b/L5 fired to cto vp chro cfo, due +1671h, added to esc-a/L5",
        ]
    );
}

#[test]
fn r72_the_intervention_about_others_needs_the_same_rule_in_two_squads() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("a", "velocity-drop.pace"));
    world.fire(0, &Trigger::new("b", "projected-miss").squads(&["search"]));
    world.advance(T_3_WEEKS);
    assert_eq!(
        lines_of(&mut world, "esc-a/L5"),
        ["+1671h esc-a/L5 held: guard: velocity-drop.pace fires in 1 squad, needs at least 2"]
    );
    world.fire(T_3_WEEKS + 1, &Trigger::new("c", "velocity-drop.pace").squads(&["search"]));
    world.advance(T_3_WEEKS + 1);
    assert_eq!(lines_of(&mut world, "/L5 fired"), ["+1672h esc-a/L5 fired to cto vp cfo, due +1671h"]);
}

#[test]
fn r72_of_a_dependency_the_squad_is_the_providers() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("a", "dependency-breach").squads(&["infra", "payments"]));
    world.fire(0, &Trigger::new("b", "dependency-breach").squads(&["infra", "search"]));
    world.advance(T_3_WEEKS);
    assert_eq!(lines_of(&mut world, "/L5 fired"), [""; 0]);
    world.fire(T_3_WEEKS + 1, &Trigger::new("c", "dependency-breach").squads(&["payments", "infra"]));
    world.advance(T_3_WEEKS + 1);
    assert_eq!(lines_of(&mut world, "/L5 fired").len(), 2);
}

#[test]
fn r72_still_firing_is_fired_and_not_cleared_resolved_and_backfilled_included() {
    let mut world = World::new();
    let resolved = Trigger::new("a", "velocity-drop.pace").squads(&["search"]);
    world.fire(0, &resolved);
    world.apply(1, resolve("esc-a", &["https://example.org/1"]));
    world.fire(2, &Trigger::new("b", "velocity-drop.pace"));
    world.advance(T_3_WEEKS);
    assert_eq!(lines_of(&mut world, "esc-b/L5 fired"), ["+1671h esc-b/L5 fired to cto vp cfo"]);

    let mut world = World::new();
    let mut backfilled = Trigger::new("a", "velocity-drop.pace").squads(&["search"]);
    backfilled.0.backfill = true;
    world.fire(0, &backfilled);
    world.fire(2, &Trigger::new("b", "velocity-drop.pace"));
    world.apply(3, backfilled.cleared("met"));
    world.advance(T_3_WEEKS);
    assert_eq!(lines_of(&mut world, "esc-b/L5 held").len(), 1);
}

#[test]
fn r72_guards_are_judged_after_all_events_of_the_instant() {
    let mut world = World::new();
    let first = Trigger::new("a", "velocity-drop.pace").squads(&["search"]);
    world.fire(0, &first);
    world.fire(0, &Trigger::new("b", "velocity-drop.pace"));
    // At the very instant the level is due, the other squad's trigger clears: one squad is left.
    world.apply(T_3_WEEKS, first.cleared("met"));
    world.advance(T_3_WEEKS);
    assert_eq!(lines_of(&mut world, "esc-b/L5 held").len(), 1);
}

#[test]
fn r72_configured_guards_are_frozen_at_the_start() {
    let mut world = World::new();
    let values = |rate: &str| bellwether_wire::pb::ThresholdsRecorded {
        thresholds: "org".to_owned(),
        values: [("escalation.l4-pages-per-week".to_owned(), rate.to_owned())].into(),
        ..Default::default()
    };
    world.know(values("5"));
    world.learn(10, values("9"));
    world.fire(0, &Trigger::new("t", "velocity-drop.page-load").engineer("eva").rate("5"));
    world.advance(WEEK_8);
    assert_eq!(lines_of(&mut world, "/L4"), ["+1335h esc-t/L4 fired to cto"]);
}
