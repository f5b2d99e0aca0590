//! The folding roles over the simulated log, one round after the other on the test's own thread: in which order a unit's
//! inputs are folded, and what a role passes on.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_log::sim::{START_MS, Sim, SimOptions};
use bellwether_log::{NewRecord, TopicPartition};
use bellwether_model::{EventTime, Millis};
use bellwether_runtime::{NoFailpoints, Step, UnitHealth};
use bellwether_wire::{Event, Payload, instant, pb};

use super::*;
use crate::record;

/// Rounds within which a role says what it must.
const PATIENCE: usize = 1_000;
/// Time that a round takes.
const ROUND_MS: i64 = 50;

/// The simulated broker's clock.
#[derive(Debug)]
struct SimClock(Sim);

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now_ms() - START_MS).expect("it only moves forward"))
    }

    fn wait(&self, duration: Duration) {
        self.0.advance(i64::try_from(duration.as_millis()).expect("a short while"));
    }
}

fn at(minute: i64) -> EventTime {
    EventTime::parse("2024-01-08T09:00:00Z").expect("an instant").plus(Millis::minutes(minute))
}

struct World {
    sim: Sim,
    plan: Plan,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(seed: u64, time: TimeMode) -> Self {
        let sim = Sim::new(SimOptions { seed, ..SimOptions::default() });
        let topics = TopicSet { prefix: "t".into(), facts: 1, functions: 1, replication: 1, time };
        sim.process().create_topics(&topics.specs()).expect("topics");
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            log: Arc::new(sim.process()),
            topics,
            keys: Keys::zero(),
            thresholds: Thresholds::default(),
            objects: snapshot_folder(folder.path()).expect("a folder"),
            ordinal: 0,
            restore: config::Restore::default(),
        };
        Self { sim, plan, _folder: folder }
    }

    fn append(&self, records: Vec<NewRecord>) {
        self.sim.process().appender().expect("a producer").append(records).expect("appended");
    }

    fn say(&self, topic: Topic, events: &[Event]) {
        self.append(
            events.iter().map(|event| record::of_event(event, &self.plan.topics, topic, 0)).collect(),
        );
    }

    /// A role that has not done anything yet.
    fn start(&self, role: Role, order: Option<InputOrder>) -> Service {
        let (mut options, factory) = parts(&self.plan, role);
        options.order = order.unwrap_or(options.order);
        let clock: Arc<dyn Clock> = Arc::new(NoClock(SimClock(self.sim.clone())));
        let log = Arc::clone(&self.plan.log);
        Service::simulated(log, factory, clock, options, Box::new(NoFailpoints)).expect("it starts")
    }

    /// One round of a role, and the time it takes.
    fn step(&self, service: &mut Service) {
        service.step().expect("a round");
        self.sim.advance(ROUND_MS);
    }

    /// Runs a role until what a topic says satisfies somebody, and stops it.
    fn run(&self, mut service: Service, topic: Topic, is_enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let process = self.sim.process();
        let partition = TopicPartition::new(self.plan.topics.name(topic), 0);
        let mut reader = process.read(&partition, 0).expect("a reader");
        let mut said = Vec::new();
        for _ in 0..PATIENCE {
            self.step(&mut service);
            let records = reader.next(Duration::ZERO).expect("read");
            said.extend(records.iter().filter_map(|record| record::to_event(record).ok()));
            if is_enough(&said) {
                service.handle().stop();
                assert_eq!(service.step().expect("it ends well"), Step::Stopped);
                return said;
            }
        }
        panic!("only this was said: {said:?}");
    }
}

fn fired() -> Event {
    let message = pb::TriggerFired {
        trigger: "t1".into(),
        rule: "missed-check-in".into(),
        key_result: "kr-1".into(),
        subject: Some(pb::Subject {
            kind: pb::SubjectKind::KeyResult.into(),
            id: "kr-1".into(),
            ..Default::default()
        }),
        fired_at: Some(instant::timestamp(at(0))),
        as_of: Some(instant::timestamp(at(0))),
        escalation: "e1".into(),
        ..Default::default()
    };
    Event::new("bellwether://process", "t1/fired", at(0), message).about("t1")
}

fn acknowledged() -> Event {
    let message = pb::EscalationAcknowledged { escalation: "e1".into(), ..Default::default() };
    Event::new("form://desk", "ack-1", at(5), message).about("e1")
}

