//! A toy with the shape of the escalate role: arms alarms, fires them when due, unless they were acknowledged. It
//! acts on the clock itself and keeps its state in a changelog.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::Arc;

use bellwether_log::{Assignor, Cleanup, NewRecord, Record, TimestampKind};
use sha2::{Digest, Sha256};

use super::Sabotage;
use super::world::{Plan, Random, World, first_difference, record, text, topic};
use crate::fold::{Fold, FoldFactory, Outputs, Poison, RestoreError, Stage, StateHash, UnitId};
use crate::options::{ClockRule, DeadLetterTopic, InputOrder, Options, Restore};
use crate::snapshot::MemoryObjects;

pub(super) const TRIGGER: &str = "trigger";
pub(super) const COMMAND: &str = "command";
pub(super) const DELAY: &str = "delay";
pub(super) const OUT: &str = "escalation";
pub(super) const REFERENCE: &str = "reference";
pub(super) const UNITS: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Alarm {
    Due(i64),
    Done,
}

#[derive(Debug, Default)]
pub(super) struct Alarms {
    unit: u32,
    alarms: BTreeMap<String, Alarm>,
    due: BTreeSet<(i64, String)>,
    names: BTreeMap<String, String>,
}

impl Alarms {
    fn set(&mut self, id: &str, alarm: Alarm, out: &mut Outputs) {
        let value = match &alarm {
            Alarm::Due(at) => at.to_string(),
            Alarm::Done => "done".to_owned(),
        };
        out.push(record(DELAY, self.unit, id, &value));
        self.put(id, alarm);
    }

    fn put(&mut self, id: &str, alarm: Alarm) {
        if let Some(Alarm::Due(at)) = self.alarms.get(id) {
            self.due.remove(&(*at, id.to_owned()));
        }
        if let Alarm::Due(at) = &alarm {
            self.due.insert((*at, id.to_owned()));
        }
        self.alarms.insert(id.to_owned(), alarm);
    }
}

impl Fold for Alarms {
    fn apply(&mut self, input: &Record, out: &mut Outputs) -> Result<(), Poison> {
        let value = text(input);
        let parts: Vec<&str> = value.split(':').collect();
        match parts[..] {
            ["arm", id, ms] => {
                if !self.alarms.contains_key(id) {
                    let at = input.timestamp_ms + ms.parse::<i64>().unwrap();
                    self.set(id, Alarm::Due(at), out);
                }
            }
            ["ack", id] => {
                if matches!(self.alarms.get(id), Some(Alarm::Due(_))) {
                    self.set(id, Alarm::Done, out);
                    out.push(record(OUT, self.unit, id, &format!("acknowledged:{id}")));
                }
            }
            ["who", key] => {
                let name = self.names.get(key).map_or("nobody", String::as_str);
                out.push(record(OUT, self.unit, key, &format!("{key}:{name}")));
            }
            ["boom"] => {
                // Torn on purpose: whoever keeps this state is found out.
                self.alarms.clear();
                self.due.clear();
                resume_unwind(Box::new("boom"));
            }
            _ => return Err(Poison::new(Stage::Decode, "unknown word")),
        }
        Ok(())
    }

    fn on_clock(&mut self, now_ms: i64, out: &mut Outputs) {
        while let Some((at, id)) = self.due.first().cloned() {
            if at > now_ms {
                break;
            }
            self.set(&id, Alarm::Done, out);
            out.push(record(OUT, self.unit, &id, &format!("fired:{id}")));
        }
    }

    fn next_due_ms(&self) -> Option<i64> {
        self.due.first().map(|(at, _)| *at)
    }

    fn skipped(&mut self, skipped: &Record, _cause: &str, out: &mut Outputs) {
        let value = format!("skipped:{}:{}", skipped.from.topic, skipped.offset);
        out.push(record(OUT, self.unit, "", &value));
    }

    fn observe(&mut self, record: &Record) -> Result<(), Poison> {
        let key = String::from_utf8(record.key.clone().unwrap_or_default().to_vec()).unwrap();
        if record.value.is_none() {
            self.names.remove(&key);
        } else if text(record) == "bad" {
            return Err(Poison::new(Stage::Decode, "bad name"));
        } else {
            self.names.insert(key, text(record));
        }
        Ok(())
    }

    fn load_changelog(&mut self, record: &Record) -> Result<(), Poison> {
        let id = String::from_utf8(record.key.clone().unwrap_or_default().to_vec()).unwrap();
        let alarm = match text(record).as_str() {
            "done" => Alarm::Done,
            at => Alarm::Due(at.parse().map_err(|_| Poison::new(Stage::Decode, "not an instant"))?),
        };
        self.put(&id, alarm);
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        unreachable!("a fold with a changelog is not asked for snapshots")
    }

    fn state_hash(&self) -> StateHash {
        let text = format!("{:?}{:?}{:?}", self.alarms, self.due, self.names);
        StateHash(Sha256::digest(text)[..16].try_into().unwrap())
    }
}

pub(super) struct Factory;

impl FoldFactory for Factory {
    fn create(&self, unit: UnitId) -> Box<dyn Fold> {
        Box::new(Alarms { unit: unit.0, ..Alarms::default() })
    }

    fn restore(&self, _unit: UnitId, _engine: &str, _snapshot: &[u8]) -> Result<Box<dyn Fold>, RestoreError> {
        Err(RestoreError::new("alarms have no snapshots"))
    }

