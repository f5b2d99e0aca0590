//! The escalator: all state, and the one way events and time come in.
//!
//! Time moves in two phases. [`Escalator::apply`] first runs every deadline strictly before the event's instant, then
//! folds the event; whatever the event makes due at that instant waits for [`Escalator::advance`], or for the next
//! event of a later instant, so that all events of an instant come before its deadlines (R2).

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EscalationId, EventTime, TriggerId};
use bellwether_wire::ids::HashKey;
use bellwether_wire::{Event, Payload};

use crate::changelog::Ledger;
use crate::command::CommandId;
use crate::deadlines::Deadlines;
use crate::describe::Pending;
use crate::error::Error;
use crate::escalation::Escalation;
use crate::firing::{Firing, Watch};
use crate::instance::Instances;
use crate::options::Options;
use crate::output::Output;
use crate::pauses::{self, Pauses};
use crate::people::{Owners, People};
use crate::pseudonyms::Pseudonyms;
use crate::reference::Reference;
use crate::run::Context;
use crate::threads::{SubjectKey, Threads, subject_key};
use crate::watchers::Watchers;

/// The escalations of one partition: of one function, or of several that share it.
#[derive(Debug, Clone)]
pub struct Escalator {
    /// Key of the ids of escalations whose trigger came without one.
    pub(crate) id_key: HashKey,
    pub(crate) reference: Reference,
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) owners: Owners,
    pub(crate) instances: Instances,
    pub(crate) firing: Firing,
    pub(crate) escalations: BTreeMap<EscalationId, Escalation>,
    pub(crate) watchers: Watchers,
    pub(crate) threads: BTreeMap<SubjectKey, Threads>,
    /// Commands and tellings of pauses folded within the horizon, with their instants.
    pub(crate) commands: BTreeMap<CommandId, EventTime>,
    pub(crate) pauses: Pauses,
    /// When escalations are looked at.
    pub(crate) due: Deadlines<EscalationId>,
    /// When what is only remembered is forgotten.
    pub(crate) expiry: Deadlines<Memory>,
    pub(crate) ledger: Ledger,
    pub(crate) now: EventTime,
}

/// Something remembered for a while.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Memory {
    /// A cleared instance.
    Instance(TriggerId),
    /// A folded command, or telling of a pause.
    Command(CommandId),
    /// Messages about a subject.
    Threads(SubjectKey),
}

impl Escalator {
    /// An escalator that knows nothing yet.
    pub fn new(options: Options) -> Self {
        Self {
            id_key: options.id_key,
            reference: Reference::new(options.thresholds),
            pseudonyms: Pseudonyms::new(options.pseudonym_key),
            owners: Owners::new(),
            instances: Instances::default(),
            firing: Firing::default(),
            escalations: BTreeMap::new(),
            watchers: Watchers::default(),
            threads: BTreeMap::new(),
            commands: BTreeMap::new(),
            pauses: Pauses::default(),
            due: Deadlines::default(),
            expiry: Deadlines::default(),
            ledger: Ledger::default(),
            now: EventTime::MIN,
        }
    }

    /// Takes an event of the reference topic. It may be read ahead of logical time: what was recorded later does not
    /// count yet (R5). It makes nothing due: persons are resolved when a step runs.
    pub fn reference(&mut self, event: &Event) {
        if let Payload::PersonRecorded(message) = &event.payload {
            self.pseudonyms.know(&message.person);
        }
        self.reference.record(event);
    }

    /// Folds one event at its logical time: first every deadline strictly before it, then the event. An event that
    /// comes after time has moved on is folded now.
    pub fn apply(&mut self, event: &Event, at: EventTime, out: &mut Output) {
        // Whoever comes back tells of its pause afterwards; it held from its own instant on and not beyond its own end.
        let at = match event.payload {
            Payload::ProcessPaused(_) | Payload::ProcessResumed(_) => at.min(event.time),
            _ => at,
        };
        self.move_to(at, out);
        match &event.payload {
            Payload::TriggerFired(message) => self.trigger_fired(message, out),
            Payload::TriggerAmended(message) => self.trigger_amended(event, message, out),
            Payload::TriggerCleared(message) => self.trigger_cleared(message, out),
            Payload::ProcessPaused(message) => {
                if self.is_first(event) {
                    self.pause(&message.role, &message.partitions);
                }
            }
            Payload::ProcessResumed(message) => {
                if self.is_first(event) {
                    self.resume(&message.role, &message.partitions);
                }
            }
            Payload::EscalationAcknowledged(_)
            | Payload::EscalationSnoozed(_)
            | Payload::EscalationUnsnoozed(_)
            | Payload::EscalationResolved(_)
            | Payload::DecisionLocked(_)
            | Payload::OwnerAssigned(_) => self.command(event, out),
            // Reference data among the events, as a replay of files has it. Everything else of the catalogue, held and
            // suppressed triggers and interventions included, changes no escalation.
            _ => self.reference(event),
        }
    }

    /// Lets time pass: runs every deadline up to and including an instant, in order, each at its own.
    pub fn advance(&mut self, through: EventTime, out: &mut Output) {
        while let Some((at, escalation)) = self.due.take_through(through) {
            self.now = self.now.max(at);
            self.look(&escalation, out);
        }
        self.now = self.now.max(through);
        self.expire();
    }

    /// The escalator was away from an instant on. Deadlines from then on are held until it is back.
    pub fn paused(&mut self, at: EventTime) {
        self.now = self.now.max(at);
        self.pause(pauses::ESCALATE, &[]);
    }

    /// The escalator is back. What is overdue runs as deadlines of this instant, by R71.
    pub fn resumed(&mut self, at: EventTime, out: &mut Output) {
        self.move_to(at, out);
        self.resume(pauses::ESCALATE, &[]);
    }

