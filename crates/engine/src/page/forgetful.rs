//! An engine that forgets after every step whatever it derived says the same as one that keeps it.
//!
//! Windows, rosters, what reference data says of a person now, the pages of the quarter and what key results were last
//! assessed by are kept up to date as facts come, and are not in snapshots: restoring one makes an engine count everything anew. Random histories of pages, late and
//! early, of shifts, moves between squads, zones, calendars, owners of services and thresholds hold both to the same
//! words, and the counts that are published to those of a walk over the history.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, Zone};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, ids, instant, pb};
use proptest::prelude::*;

use crate::world::{World, forgetting_changes_nothing, key_result, person};

/// Sunday 2026-02-22, two weeks before the clocks of New York change and six before the quarter ends.
const START_MS: i64 = 1_771_718_400_000;
const MINUTE_MS: i64 = 60_000;
const DAY: i64 = 1_440;
const PEOPLE: [&str; 4] = ["ann", "bob", "cy", "dee"];
const SQUADS: [&str; 2] = ["a", "b"];
const ZONES: [&str; 3] = ["UTC", "America/New_York", "Asia/Tokyo"];

#[derive(Debug, Clone)]
enum Deed {
    Page { who: usize, incident: u8, minutes: i64, proxy: bool, service: u8 },
    Escalated { incident: u8 },
    Shift { who: usize, days: i64, length: i64 },
    ShiftRemoved { who: usize },
    Member { who: usize, squad: usize, days: i64, until: Option<i64> },
    Person { who: usize, zone: usize, friday: bool, days: i64 },
    Calendar { saturday: bool },
    Owner { squad: usize },
    Thresholds { pages: u8 },
}

/// What happens, and how many minutes after the step before.
type Step = (i64, Deed);

fn step() -> impl Strategy<Value = Step> {
    let page = (0..PEOPLE.len(), 0u8..40, -40 * DAY..5, any::<bool>(), 0u8..3);
    let deed = prop_oneof![
        12 => (0..PEOPLE.len(), 0u8..200, -90..1i64, Just(false), 0u8..3).prop_map(paged),
        4 => page.prop_map(paged),
        1 => (0u8..40).prop_map(|incident| Deed::Escalated { incident }),
        1 => (0..PEOPLE.len(), -40..20i64, 1..10i64)
            .prop_map(|(who, days, length)| Deed::Shift { who, days, length }),
        1 => (0..PEOPLE.len()).prop_map(|who| Deed::ShiftRemoved { who }),
        1 => (0..PEOPLE.len(), 0..SQUADS.len(), -30..5i64, proptest::option::of(6..40i64))
            .prop_map(|(who, squad, days, until)| Deed::Member { who, squad, days, until }),
        1 => (0..PEOPLE.len(), 0..ZONES.len(), any::<bool>(), -10..5i64)
            .prop_map(|(who, zone, friday, days)| Deed::Person { who, zone, friday, days }),
        1 => any::<bool>().prop_map(|saturday| Deed::Calendar { saturday }),
        1 => (0..SQUADS.len()).prop_map(|squad| Deed::Owner { squad }),
        1 => (1u8..5).prop_map(|pages| Deed::Thresholds { pages }),
    ];
    (prop_oneof![4 => 0..600i64, 1 => 0..4 * DAY, 1 => Just(0)], deed)
}

fn paged((who, incident, minutes, proxy, service): (usize, u8, i64, bool, u8)) -> Deed {
    Deed::Page { who, incident, minutes, proxy, service }
}

fn at(minutes: i64) -> EventTime {
    EventTime::from_ms(START_MS + minutes * MINUTE_MS)
}

fn stamp(minutes: i64) -> Option<instant::Timestamp> {
    Some(instant::timestamp(at(minutes)))
}

/// The event of a deed at a minute.
fn event(number: usize, now: i64, deed: &Deed) -> Event {
    let (time, payload): (i64, Payload) = match deed {
        Deed::Page { who, incident, minutes, proxy, service } => {
            let basis = if *proxy { pb::Basis::Assignment } else { pb::Basis::NotificationLog };
            let message = pb::PageNotified {
                incident: format!("i{incident}"),
                responder: person(PEOPLE[*who]),
                channel: if *proxy { pb::PageChannel::Unspecified } else { pb::PageChannel::Phone }.into(),
                basis: basis.into(),
                service: format!("s{service}"),
                ..Default::default()
            };
            (now + minutes, message.into())
        }
        Deed::Escalated { incident } => {
            let message = pb::IncidentChanged {
                incident: format!("i{incident}"),
                change: pb::IncidentChange::Escalated.into(),
                service: "s0".into(),
                ..Default::default()
            };
            (now, message.into())
        }
        Deed::Shift { who, days, length } => {
            let message = pb::ShiftScheduled {
                shift: format!("shift-{who}"),
                responder: person(PEOPLE[*who]),
                start: stamp(now + days * DAY),
                end: stamp(now + (days + length) * DAY),
                ..Default::default()
            };
            (now, message.into())
        }
        Deed::ShiftRemoved { who } => {
            (now, pb::ShiftRemoved { shift: format!("shift-{who}"), ..Default::default() }.into())
        }
        Deed::Member { who, squad, days, until } => {
            let message = pb::MembershipRecorded {
                person: PEOPLE[*who].into(),
                squad: SQUADS[*squad].into(),
                effective_from: stamp(now + days * DAY),
                effective_until: until.and_then(|until| stamp(now + until * DAY)),
                ..Default::default()
            };
            (now, message.into())
        }
        Deed::Person { who, zone, friday, days } => {
            let message = pb::PersonRecorded {
                person: PEOPLE[*who].into(),
                zone: ZONES[*zone].into(),
                calendar: if *friday { "cal".into() } else { String::new() },
                effective_from: stamp(now + days * DAY),
                ..Default::default()
            };
            (now, message.into())
        }
        Deed::Calendar { saturday } => {
            let weekend_days = if *saturday { vec![6, 7] } else { vec![5, 6] };
            (now, pb::CalendarRecorded { calendar: "cal".into(), weekend_days, ..Default::default() }.into())
        }
        Deed::Owner { squad } => {
            let message = pb::SystemRecorded {
                system: "system".into(),
                squad: SQUADS[*squad].into(),
                services: vec!["s1".into()],
                ..Default::default()
            };
            (now, message.into())
        }
        Deed::Thresholds { pages } => {
            let values = BTreeMap::from([("page-load.pages-per-week".to_owned(), pages.to_string())]);
            (now, pb::ThresholdsRecorded { thresholds: "t".into(), values, ..Default::default() }.into())
        }
    };
    Event::new("test://forgetful", format!("{number:04}"), at(time), payload)
}

