//! R71: what an outage or a snooze leaves overdue collapses to its highest level, and says how late it is.

use bellwether_wire::{Event, Payload};
use rstest::rstest;

use crate::support::*;

#[test]
fn r71_of_several_overdue_levels_only_the_highest_is_sent() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, paused("escalate"));
    world.apply(200, resumed("escalate"));
    world.advance(200);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L1 fired to ana olga",
        "+200h esc-t/L2 skipped: superseded",
        "+200h esc-t/L3 fired to vp, due +96h, late by 374400 s, supersedes [2]",
    ]);
}

#[rstest]
#[case::escalator("escalate", false)]
#[case::processor("process", false)]
#[case::router("route", true)]
fn r71_a_pause_of_processor_or_escalator_holds_steps(#[case] role: &str, #[case] fires: bool) {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, paused(role));
    world.advance(50);
    let fired = world.said().iter().any(|line| line.contains("L2 fired"));
    assert_eq!(fired, fires);
}

#[test]
fn r71_steps_are_held_until_every_role_is_back() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, paused("escalate"));
    world.apply(10, paused("process"));
    world.apply(60, resumed("escalate"));
    world.advance(60);
    world.hush();
    world.apply(70, resumed("process"));
    world.advance(70);
    world.expect(&["+70h esc-t/L2 fired to bo plat, due +48h, late by 79200 s"]);
}

#[test]
fn r71_repeats_that_fall_into_a_pause_are_dropped() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.apply(10, paused("escalate"));
    world.apply(40, resumed("escalate"));
    world.advance(72);
    let repeats: Vec<String> = world.said().into_iter().filter(|line| line.contains("/r")).collect();
    assert_eq!(repeats, ["+48h esc-t/L1/r2 fired to olga ana", "+72h esc-t/L1/r3 fired to olga ana"]);
}

#[test]
fn r71_a_repeat_between_the_end_of_a_pause_and_its_telling_is_sent() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.advance(0);
    world.hush();
    for (id, at, payload) in
        [("paused", 10, paused("process").into()), ("resumed", 20, Payload::from(resumed("process")))]
    {
        let event = Event::new("bellwether://process", id, hour(at), payload);
        // The log has both behind the repeat at +24h, which nobody has run yet.
        world.escalator.apply(&event, hour(25), &mut world.out);
    }
    world.advance(25);
    world.expect(&["+24h esc-t/L1/r1 fired to olga ana"]);
}

#[test]
fn r71_levels_with_the_same_due_instant_are_sent_together_late() {
    let mut world = World::new();
    world.apply(0, paused("escalate"));
    world.fire(5, &Trigger::new("t", "dependency-breach").squads(&["payments", "infra"]));
    world.apply(10, resumed("escalate"));
    world.advance(10);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("fired")).collect();
    assert_eq!(
        fired,
        [
            "+10h esc-t/L1 fired to ana cy, due +5h, late by 18000 s",
            "+10h esc-t/L3 fired to vp, due +5h, late by 18000 s",
        ]
    );
}

#[test]
fn r71_lateness_counts_from_the_instant_the_guard_held() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "velocity-drop.page-load").engineer("eva");
    world.fire(0, &trigger.clone().rate("5"));
    world.advance(WEEK_8 + 10);
    world.hush();
    world.apply(WEEK_8 + 10, paused("escalate"));
    world.apply(WEEK_8 + 20, trigger.rate("7").amended(false));
    world.apply(WEEK_8 + 50, resumed("escalate"));
    world.advance(WEEK_8 + 50);
    world.expect(&["+1385h esc-t/L4 fired to cto, due +1335h, late by 108000 s"]);
}

#[test]
fn r71_a_level_held_by_its_guard_is_not_late_when_the_guard_comes_to_hold() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "velocity-drop.page-load").engineer("eva");
    world.fire(0, &trigger.clone().rate("5"));
    world.advance(WEEK_8 + 10);
    world.hush();
    world.apply(WEEK_8 + 20, trigger.rate("7").amended(false));
    world.advance(WEEK_8 + 20);
    world.expect(&["+1355h esc-t/L4 fired to cto, due +1335h"]);
}

#[test]
fn r71_what_is_due_at_the_very_instant_of_resumption_is_in_time() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, paused("escalate"));
    world.apply(96, resumed("escalate"));
    world.advance(96);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("+96h")).collect();
    assert_eq!(
        fired,
        ["+96h esc-t/L2 fired to bo plat, due +48h, late by 172800 s", "+96h esc-t/L3 fired to vp"]
    );
}

#[test]
fn r71_a_pause_that_is_told_afterwards_holds_from_its_own_instant() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(10);
    world.hush();
    let event = Event::new("bellwether://escalate", "pause", hour(10), paused("escalate"));
    world.escalator.apply(&event, hour(200), &mut world.out);
    world.apply(200, resumed("escalate"));
    world.advance(200);
    world.expect(&[
        "+200h esc-t/L2 skipped: superseded",
        "+200h esc-t/L3 fired to vp, due +96h, late by 374400 s, supersedes [2]",
    ]);
}

#[test]
fn r71_a_shell_may_state_the_pause_of_its_own_escalator() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(10);
    world.hush();
    world.escalator.paused(hour(10));
    world.escalator.resumed(hour(60), &mut world.out);
    world.advance(60);
    world.expect(&["+60h esc-t/L2 fired to bo plat, due +48h, late by 43200 s"]);
}

#[test]
fn r71_a_trigger_that_cleared_during_the_pause_sends_nothing_at_its_end() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "velocity-drop.pace");
    world.fire(0, &trigger);
    world.apply(10, paused("escalate"));
    world.apply(100, resumed("escalate"));
    world.apply(100, trigger.cleared("met"));
    world.advance(100);
    world.expect(&[
        "+0h esc-t started default",
        "+0h esc-t/L1 fired to ana olga",
        "+100h esc-t/L2 skipped: cancelled",
        "+100h esc-t/L3 skipped: cancelled",
        "+100h esc-t/L4 skipped: cancelled",
        "+100h esc-t ended: cleared",
    ]);
}

#[test]
fn r71_a_role_vacated_during_the_pause_leaves_the_level_below_as_the_highest() {
    let mut world = World::new();
    world.learn(150, organisation_without(&[bellwether_wire::pb::Role::VpEngineering]));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(10, paused("escalate"));
    world.apply(200, resumed("escalate"));
    world.advance(200);
    let said: Vec<String> = world.said().into_iter().filter(|line| line.starts_with("+200h")).collect();
    assert_eq!(
        said,
        [
            "+200h esc-t/L3 skipped: nobody: the roles of it became vacant",
            "+200h esc-t/L2 fired to bo plat, due +48h, late by 547200 s",
        ]
    );
}
