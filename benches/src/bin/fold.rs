//! Facts per second of decode and fold: one thread, in memory, no log.
//!
//! The workload is a year of an organisation of 200 squads of ten: mostly pages, a tenth ticket changes. What is timed is
//! what a processor does with a frame it has read: cut, decode, fold, decide; writing decisions is not.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figure")]

use std::time::Instant;

use bellwether_engine::{Engine, Fact, Options, Resolved};
use bellwether_model::{EventTime, PersonId, SquadId};
use bellwether_wire::envelope::Event;
use bellwether_wire::{frame, pb};
use bytes::Bytes;
use clap::Parser;

/// First instant of the workload: 2025-01-01.
const START_MS: i64 = 1_735_689_600_000;
/// Span of the workload: a year.
const SPAN_MS: i64 = 365 * 86_400_000;
const SQUADS: u64 = 200;
const ENGINEERS: u64 = 10;

#[derive(Parser)]
struct Args {
    /// Facts to fold.
    #[arg(long, default_value_t = 1_000_000)]
    facts: u64,
    /// Facts in a frame.
    #[arg(long, default_value_t = 64)]
    frame: usize,
}

fn main() {
    let args = Args::parse();
    let mut engine = Engine::new(Options::default());
    let mut said = Vec::new();
    let before = EventTime::from_ms(START_MS - 86_400_000);
    for event in reference(before) {
        engine.apply(&Fact::new(event), before, &mut said);
    }
    let frames = frames(&args);
    let bytes: usize = frames.iter().map(|(_, frame)| frame.len()).sum();
    let mut folded = 0_u64;
    let mut decisions = 0;
    let began = Instant::now();
    for (at, bytes) in &frames {
        for fact in frame::cut(bytes).expect("own frames are cut") {
            let fact = Fact::decode(fact).expect("own facts are read");
            engine.apply(&fact, *at, &mut said);
            folded += 1;
        }
        decisions += said.len();
        said.clear();
    }
    let seconds = began.elapsed().as_secs_f64();
    let snapshot = engine.snapshot();
    println!(
        "decode + fold: {folded} facts ({bytes} bytes) in {seconds:.2} s: {:.0} facts/s, {:.0} ns each; {decisions} \
         events said; snapshot {} bytes",
        folded as f64 / seconds,
        seconds * 1e9 / folded as f64,
        snapshot.len()
    );
}

fn reference(at: EventTime) -> Vec<Event> {
    let mut events = vec![Event::new(
        "bench://reference",
        "organisation",
        at,
        pb::OrganisationRecorded {
            organisation: "bench".into(),
            zone: "UTC".into(),
            fiscal_start: "2025-01-06".into(),
            ..Default::default()
        },
    )];
    for squad in 0..SQUADS {
        let id = squad_id(squad);
        events.push(Event::new(
            "bench://reference",
            format!("squad/{id}"),
            at,
            pb::SquadRecorded { squad: id.clone(), function: "eng".into(), ..Default::default() },
        ));
        for engineer in 0..ENGINEERS {
            let person = person_id(squad, engineer);
            events.push(Event::new(
                "bench://reference",
                format!("membership/{person}"),
                at,
                pb::MembershipRecorded { person, squad: id.clone(), ..Default::default() },
            ));
        }
    }
    events
}

fn frames(args: &Args) -> Vec<(EventTime, Bytes)> {
    let mut seed = 0x005E_ED0F_FAC7_u64;
    let mut frames = Vec::new();
    let mut pending: Vec<pb::Fact> = Vec::new();
    let mut at = EventTime::from_ms(START_MS);
    for n in 0..args.facts {
        let ms =
            START_MS + i64::try_from(u128::from(n) * SPAN_MS as u128 / u128::from(args.facts)).unwrap_or(0);
        at = EventTime::from_ms(ms);
        let squad = next(&mut seed) % SQUADS;
        let engineer = next(&mut seed) % ENGINEERS;
        let fact = if n % 10 == 9 { ticket(n, squad, at) } else { page(n, squad, engineer, at) };
        pending.push(fact.to_message());
        if pending.len() == args.frame {
            frames.extend(frame::pack(&pending).into_iter().map(|frame| (at, frame)));
            pending.clear();
        }
    }
    frames.extend(frame::pack(&pending).into_iter().map(|frame| (at, frame)));
    frames
}

fn page(n: u64, squad: u64, engineer: u64, at: EventTime) -> Fact {
    let person = person_id(squad, engineer);
    let identity = pb::Identity { source: "pagerduty://bench".into(), external_id: format!("PD-{person}") };
    let message = pb::PageNotified {
        incident: format!("Q{n:014X}"),
        responder: Some(identity.clone()),
        channel: pb::PageChannel::Push.into(),
        urgency: pb::Urgency::High.into(),
        service: format!("svc-{squad}"),
        basis: pb::Basis::NotificationLog.into(),
        ..Default::default()
    };
    let mut fact = Fact::new(Event::new("pagerduty://bench", format!("R{n:014X}"), at, message));
    fact.squads = vec![SquadId::from(squad_id(squad).as_str())];
    fact.resolved = vec![Resolved {
        source: identity.source,
        external_id: identity.external_id,
        person: PersonId::from(person.as_str()),
    }];
    fact
}

fn ticket(n: u64, squad: u64, at: EventTime) -> Fact {
    let message = pb::TicketChanged {
        ticket: format!("{}", n % 50_000),
        key: format!("T-{}", n % 50_000),
        squad: squad_id(squad),
        points: Some(3.0),
        size: "M".into(),
        category: pb::StatusCategory::InProgress.into(),
        version: n.to_string(),
        ..Default::default()
    };
    let mut fact = Fact::new(Event::new("jira://bench", format!("{n}"), at, message));
    fact.squads = vec![SquadId::from(squad_id(squad).as_str())];
    fact
}

fn squad_id(squad: u64) -> String {
    format!("squad-{squad:03}")
}

fn person_id(squad: u64, engineer: u64) -> String {
    format!("eng-{:04}", squad * ENGINEERS + engineer)
}

fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
