//! An engine that forgets after every step whatever it derived of sprints says the same as one that keeps it.
//!
//! Ledgers of open revisions and indexes of tickets and deliveries are kept up to date as facts come, and are not in
//! snapshots: restoring one makes an engine count everything anew. Random histories of tickets, deliveries, exceptions and
//! thresholds, of two sprints of one squad, hold both to the same words.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};
use proptest::prelude::*;

use crate::world::{World, deployed, forgetting_changes_nothing};

/// Monday 2026-01-05.
const START_MS: i64 = 1_767_571_200_000;
const MINUTE_MS: i64 = 60_000;

#[derive(Debug, Clone)]
enum Deed {
    Ticket { ticket: u8, sprint: u8, points: u8, category: usize, interrupt: bool, release: bool, late: i64 },
    Gone { ticket: u8 },
    Deploy { deployment: u8, link: u8, of: u8, rollback: bool, late: i64 },
    Merge { change: u8, ticket: u8, commit: u8 },
    Sprint { sprint: u8, kind: u8 },
    Exception { ticket: u8, signed: bool },
    Credit { above: u8 },
}

fn deed() -> impl Strategy<Value = Deed> {
    let ticket =
        (0..6_u8, 0..3_u8, 0..6_u8, 0..4_usize, prop::bool::weighted(0.2), any::<bool>(), -90..1_i64);
    prop_oneof![
        8 => ticket.prop_map(|(ticket, sprint, points, category, interrupt, release, late)| {
            Deed::Ticket { ticket, sprint, points, category, interrupt, release, late }
        }),
        1 => (0..6_u8).prop_map(|ticket| Deed::Gone { ticket }),
        5 => (0..5_u8, 0..5_u8, 0..6_u8, prop::bool::weighted(0.2), -90..1_i64)
            .prop_map(|(deployment, link, of, rollback, late)| Deed::Deploy { deployment, link, of, rollback, late }),
        3 => (0..3_u8, 0..6_u8, 0..3_u8)
            .prop_map(|(change, ticket, commit)| Deed::Merge { change, ticket, commit }),
        3 => (0..2_u8, 0..4_u8).prop_map(|(sprint, kind)| Deed::Sprint { sprint, kind }),
        1 => (0..6_u8, any::<bool>()).prop_map(|(ticket, signed)| Deed::Exception { ticket, signed }),
        1 => (1..5_u8).prop_map(|above| Deed::Credit { above }),
    ]
}

fn names(word: &str, number: u8) -> Vec<String> {
    vec![format!("{word}{number}")]
}

/// The event of a deed at a minute.
fn event(number: usize, now: i64, deed: &Deed) -> Event {
    let (minute, payload): (i64, Payload) = match deed {
        Deed::Ticket { ticket, sprint, points, category, interrupt, release, late } => {
            let categories = [
                pb::StatusCategory::Todo,
                pb::StatusCategory::InProgress,
                pb::StatusCategory::Done,
                pb::StatusCategory::Cancelled,
            ];
            let message = pb::TicketChanged {
                ticket: format!("t{ticket}"),
                key: format!("KEY-{ticket}-{}", number % 2),
                squad: if *ticket == 5 { "b".into() } else { "a".into() },
                sprint: if *sprint < 2 { format!("s{sprint}") } else { String::new() },
                points: (*points > 0).then(|| f64::from(*points)),
                size: if points.is_multiple_of(2) { "M".into() } else { String::new() },
                category: categories[*category].into(),
                interrupt: *interrupt,
                release: if *release { format!("r{}", ticket % 2) } else { String::new() },
                version: number.to_string(),
                ..Default::default()
            };
            (now + late, message.into())
        }
        Deed::Gone { ticket } => (
            now,
            pb::TicketRemoved { ticket: format!("t{ticket}"), squad: "a".into(), ..Default::default() }
                .into(),
        ),
        Deed::Deploy { deployment, link, of, rollback, late } => {
            let mut message = deployed(&format!("d{deployment}"));
            match link {
                0 => message.tickets = names("t", *of),
                1 => message.tickets = names("KEY-1-", of % 2),
                2 => message.changes = names("c", of % 3),
                3 => message.commits = names("x", of % 3),
                _ => message.release = format!("r{}", of % 2),
            }
            if *rollback {
                message.rollback_of = format!("d{}", of % 5);
            }
            (now + late, message.into())
        }
        Deed::Merge { change, ticket, commit } => {
            let message = pb::ChangeMerged {
                change: format!("c{change}"),
                tickets: names("t", *ticket),
                commits: names("x", *commit),
                ..Default::default()
            };
            (now, message.into())
        }
        Deed::Sprint { sprint, kind } => {
            let (sprint, squad) = (format!("s{sprint}"), "a".to_owned());
            let payload: Payload = match kind {
                0 | 1 => pb::SprintActivated { sprint, squad, ..Default::default() }.into(),
                2 => pb::SprintClosed { sprint, squad, ..Default::default() }.into(),
                _ => pb::SprintReopened { sprint, squad, ..Default::default() }.into(),
            };
            (now, payload)
        }
        Deed::Exception { ticket, signed } => {
            let (scope_exception, sprint) = (format!("e{ticket}"), "s0".to_owned());
            let tickets = if *ticket == 0 { Vec::new() } else { names("t", *ticket) };
            let payload: Payload = if *signed {
                pb::ScopeExceptionSigned { scope_exception, sprint, tickets, ..Default::default() }.into()
            } else {
                pb::ScopeExceptionRejected { scope_exception, sprint, tickets, ..Default::default() }.into()
            };
            (now, payload)
        }
        Deed::Credit { above } => {
            let values = BTreeMap::from([("credit.size-above-points".to_owned(), above.to_string())]);
            (now, pb::ThresholdsRecorded { thresholds: "t".into(), values, ..Default::default() }.into())
        }
    };
    Event::new("test://forgetful", format!("{number:04}"), at(minute), payload)
}

fn at(minute: i64) -> EventTime {
    EventTime::from_ms(START_MS + minute * MINUTE_MS)
}

fn world() -> World {
    let mut world = World::new(&["ann"]);
    let squad = pb::SquadRecorded { squad: "b".into(), function: "eng".into(), ..Default::default() };
    world.at("2026-01-01T00:00:00Z", squad);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_engine_that_forgets_what_it_derived_of_sprints_says_the_same(
        steps in proptest::collection::vec((0..200_i64, deed()), 1..120),
    ) {
        let mut now = 0;
        let arrivals = steps.iter().enumerate().map(|(number, (minutes, deed))| {
            now += minutes;
            (at(now), event(number, now, deed))
        });
        let arrivals: Vec<(EventTime, Event)> = arrivals.collect();
        forgetting_changes_nothing(world, arrivals, at(now + 100 * 1_440))?;
    }
}
