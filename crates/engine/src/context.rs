//! What a component or a rule may see and do while one fact or one deadline is folded.
//!
//! Components own their state and borrow everything else through [`Context`]; the only ways out are deadlines,
//! instances and events. [`Context::judge`] is the one place where instances change.

use bellwether_model::EventTime;
use bellwether_model::Thresholds;
use bellwether_model::{ClearAfter, KeyResultId, PersonId, RuleId, SquadId};
use bellwether_wire::envelope::{Event, EventId};
use bellwether_wire::{Payload, ids, instant, pb};

use crate::deadlines::{Deadline, Deadlines};
use crate::explain::ExplainBuilder;
use crate::instance::{Finding, Instance, InstanceKey, Instances, Subject, Verdict};
use crate::options::Options;
use crate::reference::Reference;
use crate::sources::Sources;

/// Explain input that is present while a condition does not hold but its instance has not cleared yet.
pub(crate) const CONDITION_FALSE_SINCE: &str = "condition-false-since";

/// Why a trigger clears whose key result has no version any more.
pub(crate) const KEY_RESULT_ENDED: &str = "key result ended";

/// Why a trigger clears that late facts show never to have been due (R1).
pub(crate) const WITHDRAWN: &str = "withdrawn";

/// CloudEvents source of everything the engine says.
pub(crate) const SOURCE: &str = "bellwether://process";

/// Why the fold looks now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cause<'a> {
    /// The event, when one arrived; `None` for a deadline.
    pub event: Option<&'a EventId>,
    /// Its type.
    pub type_name: &'a str,
    /// Event time of the event, or the instant of the deadline.
    pub time: EventTime,
    /// True when it was loaded from an export.
    pub imported: bool,
}

/// The world, as one step of the fold sees it.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// Keys, thresholds, ownership.
    pub options: &'a Options,
    /// Reference data known now.
    pub reference: &'a Reference,
    /// How far each source is complete.
    pub sources: &'a Sources,
    /// Pending deadlines.
    pub deadlines: &'a mut Deadlines,
    /// Running instances.
    pub instances: &'a mut Instances,
    /// What the engine says.
    pub events: &'a mut Vec<Event>,
    /// Logical time.
    pub now: EventTime,
    /// Why the fold looks.
    pub cause: &'a Cause<'a>,
    /// The first event that is not reference (R4); deadlines before it never fire.
    pub first_event: Option<EventTime>,
}

