//! A world for tests: an organisation, a router and an engine on event time, as in a file replay.
//!
//! Say what happens with [`World::at`]; ask what fired with [`World::triggers`]. Every helper takes only what a test
//! cares about.

use bellwether_model::EventTime;
pub(crate) use bellwether_testkit::{deployed, human, in_category, key_result, person, stamp, ticket, time};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};

use crate::routing::Router;
use crate::{Engine, Options};

/// A small world on event time.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) engine: Engine,
    pub(crate) said: Vec<Event>,
    pub(crate) events: u32,
}

/// The first of what two worlds said that differs, told by both.
pub(crate) fn difference(left: &World, right: &World) -> Option<(Option<Event>, Option<Event>)> {
    let longest = left.said.len().max(right.said.len());
    let pairs = (0..longest).map(|index| (left.said.get(index), right.said.get(index)));
    let mut different = pairs.filter(|(left, right)| left != right);
    different.next().map(|(left, right)| (left.cloned(), right.cloned()))
}

/// Lets events arrive, each at an instant, in a world that keeps what it derives and in one that forgets it after every
/// step: both must say the same, step by step and when nothing came until `end`.
pub(crate) fn forgetting_changes_nothing(
    world: impl Fn() -> World,
    arrivals: impl IntoIterator<Item = (EventTime, Event)>,
    end: EventTime,
) -> Result<(), TestCaseError> {
    let (mut keeping, mut forgetting) = (world(), world());
    for (number, (now, event)) in arrivals.into_iter().enumerate() {
        for world in [&mut keeping, &mut forgetting] {
            world.arrive(&event, now);
        }
        forgetting.forget();
        prop_assert_eq!(difference(&keeping, &forgetting), None, "after step {}", number);
    }
    for world in [&mut keeping, &mut forgetting] {
        world.engine.tick(end, &mut world.said);
    }
    prop_assert_eq!(difference(&keeping, &forgetting), None, "in the end");
    prop_assert!(keeping.engine.snapshot() == forgetting.engine.snapshot(), "the states differ in the end");
    Ok(())
}

impl World {
    /// An organisation in UTC whose quarter begins on Monday 2026-01-05, with squad `a` of the people named.
    pub(crate) fn new(people: &[&str]) -> Self {
        let mut world = Self {
            router: Router::new(),
            engine: Engine::new(Options::default()),
            said: Vec::new(),
            events: 0,
        };
        let start = "2026-01-01T00:00:00Z";
        world.at(
            start,
            pb::OrganisationRecorded {
                organisation: "acme".into(),
                zone: "UTC".into(),
                fiscal_start: "2026-01-05".into(),
                ..Default::default()
            },
        );
        world
            .at(start, pb::SquadRecorded { squad: "a".into(), function: "eng".into(), ..Default::default() });
        for person in people {
            world.member(start, person, "a", "UTC");
        }
        world
    }

    /// Something happens, and the engine folds it.
    pub(crate) fn at(&mut self, when: &str, payload: impl Into<Payload>) {
        self.events += 1;
        let event = Event::new("test://world", format!("{:06}", self.events), time(when), payload);
        self.feed(&event);
    }

    /// An event of its own making arrives at its own time.
    pub(crate) fn feed(&mut self, event: &Event) {
        self.arrive(event, event.time);
    }

    /// An event arrives at an instant, whatever its own time.
    pub(crate) fn arrive(&mut self, event: &Event, now: EventTime) {
        for (_, fact) in self.router.route(event, now).facts {
            self.engine.apply(&fact, now, &mut self.said);
        }
    }

    /// The engine forgets what it derived and did not write.
    fn forget(&mut self) {
        let snapshot = self.engine.snapshot();
        self.engine = Engine::restore(Options::default(), &snapshot).expect("its own snapshot");
    }

    /// A person with a zone joins a squad.
    pub(crate) fn member(&mut self, when: &str, person: &str, squad: &str, zone: &str) {
        self.at(when, pb::PersonRecorded { person: person.into(), zone: zone.into(), ..Default::default() });
        self.at(
            when,
            pb::MembershipRecorded { person: person.into(), squad: squad.into(), ..Default::default() },
        );
    }

    /// Somebody is paged for an incident of its own.
    pub(crate) fn page(&mut self, when: &str, who: &str) {
        let incident = format!("inc-{}", self.events);
        self.at(
            when,
            pb::PageNotified {
                incident,
                responder: person(who),
                channel: pb::PageChannel::Push.into(),
                urgency: pb::Urgency::High.into(),
                basis: pb::Basis::NotificationLog.into(),
                ..Default::default()
            },
        );
    }

    /// A sprint of squad `a` begins.
    pub(crate) fn activate(&mut self, when: &str, sprint: &str) {
        self.at(when, pb::SprintActivated { sprint: sprint.into(), squad: "a".into(), ..Default::default() });
    }

    /// A sprint ends.
    pub(crate) fn close(&mut self, when: &str, sprint: &str) {
        self.at(when, pb::SprintClosed { sprint: sprint.into(), squad: "a".into(), ..Default::default() });
    }

