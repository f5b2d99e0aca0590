//! Memberships, indexed both ways: the squads of a person and the members of a squad.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::EventTime;
use bellwether_model::{PersonId, SquadId};
use serde::{Deserialize, Serialize};

use crate::ordered::Ordered;

/// One span of belonging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MembershipSpan {
    /// The membership it is a span of.
    pub id: Arc<str>,
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
    spans: BTreeMap<Arc<str>, Vec<MembershipSpan>>,
    by_person: Ordered<PersonId, Vec<MembershipSpan>>,
    by_squad: Ordered<SquadId, Vec<MembershipSpan>>,
}

impl Memberships {
    pub(crate) fn record(&mut self, span: MembershipSpan) {
        self.change(&span.id.clone(), |spans| {
            spans.retain(|earlier| earlier.from < span.from);
            for earlier in spans.iter_mut() {
                earlier.until = Some(earlier.until.map_or(span.from, |until| until.min(span.from)));
            }
            spans.push(span);
        });
    }

    pub(crate) fn end(&mut self, id: &str, at: EventTime) {
        if self.spans.contains_key(id) {
            self.change(&Arc::from(id), |spans| {
                for span in spans {
                    span.until = Some(span.until.map_or(at, |until| until.min(at)));
                }
            });
        }
    }

    /// Squads of a person at an instant, in order of id, each once.
    pub(crate) fn squads_of(&self, person: &PersonId, at: EventTime) -> impl Iterator<Item = &SquadId> {
        let theirs = self.by_person.get(person).into_iter().flatten();
        each_once(theirs.filter(move |span| span.holds(at)).map(|span| &span.squad))
    }

    /// Members of a squad at an instant, in order of id, each once.
    pub(crate) fn members_of(&self, squad: &SquadId, at: EventTime) -> impl Iterator<Item = &PersonId> {
        let theirs = self.by_squad.get(squad).into_iter().flatten();
        each_once(theirs.filter(move |span| span.holds(at)).map(|span| &span.person))
    }

    /// Everybody who ever was a member of a squad, in order of id, each once.
    pub(crate) fn ever_members_of(&self, squad: &SquadId) -> impl Iterator<Item = &PersonId> {
        each_once(self.by_squad.get(squad).into_iter().flatten().map(|span| &span.person))
    }

    /// How often a person was recorded somewhere.
    pub(crate) fn spans_of(&self, person: &PersonId) -> usize {
        self.by_person.get(person).map_or(0, Vec::len)
    }

    pub(crate) fn first_of(&self, person: &PersonId) -> Option<EventTime> {
        self.by_person.get(person)?.iter().map(|span| span.from).min()
    }

    /// Changes the spans of one membership, and what is indexed of them: an organisation is recorded one by one.
    fn change(&mut self, id: &Arc<str>, change: impl FnOnce(&mut Vec<MembershipSpan>)) {
        let spans = self.spans.entry(id.clone()).or_default();
        let mut people: BTreeSet<PersonId> = spans.iter().map(|span| span.person.clone()).collect();
        let mut squads: BTreeSet<SquadId> = spans.iter().map(|span| span.squad.clone()).collect();
        change(spans);
        people.extend(spans.iter().map(|span| span.person.clone()));
        squads.extend(spans.iter().map(|span| span.squad.clone()));
        for person in people {
            let theirs = self.by_person.of(&person);
            theirs.retain(|span| span.id != *id);
            theirs.extend(spans.iter().filter(|span| span.person == person).cloned());
            theirs.sort_by(|a, b| (&a.squad, a.from, &a.id).cmp(&(&b.squad, b.from, &b.id)));
        }
        for squad in squads {
            let theirs = self.by_squad.of(&squad);
            theirs.retain(|span| span.id != *id);
            theirs.extend(spans.iter().filter(|span| span.squad == squad).cloned());
            theirs.sort_by(|a, b| (&a.person, a.from, &a.id).cmp(&(&b.person, b.from, &b.id)));
        }
    }
}

/// Drops repeats that follow each other.
fn each_once<'a, T: PartialEq + 'a>(sorted: impl Iterator<Item = &'a T>) -> impl Iterator<Item = &'a T> {
    let mut last: Option<&T> = None;
    sorted.filter(move |item| {
        let is_new = last != Some(*item);
        last = Some(*item);
        is_new
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, person: &str, squad: &str, from: i64) -> MembershipSpan {
        MembershipSpan {
            id: id.into(),
            person: person.into(),
            squad: squad.into(),
            from: EventTime::from_ms(from),
            until: None,
        }
    }

    #[test]
    fn a_membership_recorded_again_moves_its_person_from_then_on() {
        let mut all = Memberships::default();
        all.record(span("m", "ann", "a", 0));
        all.record(span("n", "bob", "a", 0));
        all.record(span("m", "ann", "b", 10));
        let at = EventTime::from_ms;
        let ann = PersonId::from("ann");
        assert_eq!(all.squads_of(&ann, at(9)).collect::<Vec<_>>(), ["a"]);
        assert_eq!(all.squads_of(&ann, at(10)).collect::<Vec<_>>(), ["b"]);
        assert_eq!(all.members_of(&"a".into(), at(10)).collect::<Vec<_>>(), ["bob"]);
        all.end("m", at(20));
        assert_eq!(all.squads_of(&ann, at(20)).count(), 0);
    }

    #[test]
    fn two_memberships_in_one_squad_are_one_person_and_one_squad() {
        let mut all = Memberships::default();
        all.record(span("m", "ann", "a", 0));
        all.record(span("n", "ann", "a", 5));
        let at = EventTime::from_ms(7);
        assert_eq!(all.squads_of(&"ann".into(), at).count(), 1);
        assert_eq!(all.members_of(&"a".into(), at).count(), 1);
    }
}
