//! R70: when each level is due, and what a level with nobody on it does to those above.

use bellwether_wire::pb;
use rstest::rstest;

use crate::support::*;

#[test]
fn r70_each_level_is_due_48_hours_after_the_one_below_from_fired_at() {
    let mut world = World::new();
    world.know(squad("search", "bo", "commerce"));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(97);
    let said = world.said_all();
    let said: Vec<&String> = said.iter().filter(|line| !line.contains("/r")).collect();
    assert_eq!(
        said,
        [
            "+0h esc-t started default",
            "+0h esc-t/L1 armed +0h: at once after the start",
            "+0h esc-t/L2 armed +48h: 48 h after L1",
            "+0h esc-t/L1 fired to ana olga",
            "+48h esc-t/L3 armed +96h: 48 h after L2",
            "+48h esc-t/L2 fired to bo plat",
            "+96h esc-t/L4 armed +1335h: 8 weeks into 2026-Q1, later than 48 h after L3",
            "+96h esc-t/L3 fired to vp",
        ]
    );
}

#[test]
fn r70_the_clock_starts_at_fired_at_though_the_trigger_comes_later() {
    let mut world = World::new();
    let mut trigger = Trigger::new("t", "velocity-drop.pace");
    trigger.0.fired_at = Some(bellwether_wire::instant::timestamp(hour(0)));
    world.apply(1, trigger.0);
    world.advance(48);
    world.expect(&[
        "+1h esc-t started default",
        "+1h esc-t/L1 fired to ana olga, due +0h, late by 3600 s",
        "+25h esc-t/L1/r1 fired to ana olga",
        "+48h esc-t/L2 fired to bo plat",
    ]);
}

#[test]
fn r70_a_level_with_nobody_by_policy_is_skipped_and_takes_no_time() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(48);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L2 skipped: nobody: the policy names no role",
        "+0h esc-t/L1 fired to olga plat",
        "+24h esc-t/L1/r1 fired to olga plat",
        "+48h esc-t/L3 fired to vp",
    ]);
}

#[test]
fn r70_a_role_vacant_when_its_turn_comes_is_skipped_then_and_takes_no_time() {
    let mut world = World::new();
    world.learn(40, organisation_without(&[pb::Role::PlatformLead]));
    world.learn(40, squad("search", "", "commerce"));
    world.fire(0, &Trigger::new("t", "momentum-decay"));
    world.advance(48);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L1 fired to ana olga",
        "+24h esc-t/L1/r1 fired to ana olga",
        "+48h esc-t/L2 skipped: nobody: no role of it is held by anybody it may go to",
        "+48h esc-t/L3 fired to vp",
    ]);
}

#[test]
fn r70_a_vacant_first_level_leaves_the_second_its_own_wait_from_the_start() {
    let mut world = World::new();
    world.know(squad("payments", "", "commerce"));
    world.fire(0, &Trigger::new("t", "velocity-drop.page-load").engineer("eva"));
    world.advance(47);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L1 skipped: nobody: no role of it is held by anybody it may go to",
    ]);
    world.advance(48);
    world.expect(&["+48h esc-t/L2 fired to bo plat"]);
}

/// What was said but for repeats and for levels that the policy leaves out.
fn turns(said: Vec<String>) -> Vec<String> {
    said.into_iter().filter(|line| !line.contains("/r") && !line.contains("names no role")).collect()
}

/// L1 to the EM, L2 to the platform lead after 48 hours, L3 to the VP after fewer.
fn short_third(after_hours: u32) -> pb::EscalationPolicyRecorded {
    let levels = vec![
        level(1, 0, &[pb::Audience::SquadEm]),
        level(2, 48, &[pb::Audience::PlatformLead]),
        level(3, after_hours, &[pb::Audience::VpEngineering]),
    ];
    policy("short", levels)
}

#[rstest]
#[case(0)]
#[case(24)]
fn r70_a_vacant_level_does_not_burn_a_longer_wait_than_the_level_above_has(#[case] after_hours: u32) {
    let mut world = World::new();
    world.know(organisation_without(&[pb::Role::PlatformLead]));
    world.know(short_third(after_hours));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(72);
    let at = format!("+{after_hours}h");
    let said = turns(world.said());
    let expected = [
        "+0h esc-t started short".to_owned(),
        "+0h esc-t/L1 fired to ana".to_owned(),
        format!("{at} esc-t/L2 skipped: nobody: no role of it is held by anybody it may go to"),
        format!("{at} esc-t/L3 fired to vp"),
    ];
    let sorted = |lines: &[String]| lines.iter().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(&said), sorted(&expected));
}

#[test]
fn r70_a_level_with_somebody_on_it_has_its_own_wait_whatever_the_level_above_has() {
    let mut world = World::new();
    world.know(short_third(24));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(72);
    let said = turns(world.said());
    assert_eq!(said[2..], ["+48h esc-t/L2 fired to plat", "+72h esc-t/L3 fired to vp"]);
}

#[test]
fn r70_a_level_vacated_before_its_turn_makes_nobody_late() {
    let mut world = World::new();
    world.learn(30, organisation_without(&[pb::Role::PlatformLead]));
    world.know(short_third(24));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(72);
    let said = turns(world.said_all());
    assert_eq!(
        said[4..],
        [
            "+48h esc-t/L2 skipped: nobody: no role of it is held by anybody it may go to",
            "+48h esc-t/L3 armed +48h: the turn of L2, later than 24 h after L1",
            "+48h esc-t/L3 fired to vp",
        ]
    );
}

