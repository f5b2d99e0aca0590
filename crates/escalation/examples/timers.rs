//! Many escalations at once, to see what they cost: `time cargo run --release --example timers -- 100000 advance`.
//!
//! `start` starts that many escalations and arms their first two levels; `advance` also lets 49 hours pass, which sends
//! L1, a repeat and L2 of each; `changelog` also writes the state after each of the two. It keeps no time itself: a
//! pure crate has no clock.

use bellwether_escalation::{Escalator, Options, Output};
use bellwether_model::{EventTime, Millis};
use bellwether_wire::{Event, instant, pb};

const START: EventTime = EventTime::from_ms(1_767_603_600_000);

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).ok_or("how many?")?;
    let phase = arguments.next().unwrap_or_default();
    let mut escalator = Escalator::new(Options::default());
    let long_ago = START.minus(Millis::days(9));
    escalator.reference(&Event::new("form://admin", "org", long_ago, organisation()));
    for person in ["vp", "plat"].into_iter().map(str::to_owned).chain((0..100).map(|em| format!("em-{em}"))) {
        let person = pb::PersonRecorded { person, ..Default::default() };
        escalator.reference(&Event::new("form://admin", "person", long_ago, person));
    }
    for squad in 0..100 {
        escalator.reference(&Event::new("form://admin", "squad", long_ago, self::squad(squad)));
    }
    let mut out = Output::default();
    for number in 0..count {
        let event = Event::new("test://timers", format!("e{number}"), START, trigger(number));
        escalator.apply(&event, START, &mut out);
    }
    let mut records = if phase == "changelog" { escalator.changelog().len() } else { 0 };
    if phase != "start" {
        escalator.advance(START.plus(Millis::hours(49)), &mut out);
        records += if phase == "changelog" { escalator.changelog().len() } else { 0 };
    }
    if escalator.running() != count || (phase == "changelog" && records < count) {
        return Err(format!("{} are running, {records} records", escalator.running()));
    }
    Ok(())
}

fn organisation() -> pb::OrganisationRecorded {
    let holder = |role: pb::Role, person: &str| pb::RoleHolder {
        role: role.into(),
        person: person.to_owned(),
        function: String::new(),
    };
    pb::OrganisationRecorded {
        organisation: "org".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        fiscal_start: "2026-01-05".to_owned(),
        roles: vec![holder(pb::Role::VpEngineering, "vp"), holder(pb::Role::PlatformLead, "plat")],
        ..Default::default()
    }
}

fn squad(number: usize) -> pb::SquadRecorded {
    pb::SquadRecorded {
        squad: format!("squad-{number}"),
        em: format!("em-{number}"),
        parent: format!("parent-{}", number / 5),
        function: "product".to_owned(),
        ..Default::default()
    }
}

fn trigger(number: usize) -> pb::TriggerFired {
    let squad = format!("squad-{}", number % 100);
    pb::TriggerFired {
        trigger: format!("{number:032x}"),
        rule: "velocity-drop.page-load".to_owned(),
        subject: Some(pb::Subject {
            kind: pb::SubjectKind::Engineer.into(),
            id: format!("eng-{number}"),
            squad: squad.clone(),
        }),
        fired_at: Some(instant::timestamp(START)),
        squads: vec![squad],
        function: "product".to_owned(),
        escalation: format!("{:032x}", number * 7),
        explain: Some(pb::Explain::default()),
        ..Default::default()
    }
}
