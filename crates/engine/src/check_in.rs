//! Check-ins: who reported on a key result, in which update window, and whether it was valid (R50, R51).
//!
//! A check-in is valid when the owner, an interim owner or a named delegate files a value or `no_change` with at least
//! one evidence link. [`window`] says which window a check-in counts for; whether a missed one fires is
//! [`crate::rule::missed_check_in`]'s business. Only key results judged in this partition are kept.

pub(crate) mod window;

use std::collections::BTreeMap;

use bellwether_model::{EventTime, KeyResultId, Millis, PersonId};
use bellwether_wire::{Payload, instant, pb};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::deadlines::Deadline;
use crate::fact::Fact;
use crate::rule::missed_check_in;
use window::{CheckIn, Windows};

/// Check-ins of all key results judged here.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CheckIns {
    key_results: BTreeMap<KeyResultId, Windows>,
    owners: BTreeMap<KeyResultId, Vec<Assignment>>,
    /// The confidence stated last on each key result, 0 to 100, and when.
    #[serde(default)]
    confidences: BTreeMap<KeyResultId, (EventTime, u32)>,
}

/// Somebody was made owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Assignment {
    at: EventTime,
    owner: PersonId,
    until: Option<EventTime>,
    /// True when it is for a time: the owner before it stays one who may report (R51).
    #[serde(default)]
    interim: bool,
}

impl CheckIns {
    /// Folds a check-in or an assignment of an owner.
    pub(crate) fn on_fact(&mut self, context: &mut Context<'_>, fact: &Fact) {
        match &fact.event.payload {
            Payload::CheckInFiled(message) => self.filed(context, fact, message),
            Payload::OwnerAssigned(message) => {
                let key_result = KeyResultId::from(message.key_result.as_str());
                self.owners.entry(key_result.clone()).or_default().push(Assignment {
                    at: fact.event.time,
                    owner: PersonId::from(message.owner.as_str()),
                    until: instant::optional(message.until.as_ref()),
                    interim: message.interim,
                });
                self.schedule(context, &key_result);
            }
            _ => {}
        }
    }

    /// A reference record was folded: windows of the key results that it may move are scheduled again.
    pub(crate) fn on_record(&mut self, context: &mut Context<'_>, record: &Payload) {
        match record {
            Payload::KeyResultRecorded(message) => {
                let id = KeyResultId::from(message.key_result.as_str());
                self.schedule(context, &id);
                if context.reference.key_result(&id, context.now).is_none() {
                    self.end(context, &id);
                }
            }
            Payload::PersonRecorded(message) => {
                let now = context.now;
                let effective = context.reference.key_results(now).map(|(id, _)| id);
                let owned = |id: &&KeyResultId| {
                    self.owner(context, id, now).is_some_and(|owner| owner.as_str() == message.person)
                };
                let theirs: Vec<KeyResultId> = effective.filter(owned).cloned().collect();
                for id in &theirs {
                    self.schedule(context, id);
                }
            }
            Payload::OrganisationRecorded(_)
            | Payload::CalendarRecorded(_)
            | Payload::ThresholdsRecorded(_)
            | Payload::Tombstone { .. } => self.on_reference(context),
            // Who belongs where moves no window.
            _ => {}
        }
    }

    /// Key results, owners, calendars or zones changed.
    pub(crate) fn on_reference(&mut self, context: &mut Context<'_>) {
        let effective: Vec<KeyResultId> =
            context.reference.key_results(context.now).map(|(id, _)| id.clone()).collect();
        for key_result in &effective {
            self.schedule(context, key_result);
        }
        let is_over = |key_result: &&KeyResultId| effective.binary_search(key_result).is_err();
        let ended: Vec<KeyResultId> = self.key_results.keys().filter(is_over).cloned().collect();
        for key_result in ended {
            if context.reference.key_result_versions(&key_result).is_some() {
                self.end(context, &key_result);
            }
        }
    }

    /// A key result ended: what runs of it clears, and what waits for a source is not decided any more (R11).
    fn end(&mut self, context: &mut Context<'_>, key_result: &KeyResultId) {
        if let Some(windows) = self.key_results.get_mut(key_result) {
            windows.drop_undecided();
            missed_check_in::end(windows, context, key_result);
        }
    }

    /// An update window closes.
    pub(crate) fn on_close(&mut self, context: &mut Context<'_>, key_result: &KeyResultId) {
        let now = context.now;
        if !is_judged(context, key_result) {
            return;
        }
        if context.first_event.is_some()
            && let Some(windows) = self.key_results.get_mut(key_result)
            && windows.next_close() == Some(now)
        {
            windows.close(now);
            missed_check_in::look(self, context, key_result);
        }
        self.schedule_after(context, key_result, now);
    }

