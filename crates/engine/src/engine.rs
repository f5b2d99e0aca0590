//! The fold of one partition: state, dispatch, time.
//!
//! `apply` runs the deadlines before the fact's instant, folds the fact, and lets the rules concerned look. `tick` runs
//! the deadlines up to an instant. Which component takes which event is the `match` of [`Engine::dispatch`]; which
//! deadline is whose is the `match` of [`Engine::due`].

use bellwether_model::{EventTime, RuleId};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, instant, pb, topics};
use serde::{Deserialize, Serialize};

use crate::check_in::CheckIns;
use crate::context::{Cause, Context};
use crate::deadlines::{Deadline, Deadlines};
use crate::delivery::Deliveries;
use crate::dependency::Dependencies;
use crate::fact::Fact;
use crate::instance::Instances;
use crate::key_result::KeyResults;
use crate::key_result::inputs::Inputs;
use crate::options::Options;
use crate::page::Pages;
use crate::reference::Reference;
use crate::rule;
use crate::seen::Seen;
use crate::slo::Objectives;
use crate::sources::Sources;
use crate::sprint::Sprints;

/// Version of the snapshot's shape.
const SNAPSHOT_FORMAT: u32 = 3;
/// The oldest shape that is read: what it lacks has a default, what changed is read in both forms.
const OLDEST_FORMAT: u32 = 2;

/// The fold of one partition of `facts`.
#[derive(Debug)]
pub struct Engine {
    options: Options,
    state: State,
}

/// Everything that a snapshot holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    /// Logical time; never goes back.
    clock: EventTime,
    /// The first event that is not reference (R4).
    first_event: Option<EventTime>,
    reference: Reference,
    sources: Sources,
    seen: Seen,
    deadlines: Deadlines,
    instances: Instances,
    pages: Pages,
    deliveries: Deliveries,
    sprints: Sprints,
    check_ins: CheckIns,
    dependencies: Dependencies,
    key_results: KeyResults,
    #[serde(default)]
    objectives: Objectives,
}

/// The components, each lent by itself.
struct Parts<'a> {
    pages: &'a mut Pages,
    deliveries: &'a mut Deliveries,
    sprints: &'a mut Sprints,
    check_ins: &'a mut CheckIns,
    dependencies: &'a mut Dependencies,
    key_results: &'a mut KeyResults,
    objectives: &'a mut Objectives,
}

/// What key results are judged from, of components that are lent beside them.
macro_rules! inputs_of {
    ($parts:ident) => {
        Inputs {
            pages: $parts.pages,
            sprints: $parts.sprints,
            updates: $parts.check_ins,
            dependencies: $parts.dependencies,
            objectives: $parts.objectives,
        }
    };
}

