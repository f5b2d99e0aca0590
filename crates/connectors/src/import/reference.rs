//! People and teams found in the exports, as inferred reference data.
//!
//! What it is not: an organisation chart. It is a guess good enough for an audit without an organisation file, and
//! every id it makes begins with `inferred:` so that nobody takes it for more.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_wire::pb;

use super::gather::Output;
use crate::source::Source;

/// Somebody as one source knows them.
#[derive(Debug, Default)]
struct Person {
    name: Option<String>,
    email: Option<String>,
    zone: Option<String>,
}

/// People and teams.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    people: BTreeMap<(String, String), Person>,
    teams: BTreeMap<(Source, String, String), (String, BTreeSet<String>)>,
    members: BTreeSet<((String, String), (Source, String, String))>,
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
        let fill = |place: &mut Option<String>, value: Option<&str>| {
            if place.is_none() {
                *place = value.filter(|text| !text.is_empty()).map(str::to_owned);
            }
        };
        fill(&mut person.name, name);
        fill(&mut person.email, email);
        fill(&mut person.zone, zone);
    }

    /// Notes a team, with a board or project whose tickets are its own.
    pub(crate) fn team(&mut self, kind: Source, source: &str, id: &str, name: &str, board: Option<&str>) {
        let key = (kind, source.to_owned(), id.to_owned());
        let (_, boards) = self.teams.entry(key).or_insert_with(|| (name.to_owned(), BTreeSet::new()));
        boards.extend(board.map(str::to_owned));
    }

    /// Notes that somebody is in a team.
    pub(crate) fn member(&mut self, identity: &pb::Identity, kind: Source, source: &str, team: &str) {
        self.members.insert((
            (identity.source.clone(), identity.external_id.clone()),
            (kind, source.to_owned(), team.to_owned()),
        ));
    }
}

/// Makes reference events of what was found.
pub(crate) fn infer(_output: &mut Output) {}
