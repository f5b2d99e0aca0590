//! Commands: repeated when carried out, refused with a reason when not, folded once.

use bellwether_escalation::{Escalator, Hold, Options};
use bellwether_model::Millis;
use bellwether_wire::{Event, Payload, pb};

use crate::support::*;

#[test]
fn a_command_for_an_unknown_escalation_is_refused() {
    let mut world = World::new();
    world.apply(0, acknowledge("esc-nothing"));
    world.expect(&["+0h esc-nothing refused escalation.acknowledged: no escalation has this id"]);
}

#[test]
fn a_command_that_comes_twice_is_folded_once() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.advance(0);
    world.hush();
    let first = world.apply(1, acknowledge("esc-t"));
    world.escalator.apply(&first, hour(20), &mut world.out);
    world.advance(26);
    world.expect(&["+1h esc-t acknowledged until +25h"]);
    let refused = world.apply(30, acknowledge("esc-nothing"));
    world.escalator.apply(&refused, hour(31), &mut world.out);
    world.expect(&["+30h esc-nothing refused escalation.acknowledged: no escalation has this id"]);
}

#[test]
fn a_repeated_command_keeps_actor_and_reason_and_says_until_when() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.advance(0);
    let actor = pb::Actor { kind: pb::ActorKind::Human.into(), ..Default::default() };
    world.apply(
        1,
        pb::EscalationAcknowledged {
            actor: Some(actor.clone()),
            reason: "on it".to_owned(),
            ..acknowledge("esc-t")
        },
    );
    let said = world.out.events.last().unwrap();
    assert_eq!(said.id.source, "bellwether://escalate");
    assert_eq!(said.id.id, "acknowledged/test://world/e7");
    assert_eq!(said.subject.as_deref(), Some("esc-t"));
    let Payload::EscalationAcknowledged(message) = &said.payload else { panic!("{said:?}") };
    assert_eq!(message.actor, Some(actor));
    assert_eq!(message.reason, "on it");
}

/// Who acted, as every event since last asked says.
fn actors(world: &mut World) -> Vec<(&'static str, String)> {
    let said = std::mem::take(&mut world.out.events);
    let actor = |event: &Event| match &event.payload {
        Payload::EscalationAcknowledged(m) => Some(("acknowledged", m.actor.clone()?)),
        Payload::EscalationSnoozed(m) => Some(("snoozed", m.actor.clone()?)),
        Payload::EscalationUnsnoozed(m) => Some(("unsnoozed", m.actor.clone()?)),
        Payload::EscalationResolved(m) => Some(("resolved", m.actor.clone()?)),
        Payload::EscalationRefused(m) => Some(("refused", m.actor.clone()?)),
        Payload::EscalationEnded(m) => Some(("ended", m.actor.clone()?)),
        _ => None,
    };
    let who = |actor: pb::Actor| actor.identity.map(|it| format!("{}{}", it.source, it.external_id));
    said.iter().filter_map(actor).map(|(what, actor)| (what, who(actor).unwrap_or_default())).collect()
}

/// Every command once, by one actor, and one that is refused.
fn commands_of(source: &str, external_id: &str) -> World {
    let identity = pb::Identity { source: source.to_owned(), external_id: external_id.to_owned() };
    let actor = Some(pb::Actor { kind: pb::ActorKind::Human.into(), identity: Some(identity) });
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.apply(1, pb::EscalationAcknowledged { actor: actor.clone(), ..acknowledge("esc-t") });
    world.apply(2, pb::EscalationSnoozed { actor: actor.clone(), ..snooze("esc-t", 9) });
    world.apply(3, pb::EscalationUnsnoozed { actor: actor.clone(), ..unsnooze("esc-t") });
    world.apply(4, pb::DecisionLocked { actor: actor.clone(), ..decision("esc-t") });
    world.apply(5, pb::EscalationResolved { actor, ..resolve("esc-t", &["https://example.org/1"]) });
    world
}

const SAID: [&str; 6] = ["acknowledged", "snoozed", "unsnoozed", "refused", "resolved", "ended"];

#[test]
fn who_acted_leaves_under_a_pseudonym() {
    let expected: Vec<_> = SAID.into_iter().map(|what| (what, alias("ana"))).collect();
    assert_eq!(actors(&mut commands_of("", "ana")), expected);
}

#[test]
fn who_acted_under_an_account_of_an_outside_source_is_named_by_it() {
    let expected: Vec<_> = SAID.into_iter().map(|what| (what, "slack://acme/U1".to_owned())).collect();
    assert_eq!(actors(&mut commands_of("slack://acme", "/U1")), expected);
}

#[test]
fn unsnooze_without_a_snooze_is_refused() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.apply(1, snooze("esc-t", 5));
    world.advance(4);
    world.hush();
    // A snooze ends before the instant it names.
    world.apply(5, unsnooze("esc-t"));
    world.apply(7, unsnooze("esc-t"));
    world.expect(&[
        "+5h esc-t refused escalation.unsnoozed: the escalation is not snoozed",
        "+7h esc-t refused escalation.unsnoozed: the escalation is not snoozed",
    ]);
}

