//! Sends levels: to whom, in how many messages, and what that supersedes.
//!
//! A level goes out in one message unless its recipients differ: in when their quiet hours or business hours let it
//! through, or in the earlier message it is added to. Later messages of a level carry `/p2`, `/p3` after the step id and
//! go to those who have not had it and are still to have it then.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, Level};
use bellwether_wire::{instant, pb};

use crate::escalation::Phase;
use crate::late::{Candidate, collapse};
use crate::people::Recipient;
use crate::run::Context;

/// Why a level is passed over when a higher one is sent.
const SUPERSEDED: &str = "superseded";
const NOBODY_LEFT: &str = "nobody: the roles of it became vacant";

/// One message of a level, or one repeat.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// Id of the step, with the part or the repeat.
    pub(crate) step: String,
    /// Level.
    pub(crate) level: Level,
    /// Due, for these recipients.
    pub(crate) due: EventTime,
    /// Since when it could have gone.
    pub(crate) late_since: EventTime,
    /// 0 for the step itself.
    pub(crate) repeat: u32,
    /// Levels it supersedes.
    pub(crate) supersedes: Vec<Level>,
    /// Pseudonyms.
    pub(crate) recipients: Vec<String>,
    /// The step it is added to.
    pub(crate) added_to: Option<String>,
}

/// A level that is on its way out, from `Waiting` or `Sending`.
struct Outgoing {
    level: Level,
    due: EventTime,
    ready: EventTime,
    reached: BTreeSet<String>,
    parts: u32,
    supersedes: Vec<Level>,
}

