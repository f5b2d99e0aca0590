//! The date rules against a small world: missed check-ins and dependency breaches.

use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};

use crate::world::{World, human, stamp};

/// A key result of squad `a`, owned by ann, effective from Monday 2026-01-05.
fn key_result(world: &mut World) {
    world.at(
        "2026-01-01T00:00:00Z",
        pb::KeyResultRecorded {
            key_result: "kr".into(),
            measure: "custom".into(),
            owner: "ann".into(),
            delegates: vec!["bob".into()],
            squad: "a".into(),
            target: 100.0,
            effective_from: stamp("2026-01-05T00:00:00Z"),
            effective_until: stamp("2026-04-06T00:00:00Z"),
            ..Default::default()
        },
    );
}

fn check_in(world: &mut World, when: &str, who: &str, evidence: &[&str]) {
    world.at(
        when,
        pb::CheckInFiled {
            key_result: "kr".into(),
            actor: human(who),
            report: Some(pb::check_in_filed::Report::Value(10.0)),
            evidence: evidence.iter().map(|link| (*link).to_owned()).collect(),
            ..Default::default()
        },
    );
}

fn progress(world: &mut World, when: &str, source: &str, through: &str) {
    let message = pb::SourceProgressed {
        source: source.into(),
        complete_through: stamp(through),
        ..Default::default()
    };
    world.at(when, message);
}

/// A world whose first event is on the first Monday.
fn world() -> World {
    let mut world = World::new(&["ann", "bob", "cy"]);
    key_result(&mut world);
    world.page("2026-01-05T08:00:00Z", "cy");
    world
}

#[test]
fn r50_the_first_window_closes_on_friday_at_1700_of_the_owner() {
    let mut world = world();
    world.until("2026-01-09T16:59:59.999Z");
    assert_eq!(world.triggers(), Vec::<String>::new());
    world.until("2026-01-09T17:00:00Z");
    assert_eq!(world.triggers(), ["fired missed-check-in kr 2026-01-09T17:00:00.000Z"]);
}

#[test]
fn r51_checked_in_at_exactly_1700_is_in_time() {
    let mut world = world();
    check_in(&mut world, "2026-01-09T17:00:00Z", "ann", &["https://e"]);
    world.until("2026-01-10T00:00:00Z");
    assert_eq!(world.triggers(), Vec::<String>::new());
}

#[test]
fn r51_without_evidence_or_by_somebody_else_it_is_not_valid() {
    let mut world = world();
    check_in(&mut world, "2026-01-08T10:00:00Z", "ann", &[]);
    check_in(&mut world, "2026-01-08T11:00:00Z", "cy", &["https://e"]);
    world.until("2026-01-09T17:00:00Z");
    assert_eq!(world.triggers(), ["fired missed-check-in kr 2026-01-09T17:00:00.000Z"]);
    let explain = world.fired("missed-check-in").explain.clone().expect("explained");
    assert_eq!(explain.events.len(), 2);
}

#[test]
fn r51_a_delegate_may_check_in_and_a_late_one_clears() {
    let mut world = world();
    check_in(&mut world, "2026-01-10T09:00:00Z", "bob", &["https://e"]);
    assert_eq!(
        world.triggers(),
        [
            "fired missed-check-in kr 2026-01-09T17:00:00.000Z",
            "cleared missed-check-in kr 2026-01-10T09:00:00.000Z: a valid check-in was filed",
        ]
    );
    let explain = world.why_cleared("missed-check-in");
    assert_eq!(explain.arithmetic, "1 valid check-in at 2026-01-10T09:00:00.000Z, 1 needed");
    let (events, thresholds) = names(Some(explain));
    assert_eq!(events, ["check-in.filed"]);
    assert_eq!(thresholds.len(), 3);
}

#[test]
fn r51_owner_and_interim_owner_may_both_check_in_and_a_former_owner_may_not() {
    for (interim, who, missed) in [(true, "ann", 0), (true, "cy", 0), (false, "cy", 0), (false, "ann", 1)] {
        let mut world = world();
        let assigned = pb::OwnerAssigned {
            key_result: "kr".into(),
            owner: "cy".into(),
            interim,
            actor: human("cy"),
            ..Default::default()
        };
        world.at("2026-01-06T09:00:00Z", assigned);
        check_in(&mut world, "2026-01-08T10:00:00Z", who, &["https://e"]);
        world.until("2026-01-09T17:00:00Z");
        assert_eq!(world.triggers().len(), missed, "interim: {interim}, by {who}");
    }
}

