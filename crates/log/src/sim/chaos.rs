//! Two workers copy a topic while faults strike by a seeded plan; the copy is exact all the same, and is not when the
//! log lacks one of its guarantees.

use std::collections::BTreeSet;
use std::time::Duration;

use super::random::Random;
use super::{Fault, FaultPlan, Sim, SimOptions, SimProcess, Weakness, is_crash};
use crate::{
    Assignor, Cleanup, Error, ErrorClass, EventLog, FencingToken, GroupOptions, Member, NewRecord, Polled,
    Position, Record, Result, TimestampKind, TopicPartition, TopicSpec, Transaction,
};

const PARTITIONS: u32 = 3;
const EACH: u32 = 20;
/// Turns a frozen process misses.
const FREEZE: usize = 10;
/// Turns in which processes are frozen.
const TROUBLED_TURNS: usize = 150;
/// Far more turns than a run needs; one that takes them all has stalled.
const TURNS: usize = 20_000;

#[test]
fn a_copy_is_exact_under_any_plan() {
    for seed in 0..400 {
        let plan = FaultPlan::from_seed(seed, 250, 8, &Fault::ALL);
        if let Err(what) = copy(SimOptions { seed, ..SimOptions::default() }, plan.clone()) {
            panic!("seed {seed}, {plan:?}: {what}");
        }
    }
}

#[test]
fn every_weakness_shows_under_some_plan() {
    // Transient failures and duplicates have nothing to do with transactions.
    let faults =
        [Fault::CrashInside, Fault::Abort, Fault::LoseAcknowledgement, Fault::Evict, Fault::SlowMarkers];
    for weakness in Weakness::ALL {
        // The group's own fence makes up for this one: positions of a zombie are refused whoever owns its id.
        if weakness == Weakness::NobodyFenced {
            continue;
        }
        let shows = |seed: &u64| {
            let plan = FaultPlan::from_seed(*seed, 150, 8, &faults);
            copy(SimOptions { seed: *seed, weakness: Some(weakness), ..SimOptions::default() }, plan).is_err()
        };
        assert!((0..200).any(|seed| shows(&seed)), "{weakness:?} never showed");
    }
}

/// One worker: a process that is replaced when it dies.
struct Worker {
    id: &'static str,
    process: SimProcess,
    member: Option<Box<dyn Member>>,
    held: BTreeSet<TopicPartition>,
    rewinds: bool,
    /// A batch in hand: it is committed some turns after it was read, so that much can happen in between.
    batch: Option<(Vec<Record>, FencingToken)>,
    /// Turns for which the process is frozen.
    frozen: usize,
}

impl Worker {
    fn new(sim: &Sim, id: &'static str) -> Self {
        Self {
            id,
            process: sim.process(),
            member: None,
            held: BTreeSet::new(),
            rewinds: false,
            batch: None,
            frozen: 0,
        }
    }

    /// Freezes the process with whatever it has in hand until its session has ended and others have gone on.
    fn freeze(&mut self) {
        self.process.evict();
        self.frozen = FREEZE;
    }

    /// One turn; an error is what the worker cannot live with.
    fn turn(&mut self, sim: &Sim) -> Result<()> {
        if self.frozen > 0 {
            self.frozen -= 1;
            return Ok(());
        }
        match self.work() {
            Ok(()) => Ok(()),
            Err(error) if is_crash(&error) => {
                *self = Self::new(sim, self.id);
                Ok(())
            }
            Err(error) => match error.class() {
                ErrorClass::Transient => Ok(()),
                ErrorClass::Aborted | ErrorClass::Fenced | ErrorClass::Indefinite => {
                    self.rewinds = true;
                    Ok(())
                }
                ErrorClass::Fatal => Err(error),
            },
        }
    }