fn world() -> World {
    let mut world = World::new(&PEOPLE);
    let squad = pb::SquadRecorded { squad: "b".into(), function: "eng".into(), ..Default::default() };
    world.at("2026-01-01T00:00:00Z", squad);
    for (measure, target) in [("O2", 4.0), ("O2.1", 1.5), ("O2.2", 4.0)] {
        let direction =
            if measure == "O2.2" { pb::Direction::HigherIsBetter } else { pb::Direction::LowerIsBetter };
        let known = key_result(measure, measure, pb::KeyResultKind::HoldLevel, 0.0, target);
        world.at("2026-01-01T00:00:00Z", pb::KeyResultRecorded { direction: direction.into(), ..known });
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_engine_that_forgets_what_it_derived_says_the_same(
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut now = 0;
        let arrivals = steps.iter().enumerate().map(|(number, (minutes, deed))| {
            now += minutes;
            (at(now), event(number, now, deed))
        });
        let arrivals: Vec<(EventTime, Event)> = arrivals.collect();
        forgetting_changes_nothing(world, arrivals, at(now + 40 * DAY))?;
    }

    #[test]
    fn r05_whatever_came_late_what_is_published_of_a_squad_is_what_another_look_finds(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        // Nobody looks at a squad because of a page but when the page is told of; who is trained says nothing of pages.
        let told = |looks_again: bool| {
            let (mut world, mut now) = (world(), 0);
            for (number, (minutes, deed)) in steps.iter().enumerate() {
                now += minutes;
                world.arrive(&event(number, now, deed), at(now));
            }
            now += DAY / 3;
            if looks_again {
                let trained = pb::CoverageRecorded { system: "none".into(), ..Default::default() };
                world.arrive(&Event::new("test://forgetful", "trained", at(now), trained), at(now));
            }
            world.engine.tick(at(now + DAY / 3), &mut world.said);
            let mut last = BTreeMap::new();
            for said in world.said {
                if let Payload::LoadAssessed(load) = said.payload {
                    last.insert(load.squad.clone(), pb::LoadAssessed { assessed_at: None, ..*load });
                }
            }
            last
        };
        prop_assert_eq!(told(false), told(true));
    }

    #[test]
    fn r31_what_is_published_is_what_a_walk_over_the_history_counts(
        zones in proptest::array::uniform4(0..ZONES.len()),
        pages in proptest::collection::vec((0..PEOPLE.len(), 0..900i64, -20 * DAY..1), 1..150),
    ) {
        let mut world = world();
        for (who, zone) in zones.iter().enumerate() {
            let deed = Deed::Person { who, zone: *zone, friday: false, days: 0 };
            world.arrive(&event(who, 0, &deed), at(0));
        }
        let mut now = 0;
        let mut history: Vec<(i64, usize, EventTime)> = Vec::new();
        for (number, (who, gap, late)) in pages.iter().enumerate() {
            now += gap;
            // Every page of an incident of its own, at an instant of its own: nothing joins.
            let message = pb::PageNotified {
                incident: format!("own-{number}"),
                responder: person(PEOPLE[*who]),
                channel: pb::PageChannel::Push.into(),
                basis: pb::Basis::NotificationLog.into(),
                ..Default::default()
            };
            let event = Event::new("test://walk", format!("p{number}"), at(now + late), message);
            world.arrive(&event, at(now));
            history.push((now, *who, event.time));
        }
        world.engine.tick(at(now + 50 * DAY), &mut world.said);
        let names: BTreeMap<String, usize> = PEOPLE
            .iter()
            .enumerate()
            .map(|(who, id)| (ids::pseudonym(&ids::HashKey::ZERO, id), who))
            .collect();
        let mut looked = 0;
        for said in &world.said {
            let Payload::LoadAssessed(load) = &said.payload else { continue };
            let told: BTreeSet<&str> = load.engineers.iter().map(|load| load.engineer.as_str()).collect();
            for (name, who) in &names {
                let zone = Zone::parse(ZONES[zones[*who]]).expect("a zone");
                let today = zone.local_day(said.time);
                let known = history.iter().filter(|(arrived, whose, _)| whose == who && at(*arrived) <= said.time);
                let inside = known.filter(|(_, _, page)| {
                    let age = today.since(zone.local_day(*page));
                    (0..28).contains(&age)
                });
                let expected = u32::try_from(inside.count()).expect("few");
                let shown = load.engineers.iter().find(|load| load.engineer == *name).map(|load| load.pages);
                prop_assert_eq!(shown.unwrap_or(0), expected, "{} at {}", PEOPLE[*who], said.time.to_rfc3339());
                prop_assert_eq!(told.contains(name.as_str()), expected > 0);
                looked += 1;
            }
        }
        prop_assert!(looked > 0, "load was published");
    }
}