#[test]
fn r51_a_second_window_in_a_row_amends_the_running_instance() {
    let mut world = world();
    world.until("2026-01-16T17:00:00Z");
    let lines = world.triggers();
    assert_eq!(lines[0], "fired missed-check-in kr 2026-01-09T17:00:00.000Z");
    assert!(lines[1].starts_with("amended missed-check-in kr 2026-01-16T17:00:00.000Z"), "{lines:?}");
    let amended = world.said.iter().find_map(|event| match &event.payload {
        Payload::TriggerAmended(message) => Some(message.second_window),
        _ => None,
    });
    assert_eq!(amended, Some(true));
}

#[test]
fn r51_after_a_late_check_in_a_second_missed_window_is_a_new_instance() {
    let mut world = world();
    check_in(&mut world, "2026-01-10T09:00:00Z", "ann", &["https://e"]);
    world.until("2026-01-16T17:00:00Z");
    let lines = world.triggers();
    assert_eq!(lines.last().map(String::as_str), Some("fired missed-check-in kr 2026-01-16T17:00:00.000Z"));
    let last = world.said.iter().rev().find_map(|event| match &event.payload {
        Payload::TriggerFired(message) => {
            message.explain.as_ref().map(|explain| explain.inputs[0].value.clone())
        }
        _ => None,
    });
    assert_eq!(last.as_deref(), Some("2"));
}

#[test]
fn r12_a_stale_source_holds_the_decision_and_a_check_in_it_brings_settles_it() {
    let mut world = world();
    progress(&mut world, "2026-01-09T15:00:00Z", "form://okr", "2026-01-09T15:00:00Z");
    world.until("2026-01-09T18:00:00Z");
    assert_eq!(world.triggers(), ["held missed-check-in kr 2026-01-09T17:00:00.000Z: form://okr"]);
    progress(&mut world, "2026-01-09T19:00:00Z", "form://okr", "2026-01-09T18:59:00Z");
    assert_eq!(world.triggers()[1..], ["fired missed-check-in kr 2026-01-09T19:00:00.000Z"]);
    let fired = world.fired("missed-check-in");
    assert_eq!(fired.as_of, stamp("2026-01-09T17:00:00Z"));
}

/// Instants that events of triggers are of, in order.
fn as_ofs(world: &World) -> Vec<Option<String>> {
    let all = world.said.iter().filter_map(|event| match &event.payload {
        Payload::TriggerFired(m) => Some(&m.as_of),
        Payload::TriggerAmended(m) => Some(&m.as_of),
        Payload::TriggerHeld(m) => Some(&m.as_of),
        Payload::TriggerCleared(m) => Some(&m.as_of),
        _ => None,
    });
    let text = |at: &Option<_>| bellwether_wire::instant::optional(at.as_ref()).map(|at| at.to_rfc3339());
    all.map(text).collect()
}

#[test]
fn r12_each_held_window_is_decided_in_order_as_of_its_own_close() {
    let mut world = world();
    progress(&mut world, "2026-01-09T14:00:00Z", "form://okr", "2026-01-09T14:00:00Z");
    world.until("2026-01-16T18:00:00Z");
    progress(&mut world, "2026-01-17T00:00:00Z", "form://okr", "2026-01-10T00:00:00Z");
    progress(&mut world, "2026-01-18T00:00:00Z", "form://okr", "2026-01-18T00:00:00Z");
    assert_eq!(
        world.triggers(),
        [
            "held missed-check-in kr 2026-01-09T17:00:00.000Z: form://okr",
            "held missed-check-in kr 2026-01-16T17:00:00.000Z: form://okr",
            "fired missed-check-in kr 2026-01-17T00:00:00.000Z",
            "amended missed-check-in kr 2026-01-18T00:00:00.000Z: was missed in a row 1, is missed in a row 2",
        ]
    );
    let (first, second) = ("2026-01-09T17:00:00.000Z", "2026-01-16T17:00:00.000Z");
    assert_eq!(as_ofs(&world), [first, second, first, first].map(|at| Some(at.to_owned())));
    let trigger = world.fired("missed-check-in").trigger.clone();
    let about_it = world.said.iter().filter(|event| event.subject.as_ref() == Some(&trigger));
    assert_eq!(about_it.count(), 4, "held and fired under one id");
    let explain = world.fired("missed-check-in").explain.as_ref().expect("explained");
    assert_eq!(explain.inputs[0].value, "1", "one window was missed at the first close");
}

