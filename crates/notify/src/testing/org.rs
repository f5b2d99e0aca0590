//! A small organisation in which several things are wrong at once, and whose people typed each other's names everywhere.

use bellwether_model::EventTime;
use bellwether_wire::ids::HashKey;
use bellwether_wire::{Event, Payload, instant, pb};

use crate::directory::Directory;

/// When everything is recorded.
pub(crate) fn recorded() -> EventTime {
    EventTime::parse("2026-01-01T00:00:00Z").unwrap()
}

/// When the steps fire.
pub(crate) fn now() -> EventTime {
    EventTime::parse("2026-03-03T15:00:00Z").unwrap()
}

/// Person id, name, e-mail, outside id, level, first day.
pub(crate) const PEOPLE: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("p-ana", "Ana Souza", "ana.souza@acme.test", "557058:0f3a-77", "senior", "2022-11-01"),
    ("p-bo", "Boris Lindqvist", "boris@acme.test", "PZ3K9QX", "mid", "2024-05-01"),
    ("p-chi", "Chiara Ferro", "chiara.ferro@acme.test", "PB11XYZ", "mid", ""),
    ("p-dev", "Devika Rao", "devika@acme.test", "PC22XYZ", "junior", "2025-11-01"),
    ("p-eli", "Elif Demir", "elif@acme.test", "PD33XYZ", "senior", "2021-01-01"),
    ("p-farid", "Farid Haddad", "farid@acme.test", "PE44XYZ", "senior", "2020-01-01"),
    ("p-em", "Ingrid Marsh", "ingrid.marsh@acme.test", "PF55XYZ", "manager", "2019-01-01"),
    ("p-em2", "Sven Olofsson", "sven@acme.test", "PG66XYZ", "manager", "2019-01-01"),
    ("p-em3", "Tuula Korpi", "tuula@acme.test", "PH77XYZ", "manager", "2019-01-01"),
    ("p-search", "Jonas Weber", "jonas@acme.test", "PI88XYZ", "senior", "2019-01-01"),
    ("p-vp", "Vera Petrova", "vera@acme.test", "PJ99XYZ", "vp", "2018-01-01"),
    ("p-cto", "Carl Thorne", "carl@acme.test", "PK10XYZ", "cto", "2017-01-01"),
    ("p-chro", "Hana Mori", "hana@acme.test", "PL11XYZ", "chro", "2018-01-01"),
    ("p-cfo", "Felix Grant", "felix@acme.test", "PM12XYZ", "cfo", "2018-01-01"),
    ("p-plat", "Pia Lange", "pia@acme.test", "PN13XYZ", "lead", "2020-01-01"),
];