/// A snapshot that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Written by a version whose shape is not known here.
    #[error("the snapshot has format {found}; this version reads {OLDEST_FORMAT} to {SNAPSHOT_FORMAT}")]
    Format {
        /// What it says.
        found: u32,
    },
    /// Not a snapshot of an engine.
    #[error("the bytes are no snapshot of an engine")]
    Decode(#[from] rmp_serde::decode::Error),
}

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(options: Options) -> Self {
        let state = State {
            clock: EventTime::MIN,
            first_event: None,
            reference: Reference::new(options.thresholds.clone()),
            sources: Sources::default(),
            seen: Seen::default(),
            deadlines: Deadlines::default(),
            instances: Instances::default(),
            pages: Pages::default(),
            deliveries: Deliveries::default(),
            sprints: Sprints::default(),
            check_ins: CheckIns::default(),
            dependencies: Dependencies::default(),
            key_results: KeyResults::default(),
            objectives: Objectives::default(),
        };
        Self { options, state }
    }

    /// Logical time.
    pub fn clock(&self) -> EventTime {
        self.state.clock
    }

    /// The next instant at which time alone changes something.
    pub fn next_due(&self) -> Option<EventTime> {
        self.state.deadlines.next()
    }

    /// Folds a fact at logical time `at` (a file replay passes the event's time).
    ///
    /// A fact seen before changes nothing; time moves all the same.
    pub fn apply(&mut self, fact: &Fact, at: EventTime, events: &mut Vec<Event>) {
        if at > self.state.clock {
            self.run_deadlines(before(at), events);
            self.state.clock = at;
            self.state.reference.advance(at);
        }
        if let Payload::TickRecorded(tick) = &fact.event.payload {
            if let Some(through) = instant::optional(tick.at.as_ref()) {
                self.tick(through.min(self.state.clock), events);
            }
            return;
        }
        if !self.state.seen.insert(&fact.event.id, self.state.clock) {
            return;
        }
        if self.state.first_event.is_none() && is_of_a_source(&fact.event.payload) {
            self.state.first_event = Some(self.state.clock);
        }
        let cause = Cause {
            event: Some(&fact.event.id),
            type_name: fact.event.type_name(),
            time: fact.event.time,
            imported: is_imported(&fact.event.payload),
        };
        self.dispatch(fact, &cause, events);
    }

    /// Everything up to and including an instant has happened: judges every deadline up to it, each at its own.
    pub fn tick(&mut self, through: EventTime, events: &mut Vec<Event>) {
        self.run_deadlines(through, events);
        self.state.clock = self.state.clock.max(through);
        self.state.reference.advance(self.state.clock);
    }

    /// The whole state, compact and the same for equal states.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = SNAPSHOT_FORMAT.to_le_bytes().to_vec();
        rmp_serde::encode::write_named(&mut bytes, &self.state)
            .expect("the state has no unserialisable value");
        bytes
    }

    /// Takes up where a snapshot left off.
    ///
    /// # Errors
    /// When the bytes are no snapshot, or of a format this version does not read.
    pub fn restore(options: Options, bytes: &[u8]) -> Result<Self, RestoreError> {
        let (format, state) = bytes.split_at(bytes.len().min(4));
        let found = u32::from_le_bytes(format.try_into().unwrap_or_default());
        if !(OLDEST_FORMAT..=SNAPSHOT_FORMAT).contains(&found) {
            return Err(RestoreError::Format { found });
        }
        let mut state: State = rmp_serde::from_slice(state)?;
        state.reference.derive();
        Ok(Self { options, state })
    }

    fn run_deadlines(&mut self, through: EventTime, events: &mut Vec<Event>) {
        while let Some((at, deadline)) = self.state.deadlines.take_through(through) {
            if at > self.state.clock {
                self.state.clock = at;
                self.state.reference.advance(at);
            }
            let cause = Cause { event: None, type_name: "", time: at, imported: false };
            self.due(&deadline, &cause, events);
        }
    }

    fn dispatch(&mut self, fact: &Fact, cause: &Cause<'_>, events: &mut Vec<Event>) {
        if is_reference(&fact.event.payload) {
            self.record_reference(&fact.event, cause, events);
            return;
        }
        if let Payload::SourceProgressed(message) = &fact.event.payload
            && let Some(through) = instant::optional(message.complete_through.as_ref())
        {
            self.state.sources.progressed(&message.source, through);
        }
        let (parts, mut context) = self.split(cause, events);
        match &fact.event.payload {
            Payload::PageNotified(_)
            | Payload::IncidentChanged(_)
            | Payload::ShiftScheduled(_)
            | Payload::ShiftRemoved(_) => {
                let may_change_pages = parts.pages.on_fact(&mut context, fact);
                parts.key_results.on_pages(&mut context, fact, may_change_pages);
            }
            Payload::SprintPlanned(_)
            | Payload::SprintActivated(_)
            | Payload::SprintClosed(_)
            | Payload::SprintReopened(_)
            | Payload::SprintRemoved(_)
            | Payload::CapacityDeclared(_)
            | Payload::TicketChanged(_)
            | Payload::TicketRemoved(_)
            | Payload::ScopeExceptionFiled(_)
            | Payload::ScopeExceptionSigned(_)
            | Payload::ScopeExceptionRejected(_) => parts.sprints.on_fact(&mut context, fact),
            Payload::DeploymentFinished(_) | Payload::ChangeMerged(_) => {
                if let Some(touched) = parts.deliveries.on_fact(fact, context.now) {
                    parts.sprints.on_delivery(&mut context, &touched);
                }
            }
            Payload::CheckInFiled(_) | Payload::OwnerAssigned(_) => {
                parts.check_ins.on_fact(&mut context, fact);
                parts.key_results.on_check_in(&mut context, parts.check_ins, fact);
            }
            Payload::ReadingRecorded(_) | Payload::SurveyClosed(_) => {
                parts.key_results.on_fact(&mut context, fact);
            }
            Payload::SliMeasured(message) => match parts.objectives.on_fact(fact, message, context.now) {
                Ok(true) => parts.key_results.on_interval(&mut context, message),
                Ok(false) => {}
                Err(reason) => context.skip(reason),
            },
            Payload::SourceProgressed(_) => {
                parts.check_ins.on_progress(&mut context);
                parts.dependencies.look_at_all(&mut context);
            }
            _ => {}
        }
        if parts.dependencies.concerns(&fact.event.payload) {
            parts.dependencies.on_fact(&mut context, fact);
            parts.key_results.on_dependency_fact(&mut context, parts.dependencies, fact);
        }
    }

    fn due(&mut self, deadline: &Deadline, cause: &Cause<'_>, events: &mut Vec<Event>) {
        let (parts, mut context) = self.split(cause, events);
        match deadline {
            Deadline::Reference => {
                parts.pages.on_reference(&mut context);
                parts.sprints.on_reference(&mut context, true);
                parts.check_ins.on_reference(&mut context);
                parts.dependencies.look_at_all(&mut context);
                let inputs = inputs_of!(parts);
                parts.key_results.on_reference(&mut context, &inputs, None);
            }
            Deadline::UpdateWindow(key_result) => {
                parts.check_ins.on_close(&mut context, key_result);
                parts.key_results.touch(&mut context, key_result);
            }
            Deadline::Dependency(dependency) => {
                parts.dependencies.on_due(&mut context, dependency);
                parts.key_results.on_dependency(&mut context, parts.dependencies, dependency);
            }
            Deadline::Blocker(blocker) => parts.dependencies.on_blocker(&mut context, blocker),
            Deadline::Midnight(zone) => {
                let squads = parts.pages.on_midnight(&mut context, zone);
                parts.key_results.on_midnight(&mut context, &squads);
            }
            Deadline::Load(squad) => parts.pages.on_load(&mut context, squad),
            Deadline::Grace(sprint) => {
                let changed = parts.sprints.on_grace(&mut context, parts.deliveries, sprint);
                parts.key_results.on_series(&mut context, changed.as_ref());
            }
            Deadline::Sprint(sprint) => {
                let changed = parts.sprints.on_deadline(&mut context, parts.deliveries, sprint);
                parts.key_results.on_series(&mut context, changed.as_ref());
            }
            Deadline::Clear(key) if context.is_false_long_enough(key) => {
                let explain = if key.rule == RuleId::VelocityDropPace {
                    let inputs = inputs_of!(parts);
                    parts.key_results.explain_pace(&mut context, &inputs, key)
                } else {
                    rule::explain_pages(parts.pages, &context, key)
                };
                context.clear_after_time(key, explain);
            }
            Deadline::Clear(_) => {}
            Deadline::KeyResult(key_result) => {
                let inputs = inputs_of!(parts);
                parts.key_results.on_deadline(&mut context, &inputs, key_result);
            }
        }
    }

    fn record_reference(&mut self, event: &Event, cause: &Cause<'_>, events: &mut Vec<Event>) {
        let changed = self.state.reference.record(event, self.state.clock);
        for at in changed.boundaries {
            self.state.deadlines.set(at, Deadline::Reference);
        }
        let (parts, mut context) = self.split(cause, events);
        if let Some(reason) = changed.refused {
            context.skip(reason);
        }
        if changed.people || !changed.key_results.is_empty() {
            parts.pages.on_reference(&mut context);
        } else if changed.coverage {
            parts.pages.on_coverage(&mut context);
        }
        let terms_may_differ =
            matches!(event.payload, Payload::ThresholdsRecorded(_) | Payload::OrganisationRecorded(_));
        parts.sprints.on_reference(&mut context, terms_may_differ);
        parts.check_ins.on_record(&mut context, &event.payload);
        parts.dependencies.look_at_blocked(&mut context, &changed.key_results);
        let inputs = inputs_of!(parts);
        parts.key_results.on_reference(&mut context, &inputs, Some(&event.payload));
    }

    /// Parts the state into the components and what they see of the rest.
    fn split<'a>(&'a mut self, cause: &'a Cause<'a>, events: &'a mut Vec<Event>) -> (Parts<'a>, Context<'a>) {
        let State {
            clock,
            first_event,
            reference,
            sources,
            seen: _,
            deadlines,
            instances,
            pages,
            deliveries,
            sprints,
            check_ins,
            dependencies,
            key_results,
            objectives,
        } = &mut self.state;
        let context = Context {
            options: &self.options,
            reference,
            sources,
            deadlines,
            instances,
            events,
            now: *clock,
            cause,
            first_event: *first_event,
        };
        (Parts { pages, deliveries, sprints, check_ins, dependencies, key_results, objectives }, context)
    }
}