#[test]
fn r12_a_source_wholly_back_decides_all_held_windows_at_once_oldest_first() {
    let mut world = world();
    progress(&mut world, "2026-01-09T14:00:00Z", "form://okr", "2026-01-09T14:00:00Z");
    progress(&mut world, "2026-01-17T00:00:00Z", "form://okr", "2026-01-17T00:00:00Z");
    assert_eq!(
        world.triggers()[2..],
        [
            "fired missed-check-in kr 2026-01-17T00:00:00.000Z",
            "amended missed-check-in kr 2026-01-17T00:00:00.000Z: was missed in a row 1, is missed in a row 2",
        ]
    );
    assert_eq!(world.fired("missed-check-in").as_of, stamp("2026-01-09T17:00:00Z"));
}

#[test]
fn r12_a_held_window_that_a_check_in_settles_does_not_fire_and_the_next_one_does() {
    let mut world = world();
    progress(&mut world, "2026-01-09T14:00:00Z", "form://okr", "2026-01-09T14:00:00Z");
    check_in(&mut world, "2026-01-10T09:00:00Z", "ann", &["https://e"]);
    progress(&mut world, "2026-01-17T00:00:00Z", "form://okr", "2026-01-17T00:00:00Z");
    assert_eq!(
        world.triggers()[1..],
        [
            "held missed-check-in kr 2026-01-16T17:00:00.000Z: form://okr",
            "fired missed-check-in kr 2026-01-17T00:00:00.000Z",
        ]
    );
    assert_eq!(world.fired("missed-check-in").as_of, stamp("2026-01-16T17:00:00Z"));
}

#[test]
fn r11_a_held_window_whose_key_result_ends_does_not_fire_after() {
    let mut world = world();
    progress(&mut world, "2026-04-03T14:00:00Z", "form://okr", "2026-04-03T14:00:00Z");
    let before = world.triggers().len();
    world.until("2026-04-06T00:00:00Z");
    progress(&mut world, "2026-04-07T00:00:00Z", "form://okr", "2026-04-07T00:00:00Z");
    let lines = world.triggers();
    let after: Vec<&str> = lines[before..].iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(after, ["held", "cleared"]);
}

#[test]
fn r12_a_restored_engine_still_holds_every_window() {
    let mut world = world();
    progress(&mut world, "2026-01-09T14:00:00Z", "form://okr", "2026-01-09T14:00:00Z");
    world.until("2026-01-16T18:00:00Z");
    let snapshot = world.engine.snapshot();
    world.engine = crate::Engine::restore(crate::Options::default(), &snapshot).expect("own snapshot");
    progress(&mut world, "2026-01-16T19:00:00Z", "form://okr", "2026-01-09T15:00:00Z");
    assert_eq!(world.triggers().len(), 2, "nothing is said twice");
    progress(&mut world, "2026-01-17T00:00:00Z", "form://okr", "2026-01-17T00:00:00Z");
    assert_eq!(world.triggers().len(), 4);
}

#[test]
fn r11_a_missed_check_in_clears_when_its_key_result_ends() {
    let mut world = world();
    world.until("2026-04-06T00:00:00Z");
    assert_eq!(
        world.triggers().last().map(String::as_str),
        Some("cleared missed-check-in kr 2026-04-06T00:00:00.000Z: key result ended")
    );
    assert_eq!(
        world.why_cleared("missed-check-in").arithmetic,
        "the key result ended at 2026-04-06T00:00:00.000Z; no check-in is needed any more"
    );
}

fn agree(world: &mut World, due: pb::dependency_agreed::Due) {
    agree_blocking(world, due, vec!["kr".into()]);
}

fn agree_blocking(world: &mut World, due: pb::dependency_agreed::Due, blocks: Vec<String>) {
    world.at(
        "2026-01-06T09:00:00Z",
        pb::DependencyAgreed {
            dependency: "dep".into(),
            actor: human("ann"),
            kind: pb::DependencyKind::Api.into(),
            provider: "b".into(),
            consumer: "a".into(),
            blocks_key_results: blocks,
            blocks_tickets: vec!["t1".into()],
            due: Some(due),
            ..Default::default()
        },
    );
}

fn due_at(when: &str) -> pb::dependency_agreed::Due {
    pb::dependency_agreed::Due::DueAt(stamp(when).expect("an instant"))
}

fn delivered(world: &mut World, when: &str) {
    world.at(
        when,
        pb::DependencyDelivered { dependency: "dep".into(), actor: human("ann"), ..Default::default() },
    );
}

