//! Memberships, indexed both ways: the squads of a person and the members of a squad.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_model::{PersonId, SquadId};
use serde::{Deserialize, Serialize};

/// One span of belonging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MembershipSpan {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub squad: SquadId,
    /// First instant.
    pub from: EventTime,
    /// End, exclusive.
    pub until: Option<EventTime>,
}

impl MembershipSpan {
    fn holds(&self, at: EventTime) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// All memberships by id. A later record of an id replaces the earlier one from its first instant on.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memberships {
    spans: BTreeMap<String, Vec<MembershipSpan>>,
    by_person: BTreeMap<PersonId, Vec<MembershipSpan>>,
    by_squad: BTreeMap<SquadId, Vec<MembershipSpan>>,
}

impl Memberships {
    pub(crate) fn record(&mut self, id: &str, span: MembershipSpan) {
        let spans = self.spans.entry(id.to_owned()).or_default();
        spans.retain(|earlier| earlier.from < span.from);
        for earlier in spans.iter_mut() {
            earlier.until = Some(earlier.until.map_or(span.from, |until| until.min(span.from)));
        }
        spans.push(span);
        self.index();
    }

    pub(crate) fn end(&mut self, id: &str, at: EventTime) {
        for span in self.spans.get_mut(id).into_iter().flatten() {
            span.until = Some(span.until.map_or(at, |until| until.min(at)));
        }
        self.index();
    }

    pub(crate) fn squads_of(&self, person: &PersonId, at: EventTime) -> impl Iterator<Item = &SquadId> {
        self.by_person.get(person).into_iter().flatten().filter(move |s| s.holds(at)).map(|s| &s.squad)
    }

    pub(crate) fn members_of(&self, squad: &SquadId, at: EventTime) -> impl Iterator<Item = &PersonId> {
        self.by_squad.get(squad).into_iter().flatten().filter(move |s| s.holds(at)).map(|s| &s.person)
    }

    /// Everybody who ever was a member of a squad, in order of id.
    pub(crate) fn ever_members_of(&self, squad: &SquadId) -> impl Iterator<Item = &PersonId> {
        let mut spans = self.by_squad.get(squad).into_iter().flatten().map(|span| &span.person).peekable();
        std::iter::from_fn(move || {
            let person = spans.next()?;
            while spans.next_if(|next| *next == person).is_some() {}
            Some(person)
        })
    }

    pub(crate) fn first_of(&self, person: &PersonId) -> Option<EventTime> {
        self.by_person.get(person)?.iter().map(|span| span.from).min()
    }

    fn index(&mut self) {
        self.by_person.clear();
        self.by_squad.clear();
        for span in self.spans.values().flatten() {
            self.by_person.entry(span.person.clone()).or_default().push(span.clone());
            self.by_squad.entry(span.squad.clone()).or_default().push(span.clone());
        }
        for spans in self.by_person.values_mut() {
            spans.sort_by(|a, b| (&a.squad, a.from).cmp(&(&b.squad, b.from)));
        }
        for spans in self.by_squad.values_mut() {
            spans.sort_by(|a, b| (&a.person, a.from).cmp(&(&b.person, b.from)));
            spans.dedup_by(|a, b| a.person == b.person && a.from == b.from && a.until == b.until);
        }
    }
}
