//! Facts that arrive late or out of order: what is said in the end agrees with the sorted replay (R1).

use std::collections::BTreeMap;

use bellwether_model::{EventTime, Millis};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};
use proptest::prelude::*;

use crate::world::{World, deployed, key_result, person, ticket};

const ACCUMULATE: pb::KeyResultKind = pb::KeyResultKind::Accumulate;
const HOLD: pb::KeyResultKind = pb::KeyResultKind::HoldLevel;
const IDS: [&str; 4] = ["custom", "reliability", "pages", "weekends"];

/// The first instant of the quarter.
fn start() -> EventTime {
    crate::world::time("2026-01-05T00:00:00Z")
}

fn event(id: String, hour: i64, payload: impl Into<Payload>) -> Event {
    Event::new("test://late", id, start().plus(Millis::hours(hour)), payload)
}

/// Sprints of two weeks with three tickets each; `shipped` says how many of them a deployment names.
fn sprints(shipped: &[usize]) -> Vec<Event> {
    let mut events = Vec::new();
    for (number, shipped) in shipped.iter().enumerate() {
        let sprint = format!("s{number}");
        let opens = i64::try_from(number).expect("few") * 14 * 24 + 9;
        let closes = opens + 13 * 24;
        let tickets: Vec<String> = (0..3).map(|ticket| format!("{sprint}-{ticket}")).collect();
        for id in &tickets {
            events.push(event(format!("new-{id}"), opens - 1, ticket(id, &sprint, 1.0)));
        }
        let activated =
            pb::SprintActivated { sprint: sprint.clone(), squad: "a".into(), ..Default::default() };
        let closed = pb::SprintClosed { sprint: sprint.clone(), squad: "a".into(), ..Default::default() };
        let deployment = pb::DeploymentFinished {
            tickets: tickets[..*shipped].to_vec(),
            ..deployed(&format!("d-{sprint}"))
        };
        events.push(event(format!("open-{sprint}"), opens, activated));
        events.push(event(format!("deploy-{sprint}"), closes - 1, deployment));
        events.push(event(format!("close-{sprint}"), closes, closed));
    }
    events
}

fn page(number: usize, hour: i64, who: &str) -> Event {
    let message = pb::PageNotified {
        incident: format!("inc-{number}"),
        responder: person(who),
        channel: pb::PageChannel::Push.into(),
        basis: pb::Basis::NotificationLog.into(),
        ..Default::default()
    };
    event(format!("page-{number}"), hour, message)
}

fn reading(number: usize, hour: i64, value: f64) -> Event {
    let message = pb::ReadingRecorded { key_result: "custom".into(), value, ..Default::default() };
    event(format!("reading-{number}"), hour, message)
}

/// Whether the pace of each key result was last found below its floor, and its last assessment without its instants.
type Said = BTreeMap<String, (bool, pb::KeyResultAssessed)>;

fn fold(events: &[Event]) -> Said {
    let mut world = World::new(&["ann", "bob", "cy"]);
    let recorded = "2026-01-02T00:00:00Z";
    world.at(
        recorded,
        pb::KeyResultRecorded { watch_pace: true, ..key_result("custom", "custom", ACCUMULATE, 0.0, 100.0) },
    );
    world.at(recorded, key_result("reliability", "O1.1", HOLD, 60.0, 90.0));
    world.at(recorded, key_result("pages", "O2", HOLD, 8.0, 4.0));
    world.at(recorded, key_result("weekends", "O2.2", HOLD, 1.0, 3.0));
    world.feed(&Event::new("test://late", "first", start(), pb::SourceProgressed::default()));
    for event in events {
        world.feed(event);
    }
    world.until("2026-03-30T00:00:00Z");
    let holds = |id: &str| {
        world.said.iter().rev().find_map(|event| match &event.payload {
            Payload::TriggerFired(m) if m.key_result == id && m.rule == "velocity-drop.pace" => Some(true),
            Payload::TriggerAmended(m) if m.key_result == id && m.rule == "velocity-drop.pace" => {
                Some(m.change == "the condition holds again")
            }
            Payload::TriggerCleared(m) if m.key_result == id && m.rule == "velocity-drop.pace" => Some(false),
            _ => None,
        })
    };
    IDS.into_iter()
        .map(|id| {
            let last = pb::KeyResultAssessed { assessed_at: None, ..world.assessed(id).clone() };
            (id.to_owned(), (holds(id).unwrap_or(false), last))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r01_late_facts_come_to_what_the_sorted_replay_says(
        shipped in prop::collection::vec(0..=3_usize, 4..=5),
        pages in prop::collection::vec((0..80 * 24_i64, 0..3_usize), 0..60),
        readings in prop::collection::vec((0..80 * 24_i64, 0..100_u32), 0..8),
        keys in prop::collection::vec(any::<u32>(), 1..60),
    ) {
        let mut events = sprints(&shipped);
        let people = ["ann", "bob", "cy"];
        events.extend(pages.iter().enumerate().map(|(n, (hour, who))| page(n, *hour, people[*who])));
        events.extend(readings.iter().enumerate().map(|(n, (hour, value))| reading(n, *hour, f64::from(*value))));
        events.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        let mut late: Vec<(u32, Event)> =
            events.iter().enumerate().map(|(n, event)| (keys[n % keys.len()], event.clone())).collect();
        late.sort_by_key(|(key, _)| *key);
        let late: Vec<Event> = late.into_iter().map(|(_, event)| event).collect();
        prop_assert_eq!(fold(&late), fold(&events));
    }
}
