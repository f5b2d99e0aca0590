//! A naive twin of the ledger, and the laws that random histories hold it to.
//!
//! The twin walks one sorted list of everything that happened, with plain sets and no histories, and starts over for
//! every revision. Whatever the order of arrival, the engine must come to the same numbers.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, instant, pb};
use proptest::prelude::*;

use crate::world::{World, deployed};

/// Everything happens within hours of this second.
const START: i64 = 1_767_603_600;
/// Seconds after it: activation, first close, re-opening, second close.
const LIFE: [i64; 4] = [600, 1_800, 2_400, 3_000];
const CARRY_OVER: i64 = 60;

/// One change of a ticket, in words of the twin.
#[derive(Debug, Clone)]
struct Change {
    second: i64,
    ticket: u8,
    in_sprint: bool,
    points: Option<i64>,
    category: pb::StatusCategory,
    sub_task: bool,
    sized: bool,
}

/// A deployment that names a ticket, or a roll-back of it.
#[derive(Debug, Clone)]
struct Delivery {
    second: i64,
    ticket: u8,
    rolled_back_at: Option<i64>,
}

#[derive(Debug, Default, PartialEq)]
struct Numbers {
    committed: i64,
    added: i64,
    removed: i64,
    re_estimated: i64,
    absolute: i64,
    final_points: i64,
    done: i64,
    shipped: i64,
    slipped: i64,
    refused: i64,
}

impl Change {
    fn is_counted_as(&self, category: pb::StatusCategory) -> bool {
        self.in_sprint && !self.sub_task && self.category == category
    }

    fn is_unfinished(&self) -> bool {
        !matches!(self.category, pb::StatusCategory::Done | pb::StatusCategory::Cancelled)
    }

    fn event(&self, number: usize) -> Event {
        let message = pb::TicketChanged {
            ticket: format!("t{}", self.ticket),
            squad: "a".into(),
            sprint: if self.in_sprint { "s".into() } else { "elsewhere".into() },
            points: self.points.map(|points| points as f64),
            size: if self.sized { "M".into() } else { String::new() },
            category: self.category.into(),
            sub_task: self.sub_task,
            version: number.to_string(),
            ..Default::default()
        };
        event(format!("change-{number}"), self.second, message)
    }
}

fn event(id: String, second: i64, payload: impl Into<Payload>) -> Event {
    Event::new("test://twin", id, EventTime::from_ms((START + second) * 1_000), payload)
}

/// The twin: one revision, from the beginning.
fn naive(changes: &[Change], deliveries: &[Delivery], close: i64, closes: &[i64]) -> Numbers {
    let mut sorted: Vec<&Change> = changes.iter().filter(|change| change.second < close).collect();
    sorted.sort_by_key(|change| change.second);
    let mut numbers = Numbers::default();
    let mut last: BTreeMap<u8, &Change> = BTreeMap::new();
    let mut counted: BTreeMap<u8, i64> = BTreeMap::new();
    let (mut carried, mut done_outside) = (BTreeSet::new(), BTreeSet::new());
    let (before, after): (Vec<&Change>, Vec<&Change>) =
        sorted.into_iter().partition(|change| change.second <= LIFE[0]);
    for change in before {
        last.insert(change.ticket, change);
    }
    for (ticket, change) in &last {
        let points = change.points.unwrap_or(0);
        if change.is_counted_as(pb::StatusCategory::Done) {
            done_outside.insert(*ticket);
        } else if change.in_sprint && !change.sub_task && change.is_unfinished() {
            counted.insert(*ticket, points);
            numbers.committed += points;
            let ships = deliveries.iter().any(|delivery| {
                delivery.ticket == *ticket
                    && delivery.second <= close
                    && delivery.rolled_back_at.is_none_or(|at| at > close)
            });
            let credit = change.sized || points <= 2;
            numbers.refused += if credit { 0 } else { points };
            numbers.shipped += if ships && credit { points } else { 0 };
            numbers.slipped += if ships { 0 } else { points };
        }
    }
    for change in after {
        let ticket = change.ticket;
        let previous = last.insert(ticket, change);
        let points = change.points.unwrap_or(0);
        let stays = change.in_sprint && !change.sub_task;
        let cancelled = change.category == pb::StatusCategory::Cancelled;
        match counted.get(&ticket).copied() {
            Some(known) if stays && !cancelled => {
                numbers.re_estimated += points - known;
                numbers.absolute += (points - known).abs();
                counted.insert(ticket, points);
                carried.remove(&ticket);
            }
            Some(known) => {
                let near = closes.iter().any(|close| (change.second - close).abs() <= CARRY_OVER);
                let unfinished = change.is_unfinished() && previous.is_some_and(Change::is_unfinished);
                if !change.in_sprint && (carried.contains(&ticket) || (near && unfinished)) {
                    carried.insert(ticket);
                } else {
                    numbers.removed += known;
                    counted.remove(&ticket);
                    carried.remove(&ticket);
                }
            }
            None if !stays => {
                done_outside.remove(&ticket);
            }
            None if cancelled => {}
            None => {
                let was_cancelled =
                    previous.is_some_and(|previous| previous.is_counted_as(pb::StatusCategory::Cancelled));
                let left_cancelled = was_cancelled && !done_outside.contains(&ticket);
                if change.is_unfinished() || left_cancelled {
                    numbers.added += points;
                    counted.insert(ticket, points);
                    done_outside.remove(&ticket);
                } else {
                    done_outside.insert(ticket);
                }
            }
        }
    }
    numbers.final_points = counted.values().sum();
    let is_done = |ticket: &u8| last.get(ticket).is_some_and(|l| l.is_counted_as(pb::StatusCategory::Done));
    numbers.done = counted.iter().filter(|(ticket, _)| is_done(ticket)).map(|(_, points)| points).sum();
    numbers
}

