//! People and teams found in the exports, as inferred reference data.
//!
//! What it is not: an organisation chart. It is a guess good enough for an audit without an organisation file, and
//! every id it makes begins with `inferred:` so that nobody takes it for more. People of different sources are one
//! when they share an e-mail address, or, where one has none, a name that is nobody else's. Teams of different
//! sources are one when their names agree.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, Payload, pb};

use super::gather::Output;
use crate::ids;
use crate::source::Source;

/// Source URI of what an import infers.
const INFERRED_SOURCE: &str = "bellwether://import";

/// Beginning of every id made here.
const PREFIX: &str = "inferred:";

/// Words that say only that a name is one of a team.
const TEAM_WORDS: &[&str] = &["board", "team", "squad", "the", "scrum"];

/// Somebody, or a team, as one source knows it: source URI and id.
type Key = (String, String);

/// Somebody as one source knows them.
#[derive(Debug, Default)]
struct Person {
    name: Option<String>,
    email: Option<String>,
    zone: Option<String>,
}

/// Something that pages people.
#[derive(Debug)]
struct System {
    name: String,
    team: Option<Key>,
    trained: BTreeSet<Key>,
}

#[derive(Debug)]
struct Team {
    kind: Source,
    name: String,
    boards: BTreeSet<String>,
}

/// People and teams.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    people: BTreeMap<Key, Person>,
    teams: BTreeMap<Key, Team>,
    /// How often somebody was seen in a team, by a team's id or one of its boards.
    members: BTreeMap<(Key, Source), BTreeMap<Key, u64>>,
    /// What pages people, and who responds.
    systems: BTreeMap<Key, System>,
}

impl Reference {
    /// Notes somebody; what is told later fills what is missing.
    pub(crate) fn person(
        &mut self,
        identity: &pb::Identity,
        name: Option<&str>,
        email: Option<&str>,
        zone: Option<&str>,
    ) {
        let person = self.people.entry((identity.source.clone(), identity.external_id.clone())).or_default();
        // The smaller of two values stays, so that the order of files changes nothing.
        let fill = |place: &mut Option<String>, value: Option<&str>| {
            let value = value.map(str::trim).filter(|text| !text.is_empty());
            if let Some(value) = value.filter(|value| place.as_deref().is_none_or(|known| *value < known)) {
                *place = Some(value.to_owned());
            }
        };
        fill(&mut person.name, name);
        fill(&mut person.email, email.map(str::to_lowercase).as_deref());
        fill(&mut person.zone, zone);
    }

    /// Notes a team, with a board or project whose tickets are its own.
    pub(crate) fn team(&mut self, kind: Source, source: &str, id: &str, name: &str, board: Option<&str>) {
        let key = (source.to_owned(), id.to_owned());
        let team = self.teams.entry(key).or_insert_with(|| Team {
            kind,
            name: name.to_owned(),
            boards: BTreeSet::new(),
        });
        team.boards.extend(board.map(str::to_owned));
    }

    /// Notes that somebody was seen in a team, by the team's id or one of its boards.
    pub(crate) fn member(&mut self, identity: &pb::Identity, kind: Source, source: &str, team: &str) {
        let person = (identity.source.clone(), identity.external_id.clone());
        let seen = self.members.entry((person, kind)).or_default();
        *seen.entry((source.to_owned(), team.to_owned())).or_default() += 1;
    }

    /// Notes a system that pages people, by its service, with its team; only where it can be told who responds for it.
    pub(crate) fn system(&mut self, source: &str, service: &str, name: &str, team: Option<&str>) {
        let team = team.map(|team| (source.to_owned(), team.to_owned()));
        let system = System { name: name.to_owned(), team, trained: BTreeSet::new() };
        self.systems.entry((source.to_owned(), service.to_owned())).or_insert(system);
    }

    /// Notes that somebody responds for a system.
    pub(crate) fn trained(&mut self, source: &str, service: &str, identity: &pb::Identity) {
        if let Some(system) = self.systems.get_mut(&(source.to_owned(), service.to_owned())) {
            system.trained.insert((identity.source.clone(), identity.external_id.clone()));
        }
    }