/// The reference events of the organisation.
pub(crate) fn events() -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |payload: Payload| {
        events.push(Event::new("bellwether://test", format!("ref-{}", events.len()), recorded(), payload));
    };
    let role = |role: pb::Role, person: &str| pb::RoleHolder {
        role: role.into(),
        person: person.into(),
        function: String::new(),
    };
    add(pb::OrganisationRecorded {
        organisation: "acme".into(),
        name: "Acme".into(),
        zone: "Europe/Berlin".into(),
        roles: vec![
            role(pb::Role::VpEngineering, "p-vp"),
            role(pb::Role::Cto, "p-cto"),
            role(pb::Role::Chro, "p-chro"),
            role(pb::Role::Cfo, "p-cfo"),
            role(pb::Role::PlatformLead, "p-plat"),
        ],
        ..Default::default()
    }
    .into());
    for (person, name, email, external_id, level, start_date) in PEOPLE {
        add(pb::PersonRecorded {
            person: (*person).into(),
            name: (*name).into(),
            email: (*email).into(),
            level: (*level).into(),
            start_date: (*start_date).into(),
            zone: "Asia/Tokyo".into(),
            function: "engineering".into(),
            ..Default::default()
        }
        .into());
        add(pb::IdentityRecorded {
            source: "pagerduty://acme".into(),
            external_id: (*external_id).into(),
            person: (*person).into(),
            ..Default::default()
        }
        .into());
    }
    let squads = [
        ("payments", "Payments (Ana's team)", "p-em", "product"),
        ("search", "Search", "p-em2", "product"),
        ("growth", "Growth", "p-em3", "product"),
        ("platform", "Platform", "p-plat", "foundation"),
    ];
    for (squad, name, em, parent) in squads {
        add(pb::SquadRecorded {
            squad: squad.into(),
            name: name.into(),
            em: em.into(),
            parent: parent.into(),
            function: "engineering".into(),
            ..Default::default()
        }
        .into());
    }
    for person in ["p-ana", "p-bo", "p-chi", "p-dev", "p-eli", "p-farid"] {
        add(membership(person, "payments"));
    }
    add(membership("p-search", "search"));
    for (system, name) in
        [("billing", "billing-api"), ("ledger", "Ledger, ask Ana Souza"), ("mail", "mailer")]
    {
        add(pb::SystemRecorded {
            system: system.into(),
            name: name.into(),
            squad: "payments".into(),
            production: true,
            ..Default::default()
        }
        .into());
    }
    for (system, person) in [
        ("billing", "p-ana"),
        ("ledger", "p-ana"),
        ("ledger", "p-search"),
        ("mail", "p-ana"),
        ("mail", "p-bo"),
        ("mail", "p-chi"),
    ] {
        add(pb::CoverageRecorded { system: system.into(), person: person.into(), ..Default::default() }
            .into());
    }
    for (key_result, title, measure, owner) in [
        ("kr-load", "No engineer above 4 pages a week", "O2", "p-em"),
        ("kr-spread", "Take Ana Souza off the top of the rota", "O2.1", "p-em"),
        ("kr-commit", "Ship what we commit (Boris Lindqvist, @chiara.ferro)", "O1.1", "p-eli"),
        ("kr-nps", "Internal NPS to 40", "custom", "p-eli"),
    ] {
        add(pb::KeyResultRecorded {
            key_result: key_result.into(),
            title: title.into(),
            measure: measure.into(),
            owner: owner.into(),
            squad: "payments".into(),
            target: if key_result == "kr-nps" { 40.0 } else { 4.0 },
            unit: if key_result == "kr-nps" { "points".into() } else { String::new() },
            ..Default::default()
        }
        .into());
    }
    add(pb::CustomerCommitmentRecorded {
        customer_commitment: "cc-1".into(),
        title: "Invoices API for Globex, promised by vera@acme.test".into(),
        due_on: "2026-04-15".into(),
        ..Default::default()
    }
    .into());
    let cost = [("replacement-cost-per-engineer", "480000"), ("currency", "USD")];
    add(pb::CostModelRecorded {
        cost_model: "ours".into(),
        parameters: cost.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Default::default()
    }
    .into());
    events
}

/// Load of the squad and open on-call slots: what the binary may feed beside the reference topic.
pub(crate) fn situation() -> Vec<Event> {
    let load = pb::LoadAssessed {
        squad: "payments".into(),
        eligible: 6,
        top_sources: vec![
            pb::PageSource { source: "billing-api".into(), pages: 41 },
            pb::PageSource { source: "cron of Farid Haddad".into(), pages: 12 },
        ],
        ..Default::default()
    };
    let day =
        |day: u8| Some(instant::timestamp(EventTime::parse(&format!("2026-03-{day:02}T08:00:00Z")).unwrap()));
    let slot = pb::ShiftScheduled {
        shift: "s-1".into(),
        schedule: "search-primary".into(),
        squad: "search".into(),
        start: day(7),
        end: day(8),
        ..Default::default()
    };
    vec![
        Event::new("bellwether://process", "load-1", recorded(), load),
        Event::new("pagerduty://acme", "shift-1", recorded(), slot),
    ]
}

fn membership(person: &str, squad: &str) -> Payload {
    pb::MembershipRecorded { person: person.into(), squad: squad.into(), ..Default::default() }.into()
}

/// The organisation and its situation.
pub(crate) fn directory() -> Directory {
    let mut directory = Directory::new(HashKey::ZERO);
    events().iter().chain(&situation()).for_each(|event| directory.apply(event));
    directory
}

/// The organisation alone.
pub(crate) fn directory_without_situation() -> Directory {
    let mut directory = Directory::new(HashKey::ZERO);
    events().iter().for_each(|event| directory.apply(event));
    directory
}

/// Pseudonym of a person.
pub(crate) fn pseudonym(person: &str) -> String {
    bellwether_wire::ids::pseudonym(&HashKey::ZERO, person)
}