#[test]
fn a_trigger_that_fires_twice_starts_once_also_after_it_cleared() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "owner-absence");
    world.fire(0, &trigger);
    world.advance(0);
    world.hush();
    world.fire(1, &trigger);
    world.apply(2, trigger.cleared("owner is back"));
    world.hush();
    world.fire(3, &trigger);
    world.apply(4, trigger.cleared("owner is back"));
    world.advance(200);
    world.expect(&[]);
}

#[test]
fn an_amendment_that_comes_again_after_a_later_one_changes_nothing() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "velocity-drop.page-load").engineer("eva");
    world.fire(0, &trigger.clone().rate("5"));
    let first = world.apply(10, trigger.clone().rate("9").amended(false));
    world.apply(20, trigger.rate("4").amended(false));
    world.escalator.apply(&first, hour(30), &mut world.out);
    world.advance(WEEK_8);
    assert!(world.said().iter().any(|line| line.contains("L4 held: guard: 4 pages")));
}

#[test]
fn triggers_and_commands_nobody_knows_change_nothing() {
    let mut world = World::new();
    let unknown = Trigger::new("unknown", "owner-absence");
    world.apply(0, unknown.amended(true));
    world.apply(0, unknown.cleared("met"));
    world.apply(0, pb::InterventionRecorded { escalation: "esc-x".to_owned(), ..Default::default() });
    world.apply(0, pb::TriggerSuppressed::default());
    world.advance(100);
    world.expect(&[]);
    assert_eq!(world.escalator.next_due(), None);
}

#[test]
fn a_rule_this_version_does_not_know_starts_and_says_that_nobody_is_on_it() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "something-new"));
    let said = world.said();
    assert_eq!(said.len(), 6, "{said:?}");
    assert!(said[1..].iter().all(|line| line.contains("skipped: nobody: the policy names no role")));
}

#[test]
fn an_event_that_comes_behind_its_time_is_folded_now() {
    let mut world = World::new();
    world.advance(10);
    world.fire(3, &Trigger::new("t", "owner-absence"));
    world.advance(10);
    assert_eq!(world.said().last().unwrap(), "+10h esc-t/L3 fired to vp, due +3h, late by 25200 s");
}

#[test]
fn events_have_ids_of_their_own_and_the_logical_instant_as_time() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.apply(50, snooze("esc-t", 60));
    world.apply(55, unsnooze("esc-t"));
    world.apply(56, snooze("esc-t", 110));
    world.advance(1000);
    let mut ids: Vec<&str> = world.out.events.iter().map(|event| event.id.id.as_str()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert!(world.out.events.windows(2).all(|pair| pair[0].time <= pair[1].time));
}

#[test]
fn what_is_over_is_forgotten_after_its_horizon() {
    let mut world = World::new();
    let trigger = Trigger::new("t", "owner-absence");
    world.fire(0, &trigger);
    world.apply(1, acknowledge("esc-t"));
    world.apply(2, trigger.cleared("owner is back"));
    world.advance(3);
    let mut kept: std::collections::BTreeMap<_, _> = world.escalator.changelog().into_iter().collect();
    world.escalator.advance(hour(2).plus(Millis::days(8)), &mut world.out);
    kept.extend(world.escalator.changelog());
    let left: Vec<String> =
        kept.into_iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key).collect();
    assert_eq!(left, [""; 0]);
    let event = Event::new("test://world", "late", hour(500), acknowledge("esc-t"));
    world.hush();
    world.escalator.apply(&event, hour(500), &mut world.out);
    world.expect(&["+500h esc-t refused escalation.acknowledged: no escalation has this id"]);
}

#[test]
fn two_triggers_never_share_an_escalation() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    let mut other = Trigger::new("u", "kpi-drift");
    other.0.escalation = "esc-t".to_owned();
    world.fire(1, &other);
    world.apply(2, other.cleared("met"));
    world.advance(2);
    assert!(world.said().iter().all(|line| line.starts_with("+0h")));
    assert!(world.escalator.describe("esc-t").starts_with("running"));
}

#[test]
fn a_trigger_without_the_id_of_its_escalation_gets_one_that_every_replay_makes_again() {
    let started = || {
        let mut world = World::new();
        let mut trigger = Trigger::new("t", "owner-absence");
        trigger.0.escalation.clear();
        world.fire(0, &trigger);
        world.said().remove(0)
    };
    assert_eq!(started(), started());
    assert!(started().ends_with(" started default"));
}

#[test]
fn a_restored_state_tells_what_is_pending_at_an_instant_without_running_it() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(0);
    world.apply(1, snooze("esc-t", 30));
    let mut restored = Escalator::new(Options::default());
    restored.restore(world.escalator.changelog().into_iter()).expect("its own state");
    let at = |hours: i64| restored.pending(hour(hours)).remove(0);
    let early = at(2);
    assert_eq!((early.escalation.as_str(), early.rule.as_str()), ("esc-t", "kpi-drift"));
    assert_eq!(early.held, Hold::Snooze { until: hour(30) });
    assert!(early.stands.contains("L1 sent"), "{}", early.stands);
    assert_eq!(at(31).held, Hold::Nothing);
    assert!(at(31).next_at.is_some());
}