/// Everything as events, in the order it happened.
fn events(changes: &[Change], deliveries: &[Delivery]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let sprint = || ("s".to_owned(), "a".to_owned());
    for (index, second) in LIFE.into_iter().enumerate() {
        let (sprint, squad) = sprint();
        let payload: Payload = match index {
            0 => pb::SprintActivated { sprint, squad, ..Default::default() }.into(),
            2 => pb::SprintReopened { sprint, squad, ..Default::default() }.into(),
            _ => pb::SprintClosed { sprint, squad, ..Default::default() }.into(),
        };
        events.push(event(format!("sprint-{index}"), second, payload));
    }
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|change| change.second);
    events.extend(sorted.iter().enumerate().map(|(number, change)| change.event(number)));
    for (number, delivery) in deliveries.iter().enumerate() {
        let id = format!("d{number}");
        let message =
            pb::DeploymentFinished { tickets: vec![format!("t{}", delivery.ticket)], ..deployed(&id) };
        events.push(event(id.clone(), delivery.second, message));
        if let Some(at) = delivery.rolled_back_at {
            let message =
                pb::DeploymentFinished { rollback_of: id.clone(), ..deployed(&format!("{id}-back")) };
            events.push(event(format!("{id}-back"), at, message));
        }
    }
    events.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    events
}

/// The last assessment of each revision after the events, in the order given.
fn fold(events: &[Event]) -> Vec<pb::SprintAssessed> {
    let mut world = World::new(&["ann"]);
    for event in events {
        world.feed(event);
    }
    world.until("2026-01-06T00:00:00Z");
    let mut last = BTreeMap::new();
    for message in world.sprint_assessments("s") {
        last.insert(message.revision, message.clone());
    }
    last.into_values().collect()
}

#[allow(clippy::cast_possible_truncation, reason = "whole points of a few dozen tickets")]
fn numbers(message: &pb::SprintAssessed) -> Numbers {
    Numbers {
        committed: message.committed as i64,
        added: message.added as i64,
        removed: message.removed as i64,
        re_estimated: message.re_estimated as i64,
        absolute: message.re_estimated_absolute as i64,
        final_points: message.r#final as i64,
        done: message.done as i64,
        shipped: message.shipped as i64,
        slipped: message.slipped as i64,
        refused: message.credit_refused as i64,
    }
}

/// Seconds on a grid that meets the edges of the life and of the carry-over often.
fn any_second() -> impl Strategy<Value = i64> {
    prop_oneof![
        (0..110_i64).prop_map(|step| step * 30),
        prop::sample::select(LIFE.to_vec()),
        prop::sample::select(vec![1_739, 1_740, 1_860, 1_861, 2_939, 2_940, 2_999]),
    ]
}

fn any_change() -> impl Strategy<Value = Change> {
    let category = prop::sample::select(vec![
        pb::StatusCategory::Todo,
        pb::StatusCategory::InProgress,
        pb::StatusCategory::Done,
        pb::StatusCategory::Cancelled,
    ]);
    let points = prop_oneof![Just(None), (0..6_i64).prop_map(Some)];
    let weighted = |yes: u32| prop::bool::weighted(f64::from(yes) / 10.0);
    (any_second(), 0..4_u8, weighted(7), points, category, weighted(1), weighted(5)).prop_map(
        |(second, ticket, in_sprint, points, category, sub_task, sized)| Change {
            second,
            ticket,
            in_sprint,
            points,
            category,
            sub_task,
            sized,
        },
    )
}

fn any_delivery() -> impl Strategy<Value = Delivery> {
    (any_second(), 0..4_u8, prop::option::of(1..2_000_i64)).prop_map(|(second, ticket, later)| Delivery {
        second,
        ticket,
        rolled_back_at: later.map(|later| second + later),
    })
}

/// Events in an order of arrival that is any permutation.
fn shuffled(events: &[Event], keys: &[u32]) -> Vec<Event> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|index| (keys[index % keys.len()].rotate_left(*index as u32), *index));
    order.into_iter().map(|index| events[index].clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_is_what_its_naive_twin_says_in_any_order_of_arrival(
        changes in prop::collection::vec(any_change(), 0..40),
        deliveries in prop::collection::vec(any_delivery(), 0..6),
        keys in prop::collection::vec(any::<u32>(), 1..50),
    ) {
        let events = events(&changes, &deliveries);
        let sorted = fold(&events);
        let closes = [LIFE[1], LIFE[3]];
        prop_assert_eq!(sorted.len(), 2);
        for (close, message) in closes.into_iter().zip(&sorted) {
            let got = numbers(message);
            prop_assert_eq!(&got, &naive(&changes, &deliveries, close, &closes), "revision {}", message.revision);
            prop_assert_eq!(got.final_points, got.committed + got.added + got.re_estimated - got.removed);
        }
        prop_assert_eq!(fold(&shuffled(&events, &keys)), sorted);
    }
}

#[test]
fn the_twin_knows_the_scenario() {
    let change = |second, ticket, in_sprint, points| Change {
        second,
        ticket,
        in_sprint,
        points: Some(points),
        category: pb::StatusCategory::Todo,
        sub_task: false,
        sized: true,
    };
    let changes = [
        change(0, 0, true, 27),
        change(0, 1, true, 3),
        change(900, 2, true, 5),
        change(900, 1, false, 3),
        change(900, 0, true, 29),
    ];
    let numbers = naive(&changes, &[], LIFE[1], &LIFE[1..2]);
    assert_eq!((numbers.committed, numbers.final_points, numbers.absolute), (30, 34, 2));
    assert_eq!(instant::timestamp(EventTime::from_ms(START * 1_000)).nanos, 0);
}
