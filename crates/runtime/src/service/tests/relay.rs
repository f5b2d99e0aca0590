//! A toy with the shape of the route role: several sources of one partition each into one state, which drops what it
//! has seen and passes the rest on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bellwether_log::{Assignor, Cleanup, NewRecord, Record, TimestampKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::world::{Plan, Random, World, first_difference, record, text, topic};
use crate::fold::{Fold, FoldFactory, OrderKey, Outputs, Poison, RestoreError, StateHash, UnitId};
use crate::options::{DeadLetterTopic, InputOrder, Options, Restore};
use crate::snapshot::MemoryObjects;

pub(super) const SOURCES: [&str; 3] = ["page", "sprint", "ticket"];
pub(super) const FACTS: &str = "facts";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Relay {
    seen: BTreeSet<String>,
    marks: bool,
}

impl Fold for Relay {
    fn apply(&mut self, input: &Record, out: &mut Outputs) -> Result<(), Poison> {
        let value = text(input);
        if value.starts_with("mark:") {
            return Ok(());
        }
        if self.seen.insert(value.clone()) {
            let squad = u32::try_from(value.len() % 2).unwrap();
            out.push(record(FACTS, squad, "", &value));
        }
        Ok(())
    }

    fn on_clock(&mut self, _now_ms: i64, _out: &mut Outputs) {}

    fn next_due_ms(&self) -> Option<i64> {
        None
    }

    fn skipped(&mut self, _record: &Record, _cause: &str, _out: &mut Outputs) {}

    /// The number in the value is the event's time; a mark comes after the events of its instant.
    fn order_key(&self, record: &Record) -> OrderKey {
        let value = text(record);
        let at_ms = value.rsplit(':').next().unwrap().parse().unwrap();
        let tie = if value.starts_with("mark:") { vec![u8::MAX] } else { value.into_bytes() };
        OrderKey { at_ms, tie }
    }

    fn holds_until_marks(&self) -> bool {
        self.marks
    }

    fn snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap()
    }

    fn state_hash(&self) -> StateHash {
        StateHash(Sha256::digest(self.snapshot())[..16].try_into().unwrap())
    }
}

struct Factory {
    marks: bool,
}

impl FoldFactory for Factory {
    fn create(&self, _unit: UnitId) -> Box<dyn Fold> {
        Box::new(Relay { seen: BTreeSet::new(), marks: self.marks })
    }

    fn restore(&self, _unit: UnitId, _engine: &str, snapshot: &[u8]) -> Result<Box<dyn Fold>, RestoreError> {
        let relay: Relay = serde_json::from_slice(snapshot)
            .map_err(|error| RestoreError::with_source("not a relay", error))?;
        Ok(Box::new(relay))
    }

    fn engine(&self) -> &str {
        "1"
    }
}

/// A cluster with the sources; `marks` makes it one in warped time.
pub(super) fn world(seed: u64, services: usize, marks: bool) -> World {
    let objects = MemoryObjects::default();
    let shelf = objects.clone();
    let plain = |name, partitions| topic(name, partitions, TimestampKind::CreateTime, Cleanup::Delete);
    let mut topics: Vec<_> = SOURCES.iter().map(|name| plain(*name, 1)).collect();
    topics.extend([plain(FACTS, 2), plain("dlq", 1)]);
    World::new(
        seed,
        Plan {
            topics,
            options: Box::new(move |seat| {
                let dead_letters = DeadLetterTopic { topic: "dlq".to_owned(), partitions: 1 };
                let restore = Restore::Snapshots(Arc::new(shelf.clone()));
                let mut options = Options::new("app", "route", SOURCES[0], 1, dead_letters, restore);
                options.transactional_id = format!("app-route-{seat}");
                options.inputs = SOURCES.map(str::to_owned).to_vec();
                options.assignor = Assignor::Range;
                options.order = InputOrder::Merge;
                options.bounds.batch_records = 20;
                options.bounds.held_records = 40;
                options.bounds.snapshot_every = Duration::from_secs(20);
                options.bounds.snapshot_records = 30;
                options
            }),
            factory: Arc::new(Factory { marks }),
            objects,
            services,
            sabotage: None,
            warped: marks,
            weakness: None,
        },
    )
}

/// A few random events, some of them told twice.
pub(super) fn inputs(random: &mut Random) -> Vec<NewRecord> {
    let count = 1 + random.below(10);
    (0..count)
        .map(|_| {
            let source = SOURCES[usize::try_from(random.below(3)).unwrap()];
            let event = format!("{source}:{}:{}", random.below(200), random.below(1_000));
            record(source, 0, "", &event)
        })
        .collect()
}

/// Every event of the sources was passed on once, and the state is what was passed on.
pub(super) fn verify(world: &World) -> Result<(), String> {
    let mut relay = Relay::default();
    for source in SOURCES {
        for input in world.committed(source, 0) {
            relay.seen.insert(text(&input));
        }
    }
    let mut passed: Vec<String> =
        (0..2).flat_map(|unit| world.committed(FACTS, unit)).map(|fact| text(&fact)).collect();
    passed.sort();
    let expected: Vec<String> = relay.seen.iter().cloned().collect();
    if passed != expected {
        return Err(format!("passed on: {}", first_difference(&passed, &expected)));
    }
    if world.hash(0) != Some(relay.state_hash()) {
        return Err("the state differs from what was passed on".to_owned());
    }
    Ok(())
}
