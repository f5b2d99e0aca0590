//! The workload: an organisation of 200 squads of ten, its facts spread evenly over a span, in one of two mixes.
//!
//! [`Mix::Mixed`] is a quarter as tools tell it (`mixed.rs`); [`Mix::Pages`] is nine pages to one ticket change, a
//! stress of the page rules: so dense that most engineers are above the threshold.
//!
//! Invariant: fact `n` of a workload is the same however many threads, frames or partitions it is cut into; the seed is
//! fixed, so that two runs and two machines fold the same facts.

use std::collections::BTreeMap;

use bellwether_engine::{Fact, Resolved};
use bellwether_model::{EventTime, PersonId, SquadId};
use bellwether_wire::envelope::Event;
use bellwether_wire::{frame, pb, topics};
use bytes::Bytes;

use crate::mixed;

/// First instant of the fixed year: 2025-01-01.
pub const YEAR_START_MS: i64 = 1_735_689_600_000;
/// A day.
pub const DAY_MS: i64 = 86_400_000;
/// Squads.
pub const SQUADS: u64 = 200;
/// Engineers of a squad.
pub const ENGINEERS: u64 = 10;
/// Of ten facts, the one that is a ticket's.
const TICKET_EVERY: u64 = 10;
/// Tickets that change again and again.
const TICKETS: u64 = 50_000;
/// Frames of one partition that a poll returns together.
const POLLED: usize = 32;
const SEED: u64 = 0x005E_ED0F_FAC7;

/// Source of the pages.
const PAGERDUTY: &str = "pagerduty://bench";
/// Source of the tickets.
const JIRA: &str = "jira://bench";

/// In which proportions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mix {
    /// Tickets, incidents, pages, deliveries and check-ins, as an organisation's tools tell them
    Mixed,
    /// Nine pages to one ticket change
    Pages,
}

/// How many facts over which time.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Of what kinds.
    pub mix: Mix,
    /// Time of the first fact.
    pub start_ms: i64,
    /// From the first fact to the last.
    pub span_ms: i64,
    /// Facts.
    pub facts: u64,
}

/// A fact and where it belongs.
#[derive(Debug)]
pub struct Placed {
    /// When.
    pub at: EventTime,
    /// Number of its squad.
    pub squad: u64,
    /// The fact.
    pub fact: Fact,
}

/// Facts on their way to one partition.
#[derive(Debug)]
pub struct Framed {
    /// The partition.
    pub partition: u32,
    /// Time of the last fact.
    pub at: EventTime,
    /// The frame.
    pub frame: Bytes,
}

impl Workload {
    /// Facts spread over so many days from the first of 2025 on.
    pub fn over_days(mix: Mix, days: u32, facts: u64) -> Self {
        Self { mix, start_ms: YEAR_START_MS, span_ms: i64::from(days) * DAY_MS, facts }
    }

    /// Facts spread over some days up to an instant.
    pub fn ending_at(mix: Mix, end_ms: i64, days: u32, facts: u64) -> Self {
        let span_ms = i64::from(days) * DAY_MS;
        Self { mix, start_ms: end_ms - span_ms, span_ms, facts }
    }

    /// The instant of the reference data: a day before the first fact.
    pub fn before(&self) -> EventTime {
        EventTime::from_ms(self.start_ms - DAY_MS)
    }