    /// A closed sprint goes on.
    pub(crate) fn reopen(&mut self, when: &str, sprint: &str) {
        self.at(when, pb::SprintReopened { sprint: sprint.into(), squad: "a".into(), ..Default::default() });
    }

    /// A deployment to production ends well and names tickets.
    pub(crate) fn deploy(&mut self, when: &str, tickets: &[&str]) {
        let deployment = format!("deploy-{}", self.events);
        self.at(
            when,
            pb::DeploymentFinished {
                tickets: tickets.iter().map(ToString::to_string).collect(),
                ..deployed(&deployment)
            },
        );
    }

    /// Every assessment of a sprint, in the order they were published.
    pub(crate) fn sprint_assessments(&self, sprint: &str) -> Vec<&pb::SprintAssessed> {
        let messages = self.said.iter().filter_map(|event| match &event.payload {
            Payload::SprintAssessed(message) if message.sprint == sprint => Some(message.as_ref()),
            _ => None,
        });
        messages.collect()
    }

    /// The assessment of a sprint published last.
    pub(crate) fn sprint(&self, sprint: &str) -> &pb::SprintAssessed {
        self.sprint_assessments(sprint).last().expect("the sprint was assessed")
    }

    /// A value of a key result is recorded.
    pub(crate) fn reading(&mut self, when: &str, key_result: &str, value: f64) {
        self.at(when, pb::ReadingRecorded { key_result: key_result.into(), value, ..Default::default() });
    }

    /// Every assessment of a key result, in the order they were published.
    pub(crate) fn assessments(&self, key_result: &str) -> Vec<&pb::KeyResultAssessed> {
        let messages = self.said.iter().filter_map(|event| match &event.payload {
            Payload::KeyResultAssessed(message) if message.key_result == key_result => Some(message.as_ref()),
            _ => None,
        });
        messages.collect()
    }

    /// The assessment of a key result published last.
    pub(crate) fn assessed(&self, key_result: &str) -> &pb::KeyResultAssessed {
        self.assessments(key_result).last().expect("the key result was assessed")
    }

    /// Time passes.
    pub(crate) fn until(&mut self, when: &str) {
        self.engine.tick(time(when), &mut self.said);
    }

    /// What triggers said, a line each: `fired velocity-drop.page-load ann 2026-01-20T12:00:00.000Z`.
    pub(crate) fn triggers(&self) -> Vec<String> {
        self.said.iter().filter_map(|event| self.trigger_line(event)).collect()
    }

    fn trigger_line(&self, event: &Event) -> Option<String> {
        let at = event.time.to_rfc3339();
        let name =
            |subject: &Option<pb::Subject>| subject.as_ref().map(|s| self.plain(s)).unwrap_or_default();
        Some(match &event.payload {
            Payload::TriggerFired(m) => format!("fired {} {} {at}", m.rule, name(&m.subject)),
            Payload::TriggerAmended(m) => {
                let explain = m.explain.as_ref().expect("amended events are explained");
                assert!(
                    !explain.arithmetic.is_empty(),
                    "{} amended without arithmetic: {}",
                    m.rule,
                    m.change
                );
                format!("amended {} {} {at}: {}", m.rule, name(&m.subject), m.change)
            }
            Payload::TriggerCleared(m) => {
                let explain = m.explain.as_ref().expect("cleared events are explained");
                assert!(!explain.arithmetic.is_empty(), "{} cleared without arithmetic", m.rule);
                assert_ne!(m.severity(), pb::Severity::Unspecified, "{} cleared without severity", m.rule);
                format!("cleared {} {} {at}: {}", m.rule, name(&m.subject), m.reason)
            }
            Payload::TriggerHeld(m) => format!("held {} {} {at}: {}", m.rule, name(&m.subject), m.source),
            Payload::TriggerSuppressed(m) => format!("suppressed {} {} {at}", m.rule, name(&m.subject)),
            _ => return None,
        })
    }

    /// The plain id of a subject: pseudonyms are undone for the people the tests know.
    fn plain(&self, subject: &pb::Subject) -> String {
        let key = bellwether_wire::ids::HashKey::ZERO;
        ["ann", "bob", "cy", "dee", "eve", "fay"]
            .into_iter()
            .find(|person| bellwether_wire::ids::pseudonym(&key, person) == subject.id)
            .map_or_else(|| subject.id.clone(), str::to_owned)
    }

    /// The message of the first firing of a rule.
    pub(crate) fn fired(&self, rule: &str) -> &pb::TriggerFired {
        self.said
            .iter()
            .find_map(|event| match &event.payload {
                Payload::TriggerFired(message) if message.rule == rule => Some(message.as_ref()),
                _ => None,
            })
            .expect("the rule fired")
    }
    /// How the first clearing of a rule is explained.
    pub(crate) fn why_cleared(&self, rule: &str) -> &pb::Explain {
        self.said
            .iter()
            .find_map(|event| match &event.payload {
                Payload::TriggerCleared(message) if message.rule == rule => message.explain.as_ref(),
                _ => None,
            })
            .expect("the rule cleared, explained")
    }
}
