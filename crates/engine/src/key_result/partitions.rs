//! Several partitions say together what one engine says that owns every squad.

use std::collections::BTreeSet;

use bellwether_model::SquadId;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb, topics};

use crate::routing::{Router, Target};
use crate::world::{World, deployed, in_category, key_result, person, ticket, time};
use crate::{Engine, Fact, Options, Ownership};

const PARTITIONS: u32 = 4;
const SQUADS: [&str; 5] = ["a", "b", "checkout", "payments", "search"];

/// Two sprints of every squad, a ticket that changes squads between them, and key results of every kind of place.
fn events() -> Vec<Event> {
    let mut events = Vec::new();
    let mut say = |when: &str, payload: bellwether_wire::Payload| {
        events.push(Event::new("test://world", format!("{:04}", events.len()), time(when), payload));
    };
    let organisation = pb::OrganisationRecorded {
        organisation: "acme".into(),
        fiscal_start: "2026-01-05".into(),
        ..Default::default()
    };
    say("2026-01-01T00:00:00Z", organisation.into());
    for squad in SQUADS {
        say("2026-01-01T00:00:00Z", pb::SquadRecorded { squad: squad.into(), ..Default::default() }.into());
        let of_squad = pb::KeyResultRecorded {
            squad: squad.into(),
            ..key_result(&format!("kr-{squad}"), "O1.1", pb::KeyResultKind::ReachLevel, 0.0, 90.0)
        };
        say("2026-01-01T00:00:00Z", of_squad.into());
    }
    let org_wide = pb::KeyResultRecorded {
        squad: String::new(),
        watch_pace: true,
        ..key_result("kr-org", "custom", pb::KeyResultKind::Accumulate, 0.0, 100.0)
    };
    say("2026-01-01T00:00:00Z", org_wide.into());
    for (number, (opens, closes)) in
        [("2026-01-05T09:00:00Z", "2026-01-16T17:00:00Z"), ("2026-02-02T09:00:00Z", "2026-02-13T17:00:00Z")]
            .into_iter()
            .enumerate()
    {
        for squad in SQUADS {
            let sprint = format!("{squad}-{number}");
            let of_squad =
                |id: &str, sprint: &str| pb::TicketChanged { squad: squad.into(), ..ticket(id, sprint, 3.0) };
            say(opens, of_squad(&format!("{sprint}-1"), &sprint).into());
            say(opens, of_squad("wanderer", &sprint).into());
            say(
                opens,
                pb::SprintActivated { sprint: sprint.clone(), squad: squad.into(), ..Default::default() }
                    .into(),
            );
            let done = in_category(&of_squad(&format!("{sprint}-1"), &sprint), pb::StatusCategory::Done);
            say("2026-02-03T09:00:00Z", done.into());
            let shipped = pb::DeploymentFinished {
                tickets: vec![format!("{sprint}-1")],
                ..deployed(&format!("d-{sprint}"))
            };
            say(if number == 0 { closes } else { "2026-02-14T09:00:00Z" }, shipped.into());
            say(closes, pb::SprintClosed { sprint, squad: squad.into(), ..Default::default() }.into());
        }
    }
    let reading = pb::ReadingRecorded { key_result: "kr-org".into(), value: 3.0, ..Default::default() };
    say("2026-02-18T09:00:00Z", reading.into());
    events.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    events
}

/// What engines say that each get what a router sends to their partition.
fn by_partitions(events: &[Event]) -> Vec<Event> {
    let mut router = Router::new();
    let mut engines: Vec<Engine> = (0..PARTITIONS)
        .map(|index| Ownership::Partition { index, count: PARTITIONS })
        .map(|ownership| Engine::new(Options { ownership, ..Options::default() }))
        .collect();
    let mut said = Vec::new();
    for event in events {
        for (target, fact) in router.route(event, event.time).facts {
            for (partition, engine) in (0..).zip(&mut engines) {
                let here = |squad: &SquadId| topics::squad_partition(squad.as_str(), PARTITIONS) == partition;
                let squads = match target {
                    Target::Everywhere => fact.squads.clone(),
                    Target::Squads => fact.squads.iter().filter(|squad| here(squad)).cloned().collect(),
                };
                if target == Target::Everywhere || !squads.is_empty() {
                    engine.apply(&Fact { squads, ..fact.clone() }, event.time, &mut said);
                }
            }
        }
    }
    for engine in &mut engines {
        engine.tick(time("2026-03-10T00:00:00Z"), &mut said);
    }
    said
}