fn reschedule(world: &mut World, when: &str, due: &str) {
    world.at(
        when,
        pb::DependencyRescheduled {
            dependency: "dep".into(),
            actor: human("ann"),
            due: Some(pb::dependency_rescheduled::Due::DueAt(stamp(due).expect("an instant"))),
        },
    );
}

/// Another key result of squad `a`, until an instant.
fn key_result_until(world: &mut World, id: &str, until: &str) {
    let message = pb::KeyResultRecorded {
        effective_from: stamp("2026-01-05T00:00:00Z"),
        effective_until: stamp(until),
        ..crate::world::key_result(id, "custom", pb::KeyResultKind::Accumulate, 0.0, 100.0)
    };
    world.at("2026-01-05T08:00:00Z", message);
}

/// Key results that the events of breaches carry, in order.
fn breached_key_results(world: &World) -> Vec<&str> {
    let all = world.said.iter().filter_map(|event| match &event.payload {
        Payload::TriggerFired(m) => Some((&m.rule, &m.key_result)),
        Payload::TriggerAmended(m) => Some((&m.rule, &m.key_result)),
        Payload::TriggerCleared(m) => Some((&m.rule, &m.key_result)),
        _ => None,
    });
    all.filter(|(rule, _)| *rule == "dependency-breach").map(|(_, id)| id.as_str()).collect()
}

#[test]
fn r11_a_breach_follows_the_smallest_key_result_that_has_not_ended_and_keeps_its_id() {
    let mut world = world();
    key_result_until(&mut world, "ka", "2026-02-02T00:00:00Z");
    key_result_until(&mut world, "kb", "2026-02-09T00:00:00Z");
    let blocks = vec!["kb".into(), "ka".into()];
    agree_blocking(&mut world, due_at("2026-01-20T12:00:00Z"), blocks);
    delivered(&mut world, "2026-02-20T12:00:00Z");
    assert_eq!(
        breaches(&world),
        [
            "fired dependency-breach dep 2026-01-20T12:00:00.000Z",
            "amended dependency-breach dep 2026-02-02T00:00:00.000Z: goes on with key result kb",
            "amended dependency-breach dep 2026-02-09T00:00:00.000Z: goes on without a key result",
            "cleared dependency-breach dep 2026-02-20T12:00:00.000Z: delivered",
        ]
    );
    assert_eq!(breached_key_results(&world), ["ka", "kb", "", ""]);
    let explain = world.why_cleared("dependency-breach");
    assert_eq!(explain.arithmetic, "delivered at 2026-02-20T12:00:00.000Z");
    assert_eq!(names(Some(explain)).0, ["dependency.delivered", "dependency.agreed"]);
    let id = &world.fired("dependency-breach").trigger;
    let about_it = world.said.iter().filter(|event| event.subject.as_ref() == Some(id));
    assert_eq!(about_it.count(), 4, "one trigger id");
}

#[test]
fn r11_a_breach_follows_at_once_when_its_key_result_is_taken_back() {
    let mut world = world();
    key_result_until(&mut world, "ka", "2026-04-06T00:00:00Z");
    agree_blocking(&mut world, due_at("2026-01-20T12:00:00Z"), vec!["ka".into(), "kr".into()]);
    let ended = Payload::Tombstone { type_name: "bellwether.key-result.recorded.v1".into() };
    let event = Event::new("test://world", "end", crate::world::time("2026-01-26T09:00:00Z"), ended);
    world.feed(&event.about("ka"));
    assert_eq!(
        breaches(&world).last().map(String::as_str),
        Some("amended dependency-breach dep 2026-01-26T09:00:00.000Z: goes on with key result kr")
    );
}

fn breaches(world: &World) -> Vec<String> {
    world.triggers().into_iter().filter(|line| line.contains("dependency-breach")).collect()
}

#[test]
fn due_at_a_sprints_close_it_fires_at_that_instant_and_not_at_the_next_batch() {
    let mut world = world();
    world.at(
        "2026-01-05T09:00:00Z",
        pb::SprintPlanned {
            sprint: "s2".into(),
            squad: "b".into(),
            planned_end: stamp("2026-01-30T17:00:00Z"),
            ..Default::default()
        },
    );
    agree(&mut world, pb::dependency_agreed::Due::DueAtCloseOf("s2".into()));
    world.until("2026-01-30T16:59:59Z");
    assert!(breaches(&world).is_empty());
    world.page("2026-02-02T09:00:00Z", "cy");
    assert_eq!(breaches(&world), ["fired dependency-breach dep 2026-01-30T17:00:00.000Z"]);
    let fired = world.fired("dependency-breach");
    assert_eq!(fired.squads, ["b", "a"]);
    assert_eq!(fired.key_result, "kr");
    assert_eq!(fired.blast_radius.as_ref().map(|radius| radius.tickets.clone()), Some(vec!["t1".to_owned()]));
}

