//! R75: who gets a step, and in how many messages.

use bellwether_wire::{Payload, pb};

use crate::support::*;

fn fired(world: &mut World) -> Vec<String> {
    world.said().into_iter().filter(|line| line.contains("fired")).collect()
}

#[test]
fn r75_persons_are_resolved_when_the_step_runs() {
    let mut world = World::new();
    world.learn(20, squad("payments", "ines", "commerce"));
    world.fire(0, &Trigger::new("a", "velocity-drop.page-load").engineer("eva"));
    world.fire(30, &Trigger::new("b", "velocity-drop.page-load").engineer("eva").squads(&["payments"]));
    world.advance(30);
    assert_eq!(
        fired(&mut world),
        ["+0h esc-a/L1 fired to ana", "+24h esc-a/L1/r1 fired to ana", "+30h esc-b/L1 fired to ines",]
    );
}

#[test]
fn r75_roles_are_frozen_with_the_policy() {
    let mut world = World::new();
    world.know(policy("p", vec![level(1, 0, &[pb::Audience::SquadEm]), level(2, 5, &[pb::Audience::Cto])]));
    world.learn(1, policy("p", vec![level(1, 0, &[pb::Audience::Cfo]), level(2, 1, &[pb::Audience::Cfo])]));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(10);
    assert_eq!(fired(&mut world), ["+0h esc-t/L1 fired to ana", "+5h esc-t/L2 fired to cto"]);
}

#[test]
fn r75_a_person_in_two_roles_gets_one_message() {
    let mut world = World::new();
    world.know(squad("payments", "olga", "commerce"));
    world.fire(0, &Trigger::new("t", "velocity-drop.pace"));
    world.advance(0);
    assert_eq!(fired(&mut world), ["+0h esc-t/L1 fired to olga"]);
}

#[test]
fn r75_the_engineer_of_a_page_rule_gets_nothing_about_themselves_below_l3() {
    let mut world = World::new();
    world.know(squad("search", "eva", "commerce"));
    world.fire(0, &Trigger::new("t", "velocity-drop.page-load").engineer("eva"));
    world.fire(0, &Trigger::new("u", "velocity-drop.page-load").engineer("ines"));
    world.advance(48);
    let second: Vec<String> = fired(&mut world).into_iter().filter(|line| line.contains("L2 ")).collect();
    assert_eq!(second, ["+48h esc-t/L2 fired to plat", "+48h esc-u/L2 fired to eva plat"]);
}

#[test]
fn r75_a_level_with_only_the_engineer_on_it_has_nobody_and_l3_may_tell_them() {
    let mut world = World::new();
    world.know(squad("payments", "vp", "commerce"));
    world.fire(0, &Trigger::new("t", "velocity-drop.page-load").engineer("vp"));
    world.advance(96);
    let said: Vec<String> = world.said().into_iter().filter(|line| !line.contains("/r")).collect();
    assert_eq!(
        said,
        [
            "+0h esc-t started default",
            "+0h esc-t/L1 skipped: nobody: no role of it is held by anybody it may go to",
            "+48h esc-t/L2 fired to bo plat",
            "+96h esc-t/L3 fired to vp",
        ]
    );
}

#[test]
fn r75_adjacent_ems_are_those_of_the_squads_with_the_same_parent_without_the_squad_itself() {
    let mut world = World::new();
    world.know(squad("ledger", "ines", "commerce"));
    world.know(squad("alone", "cfo", ""));
    world.fire(0, &Trigger::new("t", "velocity-drop.forecast").engineer("eva"));
    world.fire(0, &Trigger::new("u", "velocity-drop.forecast").engineer("olga").squads(&["alone"]));
    world.advance(48);
    let second: Vec<String> = fired(&mut world).into_iter().filter(|line| line.contains("L2 ")).collect();
    assert_eq!(second, ["+48h esc-t/L2 fired to ines bo plat", "+48h esc-u/L2 fired to plat"]);
}

#[test]
fn r75_role_holders_of_the_function_come_before_those_of_all() {
    let mut world = World::new();
    let mut organisation = organisation();
    organisation.roles.push(pb::RoleHolder {
        role: pb::Role::VpEngineering.into(),
        person: "ines".to_owned(),
        function: "product".to_owned(),
    });
    world.know(organisation);
    let mut elsewhere = Trigger::new("u", "owner-absence");
    elsewhere.0.function = "platform".to_owned();
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.fire(0, &elsewhere);
    world.advance(0);
    let third: Vec<String> = fired(&mut world).into_iter().filter(|line| line.contains("L3")).collect();
    assert_eq!(third, ["+0h esc-t/L3 fired to ines", "+0h esc-u/L3 fired to vp"]);
}

#[test]
fn r75_a_person_who_has_left_holds_no_role() {
    let mut world = World::new();
    world.know(person("vp", "UTC"));
    let mut gone = recorded(hour(-1), pb::PersonRecorded::default()).about("vp");
    gone.payload = Payload::Tombstone { type_name: "bellwether.person.recorded.v1".to_owned() };
    world.escalator.reference(&gone);
    world.fire(0, &Trigger::new("t", "owner-absence"));
    world.advance(0);
    let said: Vec<String> = world.said().into_iter().filter(|line| line.contains("L3")).collect();
    assert_eq!(said, ["+0h esc-t/L3 skipped: nobody: no role of it is held by anybody it may go to"]);
}

