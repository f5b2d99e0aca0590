//! The demo's organisation: two functions of six squads, seven engineers each, and who holds which role.

use bellwether_wire::envelope::Event;
use bellwether_wire::pb;

use super::calendar::{self, FIRST_DAY};
use super::quarter::Writer;

/// Squads and their function.
pub(crate) const SQUADS: [(&str, &str); 12] = [
    ("payments", "product"),
    ("checkout", "product"),
    ("search", "product"),
    ("catalogue", "product"),
    ("orders", "product"),
    ("mobile", "product"),
    ("platform", "infrastructure"),
    ("delivery", "infrastructure"),
    ("data", "infrastructure"),
    ("identity", "infrastructure"),
    ("observability", "infrastructure"),
    ("networking", "infrastructure"),
];

/// Engineers in a squad.
pub(crate) const ENGINEERS: usize = 7;

const FIRST_NAMES: [&str; 14] = [
    "Ada", "Bruno", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca",
    "Mei", "Noor",
];
const LAST_NAMES: [&str; 12] = [
    "Almeida", "Berg", "Costa", "Duarte", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanova", "Jensen",
    "Kovac", "Lund",
];
const ZONES: [&str; 4] = ["Europe/Berlin", "Europe/Lisbon", "America/New_York", "Asia/Tokyo"];

/// Id of an engineer of a squad.
pub(crate) fn engineer(squad: usize, number: usize) -> String {
    format!("{}-{}", SQUADS[squad].0, number + 1)
}

/// Id of the manager of a squad.
pub(crate) fn manager(squad: usize) -> String {
    format!("{}-em", SQUADS[squad].0)
}

/// A name for a person of the demo: fiction, made from a running number.
fn name(number: usize) -> String {
    format!("{} {}", FIRST_NAMES[number % FIRST_NAMES.len()], LAST_NAMES[(number / 3) % LAST_NAMES.len()])
}

/// Writes the organisation, its people, squads, memberships, systems, calendars and key results.
pub(crate) fn write(out: &mut Writer) {
    let holder = |role: pb::Role, person: &str| pb::RoleHolder {
        role: role.into(),
        person: person.into(),
        function: String::new(),
    };
    out.reference(pb::OrganisationRecorded {
        organisation: "acme".into(),
        name: "Acme".into(),
        zone: "UTC".into(),
        fiscal_start: FIRST_DAY.into(),
        roles: vec![
            holder(pb::Role::VpEngineering, "vp"),
            holder(pb::Role::Cto, "cto"),
            holder(pb::Role::Chro, "chro"),
            holder(pb::Role::Cfo, "cfo"),
            holder(pb::Role::PlatformLead, "platform-lead"),
        ],
        ..Default::default()
    });
    out.reference(pb::CalendarRecorded {
        calendar: "office".into(),
        holidays: vec!["2026-01-06".into(), "2026-04-03".into()],
        ..Default::default()
    });
    let leaders = ["vp", "cto", "chro", "cfo", "platform-lead"];
    for (number, person) in leaders.into_iter().enumerate() {
        write_person(out, person, number * 5 + 2, "Europe/Berlin", "executive", "");
    }
    for (squad, (id, function)) in SQUADS.into_iter().enumerate() {
        out.reference(pb::SquadRecorded {
            squad: id.into(),
            name: id.into(),
            em: manager(squad),
            parent: function.into(),
            function: function.into(),
            boards: vec![format!("board-{id}")],
            ..Default::default()
        });
        out.reference(pb::SystemRecorded {
            system: format!("{id}-api"),
            name: format!("{id} API"),
            squad: id.into(),
            services: vec![format!("svc-{id}")],
            production: true,
            ..Default::default()
        });
        write_person(out, &manager(squad), squad * 8 + 1, ZONES[squad % 2], "manager", function);
        for number in 0..ENGINEERS {
            let person = engineer(squad, number);
            let level = if number < 2 { "senior" } else { "engineer" };
            write_person(out, &person, squad * 8 + number + 2, ZONES[(squad + number) % 4], level, function);
            out.reference(pb::MembershipRecorded { person, squad: id.into(), ..Default::default() });
        }
        write_key_results(out, squad);
    }
}

fn write_person(out: &mut Writer, person: &str, number: usize, zone: &str, level: &str, function: &str) {
    out.reference(pb::PersonRecorded {
        person: person.into(),
        name: name(number),
        email: format!("{person}@example.org"),
        zone: zone.into(),
        calendar: "office".into(),
        level: level.into(),
        function: function.into(),
        start_date: "2022-03-01".into(),
        ..Default::default()
    });
    out.reference(pb::IdentityRecorded {
        source: "pagerduty://acme".into(),
        external_id: format!("PD-{person}"),
        person: person.into(),
        ..Default::default()
    });
}

fn write_key_results(out: &mut Writer, squad: usize) {
    let id = SQUADS[squad].0;
    let start = Some(bellwether_wire::instant::timestamp(calendar::start()));
    let end = Some(bellwether_wire::instant::timestamp(calendar::end()));
    let computed = [
        ("O1.1", 0.7, 0.9, pb::Direction::HigherIsBetter),
        ("O2", 6.0, 4.0, pb::Direction::LowerIsBetter),
        ("O2.1", 2.5, 1.5, pb::Direction::LowerIsBetter),
    ];
    for (measure, baseline, target, direction) in computed {
        out.reference(pb::KeyResultRecorded {
            key_result: format!("{id}-{measure}"),
            title: format!("{measure} of {id}"),
            measure: measure.into(),
            kind: pb::KeyResultKind::HoldLevel.into(),
            direction: direction.into(),
            baseline,
            target,
            owner: manager(squad),
            squad: id.into(),
            no_update_window: true,
            effective_from: start,
            effective_until: end,
            ..Default::default()
        });
    }
    out.reference(pb::KeyResultRecorded {
        key_result: format!("{id}-adoption"),
        title: format!("customers on the new {id} flow"),
        measure: "custom".into(),
        kind: pb::KeyResultKind::Accumulate.into(),
        direction: pb::Direction::HigherIsBetter.into(),
        baseline: 0.0,
        target: 130.0,
        owner: manager(squad),
        squad: id.into(),
        unit: "customers".into(),
        effective_from: start,
        effective_until: end,
        ..Default::default()
    });
}

/// Names and roles of the demo's people by person id, for the narration.
pub(crate) fn names(events: &[Event]) -> std::collections::BTreeMap<String, String> {
    events
        .iter()
        .filter_map(|event| match &event.payload {
            bellwether_wire::Payload::PersonRecorded(message) => {
                Some((message.person.clone(), message.name.clone()))
            }
            _ => None,
        })
        .collect()
}