#[test]
fn r02_delivered_or_re_agreed_at_exactly_the_due_instant_is_in_time() {
    let mut world = world();
    agree(&mut world, due_at("2026-01-20T12:00:00Z"));
    delivered(&mut world, "2026-01-20T12:00:00Z");
    world.until("2026-01-25T00:00:00Z");
    assert!(breaches(&world).is_empty());

    let mut world = self::world();
    agree(&mut world, due_at("2026-01-20T12:00:00Z"));
    reschedule(&mut world, "2026-01-20T12:00:00Z", "2026-01-22T12:00:00Z");
    world.until("2026-01-21T00:00:00Z");
    assert!(breaches(&world).is_empty());
    world.until("2026-01-23T00:00:00Z");
    assert_eq!(breaches(&world), ["fired dependency-breach dep 2026-01-22T12:00:00.000Z"]);
}

#[test]
fn r53_re_agreed_after_the_due_passed_it_clears_and_a_second_breach_is_a_new_instance() {
    let mut world = world();
    agree(&mut world, due_at("2026-01-20T12:00:00Z"));
    reschedule(&mut world, "2026-01-21T09:00:00Z", "2026-01-25T12:00:00Z");
    world.until("2026-01-26T00:00:00Z");
    assert_eq!(
        breaches(&world),
        [
            "fired dependency-breach dep 2026-01-20T12:00:00.000Z",
            "cleared dependency-breach dep 2026-01-21T09:00:00.000Z: re-agreed, or the blocker was cleared",
            "fired dependency-breach dep 2026-01-25T12:00:00.000Z",
        ]
    );
    let explain = world.why_cleared("dependency-breach");
    assert_eq!(
        explain.arithmetic,
        "2026-01-25T12:00:00.000Z has not passed, and no blocker has been open for 48 h"
    );
    assert_eq!(names(Some(explain)).0, ["dependency.agreed", "dependency.rescheduled"]);
}

#[test]
fn r53_a_blocker_open_for_48_hours_fires_and_cleared_at_exactly_48_hours_does_not() {
    let blocker = |since: &str| pb::BlockerRaised {
        blocker: "b1".into(),
        blocked_kind: pb::BlockedKind::Dependency.into(),
        blocked: "dep".into(),
        since: stamp(since),
        actor: human("ann"),
        ..Default::default()
    };
    let mut world = world();
    agree(&mut world, due_at("2026-03-20T12:00:00Z"));
    world.at("2026-01-12T10:00:00Z", blocker("2026-01-12T09:00:00Z"));
    world.until("2026-01-15T00:00:00Z");
    assert_eq!(breaches(&world), ["fired dependency-breach dep 2026-01-14T09:00:00.000Z"]);

    let mut world = self::world();
    agree(&mut world, due_at("2026-03-20T12:00:00Z"));
    world.at("2026-01-12T10:00:00Z", blocker("2026-01-12T09:00:00Z"));
    world.at("2026-01-14T09:00:00Z", pb::BlockerCleared { blocker: "b1".into(), actor: human("ann") });
    world.until("2026-01-15T00:00:00Z");
    assert!(breaches(&world).is_empty());

    let mut world = self::world();
    agree(&mut world, due_at("2026-03-20T12:00:00Z"));
    world.at("2026-01-16T10:00:00Z", blocker("2026-01-12T09:00:00Z"));
    world.until("2026-01-17T00:00:00Z");
    assert_eq!(breaches(&world), ["fired dependency-breach dep 2026-01-16T10:00:00.000Z"]);
    assert_eq!(
        world.fired("dependency-breach").explain.as_ref().map(|explain| explain.arithmetic.as_str()),
        Some(
            "2026-01-12T09:00:00.000Z + 48 h = 2026-01-14T09:00:00.000Z, told at 2026-01-16T10:00:00.000Z, and \
             blocker b1 is open"
        )
    );
}