/// The last instant before another.
fn before(at: EventTime) -> EventTime {
    EventTime::from_ms(at.ms() - 1)
}

/// True for events of the world: neither reference nor what the folds say to themselves.
fn is_of_a_source(payload: &Payload) -> bool {
    !matches!(payload.home_topic(), Some(topics::Topic::Reference | topics::Topic::Facts))
}

fn is_reference(payload: &Payload) -> bool {
    payload.home_topic() == Some(topics::Topic::Reference)
}

/// True when a fact was loaded from an export (R14).
fn is_imported(payload: &Payload) -> bool {
    let import = pb::Basis::Import as i32;
    match payload {
        Payload::SprintPlanned(m) => m.basis == import,
        Payload::SprintActivated(m) => m.basis == import,
        Payload::SprintClosed(m) => m.basis == import,
        Payload::SprintReopened(m) => m.basis == import,
        Payload::SprintRemoved(m) => m.basis == import,
        Payload::CapacityDeclared(m) => m.basis == import,
        Payload::TicketChanged(m) => m.basis == import,
        Payload::TicketRemoved(m) => m.basis == import,
        Payload::IncidentChanged(m) => m.basis == import,
        Payload::PageNotified(m) => m.basis == import || m.imported,
        Payload::ShiftScheduled(m) => m.basis == import,
        Payload::ShiftRemoved(m) => m.basis == import,
        Payload::DeploymentFinished(m) => m.basis == import,
        Payload::ChangeMerged(m) => m.basis == import,
        Payload::BuildFinished(m) => m.basis == import,
        Payload::CheckInFiled(m) => m.basis == import,
        Payload::ReadingRecorded(m) => m.basis == import,
        _ => false,
    }
}
