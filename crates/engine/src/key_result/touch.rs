//! What makes a key result be looked at: readings, closed sprints, pages, check-ins, dependencies (R8); reference data is
//! in [`super::record`].
//!
//! Nothing is judged here: the deadline of the present instant does it, when all facts of it are known.

use std::collections::BTreeSet;

use bellwether_model::{Decimal, DependencyId, EventTime, KeyResultId, KeyResultKind, Measure, SquadId};
use bellwether_wire::{Payload, pb};

use super::frame::Frame;
use super::{KeyResults, Look, Publish, Reading};
use crate::check_in::CheckIns;
use crate::context::Context;
use crate::deadlines::Deadline;
use crate::dependency::Dependencies;
use crate::fact::Fact;
use crate::order::{Why, next_hour};
use crate::rule;
use crate::slo::Named;
use crate::sprint::SeriesChanged;

impl KeyResults {
    /// Folds a recorded value or a closed survey.
    pub(crate) fn on_fact(&mut self, context: &mut Context<'_>, fact: &Fact) {
        match Reading::read(fact) {
            Some((id, Ok(reading))) => self.record_reading(context, &id, reading),
            Some((_, Err(reason))) => context.skip(reason),
            None => {}
        }
    }

    /// Takes a reading: recorded, surveyed, or the value of a valid check-in (R41).
    pub(crate) fn record_reading(&mut self, context: &mut Context<'_>, id: &KeyResultId, reading: Reading) {
        let now = context.now;
        if self.books.of(id).readings.insert(reading, now) {
            self.look(context, id, true, Publish::Always, Some(Why::of(context.cause)));
        }
    }

    /// A check-in was filed, or an owner was assigned.
    pub(crate) fn on_check_in(&mut self, context: &mut Context<'_>, check_ins: &CheckIns, fact: &Fact) {
        match &fact.event.payload {
            Payload::CheckInFiled(message) => {
                let id = KeyResultId::from(message.key_result.as_str());
                match check_ins.value_of(context, fact).map(|(_, value)| Decimal::from_f64(value)) {
                    Some(Some(value)) => {
                        let reading = Reading::of(fact, fact.event.time, value.into());
                        self.record_reading(context, &id, reading);
                    }
                    Some(None) => context.skip(format!("key result {id}: value is out of range")),
                    None => self.touch(context, &id),
                }
            }
            Payload::OwnerAssigned(message) => {
                let id = KeyResultId::from(message.key_result.as_str());
                self.look(context, &id, true, Publish::IfChanged, Some(Why::of(context.cause)));
            }
            _ => {}
        }
    }

    /// A dependency was agreed, moved, delivered or cancelled.
    pub(crate) fn on_dependency_fact(
        &mut self,
        context: &mut Context<'_>,
        dependencies: &Dependencies,
        fact: &Fact,
    ) {
        let dependency = match &fact.event.payload {
            Payload::DependencyAgreed(message) => &message.dependency,
            Payload::DependencyRescheduled(message) => &message.dependency,
            Payload::DependencyDelivered(message) => &message.dependency,
            Payload::DependencyCancelled(message) => &message.dependency,
            _ => return,
        };
        self.on_dependency(context, dependencies, &DependencyId::from(dependency.as_str()));
    }

    /// A dependency is due, or is not any more: what it blocks is shown with it.
    pub(crate) fn on_dependency(
        &mut self,
        context: &mut Context<'_>,
        dependencies: &Dependencies,
        id: &DependencyId,
    ) {
        for key_result in dependencies.get(id).into_iter().flat_map(|known| &known.key_results) {
            self.touch(context, key_result);
        }
    }

    /// Something that is shown of a key result changed, such as its update windows or its dependencies; its value did not.
    pub(crate) fn touch(&mut self, context: &mut Context<'_>, id: &KeyResultId) {
        self.look(context, id, false, Publish::IfChanged, None);
    }

    /// The series of closed sprints of a squad changed.
    pub(crate) fn on_series(&mut self, context: &mut Context<'_>, changed: Option<&SeriesChanged>) {
        let Some(changed) = changed else { return };
        let now = context.now;
        let theirs: Vec<(KeyResultId, Measure)> = context
            .reference
            .key_results(now)
            .filter(|(_, key_result)| key_result.squad.as_ref() == Some(&changed.squad))
            .map(|(id, key_result)| (id.clone(), key_result.measure))
            .collect();
        for (id, measure) in theirs {
            match measure {
                Measure::O11 | Measure::O12 | Measure::O13 => {
                    self.look(context, &id, true, Publish::Always, Some(changed.why));
                }
                // Their trend is that of their values at closes.
                Measure::O2 | Measure::O21 | Measure::O22 => {
                    self.look(context, &id, false, Publish::IfChanged, Some(changed.why));
                }
                Measure::O23 | Measure::O31 | Measure::O32 | Measure::O33 | Measure::Custom => {}
            }
        }
    }

    /// A fact of the page topic was folded; most changes of incidents change no page.
    pub(crate) fn on_pages(&mut self, context: &mut Context<'_>, fact: &Fact, may_change_pages: bool) {
        if self.of_pages.is_empty() || !may_change_pages {
            return;
        }
        let squads = self.squads_of(context, fact);
        let ids: BTreeSet<KeyResultId> =
            squads.iter().filter_map(|squad| self.of_pages.get(squad)).flatten().cloned().collect();
        for id in ids {
            self.on_page(context, &id, fact);
        }
    }

