//! The folding roles over the simulated log: in which order a unit's inputs are folded, and what a role passes on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bellwether_log::sim::{Sim, SimOptions};
use bellwether_log::{NewRecord, TopicPartition};
use bellwether_model::{EventTime, Millis};
use bellwether_wire::{Event, Payload, instant, pb};

use super::*;
use crate::record;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

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

    /// Runs a role until what a topic says satisfies somebody.
    fn run(
        &self,
        role: Role,
        order: Option<InputOrder>,
        topic: Topic,
        is_enough: impl Fn(&[Event]) -> bool,
    ) -> Vec<Event> {
        let (mut options, factory) = parts(&self.plan, role);
        options.order = order.unwrap_or(options.order);
        let clock: Arc<dyn Clock> = Arc::new(NoClock(SystemClock::new()));
        let service = Service::new(Arc::clone(&self.plan.log), factory, clock, options).expect("it starts");
        let handle = service.handle();
        let thread = std::thread::spawn(move || service.run());
        let said = self.read(topic, is_enough);
        handle.stop();
        thread.join().expect("no panic").expect("it ends well");
        said
    }

    fn read(&self, topic: Topic, is_enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let process = self.sim.process();
        let partition = TopicPartition::new(self.plan.topics.name(topic), 0);
        let mut reader = process.read(&partition, 0).expect("a reader");
        let began = Instant::now();
        let mut said = Vec::new();
        while !is_enough(&said) {
            assert!(began.elapsed() < PATIENCE, "only this was said: {said:?}");
            let records = reader.next(Duration::from_millis(1)).expect("read");
            said.extend(records.iter().filter_map(|record| record::to_event(record).ok()));
        }
        said
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
                let said = world.run(Role::Escalate, order, Topic::Escalation, |said| answer(said).is_some());
                answer(&said).expect("an answer")
            })
            .collect()
    };
    assert_eq!(answers(None), BTreeSet::from(["taken"]));
    assert!(answers(Some(InputOrder::Arrival)).contains("refused"), "the order of arrival would lose some");
}

#[test]
fn under_warped_time_a_command_waits_for_its_instant() {
    let world = World::new(1, TimeMode::Warped);
    // The trigger comes long after the command, as the processor needs its time.
    world.say(Topic::Command, &[acknowledged(), mark(10)]);
    let (sim, topics) = (world.sim.clone(), world.plan.topics.clone());
    let late = std::thread::spawn(move || {
        let group = format!("{}-escalate", topics.prefix);
        let commands = TopicPartition::new(topics.name(Topic::Command), 0);
        // Asked often enough that a role that does not wait would have gone past it.
        for _ in 0..2_000 {
            let committed =
                sim.process().committed(&group, std::slice::from_ref(&commands)).expect("positions");
            assert!(committed.first().is_none_or(|position| position.next_offset == 0), "it did not wait");
            std::thread::yield_now();
        }
        let records = [fired(), mark(10)]
            .iter()
            .map(|event| record::of_event(event, &topics, Topic::Trigger, 0))
            .collect();
        sim.process().appender().expect("a producer").append(records).expect("appended");
    });
    let said = world.run(Role::Escalate, None, Topic::Escalation, |said| answer(said).is_some());
    late.join().expect("it waited");
    assert_eq!(answer(&said), Some("taken"));
}

#[test]
fn a_mark_of_all_sources_is_passed_to_the_commands() {
    let world = World::new(1, TimeMode::Warped);
    for topic in Topic::SOURCES {
        world.say(topic, &[mark(10)]);
    }
    let said = world.run(Role::Route, None, Topic::Command, |said| !said.is_empty());
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
    let said = world.run(Role::Process, None, Topic::Trigger, |said| said.len() >= 2);
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