    fn team_of(&self, alias: &Key) -> Option<&Key> {
        if let Some((key, _)) = self.teams.get_key_value(alias) {
            return Some(key);
        }
        let (source, board) = alias;
        let mut of_board =
            self.teams.iter().filter(|((of, _), team)| of == source && team.boards.contains(board));
        of_board.next().map(|(key, _)| key)
    }

    /// The person id of everybody.
    fn persons(&self) -> BTreeMap<&Key, String> {
        let mut emails_by_name: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut count_by_name: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for ((source, _), person) in &self.people {
            let Some(name) = person.name.as_deref().map(str::to_lowercase) else { continue };
            *count_by_name.entry((name.clone(), source)).or_default() += 1;
            emails_by_name.entry(name).or_default().extend(person.email.as_deref());
        }
        let unique =
            |name: &str| count_by_name.iter().all(|((other, _), count)| other != name || *count == 1);
        let key = |(source, id): &Key, person: &Person| {
            if let Some(email) = &person.email {
                return format!("email/{email}");
            }
            let name = person.name.as_deref().map(str::to_lowercase).filter(|name| unique(name));
            let emails = name.as_ref().and_then(|name| emails_by_name.get(name));
            match (name, emails.map(|emails| emails.iter().collect::<Vec<_>>()).as_deref()) {
                (Some(_), Some([email])) => format!("email/{email}"),
                (Some(name), Some([])) => format!("name/{name}"),
                _ => format!("{source}/{id}"),
            }
        };
        self.people
            .iter()
            .map(|(place, person)| (place, format!("{PREFIX}{}", ids::digest(&[&key(place, person)]))))
            .collect()
    }

    /// The squad id of every team: teams of agreeing names share that of the first source's.
    fn squads(&self) -> BTreeMap<&Key, String> {
        let mut order: Vec<(&Key, &Team)> = self.teams.iter().collect();
        order.sort_by_key(|(key, team)| (team.kind, *key));
        let mut by_name: BTreeMap<String, (String, BTreeSet<&str>)> = BTreeMap::new();
        let mut squads = BTreeMap::new();
        for (key, team) in order {
            let own = format!("{PREFIX}{}", ids::global(&key.0, &key.1));
            let (squad, sources) =
                by_name.entry(plain(&team.name)).or_insert_with(|| (own.clone(), BTreeSet::new()));
            // Two teams of one source are two teams, whatever they are called.
            let squad = if sources.insert(&key.0) { squad.clone() } else { own };
            squads.insert(key, squad);
        }
        squads
    }
}

/// Makes reference events of what was found, at the first instant of the import.
pub(crate) fn infer(output: &mut Output) {
    let Some(from) = output.events.iter().map(|(event, _)| event.time).min() else { return };
    let reference = std::mem::take(&mut output.reference);
    let persons = reference.persons();
    let squads = reference.squads();
    let mut events = Vec::new();
    of_people(&reference, &persons, from, &mut events);
    of_squads(&reference, &squads, from, &mut events);
    of_members(&reference, &persons, &squads, from, &mut events);
    of_systems(&reference, &persons, &squads, from, &mut events);
    let people: BTreeSet<&String> = persons.values().collect();
    let teams: BTreeSet<&String> = squads.values().collect();
    output.note(format!(
        "{} people and {} squads are inferred from users, boards and teams; their ids begin with {PREFIX}",
        people.len(),
        teams.len()
    ));
    for payload in events {
        let (kind, subject) = subject_of(&payload);
        let content = ids::digest(&[&payload.to_json().unwrap_or_default().to_string()]);
        let event = Event::new(INFERRED_SOURCE, format!("{kind}/{subject}/{content}"), from, payload);
        // No file gave it: it is put together from all of them.
        output.emit(event.about(subject), usize::MAX);
    }
}

