//! R74: what it takes to resolve, and what goes on afterwards.

use bellwether_escalation::contract;
use bellwether_wire::pb;

use crate::support::*;

fn started() -> (World, Trigger) {
    let mut world = World::new();
    let trigger = Trigger::new("t", "velocity-drop.pace");
    world.fire(0, &trigger);
    world.advance(0);
    world.hush();
    (world, trigger)
}

#[test]
fn r74_without_evidence_while_the_condition_lasts_it_is_refused() {
    let (mut world, _) = started();
    world.apply(1, resolve("esc-t", &[]));
    world.apply(1, resolve("esc-t", &["  "]));
    world.expect(&[
        "+1h esc-t refused escalation.resolved: a resolution needs evidence while the condition lasts",
        "+1h esc-t refused escalation.resolved: a resolution needs evidence while the condition lasts",
    ]);
}

#[test]
fn r74_with_evidence_it_ends_and_cancels_what_is_pending() {
    let (mut world, _) = started();
    let actor = pb::Actor { kind: pb::ActorKind::Human.into(), ..Default::default() };
    world.apply(
        1,
        pb::EscalationResolved { actor: Some(actor.clone()), ..resolve("esc-t", &["https://example.org/1"]) },
    );
    let ended = world.out.events.last().unwrap().payload.clone();
    let bellwether_wire::Payload::EscalationEnded(ended) = ended else { panic!("{ended:?}") };
    assert_eq!(ended.actor, Some(actor));
    assert_eq!(ended.evidence, ["https://example.org/1"]);
    world.advance(1000);
    world.expect(&["+1h esc-t resolved", "+1h esc-t/L2 skipped: cancelled", "+1h esc-t ended: resolved"]);
}

#[test]
fn r74_when_the_condition_is_false_no_evidence_is_needed() {
    let (mut world, trigger) = started();
    world.apply(1, trigger.input(contract::CONDITION_FALSE_SINCE, "now").amended(false));
    world.apply(2, resolve("esc-t", &[]));
    assert_eq!(world.said().last().unwrap(), "+2h esc-t ended: resolved");
}

#[test]
fn r74_when_the_condition_came_back_evidence_is_needed_again() {
    let (mut world, trigger) = started();
    world.apply(1, trigger.clone().input(contract::CONDITION_FALSE_SINCE, "now").amended(false));
    world.apply(2, trigger.amended(false));
    world.apply(3, resolve("esc-t", &[]));
    assert!(world.said()[0].contains("refused"));
}

#[test]
fn r74_what_is_sent_while_the_condition_is_false_tells_the_numbers_of_then() {
    let (mut world, trigger) = started();
    world.apply(1, trigger.clone().input("pace", "0.4").amended(false));
    world.apply(2, trigger.input("pace", "0.6").turned_false(2));
    world.advance(48);
    let explain = world
        .out
        .events
        .iter()
        .rev()
        .find_map(|event| match &event.payload {
            bellwether_wire::Payload::StepFired(fired) => fired.explain.clone(),
            _ => None,
        })
        .unwrap();
    let told: Vec<(&str, &str)> =
        explain.inputs.iter().map(|input| (input.name.as_str(), input.value.as_str())).collect();
    assert_eq!(told, [("pace", "0.6"), (contract::CONDITION_FALSE_SINCE, "2026-01-05T11:00:00.000Z")]);
}

#[test]
fn r74_the_instance_stays_active_and_starts_no_other_escalation() {
    let (mut world, trigger) = started();
    world.apply(1, resolve("esc-t", &["https://example.org/1"]));
    world.hush();
    world.fire(2, &trigger);
    world.apply(3, trigger.amended(true));
    world.advance(500);
    world.expect(&[]);
    world.apply(600, trigger.cleared("met"));
    world.expect(&[]);
}

#[test]
fn r74_commands_to_an_ended_escalation_are_refused_with_how_it_ended() {
    let (mut world, trigger) = started();
    world.apply(1, trigger.cleared("key result ended"));
    world.hush();
    world.apply(2, resolve("esc-t", &["https://example.org/1"]));
    world.apply(3, acknowledge("esc-t"));
    world.expect(&[
        "+2h esc-t refused escalation.resolved: the escalation has ended: key result ended",
        "+3h esc-t refused escalation.acknowledged: the escalation has ended: key result ended",
    ]);
}
