//! Which policy an escalation runs under.

use bellwether_wire::pb;
use rstest::rstest;

use crate::support::*;

/// A policy whose name says what it names: `k` the key result, `s`, `p`, `f` squad, parent, function, `r` the rule,
/// `w` its family.
fn named(id: &str) -> pb::EscalationPolicyRecorded {
    let mut policy = policy(id, vec![level(1, 0, &[pb::Audience::Cfo])]);
    for letter in id.chars() {
        match letter {
            'k' => policy.key_results.push("kr".to_owned()),
            's' => policy.org_units.push("payments".to_owned()),
            'p' => policy.org_units.push("commerce".to_owned()),
            'f' => policy.org_units.push("product".to_owned()),
            'r' => policy.rules.push("velocity-drop.pace".to_owned()),
            'w' => policy.rules.push("velocity-drop.*".to_owned()),
            _ => {}
        }
    }
    policy
}

#[rstest]
#[case::key_result_before_all_else(&["k", "sr"], "k")]
#[case::squad_before_parent(&["s", "p", "f"], "s")]
#[case::parent_before_function(&["p", "f"], "p")]
#[case::org_unit_before_rule(&["f", "r"], "f")]
#[case::rule_before_family(&["r", "w", "a"], "r")]
#[case::family_before_all(&["w", "a"], "w")]
#[case::more_of_the_same(&["k", "ks", "ksr"], "ksr")]
#[case::any_before_none(&["a"], "a")]
#[case::none(&[], "default")]
fn the_most_specific_policy_wins(#[case] recorded: &[&str], #[case] chosen: &str) {
    for reversed in [false, true] {
        let mut world = World::new();
        let mut ids = recorded.to_vec();
        if reversed {
            ids.reverse();
        }
        for id in ids {
            world.know(named(id));
        }
        world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
        assert_eq!(world.said()[0], format!("+0h esc-t started {chosen}"));
    }
}

#[test]
fn a_policy_that_names_something_else_does_not_match() {
    let mut world = World::new();
    world.know(pb::EscalationPolicyRecorded { rules: vec!["kpi-drift".to_owned()], ..named("a") });
    world.know(pb::EscalationPolicyRecorded { org_units: vec!["platform".to_owned()], ..named("b") });
    world.know(pb::EscalationPolicyRecorded { key_results: vec!["other".to_owned()], ..named("c") });
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    assert_eq!(world.said()[0], "+0h esc-t started default");
}

#[test]
fn among_equals_the_one_recorded_last_wins() {
    let mut world = World::new();
    world.learn(-5, named("za"));
    world.learn(-4, named("ab"));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    assert_eq!(world.said()[0], "+0h esc-t started ab");
}

#[test]
fn the_version_recorded_before_the_start_is_the_one_that_runs() {
    let mut world = World::new();
    world.learn(-1, named("a"));
    world.learn(1, pb::EscalationPolicyRecorded { levels: vec![], ..named("a") });
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(0);
    let bellwether_wire::Payload::EscalationStarted(started) = &world.out.events[0].payload else { panic!() };
    assert_eq!(started.policy_version, "2026-01-05T08:00:00.000Z");
    assert_eq!(world.said().last().unwrap(), "+0h esc-t/L1 fired to cfo");
}

#[test]
fn channels_of_a_level_travel_with_the_step() {
    let mut world = World::new();
    let channels = vec![pb::Channel::Chat.into(), pb::Channel::Email.into(), 99];
    let level = pb::PolicyLevel { channels, ..level(1, 0, &[pb::Audience::Cfo]) };
    world.know(policy("a", vec![level]));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(0);
    let bellwether_wire::Payload::StepFired(fired) = &world.out.events.last().unwrap().payload else {
        panic!()
    };
    assert_eq!(fired.channels, ["chat", "email"]);
}

#[test]
fn default_waits_and_anchors_are_thresholds() {
    let mut world = World::new();
    world.know(pb::ThresholdsRecorded {
        thresholds: "org".to_owned(),
        values: [("escalation.step-hours", "12"), ("escalation.l4-week", "1")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Default::default()
    });
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(24 * 7);
    let fired: Vec<String> =
        world.said().into_iter().filter(|line| line.contains("fired") && !line.contains("/r")).collect();
    assert_eq!(
        fired,
        [
            "+0h esc-t/L1 fired to ana olga",
            "+12h esc-t/L2 fired to bo plat",
            "+24h esc-t/L3 fired to vp",
            "+159h esc-t/L4 fired to cto",
        ]
    );
}

#[test]
fn the_version_that_the_trigger_names_runs_whatever_was_recorded_before_the_escalator_read_it() {
    let mut world = World::new();
    world.learn(-2, named("a"));
    world.learn(-1, policy("a", vec![level(1, 0, &[pb::Audience::Cto])]));
    world.learn(
        -1,
        pb::EscalationPolicyRecorded { rules: vec!["velocity-drop.pace".to_owned()], ..named("b") },
    );
    let mut trigger = Trigger::new("t", "velocity-drop.pace");
    trigger.0.policy = "a".to_owned();
    trigger.0.policy_version = hour(-2).to_rfc3339();
    world.fire(0, &trigger);
    world.advance(0);
    let bellwether_wire::Payload::EscalationStarted(started) = &world.out.events[0].payload else { panic!() };
    assert_eq!((started.policy.as_str(), started.policy_version.as_str()), ("a", "2026-01-05T07:00:00.000Z"));
    assert_eq!(world.said().last().unwrap(), "+0h esc-t/L1 fired to cfo");
}

#[test]
fn the_built_in_chain_runs_where_the_trigger_names_it() {
    let mut world = World::new();
    world.learn(-1, named("a"));
    let mut trigger = Trigger::new("t", "velocity-drop.pace");
    trigger.0.policy = "default".to_owned();
    trigger.0.policy_version = "built-in/1".to_owned();
    world.fire(0, &trigger);
    assert_eq!(world.said()[0], "+0h esc-t started default");
}

#[test]
fn a_version_that_is_not_kept_any_more_gives_way_to_the_one_in_force() {
    let mut world = World::new();
    world.learn(-1, named("a"));
    let mut trigger = Trigger::new("t", "velocity-drop.pace");
    trigger.0.policy = "gone".to_owned();
    trigger.0.policy_version = hour(-2).to_rfc3339();
    world.fire(0, &trigger);
    assert_eq!(world.said()[0], "+0h esc-t started a");
}