impl Context<'_> {
    /// The recipients of a level now.
    pub(crate) fn recipients(&self, level: Level) -> Vec<Recipient> {
        self.people.resolve(&self.escalation.level(level).audience, self.instance, level, self.now)
    }

    /// Sends every level that nothing holds.
    pub(crate) fn send_levels(&mut self) {
        let mut candidates = Vec::new();
        for level in Level::ALL {
            let (due, since) = match &self.escalation.rung(level).phase {
                Phase::Waiting { due, ready: Some(ready), .. } => (*due, *ready),
                Phase::Sending { due, next, .. } if *next <= self.now => (*due, *next),
                Phase::Ahead
                | Phase::Armed { .. }
                | Phase::Waiting { ready: None, .. }
                | Phase::Sending { .. }
                | Phase::Fired { .. }
                | Phase::Skipped => continue,
            };
            if self.recipients(level).is_empty() {
                self.finish_without_recipients(level, due);
            } else {
                candidates.push(Candidate { level, due, is_overdue: since < self.now });
            }
        }
        let sent = collapse(candidates.clone());
        let passed: Vec<Level> =
            candidates.iter().filter(|found| !sent.contains(found)).map(|found| found.level).collect();
        for candidate in sent {
            self.send_level(candidate.level, &passed);
        }
    }

    fn finish_without_recipients(&mut self, level: Level, due: EventTime) {
        if matches!(self.escalation.rung(level).phase, Phase::Sending { .. }) {
            self.escalation.rung_mut(level).phase = Phase::Fired { due };
        } else {
            self.skip(level, NOBODY_LEFT);
        }
    }

    fn send_level(&mut self, level: Level, passed: &[Level]) {
        let Some(mut outgoing) = self.outgoing(level) else { return };
        // Levels below that are not out give way, before the first word of this one.
        outgoing.supersedes.extend(self.supersede_below(level, passed));
        let mut now_by_due: BTreeMap<EventTime, Vec<String>> = BTreeMap::new();
        let mut next: Option<EventTime> = None;
        for recipient in self.recipients(level) {
            if outgoing.reached.contains(&recipient.pseudonym) {
                continue;
            }
            let (allowed, open) = self.opening(&outgoing, &recipient);
            if open > self.now {
                next = Some(next.map_or(open, |next| next.min(open)));
            } else {
                now_by_due.entry(allowed).or_default().push(recipient.pseudonym);
            }
        }
        for (allowed, recipients) in now_by_due {
            for (added_to, recipients) in self.by_thread(level, recipients) {
                outgoing.reached.extend(recipients.iter().cloned());
                self.send_part(&mut outgoing, allowed, recipients, added_to);
            }
        }
        self.settle(outgoing, next);
    }

    /// Takes a level out of where it waits.
    fn outgoing(&self, level: Level) -> Option<Outgoing> {
        match self.escalation.rung(level).phase.clone() {
            Phase::Waiting { due, ready: Some(ready), .. } => Some(Outgoing {
                level,
                due,
                ready,
                reached: BTreeSet::new(),
                parts: 0,
                supersedes: Vec::new(),
            }),
            Phase::Sending { due, ready, reached, parts, supersedes, .. } => {
                Some(Outgoing { level, due, ready, reached, parts, supersedes })
            }
            Phase::Ahead
            | Phase::Armed { .. }
            | Phase::Waiting { ready: None, .. }
            | Phase::Fired { .. }
            | Phase::Skipped => None,
        }
    }

    /// When a level may reach a recipient: the instant that clock, guard and hours allow, and the first from now on.
    fn opening(&self, outgoing: &Outgoing, recipient: &Recipient) -> (EventTime, EventTime) {
        let policy = self.escalation.level(outgoing.level);
        if policy.is_always_open() {
            return (outgoing.ready, self.now);
        }
        let rung = self.escalation.rung(outgoing.level);
        let hours = self.people.hours(recipient.person.as_str(), self.now);
        let clock = if policy.business_time {
            hours.after(policy, rung.from, rung.wait).max(outgoing.ready)
        } else {
            outgoing.ready
        };
        let allowed = hours.open(policy, clock);
        let open = if allowed > self.now { allowed } else { hours.open(policy, self.now) };
        (allowed, open)
    }

    /// Sorts recipients by the message they had about the same subject within the hour.
    pub(crate) fn by_thread(
        &self,
        level: Level,
        recipients: Vec<String>,
    ) -> BTreeMap<Option<String>, Vec<String>> {
        let mut sorted: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
        for recipient in recipients {
            let added_to = self.threads.joins(&recipient, level, self.now).map(str::to_owned);
            sorted.entry(added_to).or_default().push(recipient);
        }
        sorted
    }

    fn send_part(
        &mut self,
        outgoing: &mut Outgoing,
        allowed: EventTime,
        recipients: Vec<String>,
        added_to: Option<String>,
    ) {
        outgoing.parts += 1;
        let id = self.escalation.step_id(outgoing.level);
        let step = if outgoing.parts == 1 { id } else { format!("{id}/p{}", outgoing.parts) };
        let due = if allowed > outgoing.ready { allowed } else { outgoing.due };
        self.say_fired(Message {
            step: step.clone(),
            level: outgoing.level,
            due,
            late_since: allowed,
            repeat: 0,
            supersedes: std::mem::take(&mut outgoing.supersedes),
            recipients: recipients.clone(),
            added_to,
        });
        self.end_repeats_below(outgoing.level);
        self.plan_repeats(outgoing.level, step, recipients);
    }

    /// Leaves a level sent, or waiting for the hours of the others.
    fn settle(&mut self, outgoing: Outgoing, next: Option<EventTime>) {
        let Outgoing { level, due, ready, reached, parts, supersedes } = outgoing;
        let phase = match next {
            None => Phase::Fired { due },
            Some(next) => {
                self.say_held(
                    level,
                    due,
                    "hours",
                    format!("quiet or business hours until {}", next.to_rfc3339()),
                );
                Phase::Sending { due, ready, next, reached, parts, supersedes }
            }
        };
        self.escalation.rung_mut(level).phase = phase;
    }

    /// Passes over the levels below that have not been sent. One that only waits for the hours of its recipients has
    /// been sent as far as its clock goes; it gives way only when it ran late as well (R71, R76).
    fn supersede_below(&mut self, level: Level, passed: &[Level]) -> Vec<Level> {
        let mut superseded = Vec::new();
        for below in Level::ALL.into_iter().filter(|below| *below < level) {
            let gives_way = match &self.escalation.rung(below).phase {
                Phase::Ahead | Phase::Armed { .. } | Phase::Waiting { .. } => true,
                Phase::Sending { .. } => passed.contains(&below),
                Phase::Fired { .. } | Phase::Skipped => false,
            };
            if gives_way {
                self.skip(below, SUPERSEDED);
                superseded.push(below);
            }
        }
        superseded
    }

    /// Says that a message is sent, and begins the threads it does not join.
    pub(crate) fn say_fired(&mut self, message: Message) {
        if message.added_to.is_none() {
            for recipient in &message.recipients {
                let within = self.escalation.limits.same_subject;
                self.threads.begin(recipient, message.level, self.now, within, &message.step);
            }
        }
        let late_by = self.now.since(message.late_since);
        let policy = self.escalation.level(message.level);
        let fired = &self.instance.fired;
        let payload = pb::StepFired {
            step: message.step.clone(),
            escalation: self.escalation.id.to_string(),
            trigger: self.escalation.trigger.to_string(),
            level: u32::from(message.level.number()),
            due: Some(instant::timestamp(message.due)),
            fired_at: Some(instant::timestamp(self.now)),
            fired_late_by_seconds: late_by.ms() as f64 / 1_000.0,
            audience: policy.audience.iter().map(|role| role.as_str().to_owned()).collect(),
            channels: policy.channels.iter().filter_map(|channel| channel_name(*channel)).collect(),
            repeat: message.repeat,
            supersedes: message.supersedes.iter().map(|level| u32::from(level.number())).collect(),
            rule: fired.rule.clone(),
            key_result: fired.key_result.clone(),
            subject: fired.subject.clone(),
            squads: fired.squads.clone(),
            recipients: message.recipients,
            added_to: message.added_to.unwrap_or_default(),
            explain: fired.explain.clone(),
            blast_radius: fired.blast_radius.clone(),
            started_at: Some(instant::timestamp(self.escalation.started_at)),
            function: fired.function.clone(),
        };
        self.out.say(format!("{}/fired", message.step), self.now, self.escalation.id.as_str(), payload);
    }
}

/// Name of a channel; `None` for one that this version does not know.
fn channel_name(channel: i32) -> Option<String> {
    let name = match pb::Channel::try_from(channel).ok()? {
        pb::Channel::Unspecified => return None,
        pb::Channel::Webhook => "webhook",
        pb::Channel::Terminal => "terminal",
        pb::Channel::Chat => "chat",
        pb::Channel::Email => "email",
    };
    Some(name.to_owned())
}