fn mark(minute: i64) -> Event {
    let tick = pb::TickRecorded { at: Some(instant::timestamp(at(minute))) };
    Event::new("bellwether://route", format!("mark/{minute}"), at(minute), tick)
}

/// What became of the acknowledgement.
fn answer(said: &[Event]) -> Option<&'static str> {
    said.iter().find_map(|event| match &event.payload {
        Payload::EscalationAcknowledged(_) => Some("taken"),
        Payload::EscalationRefused(_) => Some("refused"),
        _ => None,
    })
}

#[test]
fn an_acknowledgement_in_a_backlog_is_never_read_before_what_it_acknowledges() {
    let answers = |order: Option<InputOrder>| -> BTreeSet<&'static str> {
        (0..12)
            .map(|seed| {
                let world = World::new(seed, TimeMode::Live);
                world.say(Topic::Command, &[acknowledged()]);
                world.say(Topic::Trigger, &[fired()]);
                let said = world.run(world.start(Role::Escalate, order), Topic::Escalation, |said| {
                    answer(said).is_some()
                });
                answer(&said).expect("an answer")
            })
            .collect()
    };
    assert_eq!(answers(None), BTreeSet::from(["taken"]));
    assert!(answers(Some(InputOrder::Arrival)).contains("refused"), "the order of arrival would lose some");
}

#[test]
fn r15_under_warped_time_a_command_waits_for_its_instant() {
    let world = World::new(1, TimeMode::Warped);
    // The trigger comes long after the command, as the processor needs its time.
    world.say(Topic::Command, &[acknowledged(), mark(10)]);
    let commands = [TopicPartition::new(world.plan.topics.name(Topic::Command), 0)];
    let mut service = world.start(Role::Escalate, None);
    for _ in 0..PATIENCE {
        world.step(&mut service);
        let committed = world.sim.process().committed("t-escalate", &commands).expect("positions");
        assert!(committed.first().is_none_or(|position| position.next_offset == 0), "it did not wait");
    }
    let units = service.handle().status().units();
    assert!(units.values().any(|unit| unit.health == UnitHealth::Live), "it has not even started: {units:?}");
    world.say(Topic::Trigger, &[fired(), mark(10)]);
    let said = world.run(service, Topic::Escalation, |said| answer(said).is_some());
    assert_eq!(answer(&said), Some("taken"));
}

#[test]
fn a_mark_of_all_sources_is_passed_to_the_commands() {
    let world = World::new(1, TimeMode::Warped);
    for topic in Topic::SOURCES {
        world.say(topic, &[mark(10)]);
    }
    let said = world.run(world.start(Role::Route, None), Topic::Command, |said| !said.is_empty());
    assert_eq!(said[0].time, at(10));
}

#[test]
fn an_outage_of_the_processor_is_passed_to_the_escalator() {
    let world = World::new(1, TimeMode::Live);
    let paused = pb::ProcessPaused { role: "process".into(), partitions: vec![0] };
    let resumed = pb::ProcessResumed { role: "process".into(), partitions: vec![0] };
    let facts = [
        bellwether_engine::Fact::new(Event::new("bellwether://process", "paused/0", at(0), paused)),
        bellwether_engine::Fact::new(Event::new("bellwether://process", "resumed/0", at(90), resumed)),
    ];
    let facts: Vec<pb::Fact> = facts.iter().map(bellwether_engine::Fact::to_message).collect();
    world.append(record::of_facts(&facts, &world.plan.topics, 0, None));
    let said = world.run(world.start(Role::Process, None), Topic::Trigger, |said| said.len() >= 2);
    let types: Vec<&str> = said.iter().map(Event::type_name).collect();
    assert_eq!(types, ["bellwether.process.paused.v1", "bellwether.process.resumed.v1"]);
}

#[test]
fn every_role_takes_up_what_the_configuration_says() {
    let mut world = World::new(1, TimeMode::Live);
    world.plan.restore = config::Restore { epoch: "2".into(), lost_positions: config::LostPositions::Resume };
    for role in Role::ALL {
        let (options, _) = parts(&world.plan, role);
        assert_eq!(options.epoch, "2");
        assert_eq!(options.lost_positions, bellwether_runtime::LostPositions::Resume);
    }
}