impl Context<'_> {
    /// Thresholds in force now.
    pub(crate) fn thresholds(&self) -> &Thresholds {
        self.reference.thresholds()
    }

    /// The instant a window decision made now is of: the event's, never later than now.
    pub(crate) fn as_of(&self) -> EventTime {
        self.cause.time.min(self.now)
    }

    /// True when this partition judges a squad.
    pub(crate) fn owns(&self, squad: &SquadId) -> bool {
        self.options.ownership.owns(squad.as_str())
    }

    /// Pseudonym of a person on shared topics.
    pub(crate) fn pseudonym(&self, person: &PersonId) -> String {
        ids::pseudonym(&self.options.pseudonym_key, person.as_str())
    }

    /// Says something about a subject now.
    pub(crate) fn emit(
        &mut self,
        id: impl Into<String>,
        subject: impl Into<String>,
        payload: impl Into<Payload>,
    ) {
        self.events.push(Event::new(SOURCE, id, self.now, payload).about(subject));
    }

    /// Notes that a fact was not folded: a warning that stays in the log.
    pub(crate) fn skip(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        let fact = self.cause.event.map(|id| pb::EventRef {
            source: id.source.clone(),
            id: id.id.clone(),
            r#type: self.cause.type_name.to_owned(),
        });
        let id = match &self.cause.event {
            Some(event) => format!("skipped/{}/{}", event.source, event.id),
            None => format!("skipped/{}", self.now.to_rfc3339()),
        };
        self.emit(id.clone(), id, pb::FactSkipped { fact, reason, partition: 0, offset: 0 });
    }

    /// The same world at another instant: what a window that ended then is measured with.
    pub(crate) fn at(&mut self, now: EventTime) -> Context<'_> {
        let cause = self.cause;
        Context { now, ..self.because(cause) }
    }

    /// The same world, looked at for another reason.
    pub(crate) fn because<'b>(&'b mut self, cause: &'b Cause<'b>) -> Context<'b> {
        Context {
            options: self.options,
            reference: self.reference,
            sources: self.sources,
            deadlines: self.deadlines,
            instances: self.instances,
            events: self.events,
            now: self.now,
            cause,
            first_event: self.first_event,
        }
    }

    /// Takes what a rule found and lets the instance fire, be amended, wait, wane or clear.
    pub(crate) fn judge(&mut self, key: InstanceKey, verdict: Verdict) {
        match verdict {
            Verdict::NoData => {}
            Verdict::Held { source, since, as_of, finding } => self.hold(key, source, since, as_of, *finding),
            Verdict::True(finding) => {
                self.instances.release(&key, finding.as_of);
                if self.instances.get(&key).is_some() {
                    self.amend(&key, *finding);
                } else {
                    self.fire(key, *finding);
                }
            }
            Verdict::False { reason, watched, explain } => {
                self.instances.held.remove(&key);
                self.wane(key, reason, watched, *explain);
            }
            Verdict::Over { reason, explain } => {
                self.instances.held.remove(&key);
                self.clear(&key, reason, *explain);
            }
        }
    }

    /// The condition of a window rule is false: once that has lasted for its clear-after time it clears. Until then it is
    /// said again whenever what guards look at changes.
    fn wane(&mut self, key: InstanceKey, reason: &str, watched: String, explain: ExplainBuilder) {
        let ClearAfter::After(after) = self.thresholds().clear_after(key.rule) else { return };
        let now = self.now;
        let Some(instance) = self.instances.get_mut(&key) else { return };
        let change = match instance.false_since {
            Some(_) if instance.watched == watched => return,
            Some(_) => format!("was {}, is {watched}", instance.watched),
            None => reason.to_owned(),
        };
        let since = *instance.false_since.get_or_insert(now);
        instance.watched = watched;
        instance.amendments += 1;
        let waning = instance.clone();
        self.deadlines.set(since.plus(after), Deadline::Clear(key.clone()));
        self.say_false(&key, waning, since, explain, change);
    }

    /// True when an instance runs that has not said yet that its condition is false, and how it stands: how that came
    /// about need not be worked out otherwise.
    pub(crate) fn is_to_wane(&self, key: &InstanceKey, watched: &str) -> bool {
        self.instances
            .get(key)
            .is_some_and(|instance| instance.false_since.is_none() || instance.watched != watched)
    }

    /// True when an instance runs as it was last said: its condition holding again now changes nothing.
    pub(crate) fn stands(&self, key: &InstanceKey, watched: &str) -> bool {
        self.instances
            .get(key)
            .is_some_and(|instance| instance.false_since.is_none() && instance.watched == watched)
    }

    /// True when the condition of an instance has been false for its clear-after time.
    pub(crate) fn is_false_long_enough(&self, key: &InstanceKey) -> bool {
        let ClearAfter::After(after) = self.thresholds().clear_after(key.rule) else { return false };
        let since = self.instances.get(key).and_then(|instance| instance.false_since);
        since.is_some_and(|since| since.plus(after) <= self.now)
    }

    /// Clears an instance whose condition has been false long enough; `explain` says how it stands now.
    pub(crate) fn clear_after_time(&mut self, key: &InstanceKey, explain: ExplainBuilder) {
        let Some(instance) = self.instances.get(key) else { return };
        let (Some(since), false) = (instance.false_since, !self.is_false_long_enough(key)) else { return };
        let reason = if instance.ended { KEY_RESULT_ENDED } else { "condition no longer holds" };
        let (after, since_text) = (self.thresholds().clear_after_hours, since.to_rfc3339());
        let explain = explain
            .input(CONDITION_FALSE_SINCE, &since_text, &since_text, "instant", since)
            .threshold(self.thresholds(), "clear-after-hours", "h")
            .and_arithmetic(format!(
                "false since {since_text} + {after} = {}",
                since.plus(after).to_rfc3339()
            ));
        self.clear(key, reason, explain);
    }

    /// The key result of a window rule's instance ended: it clears after the rule's clear-after time (R11), unless it is
    /// on its way to that already; `explain` says how it stands now.
    pub(crate) fn end_with_key_result(&mut self, key: InstanceKey, explain: ExplainBuilder) {
        if let Some(instance) = self.instances.get_mut(&key)
            && instance.false_since.is_none()
        {
            instance.ended = true;
            let watched = instance.watched.clone();
            self.judge(key, Verdict::no(KEY_RESULT_ENDED, watched, explain));
        }
    }

    /// Clears an instance now, if there is one; `explain` says how it stands now.
    pub(crate) fn clear(&mut self, key: &InstanceKey, reason: &str, explain: ExplainBuilder) {
        self.instances.held.remove(key);
        let Some(instance) = self.instances.remove(key) else { return };
        let message = pb::TriggerCleared {
            trigger: instance.trigger.clone(),
            rule: key.rule.as_str().to_owned(),
            number: key.rule.number().to_owned(),
            key_result: text(instance.key_result.as_ref()),
            subject: Some(self.subject(&key.subject, &instance.squads)),
            fired_at: Some(instant::timestamp(instance.fired_at)),
            as_of: Some(instant::timestamp(instance.as_of)),
            function: instance.function.clone(),
            squads: instance.squads.clone(),
            backfill: instance.backfill,
            rule_version: key.rule.version(),
            escalation: instance.escalation.clone(),
            reason: reason.to_owned(),
            cleared_at: Some(instant::timestamp(self.now)),
            severity: instance.severity.into(),
            explain: Some(explain.build()),
            blast_radius: None,
        };
        self.emit(format!("{}/cleared", instance.trigger), instance.trigger, message);
    }

    fn fire(&mut self, key: InstanceKey, finding: Finding) {
        let key_result = text(finding.key_result.as_ref());
        let mut plain = key.subject.plain().to_owned();
        if finding.key_result.is_none()
            && let Some(suffix) = &finding.id_suffix
        {
            plain = format!("{plain}/{suffix}");
        }
        let id_key = &self.options.id_key;
        let rule = key.rule.as_str();
        let trigger = ids::trigger_id(id_key, rule, &key_result, &plain, finding.as_of);
        let escalation = ids::escalation_id(id_key, rule, &key_result, &plain, finding.as_of);
        let age = self.now.since(finding.as_of);
        let backfill = self.cause.imported && age > self.thresholds().backfill_after;
        let function = self.function(finding.squads.first());
        let in_force = self.reference.policy_for(rule, &key_result, &finding.squads, &function, self.now);
        let instance = Instance {
            trigger: trigger.clone(),
            escalation: escalation.clone(),
            key_result: finding.key_result.clone(),
            as_of: finding.as_of,
            fired_at: self.now,
            false_since: None,
            ended: false,
            amendments: 0,
            watched: finding.watched,
            squads: finding.squads.clone(),
            function: function.clone(),
            backfill,
            severity: finding.severity,
        };
        let message = pb::TriggerFired {
            trigger: trigger.clone(),
            rule: rule.to_owned(),
            number: key.rule.number().to_owned(),
            key_result,
            subject: Some(self.subject(&key.subject, &finding.squads)),
            fired_at: Some(instant::timestamp(self.now)),
            as_of: Some(instant::timestamp(finding.as_of)),
            severity: finding.severity.into(),
            explain: Some(finding.explain),
            blast_radius: finding.blast_radius,
            function,
            squads: finding.squads,
            backfill,
            rule_version: key.rule.version(),
            escalation,
            policy: in_force.policy,
            policy_version: in_force.version,
        };
        self.instances.insert(key, instance);
        self.emit(format!("{trigger}/fired"), trigger, message);
    }

    fn amend(&mut self, key: &InstanceKey, finding: Finding) {
        let Some(instance) = self.instances.get_mut(key) else { return };
        let follows = follows_key_results(key.rule);
        let change = if instance.false_since.take().is_some() {
            "the condition holds again".to_owned()
        } else if let Some(change) = finding.amend.clone() {
            change
        } else if instance.watched != finding.watched {
            format!("was {}, is {}", instance.watched, finding.watched)
        } else if follows && instance.key_result != finding.key_result {
            match &finding.key_result {
                Some(next) => format!("goes on with key result {next}"),
                None => "goes on without a key result".to_owned(),
            }
        } else {
            return;
        };
        if follows {
            instance.key_result.clone_from(&finding.key_result);
        }
        instance.ended = false;
        instance.severity = finding.severity;
        instance.watched.clone_from(&finding.watched);
        instance.amendments += 1;
        let instance = instance.clone();
        self.say_amended(key, instance, finding, change);
    }

    /// The condition is false and the clear-after time runs: an amendment says so, because a resolution needs no
    /// evidence from then on (R74), with the present numbers, because guards look at them (R72).
    fn say_false(
        &mut self,
        key: &InstanceKey,
        instance: Instance,
        since: EventTime,
        explain: ExplainBuilder,
        change: String,
    ) {
        let since_text = since.to_rfc3339();
        let explain = explain
            .input(CONDITION_FALSE_SINCE, &since_text, &since_text, "instant", since)
            .threshold(self.thresholds(), "clear-after-hours", "h")
            .clears_when("it stays false")
            .build();
        let finding = Finding {
            key_result: instance.key_result.clone(),
            id_suffix: None,
            as_of: instance.as_of,
            severity: pb::Severity::Warning,
            explain,
            blast_radius: None,
            squads: instance.squads.clone(),
            watched: instance.watched.clone(),
            amend: None,
            second_window: false,
        };
        self.say_amended(key, instance, finding, change);
    }

    fn say_amended(&mut self, key: &InstanceKey, instance: Instance, finding: Finding, change: String) {
        let number = instance.amendments;
        let message = pb::TriggerAmended {
            trigger: instance.trigger.clone(),
            rule: key.rule.as_str().to_owned(),
            number: key.rule.number().to_owned(),
            key_result: text(instance.key_result.as_ref()),
            subject: Some(self.subject(&key.subject, &instance.squads)),
            fired_at: Some(instant::timestamp(instance.fired_at)),
            as_of: Some(instant::timestamp(instance.as_of)),
            severity: finding.severity.into(),
            explain: Some(finding.explain),
            blast_radius: finding.blast_radius,
            function: instance.function,
            squads: instance.squads,
            backfill: instance.backfill,
            rule_version: key.rule.version(),
            escalation: instance.escalation,
            change,
            second_window: finding.second_window,
        };
        self.emit(format!("{}/amended/{number}", instance.trigger), instance.trigger, message);
    }

    fn hold(
        &mut self,
        key: InstanceKey,
        source: String,
        since: Option<EventTime>,
        as_of: EventTime,
        finding: Finding,
    ) {
        let waiting = self.instances.held.entry(key.clone()).or_default();
        if waiting.insert(as_of, source.clone()).as_ref() == Some(&source) {
            return;
        }
        let key_result = text(finding.key_result.as_ref());
        let trigger = match self.instances.get(&key) {
            Some(running) => running.trigger.clone(),
            None => {
                let (id_key, rule) = (&self.options.id_key, key.rule.as_str());
                ids::trigger_id(id_key, rule, &key_result, key.subject.plain(), finding.as_of)
            }
        };
        let message = pb::TriggerHeld {
            trigger: trigger.clone(),
            rule: key.rule.as_str().to_owned(),
            number: key.rule.number().to_owned(),
            key_result,
            subject: Some(self.subject(&key.subject, &finding.squads)),
            fired_at: Some(instant::timestamp(self.now)),
            as_of: Some(instant::timestamp(as_of)),
            severity: finding.severity.into(),
            explain: Some(finding.explain),
            blast_radius: finding.blast_radius,
            function: self.function(finding.squads.first()),
            squads: finding.squads,
            backfill: false,
            rule_version: key.rule.version(),
            escalation: String::new(),
            reason: "source stale".to_owned(),
            source: source.clone(),
            since: since.map(instant::timestamp),
        };
        self.emit(format!("{trigger}/held/{source}/{}", self.now.to_rfc3339()), trigger, message);
    }

    fn subject(&self, subject: &Subject, squads: &[String]) -> pb::Subject {
        let (kind, id) = match subject {
            Subject::Engineer(person) => (pb::SubjectKind::Engineer, self.pseudonym(person)),
            Subject::Squad(id) => (pb::SubjectKind::Squad, id.to_string()),
            Subject::KeyResult(id) => (pb::SubjectKind::KeyResult, id.to_string()),
            Subject::Dependency(id) => (pb::SubjectKind::Dependency, id.to_string()),
        };
        pb::Subject { kind: kind.into(), id, squad: squads.first().cloned().unwrap_or_default() }
    }

    fn function(&self, squad: Option<&String>) -> String {
        squad
            .and_then(|squad| self.reference.squad(&SquadId::from(squad.as_str()), self.now))
            .map(|squad| squad.function.clone())
            .unwrap_or_default()
    }
}

/// True for rules whose instances go on with another key result when theirs ends; all others keep the one they fired
/// with (R11).
fn follows_key_results(rule: RuleId) -> bool {
    rule == RuleId::DependencyBreach
}

fn text(key_result: Option<&KeyResultId>) -> String {
    key_result.map(ToString::to_string).unwrap_or_default()
}
