//! The demo's quarter through a replay and through the real roles: all rules, all levels, the same triggers.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_broker::{Broker, BrokerOptions};
use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::EventLog;
use bellwether_model::Thresholds;
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::HashKey;
use bellwether_wire::{Payload, json};

use super::{calendar, quarter, run};
use crate::replay::Pipeline;
use crate::topic_set::{TimeMode, TopicSet};

/// Triggers and steps of a replay, in logical order.
fn replayed(events: &[Event]) -> Vec<Event> {
    let mut pipeline = Pipeline::new(HashKey::ZERO, HashKey::ZERO, &Thresholds::default());
    for event in events {
        pipeline.fold(event);
    }
    pipeline.finish(calendar::end());
    pipeline.take()
}

/// What fired: rule, trigger id, instant.
fn fired(events: &[Event]) -> BTreeSet<String> {
    events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::TriggerFired(m) => Some(format!("{} {} {}", m.rule, m.trigger, event.time.to_rfc3339())),
            _ => None,
        })
        .collect()
}

/// Steps that fired, and when.
fn steps(events: &[Event]) -> BTreeSet<String> {
    events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::StepFired(m) => Some(format!("{} {}", m.step, event.time.to_rfc3339())),
            _ => None,
        })
        .collect()
}

#[test]
fn all_six_rules_fire_and_every_level_is_reached() {
    let said = replayed(&quarter::events(42));
    let rules: BTreeSet<&str> = said
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::TriggerFired(m) => Some(m.rule.as_str()),
            _ => None,
        })
        .collect();
    let expected = BTreeSet::from([
        "dependency-breach",
        "missed-check-in",
        "velocity-drop.concentration",
        "velocity-drop.forecast",
        "velocity-drop.pace",
        "velocity-drop.page-load",
    ]);
    assert_eq!(rules, expected);
    let levels: BTreeSet<u32> = said
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::StepFired(m) => Some(m.level),
            _ => None,
        })
        .collect();
    assert_eq!(levels, BTreeSet::from([1, 2, 3, 4, 5]));
}

#[test]
fn a_replay_says_the_same_bytes_twice() {
    let events = quarter::events(7);
    let lines = |said: Vec<Event>| said.iter().map(json::write).collect::<Vec<_>>();
    assert_eq!(lines(replayed(&events)), lines(replayed(&events)));
}

#[test]
fn no_shared_event_names_a_person() {
    let events = quarter::events(42);
    let people: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::PersonRecorded(person) if !person.name.is_empty() => Some(person.name.clone()),
            _ => None,
        })
        .collect();
    assert!(people.len() > 80);
    for line in replayed(&events).iter().map(json::write) {
        assert!(!people.iter().any(|name| line.contains(name.as_str())), "{line}");
        assert!(!line.contains("PD-payments-1") && !line.contains("payments-1\""), "{line}");
    }
}

#[test]
fn r15_the_real_roles_under_warped_time_decide_as_a_replay_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let broker = runtime
        .block_on(Broker::start(BrokerOptions::new(listen, folder.path().join("broker"))))
        .expect("the broker starts");
    let options = KafkaOptions::new(broker.local_addr().to_string());
    let log: Arc<dyn EventLog> = Arc::new(KafkaLog::connect(options).expect("the broker answers"));
    let topics =
        TopicSet { prefix: "warped".into(), facts: 1, functions: 1, replication: 1, time: TimeMode::Warped };
    let events = quarter::events(42);
    let mut said = Vec::new();
    let told =
        run::run(&log, &topics, &folder.path().join("snapshots"), runtime.handle(), &events, &mut |heard| {
            said.extend_from_slice(heard);
            Ok(())
        })
        .expect("the quarter runs");
    drop(log);
    runtime.block_on(broker.stop()).expect("the broker stops");

    let replay = replayed(&events);
    assert_eq!(fired(&said), fired(&replay));
    assert_eq!(steps(&said), steps(&replay));
    // A level may go out in parts, to some people after their quiet hours; the terminal gets it once.
    let whole: BTreeSet<String> = said
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::StepFired(m) => Some(m.step.split('/').filter(|part| !is_part(part)).collect()),
            _ => None,
        })
        .collect();
    assert_eq!(
        told.count(),
        whole.len(),
        "every step is told once, however long ago it is by the machine's clock"
    );
}

fn is_part(part: &str) -> bool {
    part.strip_prefix('p').is_some_and(|number| number.parse::<u32>().is_ok())
}
