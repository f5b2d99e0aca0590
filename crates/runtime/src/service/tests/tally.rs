//! A toy with the shape of the process role: sums per key, says so when one crosses a hundred, and waits for
//! deadlines by ticks in its own partition. Restored by snapshot and replay.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use bellwether_log::{Cleanup, NewRecord, Record, TimestampKind, TopicPartition};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Sabotage;
use super::world::{Plan, Random, World, first_difference, record, text, topic};
use crate::fold::{Fold, FoldFactory, Outputs, Poison, RestoreError, Stage, StateHash, UnitId};
use crate::guard::guarded;
use crate::options::{DeadLetterTopic, Options, Restore};
use crate::snapshot::MemoryObjects;
use crate::unit::Skips;

pub(super) const FACTS: &str = "facts";
pub(super) const OUT: &str = "out";
pub(super) const DEAD: &str = "dlq";
pub(super) const UNITS: u32 = 3;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    unit: u32,
    pub(super) sums: BTreeMap<String, i64>,
    crossings: BTreeMap<String, i64>,
    pub(super) deadlines: BTreeSet<(i64, String)>,
    logical_ms: i64,
    pub(super) skipped: u32,
}

impl Tally {
    fn say(&self, out: &mut Outputs, what: String) {
        out.push(record(OUT, self.unit, "", &what));
    }
}

impl Fold for Tally {
    fn apply(&mut self, record: &Record, out: &mut Outputs) -> Result<(), Poison> {
        let value = text(record);
        let parts: Vec<&str> = value.split(':').collect();
        match parts[..] {
            ["add", key, amount] => {
                let amount: i64 = amount.parse().map_err(|_| Poison::new(Stage::Validate, "not a number"))?;
                let sum = self.sums.entry(key.to_owned()).or_default();
                let before = *sum / 100;
                *sum += amount;
                if *sum / 100 > before {
                    let sum = *sum;
                    let crossing = self.crossings.entry(key.to_owned()).or_default();
                    *crossing += 1;
                    let crossing = *crossing;
                    self.say(out, format!("crossed:{key}:{crossing}:{sum}:{}", record.offset));
                }
            }
            ["wait", id, ms] => {
                let at = record.timestamp_ms + ms.parse::<i64>().unwrap();
                self.deadlines.insert((at, format!("{id}@{}", record.offset)));
            }
            ["boom"] => {
                // Torn on purpose: whoever keeps this state is found out.
                self.sums.values_mut().for_each(|sum| *sum += 7);
                self.say(out, "said before the panic".to_owned());
                resume_unwind(Box::new(format!("boom at {}", record.offset)));
            }
            ["tick"] => {}
            ["skipped", _] => self.skipped += 1,
            ["resumed", _] => {}
            _ => {
                self.say(out, "said before the refusal".to_owned());
                return Err(Poison::new(Stage::Decode, format!("unknown word {}", parts[0])));
            }
        }
        self.logical_ms = self.logical_ms.max(record.timestamp_ms);
        while let Some((at, id)) = self.deadlines.first().cloned() {
            if at > self.logical_ms {
                break;
            }
            self.deadlines.pop_first();
            self.say(out, format!("due:{id}"));
        }
        Ok(())
    }

    fn on_clock(&mut self, _now_ms: i64, out: &mut Outputs) {
        out.push(record(FACTS, self.unit, "", "tick"));
    }

    fn next_due_ms(&self) -> Option<i64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    fn resumed(&mut self, paused_since_ms: i64, now_ms: i64, out: &mut Outputs) {
        if now_ms - paused_since_ms > 60_000 {
            out.push(record(FACTS, self.unit, "", &format!("resumed:{paused_since_ms}")));
        }
    }

    fn skipped(&mut self, skipped: &Record, _cause: &str, out: &mut Outputs) {
        out.push(record(FACTS, self.unit, "", &format!("skipped:{}", skipped.offset)));
    }

    fn snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap()
    }

    fn state_hash(&self) -> StateHash {
        StateHash(Sha256::digest(self.snapshot())[..16].try_into().unwrap())
    }
}

pub(super) struct Tallies;

impl FoldFactory for Tallies {
    fn create(&self, unit: UnitId) -> Box<dyn Fold> {
        Box::new(Tally { unit: unit.0, ..Tally::default() })
    }

    fn restore(&self, _unit: UnitId, _engine: &str, snapshot: &[u8]) -> Result<Box<dyn Fold>, RestoreError> {
        let tally: Tally = serde_json::from_slice(snapshot)
            .map_err(|error| RestoreError::with_source("not a tally", error))?;
        Ok(Box::new(tally))
    }

    fn engine(&self) -> &str {
        "1"
    }
}