    fn engine(&self) -> &str {
        "1"
    }
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
    use TimestampKind::LogAppendTime;
    let plain = |name, partitions| topic(name, partitions, LogAppendTime, Cleanup::Delete);
    World::new(
        seed,
        Plan {
            topics: vec![
                plain(TRIGGER, UNITS),
                plain(COMMAND, UNITS),
                plain(OUT, UNITS),
                plain("dlq", 1),
                topic(DELAY, UNITS, LogAppendTime, Cleanup::Compact),
                topic(REFERENCE, 2, LogAppendTime, Cleanup::Compact),
            ],
            options: Box::new(move |seat| {
                let mut options = options(seat);
                tweak(&mut options);
                options
            }),
            factory: Arc::new(Factory),
            objects: MemoryObjects::default(),
            services,
            sabotage,
            warped: false,
            weakness: None,
        },
    )
}

fn options(seat: usize) -> Options {
    let dead_letters = DeadLetterTopic { topic: "dlq".to_owned(), partitions: 1 };
    let restore = Restore::Changelog { topic: DELAY.to_owned() };
    let mut options = Options::new("app", "escalate", TRIGGER, UNITS, dead_letters, restore);
    options.transactional_id = format!("app-escalate-{seat}");
    options.inputs.push(COMMAND.to_owned());
    options.assignor = Assignor::Range;
    options.order = InputOrder::Merge;
    options.broadcast = vec![REFERENCE.to_owned()];
    options.clock_rule = ClockRule::WhenCaughtUp;
    options.bounds.batch_records = 20;
    options
}

/// A few random inputs; identities are drawn from few, so that some alarms are acknowledged in time.
pub(super) fn inputs(random: &mut Random) -> Vec<NewRecord> {
    let count = 1 + random.below(6);
    (0..count)
        .map(|_| {
            let id = random.below(400);
            let partition = u32::try_from(id % u64::from(UNITS)).unwrap();
            if random.once_in(60) {
                let value = if random.once_in(3) { "boom" } else { "gibberish" };
                record(if random.once_in(2) { TRIGGER } else { COMMAND }, partition, "", value)
            } else if random.once_in(3) {
                record(COMMAND, partition, "", &format!("ack:{id}"))
            } else {
                record(TRIGGER, partition, "", &format!("arm:{id}:{}", random.below(15_000)))
            }
        })
        .collect()
}

/// Every armed alarm ended once, not too early, not in spite of an acknowledgement in time, and the changelog holds the state.
pub(super) fn verify(world: &World) -> Result<(), String> {
    let bad = |value: &str| matches!(value, "boom" | "gibberish");
    let expected: usize = (0..UNITS).map(|unit| found(world, unit, bad).len()).sum();
    let diverted = world.committed("dlq", 0).len();
    if diverted != expected {
        return Err(format!("{diverted} records diverted, expected {expected}"));
    }
    for unit in 0..UNITS {
        // When each was armed first, and when it is due.
        let mut armed: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for trigger in world.committed(TRIGGER, unit) {
            let value = text(&trigger);
            let parts: Vec<&str> = value.split(':').collect();
            if parts[0] != "arm" {
                continue;
            }
            let due = trigger.timestamp_ms + parts[2].parse::<i64>().unwrap();
            armed.entry(parts[1].to_owned()).or_insert((trigger.timestamp_ms, due));
        }
        let acks: Vec<(String, i64)> = world
            .committed(COMMAND, unit)
            .iter()
            .filter_map(|ack| Some((text(ack).strip_prefix("ack:")?.to_owned(), ack.timestamp_ms)))
            .collect();
        let mut ended: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
        let mut skipped: Vec<String> = Vec::new();
        for said in world.committed(OUT, unit) {
            let value = text(&said);
            let (how, id) = value.split_once(':').unwrap();
            if how == "skipped" {
                skipped.push(id.to_owned());
                continue;
            }
            ended.entry(id.to_owned()).or_default().push((how.to_owned(), said.timestamp_ms));
        }
        for (id, (since, due)) in &armed {
            let ends = ended.remove(id).unwrap_or_default();
            let [(how, at)] = &ends[..] else { return Err(format!("alarm {id} ended {ends:?}")) };
            if how == "fired" && at < due {
                return Err(format!("alarm {id} fired at {at}, before {due}"));
            }
            // However far behind the owner was, an acknowledgement in time is not overtaken.
            let in_time = acks.iter().find(|(ack, at)| ack == id && since < at && at < due);
            if let (Some((_, ack)), "fired") = (in_time, how.as_str()) {
                return Err(format!("alarm {id} due {due} fired at {at}, acknowledged at {ack}"));
            }
        }
        if !ended.is_empty() {
            return Err(format!("alarms ended that were never armed: {ended:?}"));
        }
        skipped.sort();
        let mut booms = found(world, unit, |value| value == "boom");
        booms.sort();
        if skipped != booms {
            return Err(format!("passed over: {}", first_difference(&skipped, &booms)));
        }
        let expected = from_changelog(world, unit);
        if world.hash(unit) != Some(expected) {
            return Err(format!("unit {unit} is at {:?}, its changelog at {expected}", world.hash(unit)));
        }
    }
    Ok(())
}

/// Topic and offset of the inputs with such a value.
fn found(world: &World, unit: u32, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let inputs = [TRIGGER, COMMAND].into_iter().flat_map(|topic| world.committed(topic, unit));
    let wanted = inputs.filter(|input| wanted(&text(input)));
    wanted.map(|input| format!("{}:{}", input.from.topic, input.offset)).collect()
}

/// The hash of a state loaded from the changelog and the broadcast topic as they are now.
fn from_changelog(world: &World, unit: u32) -> StateHash {
    let mut fold = Alarms { unit, ..Alarms::default() };
    for partition in 0..2 {
        for record in world.committed(REFERENCE, partition) {
            let _ = fold.observe(&record);
        }
    }
    for record in world.committed(DELAY, unit) {
        fold.load_changelog(&record).unwrap();
    }
    fold.state_hash()
}
