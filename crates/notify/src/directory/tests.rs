//! The directory as the rest of the crate asks it.

use bellwether_model::{Audience, Millis, RuleId};

use super::*;
use crate::testing::{org, steps};

#[test]
fn a_pseudonym_leads_to_a_person_and_an_address() {
    let directory = org::directory();
    let address = directory.address(&org::pseudonym("p-ana"), org::now()).unwrap();
    assert_eq!((address.name.as_str(), address.email.as_str()), ("Ana Souza", "ana.souza@acme.test"));
    assert_eq!(address.zone.name(), "Asia/Tokyo");
    assert_eq!(address.accounts["pagerduty://acme"], "557058:0f3a-77");
    assert_eq!(directory.address("eng-unknown", org::now()), None);
    let shown = format!("{address:?}");
    assert!(!shown.contains("Ana") && !shown.contains('@'), "{shown}");
}

#[test]
fn a_person_who_left_has_a_name_and_no_address() {
    let mut directory = org::directory();
    let left = pb::PersonRecorded {
        person: "p-ana".into(),
        name: "Ana Souza".into(),
        effective_from: Some(instant::timestamp(org::recorded())),
        effective_until: Some(instant::timestamp(org::now())),
        ..Default::default()
    };
    directory.apply(&Event::new("test", "left", org::recorded(), left));
    assert_eq!(directory.address(&org::pseudonym("p-ana"), org::now()), None);
    assert_eq!(directory.person("p-ana", org::now()).unwrap().name, "Ana Souza");
}

#[test]
fn a_tombstone_erases_name_address_and_scrubbing() {
    let mut directory = org::directory();
    let type_name = "bellwether.person.recorded.v1".to_owned();
    let tombstone = Payload::Tombstone { type_name };
    directory.apply(&Event::new("test", "gone", org::now(), tombstone).about("p-ana"));
    assert!(directory.person("p-ana", org::now()).is_none());
    assert!(directory.resolve(&org::pseudonym("p-ana")).is_none());
    assert_eq!(directory.scrubber().scrub("Ana Souza", None), "Ana Souza");
    let mut identities = directory.identities.all_at(org::now());
    assert!(identities.all(|(id, it)| it.person != "p-ana" && !id.contains("557058")));
}

#[test]
fn roles_are_those_of_the_step_that_the_person_holds_for_it() {
    let directory = org::directory();
    let roles = |person, rule, level| directory.roles_of(person, &steps::step(rule, level), org::now());
    assert_eq!(roles("p-em", RuleId::VelocityDropPageLoad, 1), [Audience::SquadEm]);
    assert_eq!(roles("p-em2", RuleId::VelocityDropPageLoad, 1), []);
    assert_eq!(roles("p-em2", RuleId::VelocityDropPageLoad, 2), [Audience::AdjacentEms]);
    assert_eq!(roles("p-plat", RuleId::VelocityDropPageLoad, 2), [Audience::PlatformLead]);
    assert_eq!(roles("p-em2", RuleId::DependencyBreach, 1), [Audience::BothEms]);
    assert_eq!(roles("p-vp", RuleId::VelocityDropPageLoad, 3), [Audience::VpEngineering]);
    assert_eq!(roles("p-eli", RuleId::MissedCheckIn, 1), [Audience::KeyResultOwner]);
    assert_eq!(roles("p-ana", RuleId::VelocityDropPageLoad, 1), []);
}

#[test]
fn an_interim_owner_is_the_owner_until_the_interim_ends() {
    let mut directory = org::directory();
    let assigned = pb::OwnerAssigned {
        key_result: "kr-nps".into(),
        owner: "p-bo".into(),
        interim: true,
        until: Some(instant::timestamp(org::now())),
        ..Default::default()
    };
    directory.apply(&Event::new("test", "interim", org::recorded(), assigned.clone()));
    assert_eq!(directory.owner("kr-nps", org::now().minus(Millis::from_ms(1))), Some("p-bo"));
    assert_eq!(directory.owner("kr-nps", org::now()), Some("p-eli"));
    let for_good = pb::OwnerAssigned { interim: false, ..assigned };
    directory.apply(&Event::new("test", "for-good", org::recorded(), for_good));
    assert_eq!(directory.owner("kr-nps", org::now()), Some("p-bo"));
}

#[test]
fn tenure_is_in_full_years() {
    let directory = org::directory();
    assert_eq!(directory.tenure_years("p-ana", org::now()), Some(3));
    assert_eq!(directory.tenure_years("p-dev", org::now()), Some(0));
    assert_eq!(directory.tenure_years("p-chi", org::now()), None);
}

#[test]
fn open_slots_are_found_by_squad_or_by_its_rotation() {
    let mut directory = org::directory_without_situation();
    assert_eq!(directory.unfilled("search", org::now()), None);
    let slot =
        |shift: &str, schedule: &str, squad: &str, responder: Option<pb::Identity>| pb::ShiftScheduled {
            shift: shift.into(),
            schedule: schedule.into(),
            squad: squad.into(),
            responder,
            start: Some(instant::timestamp(org::now().plus(Millis::hours(1)))),
            end: Some(instant::timestamp(org::now().plus(Millis::hours(9)))),
            ..Default::default()
        };
    let rotation = pb::RotationRecorded {
        rotation: "r".into(),
        schedule: "sched-2".into(),
        squad: "search".into(),
        ..Default::default()
    };
    let somebody = Some(pb::Identity { source: "pagerduty://acme".into(), external_id: "x".into() });
    let mut apply = |id: &str, payload: Payload| {
        directory.apply(&Event::new("test", id, org::recorded(), payload));
    };
    apply("1", rotation.into());
    apply("2", slot("a", "sched-1", "search", None).into());
    apply("3", slot("b", "sched-2", "", None).into());
    apply("4", slot("c", "sched-3", "", None).into());
    apply("5", slot("d", "sched-2", "", somebody.clone()).into());
    assert_eq!(directory.unfilled("search", org::now()).unwrap().len(), 2);
    let mut apply = |id: &str, payload: Payload| {
        directory.apply(&Event::new("test", id, org::recorded(), payload));
    };
    apply("6", slot("b", "sched-2", "", somebody).into());
    apply("7", pb::ShiftRemoved { shift: "a".into(), ..Default::default() }.into());
    assert_eq!(directory.unfilled("search", org::now()).unwrap().len(), 0);
    assert_eq!(directory.unfilled("growth", org::now()).unwrap().len(), 0);
}