    /// A source has progressed: decisions that waited for it may be made.
    pub(crate) fn on_progress(&mut self, context: &mut Context<'_>) {
        let waiting: Vec<KeyResultId> = self
            .key_results
            .iter()
            .filter(|(_, w)| !w.undecided().is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        for key_result in waiting {
            missed_check_in::look(self, context, &key_result);
        }
    }

    /// The windows of a key result.
    pub(crate) fn windows(&self, key_result: &KeyResultId) -> Option<&Windows> {
        self.key_results.get(key_result)
    }

    /// The windows of a key result, for the rule that decides them.
    pub(crate) fn windows_mut(&mut self, key_result: &KeyResultId) -> Option<&mut Windows> {
        self.key_results.get_mut(key_result)
    }

    /// The owner of a key result at an instant, by whose week its windows close: the one assigned last, be it for a time,
    /// else the one of the reference data.
    pub(crate) fn owner(
        &self,
        context: &Context<'_>,
        key_result: &KeyResultId,
        at: EventTime,
    ) -> Option<PersonId> {
        self.owner_among(context, key_result, at, |_| true)
    }

    fn owner_among(
        &self,
        context: &Context<'_>,
        key_result: &KeyResultId,
        at: EventTime,
        counts: impl Fn(&Assignment) -> bool,
    ) -> Option<PersonId> {
        let assigned = self.owners.get(key_result).and_then(|assignments| {
            let holds = |a: &&Assignment| counts(a) && a.at <= at && a.until.is_none_or(|until| at < until);
            assignments.iter().filter(holds).max_by_key(|assignment| assignment.at)
        });
        assigned.map(|assignment| assignment.owner.clone()).or_else(|| {
            context.reference.key_result(key_result, at).map(|key_result| key_result.owner.clone())
        })
    }

    /// The key result and the value of a valid check-in that reports one: it is a reading (R41).
    pub(crate) fn value_of(&self, context: &Context<'_>, fact: &Fact) -> Option<(KeyResultId, f64)> {
        let Payload::CheckInFiled(message) = &fact.event.payload else { return None };
        let key_result = KeyResultId::from(message.key_result.as_str());
        match message.report {
            Some(pb::check_in_filed::Report::Value(value))
                if self.is_valid(context, fact, message, &key_result) =>
            {
                Some((key_result, value))
            }
            _ => None,
        }
    }

    /// The confidence that the last valid check-in with one stated, 0 to 100.
    pub(crate) fn confidence(&self, key_result: &KeyResultId) -> Option<u32> {
        self.confidences.get(key_result).map(|(_, confidence)| *confidence)
    }

    fn filed(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::CheckInFiled) {
        let key_result = KeyResultId::from(message.key_result.as_str());
        let at = fact.event.time;
        let valid = self.is_valid(context, fact, message, &key_result);
        if let Some(confidence) = message.confidence.filter(|confidence| valid && *confidence <= 100) {
            let stated = self.confidences.entry(key_result.clone()).or_insert((at, confidence));
            if stated.0 <= at {
                *stated = (at, confidence);
            }
        }
        if !is_judged(context, &key_result) {
            return;
        }
        let check_in = CheckIn { at, valid, event: fact.event.id.clone().into() };
        let late = context.thresholds().check_in_late;
        self.key_results.entry(key_result.clone()).or_default().file(check_in, late);
        self.schedule(context, &key_result);
        missed_check_in::look(self, context, &key_result);
    }

    fn is_valid(
        &self,
        context: &Context<'_>,
        fact: &Fact,
        message: &pb::CheckInFiled,
        key_result: &KeyResultId,
    ) -> bool {
        let actor = message.actor.as_ref();
        let Some(by) = fact.person(actor.and_then(|actor| actor.identity.as_ref())) else { return false };
        let at = fact.event.time;
        let may = self.owner(context, key_result, at).as_ref() == Some(&by)
            || self.owner_among(context, key_result, at, |assigned| !assigned.interim).as_ref() == Some(&by)
            || context
                .reference
                .key_result(key_result, at)
                .is_some_and(|known| known.delegates.contains(&by));
        let reports = match message.report {
            Some(pb::check_in_filed::Report::Value(value)) => value.is_finite(),
            Some(pb::check_in_filed::Report::NoChange(no_change)) => no_change,
            None => false,
        };
        may && reports && message.evidence.iter().any(|link| !link.trim().is_empty())
    }

    /// Sets the deadline of the next close, this instant included: its events may still be coming.
    fn schedule(&mut self, context: &mut Context<'_>, key_result: &KeyResultId) {
        self.schedule_after(context, key_result, context.now.minus(Millis::from_ms(1)));
    }

    /// Sets the deadline of the next close after an instant, by the owner's calendar and zone as they are now.
    fn schedule_after(&mut self, context: &mut Context<'_>, key_result: &KeyResultId, after: EventTime) {
        if !is_judged(context, key_result) {
            return;
        }
        let now = context.now;
        let Some(owner) = self.owner(context, key_result, now) else { return };
        let Some(known) = context.reference.key_result(key_result, now) else { return };
        let zone = context.reference.zone_of(&owner, now);
        let calendar = context.reference.calendar_of(&owner, now);
        let thresholds = context.thresholds();
        let windows = self.key_results.entry(key_result.clone()).or_default();
        let effective = windows.effective_day(zone.local_day(known.from));
        let first = calendar.first_update_window(
            zone,
            effective,
            thresholds.check_in_close,
            thresholds.check_in_first_window_days,
        );
        let after = windows.last_close().map_or(after, |last| last.max(after));
        let next = first.and_then(|first| {
            let mut closes = calendar.update_window_closes_after(zone, after, thresholds.check_in_close);
            closes.find(|at| *at >= first)
        });
        let old = windows.set_next_close(next);
        if old != next {
            if let Some(old) = old {
                context.deadlines.cancel(old, Deadline::UpdateWindow(key_result.clone()));
            }
            if let Some(next) = next {
                context.deadlines.set(next, Deadline::UpdateWindow(key_result.clone()));
            }
        }
    }
}

/// True for key results with update windows that this partition judges.
fn is_judged(context: &Context<'_>, key_result: &KeyResultId) -> bool {
    let Some(known) = context.reference.key_result(key_result, context.now) else { return false };
    let place = known.squad.as_ref().map_or(key_result.as_str(), |squad| squad.as_str());
    known.update_windows && context.options.ownership.owns(place)
}
