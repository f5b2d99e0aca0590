//! The simulator passes the suite, is a function of its seed, and the suite notices a broken guarantee.

use std::cell::Cell;
use std::sync::Arc;

use super::{Sim, SimOptions, SlotKind, Weakness};
use crate::suite::{Case, Failure, Harness, cases};
use crate::{EventLog, TopicPartition};

struct Simulated {
    sim: Sim,
    names: Cell<u32>,
}

impl Simulated {
    fn new(options: SimOptions) -> Self {
        Self { sim: Sim::new(options), names: Cell::new(0) }
    }
}

impl Harness for Simulated {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.sim.process())
    }

    fn unique(&self, name: &str) -> String {
        self.names.set(self.names.get() + 1);
        format!("{name}-{}", self.names.get())
    }

    fn sim(&self) -> Option<Sim> {
        Some(self.sim.clone())
    }
}

fn failures(options: SimOptions) -> Vec<(&'static str, Failure)> {
    let check = |case: &Case| {
        let harness = Simulated::new(options);
        (case.run)(&harness).err().map(|failure| (case.name, failure))
    };
    cases().iter().filter_map(check).collect()
}

#[test]
fn passes_the_suite_at_every_seed() {
    for seed in 0..50 {
        let failures = failures(SimOptions { seed, ..SimOptions::default() });
        assert!(failures.is_empty(), "seed {seed}: {failures:?}");
    }
}

#[test]
fn the_suite_notices_every_weakness() {
    for weakness in Weakness::ALL {
        let failures = failures(SimOptions { weakness: Some(weakness), ..SimOptions::default() });
        assert!(!failures.is_empty(), "{weakness:?} went unnoticed");
    }
}

#[test]
fn a_seed_is_a_run() {
    let run = |seed| {
        let harness = Simulated::new(SimOptions { seed, ..SimOptions::default() });
        for case in cases() {
            (case.run)(&harness).unwrap();
        }
        let topics = harness.log().describe_topics("").unwrap();
        let slots: Vec<_> = topics
            .iter()
            .flat_map(|topic| (0..topic.partitions).map(|n| TopicPartition::new(topic.name.clone(), n)))
            .map(|partition| harness.sim.slots(&partition).unwrap())
            .collect();
        (slots, harness.sim.steps())
    };
    assert!(run(3) == run(3));
    assert!(run(3).1 != run(4).1);
}

#[test]
fn a_hanging_transaction_times_out_on_the_brokers_clock() {
    let harness = Simulated::new(SimOptions::default());
    let log = harness.log();
    log.create_topics(&[topic("out")]).unwrap();
    let to = TopicPartition::new("out", 0);
    let hanging = harness.sim.open_transaction("ghost", &[record(&to, "a", Some("1"))]).unwrap();
    log.appender().unwrap().append(vec![record(&to, "b", Some("2"))]).unwrap();
    assert_eq!(log.bounds(&to).unwrap().stable_end, 0);
    harness.sim.advance(9_999);
    assert_eq!(log.bounds(&to).unwrap().stable_end, 0);
    harness.sim.advance(1);
    assert_eq!(log.bounds(&to).unwrap().stable_end, 3);
    hanging.commit();
    let kinds: Vec<SlotKind> = harness.sim.slots(&to).unwrap().iter().map(|slot| slot.kind).collect();
    assert_eq!(kinds, [SlotKind::Aborted, SlotKind::Committed, SlotKind::AbortMarker]);
}

#[test]
fn compaction_keeps_the_last_of_each_key_and_every_offset() {
    let harness = Simulated::new(SimOptions::default());
    let log = harness.log();
    log.create_topics(&[topic("delay")]).unwrap();
    let to = TopicPartition::new("delay", 0);
    let records = [("a", Some("1")), ("b", Some("1")), ("a", None), ("b", Some("2")), ("c", Some("1"))];
    let records = records.map(|(key, value)| record(&to, key, value)).to_vec();
    log.appender().unwrap().append(records).unwrap();
    let offsets = || -> Vec<i64> {
        let read = log.read(&to, 0).unwrap().next(std::time::Duration::ZERO).unwrap();
        read.iter().map(|record| record.offset).collect()
    };
    harness.sim.compact("delay", false);
    assert_eq!(offsets(), [2, 3, 4]);
    harness.sim.compact("delay", true);
    assert_eq!(offsets(), [3, 4]);
    assert_eq!(log.bounds(&to).unwrap().end, 5);
    harness.sim.truncate(&to, 4).unwrap();
    assert_eq!(log.bounds(&to).unwrap().start, 4);
    assert!(log.read(&to, 3).unwrap().next(std::time::Duration::ZERO).is_err());
}

fn topic(name: &str) -> crate::TopicSpec {
    crate::TopicSpec {
        name: name.to_owned(),
        partitions: 1,
        replication: 1,
        cleanup: crate::Cleanup::Compact,
        retention_ms: -1,
        timestamps: crate::TimestampKind::CreateTime,
        settings: vec![],
    }
}

fn record(to: &TopicPartition, key: &'static str, value: Option<&'static str>) -> crate::NewRecord {
    crate::NewRecord {
        to: to.clone(),
        key: Some(bytes::Bytes::from_static(key.as_bytes())),
        value: value.map(|value| bytes::Bytes::from_static(value.as_bytes())),
        headers: vec![],
        timestamp_ms: None,
    }
}