    /// The instant at which the span ends: no fact is later.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + self.span_ms
    }

    /// The organisation: who is in which squad, and under which identity they are paged.
    pub fn reference(&self) -> Vec<Event> {
        let at = self.before();
        let record = |id: String, payload| Event::new("bench://reference", id, at, payload);
        let mut events = vec![record(
            "organisation".to_owned(),
            bellwether_wire::Payload::from(pb::OrganisationRecorded {
                organisation: "bench".into(),
                zone: "UTC".into(),
                fiscal_start: "2025-01-06".into(),
                ..Default::default()
            }),
        )];
        for squad in 0..SQUADS {
            let id = squad_id(squad);
            let recorded =
                pb::SquadRecorded { squad: id.clone(), function: "eng".into(), ..Default::default() };
            events.push(record(format!("squad/{id}"), recorded.into()));
            for engineer in 0..ENGINEERS {
                let person = person_id(squad, engineer);
                let identity = pb::IdentityRecorded {
                    source: PAGERDUTY.into(),
                    external_id: external_id(&person),
                    person: person.clone(),
                    ..Default::default()
                };
                events.push(record(format!("identity/{person}"), identity.into()));
                let member = pb::MembershipRecorded {
                    person: person.clone(),
                    squad: id.clone(),
                    ..Default::default()
                };
                events.push(record(format!("membership/{person}"), member.into()));
            }
        }
        if self.mix == Mix::Mixed {
            events.extend(mixed::reference(self));
        }
        events
    }

    /// The facts in the order of time.
    pub fn facts(&self) -> Box<dyn Iterator<Item = Placed>> {
        match self.mix {
            Mix::Mixed => Box::new(mixed::facts(*self)),
            Mix::Pages => Box::new(self.pages()),
        }
    }

    fn pages(&self) -> impl Iterator<Item = Placed> + use<> {
        let workload = *self;
        let mut seed = SEED;
        (0..workload.facts).map(move |n| {
            let at = workload.time_of(n);
            let squad = next(&mut seed) % SQUADS;
            let engineer = next(&mut seed) % ENGINEERS;
            let fact = if n % TICKET_EVERY == TICKET_EVERY - 1 {
                ticket(n, squad, at)
            } else {
                page(n, squad, engineer, at)
            };
            Placed { at, squad, fact }
        })
    }

    /// All facts as frames of the partitions of their squads, in the order in which polls return them: some frames of one
    /// partition, then of the next.
    pub fn frames(&self, per_frame: usize, partitions: u32) -> Vec<Framed> {
        let mut pending: BTreeMap<u32, Vec<pb::Fact>> = BTreeMap::new();
        let mut framed: BTreeMap<u32, Vec<Framed>> = BTreeMap::new();
        let mut last = EventTime::from_ms(self.start_ms);
        for placed in self.facts() {
            last = placed.at;
            let partition = topics::squad_partition(&squad_id(placed.squad), partitions);
            let facts = pending.entry(partition).or_default();
            facts.push(placed.fact.to_message());
            if facts.len() == per_frame {
                let frames = frame::pack(&*facts).into_iter();
                let frames = frames.map(|frame| Framed { partition, at: last, frame });
                framed.entry(partition).or_default().extend(frames);
                facts.clear();
            }
        }
        for (partition, facts) in pending {
            let frames = frame::pack(&facts).into_iter();
            let frames = frames.map(|frame| Framed { partition, at: last, frame });
            framed.entry(partition).or_default().extend(frames);
        }
        let polled = framed.into_values().flat_map(|frames| (0..).zip(frames));
        let mut polled: Vec<(usize, Framed)> = polled.collect();
        polled.sort_by_key(|(index, framed)| (index / POLLED, framed.partition));
        polled.into_iter().map(|(_, framed)| framed).collect()
    }

    pub(crate) fn time_of(&self, n: u64) -> EventTime {
        let done = i128::from(n) * i128::from(self.span_ms) / i128::from(self.facts.max(1));
        EventTime::from_ms(self.start_ms + i64::try_from(done).unwrap_or(0))
    }
}

fn page(n: u64, squad: u64, engineer: u64, at: EventTime) -> Fact {
    let person = person_id(squad, engineer);
    let identity = pb::Identity { source: PAGERDUTY.into(), external_id: external_id(&person) };
    let message = pb::PageNotified {
        incident: format!("Q{n:014X}"),
        responder: Some(identity.clone()),
        channel: pb::PageChannel::Push.into(),
        urgency: pb::Urgency::High.into(),
        service: format!("svc-{squad}"),
        basis: pb::Basis::NotificationLog.into(),
        ..Default::default()
    };
    let mut fact = Fact::new(Event::new(PAGERDUTY, format!("R{n:014X}"), at, message));
    fact.squads = vec![SquadId::from(squad_id(squad).as_str())];
    fact.resolved = vec![Resolved {
        source: identity.source,
        external_id: identity.external_id,
        person: PersonId::from(person.as_str()),
    }];
    fact
}

fn ticket(n: u64, squad: u64, at: EventTime) -> Fact {
    let ticket = n % TICKETS;
    let message = pb::TicketChanged {
        ticket: format!("{ticket}"),
        key: format!("T-{ticket}"),
        squad: squad_id(squad),
        points: Some(3.0),
        size: "M".into(),
        category: pb::StatusCategory::InProgress.into(),
        version: n.to_string(),
        ..Default::default()
    };
    let mut fact = Fact::new(Event::new(JIRA, format!("{n}"), at, message));
    fact.squads = vec![SquadId::from(squad_id(squad).as_str())];
    fact
}

/// Id of a squad.
pub fn squad_id(squad: u64) -> String {
    format!("squad-{squad:03}")
}

/// Id of an engineer of a squad.
pub fn person_id(squad: u64, engineer: u64) -> String {
    format!("eng-{:04}", squad * ENGINEERS + engineer)
}

/// Id by which a person is paged.
fn external_id(person: &str) -> String {
    format!("PD-{person}")
}

/// The next number of a splitmix64 sequence.
pub fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