#[test]
fn r53_a_due_instant_that_had_passed_when_it_was_agreed_is_told_as_it_was_agreed() {
    let mut world = world();
    agree(&mut world, due_at("2026-03-20T12:00:00Z"));
    reschedule(&mut world, "2026-01-15T09:00:00Z", "2026-01-14T12:00:00Z");
    world.until("2026-01-16T00:00:00Z");
    assert_eq!(breaches(&world), ["fired dependency-breach dep 2026-01-15T09:00:00.000Z"]);
    assert_eq!(
        world.fired("dependency-breach").explain.as_ref().map(|explain| explain.arithmetic.as_str()),
        Some(
            "undelivered at 2026-01-15T09:00:00.000Z, when 2026-01-14T12:00:00.000Z was agreed, which had passed"
        )
    );
}

/// Types of the events that an explain block names, shortened, and keys of its thresholds.
fn names(explain: Option<&pb::Explain>) -> (Vec<String>, Vec<String>) {
    let explain = explain.expect("explained");
    let short = |name: &str| name.replace("bellwether.", "").replace(".v1", "");
    let events = explain.events.iter().map(|event| short(&event.r#type)).collect();
    (events, explain.thresholds.iter().map(|threshold| threshold.name.clone()).collect())
}

#[test]
fn r53_a_breach_names_the_agreement_the_last_re_agreement_and_only_the_threshold_it_applied() {
    let mut world = world();
    agree(&mut world, due_at("2026-01-20T12:00:00Z"));
    reschedule(&mut world, "2026-01-07T09:00:00Z", "2026-01-21T12:00:00Z");
    reschedule(&mut world, "2026-01-08T09:00:00Z", "2026-01-22T12:00:00Z");
    world.until("2026-01-23T00:00:00Z");
    let explain = world.fired("dependency-breach").explain.as_ref();
    let (events, thresholds) = names(explain);
    assert_eq!(events, ["dependency.agreed", "dependency.rescheduled"]);
    assert!(thresholds.is_empty(), "{thresholds:?}");
    let last = explain.and_then(|explain| explain.events.last()).map(|event| event.id.clone());
    let said = format!("{:06}", world.events);
    assert_eq!(last, Some(said), "the last re-agreement, not the first");
}

#[test]
fn r53_a_breach_by_a_blocker_names_the_blocker_first() {
    let mut world = world();
    agree(&mut world, due_at("2026-03-20T12:00:00Z"));
    let blocker = pb::BlockerRaised {
        blocker: "b1".into(),
        blocked_kind: pb::BlockedKind::Dependency.into(),
        blocked: "dep".into(),
        actor: human("ann"),
        ..Default::default()
    };
    world.at("2026-01-12T09:00:00Z", blocker);
    world.until("2026-01-15T00:00:00Z");
    let (events, thresholds) = names(world.fired("dependency-breach").explain.as_ref());
    assert_eq!(events, ["blocker.raised", "dependency.agreed"]);
    assert_eq!(thresholds, ["dependency.blocker-hours"]);
}

#[test]
fn r54_the_blast_radius_follows_tickets_blockers_and_commitments_and_ends_in_cycles() {
    let mut world = world();
    let ticket = |id: &str, by: &str, category: pb::StatusCategory| pb::TicketChanged {
        ticket: id.into(),
        squad: "a".into(),
        category: category.into(),
        blocked_by: vec![pb::BlockedBy { ticket: by.into(), since: None }],
        ..Default::default()
    };
    world.at("2026-01-06T08:00:00Z", ticket("t2", "t1", pb::StatusCategory::InProgress));
    world.at("2026-01-06T08:00:01Z", ticket("t1", "t2", pb::StatusCategory::Todo));
    world.at("2026-01-06T08:00:02Z", ticket("t3", "t2", pb::StatusCategory::Done));
    world.at(
        "2026-01-06T08:00:03Z",
        pb::CustomerCommitmentRecorded {
            customer_commitment: "c1".into(),
            depends_on_tickets: vec!["t2".into()],
            ..Default::default()
        },
    );
    agree(&mut world, due_at("2026-01-20T12:00:00Z"));
    delivered(&mut world, "2026-02-20T12:00:00Z");
    let radius = world.fired("dependency-breach").blast_radius.clone().expect("a radius");
    assert_eq!(radius.tickets, ["t1", "t2"]);
    assert_eq!(radius.customer_commitments, ["c1"]);
    assert_eq!(
        breaches(&world).last().map(String::as_str),
        Some("cleared dependency-breach dep 2026-02-20T12:00:00.000Z: delivered")
    );
}
