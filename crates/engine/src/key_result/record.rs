//! What reference data changes about key results: versions that come and end, targets, owners, members, calendars (R5, R8).

use std::collections::BTreeSet;

use bellwether_model::{KeyResultId, SquadId};
use bellwether_wire::Payload;

use super::frame::is_owned;
use super::inputs::Inputs;
use super::measured::is_of_pages;
use super::{KeyResults, Look, Publish};
use crate::context::Context;
use crate::order::Why;
use crate::rule;

impl KeyResults {
    /// A reference record was folded, or, without one, a version became effective or ended.
    pub(crate) fn on_reference(
        &mut self,
        context: &mut Context<'_>,
        inputs: &Inputs<'_>,
        record: Option<&Payload>,
    ) {
        match record {
            Some(Payload::KeyResultRecorded(message)) => {
                let id = KeyResultId::from(message.key_result.as_str());
                self.on_versions(context, inputs, BTreeSet::from([id.clone()]));
                self.look_again(context, &id);
            }
            None | Some(Payload::Tombstone { .. }) => {
                let all = self.known(context);
                self.on_versions(context, inputs, all);
            }
            // Neither is an input of a value, a target or an owner: what is shown may change, the rule does not look.
            Some(Payload::OrganisationRecorded(_) | Payload::ThresholdsRecorded(_)) => {
                for id in self.known(context) {
                    self.schedule(context, &id);
                    self.touch(context, &id);
                }
            }
            Some(Payload::CalendarRecorded(_)) => self.look_at_pages_of(context, |_, _| true),
            Some(Payload::MembershipRecorded(message)) => {
                self.look_at_pages_of(context, |_, squad| *squad == message.squad.as_str());
            }
            Some(Payload::PersonRecorded(message)) => self.look_at_pages_of(context, |context, squad| {
                let mut members = context.reference.members_of(squad, context.now);
                members.any(|member| *member == message.person.as_str())
            }),
            Some(_) => {}
        }
    }

    /// Key results that are in force or have a book.
    fn known(&self, context: &Context<'_>) -> BTreeSet<KeyResultId> {
        let in_force = context.reference.key_results(context.now).map(|(id, _)| id);
        self.books.keys().chain(in_force).cloned().collect()
    }

    /// Versions of these may have come into force or ended.
    fn on_versions(&mut self, context: &mut Context<'_>, inputs: &Inputs<'_>, ids: BTreeSet<KeyResultId>) {
        self.end_orphans(context, inputs);
        self.index(context);
        for id in ids {
            let versions = context.reference.key_result_versions(&id);
            let in_force =
                versions.and_then(|versions| versions.version_at(context.now)).map(|version| version.from);
            let known = self.books.get(&id).and_then(|book| book.version);
            if in_force == known {
                continue;
            }
            self.books.of(&id).version = in_force;
            if in_force.is_some() {
                self.schedule(context, &id);
                self.look_again(context, &id);
            } else {
                let why = Some(Why::of(context.cause));
                self.look_even_at_its_end(
                    context,
                    &id,
                    Look { why, publish: Publish::Always, ..Look::default() },
                );
            }
        }
    }

    fn look_again(&mut self, context: &mut Context<'_>, id: &KeyResultId) {
        self.look(context, id, true, Publish::IfChanged, Some(Why::of(context.cause)));
    }

    fn look_at_pages_of(&mut self, context: &mut Context<'_>, pred: impl Fn(&Context<'_>, &SquadId) -> bool) {
        let concerned: Vec<KeyResultId> = self
            .of_pages
            .iter()
            .filter(|(squad, _)| pred(context, squad))
            .flat_map(|(_, ids)| ids)
            .cloned()
            .collect();
        for id in concerned {
            if let Some(book) = self.books.get_mut(&id) {
                book.settled = false;
            }
            self.look_again(context, &id);
        }
    }

    /// Which key results pages concern.
    fn index(&mut self, context: &Context<'_>) {
        self.of_pages.clear();
        for (id, key_result) in context.reference.key_results(context.now) {
            let Some(squad) = key_result.squad.as_ref().filter(|_| is_of_pages(key_result.measure)) else {
                continue;
            };
            if is_owned(context, id, Some(squad)) {
                self.of_pages.entry(squad.clone()).or_default().insert(id.clone());
            }
        }
        for book in self.books.values_mut() {
            book.settled = false;
        }
    }

    /// Instances whose key result has ended, or went to another squad, do not stay for ever (R11).
    fn end_orphans(&self, context: &mut Context<'_>, inputs: &Inputs<'_>) {
        for key in rule::pace::running(context) {
            let Some(id) = key.scope.clone().map(KeyResultId::from) else { continue };
            let in_force = context.reference.key_result(&id, context.now);
            let subject = in_force.map(|key_result| rule::pace::subject(&id, key_result));
            if subject.as_ref() == Some(&key.subject) {
                continue;
            }
            let explain = self.explain_pace(context, inputs, &key);
            match subject {
                None => context.end_with_key_result(key, explain),
                Some(_) => rule::pace::hand_over(context, key, explain),
            }
        }
    }
}