fn of_people(
    reference: &Reference,
    persons: &BTreeMap<&Key, String>,
    from: EventTime,
    events: &mut Vec<Payload>,
) {
    let mut known: BTreeMap<&String, pb::PersonRecorded> = BTreeMap::new();
    for (place, id) in persons {
        let Some(person) = reference.people.get(*place) else { continue };
        let record = known.entry(id).or_insert_with(|| pb::PersonRecorded {
            person: id.clone(),
            effective_from: Some(timestamp(from)),
            ..pb::PersonRecorded::default()
        });
        let fill = |place: &mut String, value: Option<&str>| {
            if place.is_empty() {
                *place = value.unwrap_or_default().to_owned();
            }
        };
        fill(&mut record.name, person.name.as_deref());
        fill(&mut record.email, person.email.as_deref());
        fill(&mut record.zone, person.zone.as_deref().and_then(zone));
        events.push(
            pb::IdentityRecorded {
                source: place.0.clone(),
                external_id: place.1.clone(),
                person: id.clone(),
                effective_from: Some(timestamp(from)),
                effective_until: None,
            }
            .into(),
        );
    }
    events.extend(known.into_values().map(Payload::from));
}

fn of_squads(
    reference: &Reference,
    squads: &BTreeMap<&Key, String>,
    from: EventTime,
    events: &mut Vec<Payload>,
) {
    let mut known: BTreeMap<&String, pb::SquadRecorded> = BTreeMap::new();
    let mut order: Vec<_> = squads.iter().collect();
    order.sort_by_key(|(key, _)| (reference.teams.get(**key).map(|team| team.kind), **key));
    for (place, id) in order {
        let Some(team) = reference.teams.get(*place) else { continue };
        let record = known.entry(id).or_insert_with(|| pb::SquadRecorded {
            squad: id.clone(),
            name: team.name.clone(),
            effective_from: Some(timestamp(from)),
            ..pb::SquadRecorded::default()
        });
        for board in &team.boards {
            if !record.boards.contains(board) {
                record.boards.push(board.clone());
            }
        }
    }
    events.extend(known.into_values().map(Payload::from));
}

fn of_members(
    reference: &Reference,
    persons: &BTreeMap<&Key, String>,
    squads: &BTreeMap<&Key, String>,
    from: EventTime,
    events: &mut Vec<Payload>,
) {
    let mut memberships: BTreeSet<(&String, &String)> = BTreeSet::new();
    for ((person, kind), seen) in &reference.members {
        let Some(person) = persons.get(person) else { continue };
        let mut counts: BTreeMap<&String, u64> = BTreeMap::new();
        for (alias, count) in seen {
            if let Some(squad) = reference.team_of(alias).and_then(|team| squads.get(team)) {
                *counts.entry(squad).or_default() += count;
            }
        }
        match kind {
            // PagerDuty says who is in which team.
            Source::PagerDuty => memberships.extend(counts.keys().map(|squad| (person, *squad))),
            // A tracker shows only on whose tickets somebody works: most of them decide.
            Source::Jira | Source::Linear => {
                let most =
                    counts.iter().max_by(|(a, a_count), (b, b_count)| a_count.cmp(b_count).then(b.cmp(a)));
                memberships.extend(most.map(|(squad, _)| (person, *squad)));
            }
        }
    }
    events.extend(memberships.into_iter().map(|(person, squad)| {
        Payload::from(pb::MembershipRecorded {
            membership: format!("{person}/{squad}"),
            person: person.clone(),
            squad: squad.clone(),
            role: String::new(),
            effective_from: Some(timestamp(from)),
            effective_until: None,
        })
    }));
}

fn of_systems(
    reference: &Reference,
    persons: &BTreeMap<&Key, String>,
    squads: &BTreeMap<&Key, String>,
    from: EventTime,
    events: &mut Vec<Payload>,
) {
    for (place, system) in &reference.systems {
        let id = format!("{PREFIX}{}", ids::global(&place.0, &place.1));
        let squad = system.team.as_ref().and_then(|team| squads.get(reference.team_of(team)?));
        events.push(
            pb::SystemRecorded {
                system: id.clone(),
                name: system.name.clone(),
                squad: squad.cloned().unwrap_or_default(),
                services: vec![place.1.clone()],
                production: true,
                effective_from: Some(timestamp(from)),
                effective_until: None,
            }
            .into(),
        );
        let trained: BTreeSet<&String> = system.trained.iter().filter_map(|key| persons.get(key)).collect();
        events.extend(trained.into_iter().map(|person| {
            Payload::from(pb::CoverageRecorded {
                system: id.clone(),
                person: person.clone(),
                effective_from: Some(timestamp(from)),
                effective_until: None,
            })
        }));
    }
}

