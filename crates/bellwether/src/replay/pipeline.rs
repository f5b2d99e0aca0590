//! Router, engine and escalator in one thread of virtual time.
//!
//! Invariant: before an event at t, every deadline before t has been judged, the engine's before the escalator's of
//! the same instant; after the last event of t and before anything later, those of t (R2).

use bellwether_engine::routing::Router;
use bellwether_engine::{Engine, Options as EngineOptions, Ownership};
use bellwether_escalation::{Escalator, Options as EscalationOptions, Output};
use bellwether_model::{EventTime, Thresholds};
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::HashKey;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, catalogue};

/// All three folds, and what they said that was not taken yet.
#[derive(Debug)]
pub(crate) struct Pipeline {
    router: Router,
    engine: Engine,
    escalator: Escalator,
    said: Vec<Event>,
}

impl Pipeline {
    /// Folds that know nothing yet.
    pub(crate) fn new(id_key: HashKey, pseudonym_key: HashKey, thresholds: &Thresholds) -> Self {
        Self {
            router: Router::new(),
            engine: Engine::new(EngineOptions {
                id_key: id_key.clone(),
                pseudonym_key: pseudonym_key.clone(),
                thresholds: thresholds.clone(),
                ownership: Ownership::All,
            }),
            escalator: Escalator::new(EscalationOptions {
                id_key,
                pseudonym_key,
                thresholds: thresholds.clone(),
            }),
            said: Vec::new(),
        }
    }

    /// Folds the next event; events come in the order of [`super::order::sort`].
    pub(crate) fn fold(&mut self, event: &Event) {
        self.run_deadlines(EventTime::from_ms(event.time.ms() - 1));
        let home = catalogue::home_topic(event.type_name());
        if home == Some(Topic::Reference) {
            self.escalator.reference(event);
        }
        let routed = self.router.route(event, event.time);
        for skipped in routed.skipped {
            let id = format!("skipped/{}/{}", event.id.source, event.id.id);
            self.said.push(Event::new("bellwether://route", id.clone(), event.time, skipped).about(id));
        }
        for (_, fact) in routed.facts {
            let mut said = Vec::new();
            self.engine.apply(&fact, event.time, &mut said);
            self.escalate(said);
        }
        let for_escalator = home == Some(Topic::Command)
            || matches!(event.payload, Payload::ProcessPaused(_) | Payload::ProcessResumed(_));
        if for_escalator {
            let mut output = Output::default();
            self.escalator.apply(event, event.time, &mut output);
            self.said.append(&mut output.events);
        }
    }

    /// Everything up to and including an instant has happened.
    pub(crate) fn finish(&mut self, until: EventTime) {
        self.run_deadlines(until);
    }

    /// Takes what was said since the last call, in logical order.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.said)
    }

    /// What could not be routed.
    pub(crate) fn unresolved(&self) -> usize {
        self.router.kept().len()
    }

    fn run_deadlines(&mut self, through: EventTime) {
        loop {
            let engine = self.engine.next_due().filter(|due| *due <= through);
            let escalator = self.escalator.next_due().filter(|due| *due <= through);
            match (engine, escalator) {
                (None, None) => return,
                (Some(at), later) if later.is_none_or(|later| at <= later) => {
                    let mut said = Vec::new();
                    self.engine.tick(at, &mut said);
                    self.escalate(said);
                }
                (_, Some(at)) => {
                    let mut output = Output::default();
                    self.escalator.advance(at, &mut output);
                    self.said.append(&mut output.events);
                }
                (Some(_), None) => return,
            }
        }
    }

    /// Passes on what the engine said; triggers go to the escalator.
    fn escalate(&mut self, said: Vec<Event>) {
        for event in said {
            let is_trigger = catalogue::home_topic(event.type_name()) == Some(Topic::Trigger);
            let at = event.time;
            self.said.push(event.clone());
            if is_trigger {
                let mut output = Output::default();
                self.escalator.apply(&event, at, &mut output);
                self.said.append(&mut output.events);
            }
        }
    }
}