    fn work(&mut self) -> Result<()> {
        let member = match &mut self.member {
            Some(member) => member,
            None => {
                let member = self.process.join(GroupOptions {
                    group: "copiers".to_owned(),
                    topics: vec!["in".to_owned()],
                    assignor: Assignor::CooperativeSticky,
                    transactional_id: self.id.to_owned(),
                    start_at_beginning: true,
                    max_batch_bytes: 1 << 20,
                    max_batch_records: 4,
                })?;
                self.member.insert(member)
            }
        };
        if let Some((records, token)) = self.batch.take() {
            // Until the answer is known, the position read is ahead of the position committed.
            self.rewinds = true;
            member.commit(&transaction(&records, token))?;
            self.rewinds = false;
        }
        if self.rewinds {
            let held: Vec<TopicPartition> = self.held.iter().cloned().collect();
            for found in member.committed(&held)? {
                member.start(&found.partition, found.committed.unwrap_or(0))?;
            }
            self.rewinds = false;
        }
        match member.poll(Duration::ZERO)? {
            Polled::Assigned(assignments) => {
                // Held before it is started: what fails half way is rewound, which starts it.
                self.held.extend(assignments.iter().map(|assignment| assignment.partition.clone()));
                self.rewinds = true;
                for assignment in assignments {
                    member.start(&assignment.partition, assignment.committed.unwrap_or(0))?;
                }
                self.rewinds = false;
            }
            Polled::Revoked { partitions, .. } => self.held.retain(|held| !partitions.contains(held)),
            Polled::Batch { records, token } => self.batch = Some((records, token)),
            Polled::Idle { .. } => {}
        }
        Ok(())
    }
}

fn transaction(records: &[Record], token: FencingToken) -> Transaction {
    let mut positions: Vec<Position> = Vec::new();
    for record in records {
        positions.retain(|earlier| earlier.partition != record.from);
        positions.push(Position { partition: record.from.clone(), next_offset: record.offset + 1 });
    }
    let copies = records.iter().map(|record| NewRecord {
        to: TopicPartition::new("out", record.from.partition),
        key: record.key.clone(),
        value: record.value.clone(),
        headers: Vec::new(),
        timestamp_ms: None,
    });
    Transaction { records: copies.collect(), positions, token }
}

fn copy(options: SimOptions, plan: FaultPlan) -> std::result::Result<(), String> {
    let sim = Sim::new(options);
    let outside = sim.process();
    let told = |error: Error| format!("{:?}: {error}", error.class());
    outside.create_topics(&[topic("in"), topic("out")]).map_err(told)?;
    let mut appender = outside.appender().map_err(told)?;
    for partition in 0..PARTITIONS {
        let to = TopicPartition::new("in", partition);
        appender.append((0..EACH).map(|number| numbered(&to, number)).collect()).map_err(told)?;
    }
    sim.set_faults(plan);
    let inputs: Vec<TopicPartition> =
        (0..PARTITIONS).map(|number| TopicPartition::new("in", number)).collect();
    let mut workers = [Worker::new(&sim, "first"), Worker::new(&sim, "second")];
    let mut random = Random::new(options.seed);
    for turn in 0..TURNS {
        let worker = &mut workers[turn % 2];
        if turn < TROUBLED_TURNS && worker.batch.is_some() && random.once_in(12) {
            worker.freeze();
        }
        worker.turn(&sim).map_err(told)?;
        if turn % 50 == 49 {
            sim.advance(1_000);
            // The world is looked at without counting as a call of a process under test.
            let faults = sim.faults();
            sim.set_faults(FaultPlan::none());
            let committed = outside.committed("copiers", &inputs);
            let done: i64 = committed.unwrap_or_default().iter().map(|position| position.next_offset).sum();
            if done == i64::from(PARTITIONS * EACH) {
                return check(&outside);
            }
            sim.set_faults(faults);
        }
    }
    Err("stalled".to_owned())
}

fn check(log: &SimProcess) -> std::result::Result<(), String> {
    for partition in 0..PARTITIONS {
        let to = TopicPartition::new("out", partition);
        let mut reader = log.read(&to, 0).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        loop {
            let records = reader.next(Duration::ZERO).map_err(|error| error.to_string())?;
            if records.is_empty() {
                break;
            }
            found.extend(records.into_iter().map(|record| record.value));
        }
        let expected: Vec<_> = (0..EACH).map(|number| numbered(&to, number).value).collect();
        if found != expected {
            return Err(format!("{to} holds {} records instead of {EACH}, or others", found.len()));
        }
    }
    Ok(())
}

fn topic(name: &str) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions: PARTITIONS,
        replication: 1,
        cleanup: Cleanup::Delete,
        retention_ms: -1,
        timestamps: TimestampKind::CreateTime,
        settings: Vec::new(),
    }
}

fn numbered(to: &TopicPartition, number: u32) -> NewRecord {
    let text = bytes::Bytes::from(format!("{number}"));
    NewRecord { to: to.clone(), key: None, value: Some(text), headers: Vec::new(), timestamp_ms: None }
}
