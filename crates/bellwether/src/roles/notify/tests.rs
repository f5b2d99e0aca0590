//! The role over the simulated log: what it learns, which time it goes by, what a second start does.

use std::time::Instant;

use bellwether_log::sim::Sim;
use bellwether_model::Millis;
use bellwether_notify::channel::memory::{Answer, MemoryChannel};
use bellwether_wire::{Event, instant, pb};

use super::*;
use crate::topic_set::TimeMode;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn at(hour: i64) -> EventTime {
    EventTime::parse("2020-01-06T00:00:00Z").expect("an instant").plus(Millis::hours(hour))
}

fn topics(time: TimeMode) -> TopicSet {
    TopicSet { prefix: "t".into(), facts: 1, functions: 2, replication: 1, time }
}

fn load(pages: u32, hour: i64) -> Event {
    let source = pb::PageSource { source: format!("source-of-{pages}"), pages };
    let load = pb::LoadAssessed {
        squad: "payments".into(),
        eligible: 6,
        top_sources: vec![source],
        ..Default::default()
    };
    Event::new("bellwether://process", format!("load/{hour}"), at(hour), load).about("payments")
}

fn step(number: u32, hour: i64) -> Event {
    let fired = pb::StepFired {
        step: format!("e{number}/L1"),
        escalation: format!("e{number}"),
        level: 1,
        rule: "velocity-drop.page-load".into(),
        key_result: "kr-load".into(),
        subject: Some(pb::Subject {
            kind: pb::SubjectKind::Engineer.into(),
            id: "someone".into(),
            squad: "payments".into(),
        }),
        squads: vec!["payments".into()],
        fired_at: Some(instant::timestamp(at(hour))),
        started_at: Some(instant::timestamp(at(hour))),
        ..Default::default()
    };
    Event::new("bellwether://escalate", format!("e{number}/L1/fired"), at(hour), fired)
}

/// A log with a topic set.
fn world(time: TimeMode) -> (Sim, TopicSet) {
    let sim = Sim::seeded(1);
    let topics = topics(time);
    sim.process().create_topics(&topics.specs()).expect("topics");
    (sim, topics)
}

fn append(sim: &Sim, topics: &TopicSet, topic: Topic, events: &[Event]) {
    let records = events.iter().map(|event| record::of_event(event, topics, topic, 0)).collect();
    sim.process().appender().expect("a producer").append(records).expect("appended");
}

/// Runs the role on a process of its own until it has read `steps` records of steps.
fn run(sim: &Sim, topics: &TopicSet, channel: &Arc<MemoryChannel>, steps: i64) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let log: Arc<dyn EventLog> = Arc::new(sim.process());
    let failed = CancellationToken::new();
    let channel: Arc<dyn bellwether_notify::Channel> = Arc::<MemoryChannel>::clone(channel);
    let outlets = vec![Outlet::new(Target::terminal("terminal"), channel).expect("a target")];
    let notifier =
        start_with(outlets, 0, &log, topics, &Keys::zero(), runtime.handle(), &failed).expect("starts");
    let partition = bellwether_log::TopicPartition::new(topics.name(Topic::Escalation), 0);
    let receipts = bellwether_log::TopicPartition::new(topics.name(Topic::Receipt), 0);
    let began = Instant::now();
    loop {
        let committed = log.committed("t-notify", std::slice::from_ref(&partition)).expect("positions");
        let is_read = committed.first().is_some_and(|position| position.next_offset >= steps);
        let recorded = log.bounds(&receipts).expect("bounds").stable_end;
        if is_read && recorded >= steps {
            break;
        }
        assert!(!failed.is_cancelled(), "the role ended");
        assert!(began.elapsed() < PATIENCE, "nothing came");
        std::thread::yield_now();
    }
    let queued = notifier.queued();
    notifier.stop();
    queued
}

#[test]
fn a_message_has_what_the_other_topics_say_and_a_second_start_sends_nothing_again() {
    let (sim, topics) = world(TimeMode::Warped);
    append(&sim, &topics, Topic::KeyResult, &[load(41, 0), load(77, 50)]);
    append(&sim, &topics, Topic::Escalation, &[step(1, 1)]);
    let channel = Arc::new(MemoryChannel::always(ChannelKind::Terminal, Answer::Accept));
    assert_eq!(run(&sim, &topics, &channel, 1), 1);
    let told = channel.attempts();
    let text = told[0].message.to_text();
    assert!(text.contains("source-of-41"), "what was known at the step: {text}");
    assert!(!text.contains("source-of-77"), "what comes later is not: {text}");
    assert_eq!(told[0].at, at(1), "the time is the log's");

    append(&sim, &topics, Topic::Escalation, &[step(2, 100)]);
    let again = Arc::new(MemoryChannel::always(ChannelKind::Terminal, Answer::Accept));
    assert_eq!(run(&sim, &topics, &again, 2), 1);
    let told = again.attempts();
    assert_eq!((told.len(), told[0].id.step.as_str()), (1, "e2/L1"));
    assert!(told[0].message.to_text().contains("source-of-77"));
}

#[test]
fn under_the_machines_time_a_step_of_years_ago_is_told_to_nobody() {
    let (sim, topics) = world(TimeMode::Live);
    append(&sim, &topics, Topic::Escalation, &[step(1, 1)]);
    let channel = Arc::new(MemoryChannel::always(ChannelKind::Terminal, Answer::Accept));
    assert_eq!(run(&sim, &topics, &channel, 1), 0);
    assert!(channel.attempts().is_empty());
}

#[test]
fn what_is_read_ahead_of_a_step_is_held_back_under_warped_time_only() {
    for (time, expected) in [(TimeMode::Warped, 1), (TimeMode::Live, 2)] {
        let (sim, topics) = world(time);
        append(&sim, &topics, Topic::KeyResult, &[load(1, 0), load(2, 50)]);
        append(&sim, &topics, Topic::Escalation, &[step(1, 1)]);
        let mut feed = Feed::open(&sim.process(), &topics).expect("a feed");
        let learnt = std::cell::RefCell::new(Vec::new());
        feed.take(at(1), &|event| learnt.borrow_mut().push(event.time)).expect("read");
        assert_eq!(learnt.borrow().len(), expected);
        feed.take(at(50), &|event| learnt.borrow_mut().push(event.time)).expect("read");
        assert_eq!(learnt.into_inner(), [at(0), at(50)], "each once");
    }
}