/// Events by their ids; which comes first between partitions is nobody's business.
fn sorted(said: Vec<Event>) -> Vec<String> {
    let mut lines: Vec<String> = said.iter().map(|event| format!("{event:?}")).collect();
    lines.sort();
    lines
}

/// What one engine says that owns every squad.
fn by_one(events: &[Event]) -> World {
    let mut world = World::new(&[]);
    world.engine = Engine::new(Options::default());
    world.router = Router::new();
    world.said.clear();
    for event in events {
        world.feed(event);
    }
    world.until("2026-03-10T00:00:00Z");
    world
}

#[test]
fn r30_who_joins_a_squad_brings_the_escalation_between_two_notifications() {
    let partition = |squad: &str| topics::squad_partition(squad, PARTITIONS);
    let joined =
        SQUADS.into_iter().find(|squad| partition(squad) != partition("a")).expect("squads are spread");
    let page = || pb::PageNotified {
        incident: "i".into(),
        responder: person("ann"),
        channel: pb::PageChannel::Push.into(),
        ..Default::default()
    };
    let escalated = pb::IncidentChanged {
        incident: "i".into(),
        change: pb::IncidentChange::Escalated.into(),
        ..Default::default()
    };
    let member = |squad: &str| pb::MembershipRecorded {
        person: "ann".into(),
        squad: squad.into(),
        ..Default::default()
    };
    let squad = |squad: &str| pb::SquadRecorded { squad: squad.into(), ..Default::default() };
    let ann = pb::PersonRecorded { person: "ann".into(), zone: "UTC".into(), ..Default::default() };
    let told: [(&str, Payload); 8] = [
        ("2026-01-01T00:00:00Z", squad("a").into()),
        ("2026-01-01T00:00:00Z", squad(joined).into()),
        ("2026-01-01T00:00:00Z", ann.into()),
        ("2026-01-01T00:00:00Z", member("a").into()),
        ("2026-01-20T12:00:00Z", page().into()),
        ("2026-01-20T12:00:15Z", escalated.into()),
        ("2026-01-20T12:00:30Z", page().into()),
        ("2026-01-22T00:00:00Z", member(joined).into()),
    ];
    let event = |(number, (when, payload)): (usize, (&str, Payload))| {
        Event::new("test://world", format!("{number:04}"), time(when), payload)
    };
    let events: Vec<Event> = told.into_iter().enumerate().map(event).collect();
    let said = by_partitions(&events);
    let pages = said.iter().rev().find_map(|event| match &event.payload {
        Payload::LoadAssessed(load) if load.squad == joined => load.engineers.first().map(|load| load.pages),
        _ => None,
    });
    assert_eq!(pages, Some(2));
    assert_eq!(sorted(said), sorted(by_one(&events).said));
}

#[test]
fn partitions_say_together_what_one_engine_says() {
    let events = events();
    let world = by_one(&events);
    let partitions: BTreeSet<u32> =
        SQUADS.iter().map(|squad| topics::squad_partition(squad, PARTITIONS)).collect();
    assert!(partitions.len() > 1, "the squads are spread");
    let fired = world.triggers().iter().filter(|line| line.starts_with("fired velocity-drop.pace")).count();
    assert_eq!(fired, SQUADS.len() + 1, "{:#?}", world.triggers());
    assert_eq!(sorted(by_partitions(&events)), sorted(world.said));
}