#[test]
fn r70_vacant_levels_wait_for_the_first_above_that_has_anybody() {
    let mut world = World::new();
    world.know(organisation_without(&[pb::Role::PlatformLead, pb::Role::VpEngineering]));
    let levels = vec![
        level(1, 0, &[pb::Audience::SquadEm]),
        level(2, 48, &[pb::Audience::PlatformLead]),
        level(3, 24, &[pb::Audience::VpEngineering]),
        level(4, 36, &[pb::Audience::Chro]),
    ];
    world.know(policy("short", levels));
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.learn(30, organisation_without(&[pb::Role::VpEngineering]));
    world.advance(84);
    assert_eq!(
        turns(world.said())[2..],
        [
            "+48h esc-t/L2 fired to plat",
            "+72h esc-t/L3 skipped: nobody: no role of it is held by anybody it may go to",
            "+84h esc-t/L4 fired to chro",
        ]
    );
}

#[test]
fn r70_a_role_filled_before_its_turn_is_not_skipped() {
    let mut world = World::empty();
    world.know(organisation_without(&[pb::Role::VpEngineering]));
    world.know(squad("payments", "ana", "commerce"));
    world.learn(47, organisation());
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(47);
    world.hush();
    world.advance(48);
    world.expect(&["+48h esc-t/L3 fired to vp"]);
}

#[test]
fn r70_the_cto_brief_waits_for_week_8_and_comes_at_once_after_48_hours_beyond_it() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("early", "owner-absence"));
    world.fire(WEEK_8 + 5, &Trigger::new("late", "owner-absence"));
    world.advance(WEEK_8 + 60);
    let fourth: Vec<String> = world.said().into_iter().filter(|line| line.contains("/L4 fired")).collect();
    assert_eq!(fourth, ["+1335h esc-early/L4 fired to cto", "+1388h esc-late/L4 fired to cto"]);
}

#[test]
fn r70_the_quarter_is_that_of_the_start() {
    let mut world = World::new();
    let last_day = 90 * 24;
    world.fire(last_day, &Trigger::new("t", "owner-absence"));
    world.advance(last_day + 48);
    let said = world.said();
    assert_eq!(said.last().unwrap(), "+2208h esc-t/L4 fired to cto");
}

#[test]
fn r70_the_intervention_does_not_wait_for_a_held_cto_brief_which_is_then_superseded() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("a", "velocity-drop.page-load").engineer("eva").rate("5"));
    world.fire(0, &Trigger::new("b", "velocity-drop.forecast").engineer("ines").rate("5"));
    world.advance(T_3_WEEKS);
    let said: Vec<String> = world
        .said()
        .into_iter()
        .filter(|line| line.contains("esc-a/L4") || line.contains("esc-a/L5"))
        .collect();
    assert_eq!(
        said,
        [
            "+1335h esc-a/L4 held: guard: 5 pages per week when last told, needs at least 6",
            "+1671h esc-a/L4 skipped: superseded",
            "+1671h esc-a/L5 fired to cto vp chro cfo, supersedes [4]",
        ]
    );
}

#[test]
fn r70_anchors_are_first_instants_of_days_in_the_zone_of_the_organisation() {
    let mut world = World::new();
    world.know(pb::OrganisationRecorded { zone: "America/New_York".to_owned(), ..organisation() });
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.advance(0);
    let said = world.said_all();
    let armed = said.iter().find(|line| line.contains("L4 armed")).unwrap();
    // Midnight in New York is 05:00 UTC in winter: five hours after midnight UTC.
    assert!(armed.contains("armed +1340h: 8 weeks into 2026-Q1"), "{armed}");
}

#[test]
fn r70_levels_due_at_once_are_sent_together_lowest_first() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "dependency-breach").squads(&["payments", "infra"]);
    world.fire(0, &trigger);
    world.advance(0);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L2 skipped: nobody: the policy names no role",
        "+0h esc-t/L1 fired to ana cy",
        "+0h esc-t/L3 fired to vp",
    ]);
}

#[test]
fn r70_a_second_window_makes_the_vp_level_due_at_once() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "missed-check-in");
    world.fire(0, &trigger);
    world.advance(3);
    world.hush();
    world.apply(3, trigger.amended(true));
    world.advance(4);
    world.expect(&[
        "+3h esc-t/L4 skipped: nobody: the policy names no role",
        "+3h esc-t/L5 skipped: nobody: the policy names no role",
        "+3h esc-t/L3 fired to vp",
    ]);
}

#[test]
fn r70_a_new_instance_on_a_second_window_goes_to_owner_and_vp_at_once() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "missed-check-in")
        .input(bellwether_escalation::contract::WINDOWS_MISSED_IN_A_ROW, "2");
    world.fire(0, &trigger);
    world.advance(0);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("fired")).collect();
    assert_eq!(fired, ["+0h esc-t/L1 fired to olga", "+0h esc-t/L3 fired to vp"]);
}

#[test]
fn r70_a_missed_check_in_reaches_the_vp_after_48_hours() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "missed-check-in"));
    world.advance(48);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("L3 fired")).collect();
    assert_eq!(fired, ["+48h esc-t/L3 fired to vp"]);
}

#[test]
fn r70_backfill_starts_no_escalation() {
    let mut world = World::new();
    let mut trigger = Trigger::new("t", "owner-absence");
    trigger.0.backfill = true;
    world.fire(0, &trigger);
    world.advance(1000);
    world.expect(&[]);
}

#[test]
fn r70_what_clears_at_the_instant_it_fired_sends_nothing() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "dependency-breach");
    world.fire(0, &trigger);
    world.apply(0, trigger.cleared("withdrawn"));
    world.advance(100);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L1 skipped: cancelled",
        "+0h esc-t ended: withdrawn",
    ]);
}