    /// The first instant at which a deadline wants to be run.
    pub fn next_due(&self) -> Option<EventTime> {
        self.due.next()
    }

    /// How many escalations are running.
    pub fn running(&self) -> usize {
        self.escalations.len()
    }

    /// Keyed state that changed since the last call, for the compacted topic `escalation.delay`: pending steps, and the
    /// state of escalations and instances. No value ends what the key names.
    pub fn changelog(&mut self) -> Vec<(String, Option<Vec<u8>>)> {
        self.write_changelog()
    }

    /// Takes up the state that [`Self::changelog`] wrote, in the order of the topic, all at once or record by record,
    /// compacted or not. Reference data comes from its own topic, before or after.
    ///
    /// # Errors
    /// When a record is no state of this or an earlier version.
    pub fn restore(&mut self, records: impl Iterator<Item = (String, Option<Vec<u8>>)>) -> Result<(), Error> {
        for (key, value) in records {
            self.restore_record(&key, value.as_deref())?;
        }
        Ok(())
    }

    /// What is known of an escalation, in one line, for status pages and logs.
    pub fn describe(&self, escalation: &str) -> String {
        crate::describe::describe(self, escalation)
    }

    /// Every running escalation as it stands at an instant, in order of id. It changes nothing and lets no time pass, so that
    /// a restored state can be looked at beside the escalator that owns it.
    pub fn pending(&self, now: EventTime) -> Vec<Pending> {
        crate::describe::pending(self, now)
    }

    /// Looks at an escalation in the deadline phase of this instant.
    pub(crate) fn wake(&mut self, escalation: &EscalationId) {
        let now = self.now;
        if let Some(found) = self.escalations.get_mut(escalation) {
            found.wake = Some(now);
            self.due.set(escalation, Some(now));
            self.ledger.escalation(escalation);
        }
    }

    /// Looks at every escalation with a level that waits for what changed.
    pub(crate) fn wake_watchers(&mut self, changed: &BTreeSet<Watch>) {
        for escalation in changed.iter().flat_map(|watch| self.watchers.of(watch)).collect::<BTreeSet<_>>() {
            self.wake(&escalation);
        }
    }

    /// Calls something with an escalation and the world around it; does nothing for one that is not running.
    pub(crate) fn with(
        &mut self,
        escalation: &EscalationId,
        out: &mut Output,
        then: impl FnOnce(&mut Context<'_>),
    ) {
        let Some(found) = self.escalations.get_mut(escalation) else { return };
        let Some(instance) = self.instances.get(&found.trigger) else { return };
        let subject = subject_key(instance.fired.subject.as_ref());
        let mut threads = self.threads.remove(&subject).unwrap_or_default();
        let before = threads.clone();
        let mut context = Context {
            escalation: found,
            instance,
            people: People { reference: &self.reference, owners: &self.owners, pseudonyms: &self.pseudonyms },
            firing: &self.firing,
            threads: &mut threads,
            now: self.now,
            is_paused: self.pauses.is_paused(),
            out,
        };
        then(&mut context);
        self.refresh_watch(escalation);
        self.ledger.escalation(escalation);
        if threads != before {
            self.keep_threads(&subject, Some(threads));
        } else if threads != Threads::default() {
            self.threads.insert(subject, threads);
        }
    }

    fn look(&mut self, escalation: &EscalationId, out: &mut Output) {
        self.with(escalation, out, |context| context.run());
        let wake = self.escalations.get(escalation).and_then(|found| found.wake);
        self.due.set(escalation, wake);
    }

    /// Keeps, changes or drops the messages about a subject.
    fn keep_threads(&mut self, subject: &SubjectKey, threads: Option<Threads>) {
        let threads = threads.filter(|threads| threads.forget_at().is_some());
        let forget_at = threads.as_ref().and_then(Threads::forget_at);
        match threads {
            Some(threads) => self.threads.insert(subject.clone(), threads),
            None => self.threads.remove(subject),
        };
        self.expiry.set(&Memory::Threads(subject.clone()), forget_at);
        self.ledger.threads(subject);
    }

    /// Moves to the instant of an event: deadlines strictly before it have run, what is forgotten by then is gone.
    fn move_to(&mut self, at: EventTime, out: &mut Output) {
        if at > self.now {
            self.advance(at.minus(bellwether_model::Millis::from_ms(1)), out);
            self.now = at;
            self.expire();
        }
    }

    fn expire(&mut self) {
        while let Some((_, memory)) = self.expiry.take_through(self.now) {
            match memory {
                Memory::Instance(trigger) => {
                    self.instances.remove(&trigger);
                    self.ledger.instance(&trigger);
                }
                Memory::Command(command) => {
                    self.commands.remove(&command);
                    self.ledger.command(&command);
                }
                Memory::Threads(subject) => {
                    let mut threads = self.threads.remove(&subject);
                    if let Some(threads) = &mut threads {
                        threads.forget(self.now);
                    }
                    self.keep_threads(&subject, threads);
                }
            }
        }
    }

    fn pause(&mut self, role: &str, partitions: &[u32]) {
        if self.pauses.pause(role, partitions) {
            self.ledger.pauses();
        }
    }

    fn resume(&mut self, role: &str, partitions: &[u32]) {
        if !self.pauses.resume(role, partitions) {
            return;
        }
        self.ledger.pauses();
        if !self.pauses.is_paused() {
            let held: Vec<EscalationId> = self
                .escalations
                .values()
                .filter(|found| found.is_held_back() || found.waits_for_guard())
                .map(|found| found.id.clone())
                .collect();
            for escalation in held {
                self.wake(&escalation);
            }
        }
    }
}