#[test]
fn r75_steps_of_one_level_to_one_person_about_one_subject_within_the_hour_are_one_message() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("a", "velocity-drop.page-load").engineer("eva"));
    world.advance(0);
    world.fire(1, &Trigger::new("b", "velocity-drop.concentration").engineer("eva"));
    world.advance(1);
    assert_eq!(
        fired(&mut world),
        ["+0h esc-a/L1 fired to ana", "+1h esc-b/L1 fired to ana, added to esc-a/L1"]
    );
    let mut later = world.clone();
    later.apply_at(
        minute(61),
        with_fired_at(61, &Trigger::new("c", "velocity-drop.forecast").engineer("eva")),
    );
    later.escalator.advance(minute(61), &mut later.out);
    assert_eq!(fired(&mut later), ["+1h01 esc-c/L1 fired to ana"]);
}

#[test]
fn r75_another_subject_or_level_or_person_is_another_message() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("a", "velocity-drop.page-load").engineer("eva"));
    world.fire(0, &Trigger::new("b", "velocity-drop.page-load").engineer("ines"));
    world.fire(0, &Trigger::new("c", "velocity-drop.page-load").engineer("eva").squads(&["search"]));
    world.advance(0);
    assert_eq!(
        fired(&mut world),
        ["+0h esc-a/L1 fired to ana", "+0h esc-b/L1 fired to ana", "+0h esc-c/L1 fired to bo"]
    );
}

#[test]
fn r75_a_step_for_some_who_had_it_and_some_who_had_not_goes_out_in_parts() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("a", "velocity-drop.page-load").engineer("eva"));
    let policy = pb::EscalationPolicyRecorded {
        rules: vec!["velocity-drop.concentration".to_owned()],
        ..policy("p", vec![level(1, 0, &[pb::Audience::SquadEm, pb::Audience::PlatformLead])])
    };
    world.know(policy);
    world.fire(0, &Trigger::new("b", "velocity-drop.concentration").engineer("eva"));
    world.advance(24);
    assert_eq!(
        fired(&mut world),
        [
            "+0h esc-a/L1 fired to ana",
            "+0h esc-b/L1 fired to plat",
            "+0h esc-b/L1/p2 fired to ana, added to esc-a/L1",
            "+24h esc-a/L1/r1 fired to ana",
            "+24h esc-b/L1/r1 fired to plat",
            "+24h esc-b/L1/p2/r1 fired to ana, added to esc-a/L1/r1",
        ]
    );
}

#[test]
fn r75_an_interim_owner_is_the_owner_for_as_long_as_it_lasts() {
    let mut world = World::new();
    world.apply(
        1,
        pb::OwnerAssigned {
            key_result: "kr".to_owned(),
            owner: "ines".to_owned(),
            interim: true,
            until: Some(bellwether_wire::instant::timestamp(hour(10))),
            ..Default::default()
        },
    );
    for (hours, id) in [(0, "a"), (5, "b"), (10, "c")] {
        world.fire(hours, &Trigger::new(id, "missed-check-in"));
        world.advance(hours);
    }
    assert_eq!(
        fired(&mut world),
        // The trigger of hour 0 comes when hour 1 has passed already.
        [
            "+1h esc-a/L1 fired to ines, due +0h, late by 3600 s",
            "+5h esc-b/L1 fired to ines",
            "+10h esc-c/L1 fired to olga"
        ]
    );
}

#[test]
fn r75_an_assigned_owner_stays_until_reference_data_names_another() {
    let mut world = World::new();
    world.learn(
        7,
        pb::KeyResultRecorded { key_result: "kr".to_owned(), owner: "bo".to_owned(), ..Default::default() },
    );
    world.apply(
        1,
        pb::OwnerAssigned { key_result: "kr".to_owned(), owner: "ines".to_owned(), ..Default::default() },
    );
    for (hours, id) in [(5, "a"), (9, "b")] {
        world.fire(hours, &Trigger::new(id, "missed-check-in"));
        world.advance(hours);
    }
    assert_eq!(fired(&mut world), ["+5h esc-a/L1 fired to ines", "+9h esc-b/L1 fired to bo"]);
}

#[test]
fn r75_what_leaves_are_pseudonyms_and_roles() {
    let mut world = World::new();
    world.fire(0, &Trigger::new("t", "velocity-drop.page-load").engineer("eva").rate("7.25"));
    world.advance(48);
    for event in &world.out.events {
        let text = format!("{:?}", event.payload);
        for name in ["ana", "bo", "plat", "eva"] {
            assert!(!text.contains(&format!("\"{name}\"")), "{name} in {text}");
        }
    }
    let Payload::StepFired(step) = &world.out.events.last().unwrap().payload else { panic!() };
    assert_eq!(step.audience, ["adjacent-ems", "platform-lead"]);
    assert_eq!(step.recipients, [alias("bo"), alias("plat")]);
}

fn with_fired_at(minutes: i64, trigger: &Trigger) -> pb::TriggerFired {
    let mut fired = trigger.0.clone();
    fired.fired_at = Some(bellwether_wire::instant::timestamp(minute(minutes)));
    fired
}