fn subject_of(payload: &Payload) -> (&'static str, String) {
    match payload {
        Payload::PersonRecorded(record) => ("person", record.person.clone()),
        Payload::IdentityRecorded(record) => {
            ("identity", format!("{}/{}", record.source, record.external_id))
        }
        Payload::SquadRecorded(record) => ("squad", record.squad.clone()),
        Payload::MembershipRecorded(record) => ("membership", record.membership.clone()),
        Payload::SystemRecorded(record) => ("system", record.system.clone()),
        Payload::CoverageRecorded(record) => ("coverage", format!("{}/{}", record.system, record.person)),
        other => ("other", other.type_name().to_owned()),
    }
}

/// A team's name without case, punctuation and words that say only that it is one.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.filter(|word| !TEAM_WORDS.contains(word)).collect();
    if words.is_empty() { lower } else { words.join(" ") }
}

/// The IANA zone of a name; PagerDuty writes Rails names, of which the common ones are known.
fn zone(name: &str) -> Option<&str> {
    const RAILS: &[(&str, &str)] = &[
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("Central Time (US & Canada)", "America/Chicago"),
        ("Mountain Time (US & Canada)", "America/Denver"),
        ("Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("London", "Europe/London"),
        ("Berlin", "Europe/Berlin"),
        ("Paris", "Europe/Paris"),
        ("Amsterdam", "Europe/Amsterdam"),
        ("Tokyo", "Asia/Tokyo"),
        ("Sydney", "Australia/Sydney"),
        ("Singapore", "Asia/Singapore"),
        ("UTC", "Etc/UTC"),
    ];
    let iana = RAILS.iter().find(|(rails, _)| *rails == name).map_or(name, |(_, iana)| iana);
    iana.parse::<chrono_tz::Tz>().ok().map(|_| iana)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(source: &str, id: &str) -> pb::Identity {
        pb::Identity { source: source.to_owned(), external_id: id.to_owned() }
    }

    fn person(reference: &mut Reference, source: &str, id: &str, name: &str, email: Option<&str>) {
        reference.person(&identity(source, id), Some(name), email, None);
    }

    #[test]
    fn people_are_one_by_address_or_by_a_name_that_is_nobody_elses() {
        let mut reference = Reference::default();
        person(&mut reference, "jira://acme", "a", "Ada", None);
        person(&mut reference, "jira://acme", "s1", "Sam", None);
        person(&mut reference, "jira://acme", "s2", "Sam", None);
        person(&mut reference, "pagerduty://acme", "P1", "Ada", Some("Ada@acme.example"));
        person(&mut reference, "pagerduty://acme", "P2", "Sam", Some("sam@acme.example"));
        let persons = reference.persons();
        let of = |source: &str, id: &str| &persons[&(source.to_owned(), id.to_owned())];
        assert_eq!(of("jira://acme", "a"), of("pagerduty://acme", "P1"));
        assert_ne!(of("jira://acme", "s1"), of("pagerduty://acme", "P2"));
        assert_ne!(of("jira://acme", "s1"), of("jira://acme", "s2"));
    }

    #[test]
    fn a_board_and_an_on_call_team_of_the_same_name_are_one_squad() {
        let mut reference = Reference::default();
        reference.team(Source::Jira, "jira://acme", "8", "Checkout board", Some("8"));
        reference.team(Source::PagerDuty, "pagerduty://acme", "PT1", "Checkout", None);
        reference.team(Source::PagerDuty, "pagerduty://acme", "PT2", "Checkout Team", None);
        let squads: Vec<_> = reference.squads().into_values().collect();
        assert_eq!(squads, ["inferred:jira:acme:8", "inferred:jira:acme:8", "inferred:pagerduty:acme:PT2"]);
    }

    #[test]
    fn zones_are_read_by_both_of_their_names_and_nonsense_is_none() {
        assert_eq!(zone("Eastern Time (US & Canada)"), Some("America/New_York"));
        assert_eq!(zone("Asia/Jerusalem"), Some("Asia/Jerusalem"));
        assert_eq!(zone("Moon Base"), None);
    }
}
