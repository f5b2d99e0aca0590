//! Router, engine and escalator in one thread of virtual time.
//!
//! Invariant: before an event at t, every deadline before t has been judged, the engine's before the escalator's of
//! the same instant; after the last event of t and before anything later, those of t (R2).

use std::collections::HashSet;

use bellwether_engine::routing::{Reason, Router, Target};
use bellwether_engine::{Engine, Fact, Options as EngineOptions, Ownership};
use bellwether_escalation::{Escalator, Options as EscalationOptions, Output};
use bellwether_model::{EventTime, Thresholds};
use bellwether_wire::Payload;
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::HashKey;
use bellwether_wire::topics::Topic;

/// All three folds, and what they said that was not taken yet.
#[derive(Debug)]
pub(crate) struct Pipeline {
    routing: Routing,
    folding: Folding,
}

/// The first part: what does not depend on what the other folds say, so that it may run ahead of them.
#[derive(Debug)]
pub(crate) struct Routing {
    router: Router,
    /// Incidents somebody of a known squad was paged for.
    paged: HashSet<String>,
}

/// An event as it was routed.
#[derive(Debug)]
pub(crate) struct Step {
    at: EventTime,
    /// The event itself, where the escalator takes it in.
    for_escalator: Option<Event>,
    skipped: Vec<Event>,
    facts: Vec<(Target, Fact)>,
}

/// The second part: engine and escalator.
#[derive(Debug)]
pub(crate) struct Folding {
    engine: Engine,
    escalator: Escalator,
    said: Vec<Event>,
}

/// What could not be routed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unresolved {
    /// Events that name somebody whom no identity links.
    pub people: usize,
    /// Events of a board, sprint or service of no known squad.
    pub places: usize,
}

impl Unresolved {
    /// All of them.
    pub(crate) fn events(self) -> usize {
        self.people + self.places
    }
}

impl Pipeline {
    /// Folds that know nothing yet.
    pub(crate) fn new(id_key: HashKey, pseudonym_key: HashKey, thresholds: &Thresholds) -> Self {
        Self { routing: Routing::new(), folding: Folding::new(id_key, pseudonym_key, thresholds) }
    }

    /// Folds the next event; events come in the order of [`super::order::sort`].
    pub(crate) fn fold(&mut self, event: &Event) {
        let content = event.payload.encode();
        self.folding.fold(self.routing.route(event.clone(), content.as_deref()));
    }

    /// Everything up to and including an instant has happened.
    pub(crate) fn finish(&mut self, until: EventTime) {
        self.folding.finish(until);
    }

    /// Takes what was said since the last call, in logical order.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        self.folding.take()
    }

    /// What could not be routed.
    pub(crate) fn unresolved(&self) -> Unresolved {
        self.routing.unresolved()
    }
}

impl Routing {
    /// A router that knows nothing yet.
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), paged: HashSet::new() }
    }

    /// Routes the next event, with the protobuf form of its payload.
    pub(crate) fn route(&mut self, event: Event, content: Option<&[u8]>) -> Step {
        let at = event.time;
        let is_for_escalator = matches!(event.payload.home_topic(), Some(Topic::Reference | Topic::Command))
            || matches!(event.payload, Payload::ProcessPaused(_) | Payload::ProcessResumed(_));
        let for_escalator = is_for_escalator.then(|| event.clone());
        let id = event.id.clone();
        let routed = self.router.route_read(event, content, at);
        let skipped = |skipped| {
            let id = format!("skipped/{}/{}", id.source, id.id);
            Event::new("bellwether://route", id.clone(), at, skipped).about(id)
        };
        let skipped = routed.skipped.into_iter().map(skipped).collect();
        for (_, fact) in &routed.facts {
            if let Payload::PageNotified(page) = &fact.event.payload
                && !self.paged.contains(&page.incident)
            {
                self.paged.insert(page.incident.clone());
            }
        }
        Step { at, for_escalator, skipped, facts: routed.facts }
    }

    /// What could not be routed. Not what an incident said before anybody was paged for it: nothing lacks for that, the
    /// page that came later says whose it is.
    pub(crate) fn unresolved(&self) -> Unresolved {
        let mut unresolved = Unresolved::default();
        for (reason, event) in self.router.kept().iter() {
            match (reason, &event.payload) {
                (Reason::Squad(_), Payload::IncidentChanged(m)) if self.paged.contains(&m.incident) => {}
                (Reason::Squad(_), _) => unresolved.places += 1,
                (Reason::Identity(_), _) => unresolved.people += 1,
            }
        }
        unresolved
    }
}

impl Folding {
    /// Folds that know nothing yet.
    pub(crate) fn new(id_key: HashKey, pseudonym_key: HashKey, thresholds: &Thresholds) -> Self {
        Self {
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

    /// Folds the next event.
    pub(crate) fn fold(&mut self, step: Step) {
        self.run_deadlines(EventTime::from_ms(step.at.ms() - 1));
        let is_reference = |event: &&Event| event.payload.home_topic() == Some(Topic::Reference);
        if let Some(event) = step.for_escalator.as_ref().filter(is_reference) {
            self.escalator.reference(event);
        }
        self.said.extend(step.skipped);
        for (_, fact) in step.facts {
            let mut said = Vec::new();
            self.engine.apply(&fact, step.at, &mut said);
            self.escalate(said);
        }
        if let Some(event) = step.for_escalator.filter(|event| !is_reference(&event)) {
            let mut output = Output::default();
            self.escalator.apply(&event, step.at, &mut output);
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
            let mut output = Output::default();
            if event.payload.home_topic() == Some(Topic::Trigger) {
                self.escalator.apply(&event, event.time, &mut output);
            }
            self.said.push(event);
            self.said.append(&mut output.events);
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_wire::pb;

    use super::*;

    /// An incident that opens before somebody is paged for it, and the page, if any.
    fn unresolved(is_paged: bool) -> Unresolved {
        let at = EventTime::from_ms(0);
        let ann = pb::Identity { source: "pagerduty://acme".into(), external_id: "PANN".into() };
        let mut events = vec![
            Event::new(
                "test://org",
                "ann",
                at,
                pb::PersonRecorded { person: "ann".into(), ..Default::default() },
            ),
            Event::new(
                "test://org",
                "link",
                at,
                pb::IdentityRecorded {
                    source: ann.source.clone(),
                    external_id: ann.external_id.clone(),
                    person: "ann".into(),
                    ..Default::default()
                },
            ),
            Event::new(
                "test://pages",
                "1",
                at,
                pb::IncidentChanged { incident: "i".into(), service: "s".into(), ..Default::default() },
            ),
        ];
        if is_paged {
            let page = pb::PageNotified {
                incident: "i".into(),
                responder: Some(ann),
                service: "s".into(),
                ..Default::default()
            };
            events.push(Event::new("test://pages", "2", at, page));
        }
        let mut pipeline = Pipeline::new(HashKey::ZERO, HashKey::ZERO, &Thresholds::default());
        events.iter().for_each(|event| pipeline.fold(event));
        pipeline.unresolved()
    }

    #[test]
    fn what_an_incident_said_before_its_first_page_is_explained_by_the_page() {
        assert_eq!(unresolved(true), Unresolved::default());
        assert_eq!(unresolved(false), Unresolved { people: 0, places: 1 });
    }
}