pub(super) fn options(seat: usize, objects: &MemoryObjects) -> Options {
    let dead_letters = DeadLetterTopic { topic: DEAD.to_owned(), partitions: 1 };
    let restore = Restore::Snapshots(Arc::new(objects.clone()));
    let mut options = Options::new("app", "process", FACTS, UNITS, dead_letters, restore);
    options.transactional_id = format!("app-process-{seat}");
    options.bounds.batch_records = 20;
    options.bounds.snapshot_every = Duration::from_secs(20);
    options.bounds.snapshot_records = 30;
    options
}

pub(super) fn world(seed: u64, services: usize, sabotage: Option<Sabotage>) -> World {
    world_with(seed, services, sabotage, |_| {})
}

pub(super) fn world_with(
    seed: u64,
    services: usize,
    sabotage: Option<Sabotage>,
    tweak: impl Fn(&mut Options) + 'static,
) -> World {
    use Cleanup::Delete;
    use TimestampKind::{CreateTime, LogAppendTime};
    let objects = MemoryObjects::default();
    let shelf = objects.clone();
    World::new(
        seed,
        Plan {
            topics: vec![
                topic(FACTS, UNITS, LogAppendTime, Delete),
                topic(OUT, UNITS, CreateTime, Delete),
                topic(DEAD, 1, CreateTime, Delete),
            ],
            options: Box::new(move |seat| {
                let mut options = options(seat, &shelf);
                tweak(&mut options);
                options
            }),
            factory: Arc::new(Tallies),
            objects,
            services,
            sabotage,
            warped: false,
            weakness: None,
        },
    )
}

/// A few random inputs.
pub(super) fn inputs(random: &mut Random) -> Vec<NewRecord> {
    let count = 1 + random.below(12);
    (0..count)
        .map(|_| {
            let partition = u32::try_from(random.below(u64::from(UNITS))).unwrap();
            let value = match random.below(100) {
                0 => "boom".to_owned(),
                1..=3 => format!("gibberish {}", random.next()),
                4..=15 => format!("wait:{}:{}", random.next(), random.below(8_000)),
                _ => format!("add:{}:{}", random.below(4), random.below(60)),
            };
            record(FACTS, partition, "", &value)
        })
        .collect()
}

/// What a straight fold of the committed log says: outputs, offsets diverted, hash.
pub(super) struct Straight {
    pub(super) outputs: Vec<String>,
    pub(super) diverted: Vec<i64>,
    pub(super) hash: StateHash,
}

pub(super) fn straight(unit: u32, facts: &[Record]) -> Straight {
    let mut skips = Skips::new();
    loop {
        match attempt(unit, facts, &skips) {
            Ok(straight) => return straight,
            Err(offset) => {
                skips.insert((TopicPartition::new(FACTS, unit), offset), String::new());
            }
        }
    }
}

/// One pass; the offset of a record that makes it panic.
fn attempt(unit: u32, facts: &[Record], skips: &Skips) -> Result<Straight, i64> {
    let mut fold = Tallies.create(UnitId(unit));
    let (mut outputs, mut diverted) = (Vec::new(), Vec::new());
    for fact in facts {
        let mut out = Outputs::collecting();
        if skips.contains_key(&(fact.from.clone(), fact.offset)) {
            // Its outputs go to the facts themselves, and are among the records folded here.
            fold.skipped(fact, "", &mut out);
            diverted.push(fact.offset);
            continue;
        }
        match guarded(|| fold.apply(fact, &mut out)) {
            Ok(Ok(())) => {
                let said = |record: NewRecord| String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                outputs.extend(out.into_records().into_iter().map(said));
            }
            Ok(Err(_)) => diverted.push(fact.offset),
            Err(_) => return Err(fact.offset),
        }
    }
    Ok(Straight { outputs, diverted, hash: fold.state_hash() })
}

/// Compares what was committed with a straight fold of the committed log.
pub(super) fn verify(world: &World) -> Result<(), String> {
    let letters = world.committed(DEAD, 0);
    for unit in 0..UNITS {
        let expected = straight(unit, &world.committed(FACTS, unit));
        let said: Vec<String> = world.committed(OUT, unit).iter().map(text).collect();
        if said != expected.outputs {
            return Err(format!("unit {unit}: {}", first_difference(&said, &expected.outputs)));
        }
        let diverted: Vec<i64> = letters.iter().filter_map(|letter| origin(letter, unit)).collect();
        if diverted != expected.diverted {
            return Err(format!("unit {unit} diverted: {}", first_difference(&diverted, &expected.diverted)));
        }
        if world.hash(unit) != Some(expected.hash) {
            return Err(format!("unit {unit} is at {:?}, expected {}", world.hash(unit), expected.hash));
        }
    }
    Ok(())
}

/// Offset a dead letter came from, if it came from this unit.
fn origin(letter: &Record, unit: u32) -> Option<i64> {
    let header = |name: &str| {
        let (_, value) = letter.headers.iter().find(|(header, _)| header == name)?;
        std::str::from_utf8(value.as_ref()?).ok()?.parse::<i64>().ok()
    };
    let partition = header(crate::dead_letter::PARTITION)?;
    if partition == i64::from(unit) { header(crate::dead_letter::OFFSET) } else { None }
}