    /// A local day began for somebody of these squads: rolling windows moved. The quarter to date did not. Of whom nothing
    /// was said yet is looked at with them.
    pub(crate) fn on_midnight(&mut self, context: &mut Context<'_>, squads: &BTreeSet<SquadId>) {
        let now = context.now;
        let theirs = squads.iter().filter_map(|squad| self.of_pages.get(squad)).flatten();
        let unsaid = |id: &&KeyResultId| self.books.get(*id).is_none_or(|book| book.published.is_none());
        let all = theirs.chain(self.of_pages.values().flatten().filter(unsaid));
        let is_rolling = |id: &&KeyResultId| {
            context.reference.key_result(id, now).is_some_and(|known| known.measure != Measure::O22)
        };
        let ids: BTreeSet<KeyResultId> = all.filter(is_rolling).cloned().collect();
        for id in ids {
            self.look_for(
                context,
                &id,
                Look { publish: Publish::IfChanged, of_pages: true, ..Look::default() },
            );
        }
    }

    /// Squads whose pages a fact may change.
    fn squads_of(&self, context: &Context<'_>, fact: &Fact) -> Vec<SquadId> {
        if !fact.squads.is_empty() {
            return fact.squads.clone();
        }
        match fact.resolved.as_slice() {
            [] => self.of_pages.keys().cloned().collect(),
            people => {
                let squads = people.iter().flat_map(|p| context.reference.squads_of(&p.person, context.now));
                squads.cloned().collect()
            }
        }
    }

    fn on_page(&mut self, context: &mut Context<'_>, id: &KeyResultId, fact: &Fact) {
        let (now, at) = (context.now, fact.event.time);
        let Some(key_result) = context.reference.key_result(id, now) else { return };
        if key_result.measure == Measure::O22 && !may_be_weekend(context, fact) {
            return;
        }
        let of_value = match key_result.kind {
            KeyResultKind::Accumulate | KeyResultKind::ReachLevel => true,
            // Weeks are measured when they end; only the quarter to date changes with every page.
            KeyResultKind::HoldLevel => key_result.measure == Measure::O22,
        };
        let is_watched = rule::pace::is_watched(key_result);
        let book = self.books.of(id);
        let late = book.weeks.last().is_some_and(|end| at < end);
        if late {
            book.late_pages = Some(book.late_pages.map_or(at, |known| known.min(at)));
        }
        let is_open = !book.settled;
        self.look_hourly(context, id);
        if late || (of_value && is_watched && self.is_judged(now) && is_open) {
            self.look(context, id, true, Publish::No, Some(Why::of(context.cause)));
        }
    }

    /// An interval of a service-level objective was measured, or measured again.
    pub(crate) fn on_interval(&mut self, context: &mut Context<'_>, message: &pb::SliMeasured) {
        let now = context.now;
        let all = context.reference.key_results(now);
        let theirs = all
            .filter(|(_, known)| known.measure == Measure::O31 && Named(&known.slos).contains(&message.slo));
        let ids: Vec<KeyResultId> = theirs.map(|(id, _)| id.clone()).collect();
        for id in ids {
            if !Frame::is_in_force(context, &id) {
                continue;
            }
            self.look_hourly(context, &id);
            if self.is_judged(now) {
                self.look(context, &id, true, Publish::No, Some(Why::of(context.cause)));
            }
        }
    }

    /// What changes often is published at most once an hour.
    fn look_hourly(&mut self, context: &mut Context<'_>, id: &KeyResultId) {
        let book = self.books.of(id);
        if book.hourly.is_none() {
            let due = next_hour(context.now);
            book.hourly = Some(due);
            context.deadlines.set(due, Deadline::KeyResult(id.clone()));
        }
    }

    /// False before mid-cycle, when no pace is judged.
    fn is_judged(&self, now: EventTime) -> bool {
        self.cycle.is_some_and(|(mid, end)| now >= mid || now >= end)
    }

    /// Has a key result in force looked at when the instant is complete.
    pub(super) fn look(
        &mut self,
        context: &mut Context<'_>,
        id: &KeyResultId,
        rule: bool,
        publish: Publish,
        why: Option<Why>,
    ) {
        self.look_for(context, id, Look { why, rule, publish, of_pages: false });
    }

    fn look_for(&mut self, context: &mut Context<'_>, id: &KeyResultId, look: Look) {
        if Frame::is_in_force(context, id) {
            self.look_even_at_its_end(context, id, look);
        }
    }

    pub(super) fn look_even_at_its_end(&mut self, context: &mut Context<'_>, id: &KeyResultId, look: Look) {
        let book = self.books.of(id);
        let known = book.look.unwrap_or(Look { of_pages: look.of_pages, ..Look::default() });
        let why = match (known.why, look.why) {
            (Some(known), Some(why)) => Some(known.and(why)),
            (known, why) => known.or(why),
        };
        book.look = Some(Look {
            why,
            rule: known.rule || look.rule,
            publish: known.publish.max(look.publish),
            of_pages: known.of_pages && look.of_pages,
        });
        context.deadlines.set(context.now, Deadline::KeyResult(id.clone()));
    }
}

/// False only for a page that lies in no weekend.
fn may_be_weekend(context: &Context<'_>, fact: &Fact) -> bool {
    let Payload::PageNotified(message) = &fact.event.payload else { return true };
    let person = fact.person(message.responder.as_ref());
    person.is_none_or(|person| context.reference.is_weekend(&person, fact.event.time))
}
