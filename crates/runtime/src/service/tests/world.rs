//! Services that live and die on one simulated cluster: everything that happens follows from a seed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bellwether_log::sim::{Fault, FaultPlan, Sim, SimOptions, SimProcess, Slot, SlotKind, Weakness};
use bellwether_log::{
    Appender, Cleanup, EventLog, NewRecord, Record, TimestampKind, TopicPartition, TopicSpec,
};

use super::Sabotage;
pub(super) use super::fate::Random;
use super::fate::{Chaos, Seat, SimClock, expected};
use crate::clock::{Clock, NoClock};
use crate::error::Error;
use crate::fold::{FoldFactory, StateHash, UnitId};
use crate::options::Options;
use crate::service::{Service, Step};
use crate::snapshot::{MemoryObjects, codec};
use crate::unit::Phase;

/// How to run a scenario.
pub(super) struct Plan {
    pub(super) topics: Vec<TopicSpec>,
    pub(super) options: Box<dyn Fn(usize) -> Options>,
    pub(super) factory: Arc<dyn FoldFactory>,
    pub(super) objects: MemoryObjects,
    pub(super) services: usize,
    pub(super) sabotage: Option<Sabotage>,
    /// Folds are never told the clock.
    pub(super) warped: bool,
    /// A promise the log breaks.
    pub(super) weakness: Option<Weakness>,
}

/// A cluster and the services on it.
pub(super) struct World {
    pub(super) sim: Sim,
    pub(super) objects: MemoryObjects,
    pub(super) random: Random,
    pub(super) raging: Arc<AtomicBool>,
    plan: Plan,
    seats: Vec<Seat>,
    producer: Box<dyn Appender>,
    started: u64,
    seed: u64,
    /// Errors no ill-treatment explains.
    complaints: Arc<Mutex<Vec<String>>>,
    /// Crashes, of any cause.
    pub(super) crashes: u32,
}

pub(super) fn topic(name: &str, partitions: u32, timestamps: TimestampKind, cleanup: Cleanup) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        replication: 1,
        cleanup,
        retention_ms: -1,
        timestamps,
        settings: vec![],
    }
}

pub(super) fn record(topic: &str, partition: u32, key: &str, value: &str) -> NewRecord {
    NewRecord {
        to: TopicPartition::new(topic, partition),
        key: Some(key.to_owned().into()),
        value: Some(value.to_owned().into()),
        headers: vec![],
        timestamp_ms: None,
    }
}

pub(super) fn text(record: &Record) -> String {
    String::from_utf8(record.value.clone().unwrap_or_default().to_vec()).unwrap()
}

impl World {
    pub(super) fn new(seed: u64, plan: Plan) -> Self {
        let sim = Sim::new(SimOptions { seed, weakness: plan.weakness, ..SimOptions::default() });
        let process = sim.process();
        process.create_topics(&plan.topics).unwrap();
        Self {
            producer: process.appender().unwrap(),
            sim,
            objects: plan.objects.clone(),
            random: Random::new(seed),
            raging: Arc::new(AtomicBool::new(false)),
            seats: (0..plan.services).map(|_| Seat::default()).collect(),
            plan,
            started: 0,
            seed,
            complaints: Arc::default(),
            crashes: 0,
        }
    }

    /// The same world on a log that breaks a promise.
    pub(super) fn weakened(self, weakness: Weakness) -> Self {
        let Self { seed, plan, .. } = self;
        Self::new(seed, Plan { weakness: Some(weakness), ..plan })
    }

    /// Appends outside any transaction, whatever it takes.
    pub(super) fn append(&mut self, records: Vec<NewRecord>) {
        while self.producer.append(records.clone()).is_err() {
            self.producer =
                self.sim.process().appender().unwrap_or_else(|_| self.sim.process().appender().unwrap());
        }
    }

    /// Appends in a transaction, so that a marker follows; now and then one that is aborted comes first.
    fn append_in_transaction(&mut self, records: &[NewRecord]) {
        if self.random.once_in(4) {
            self.sim.open_transaction("upstream", records).unwrap().abort();
        }
        self.sim.open_transaction("upstream", records).unwrap().commit();
    }

    /// Starts the service of a seat.
    pub(super) fn start(&mut self, seat: usize) -> Result<(), Error> {
        self.started += 1;
        let process = self.sim.process();
        let clock: Arc<dyn Clock> = if self.plan.warped {
            Arc::new(NoClock(SimClock(self.sim.clone())))
        } else {
            Arc::new(SimClock(self.sim.clone()))
        };
        let chaos = Chaos {
            random: Random::new(self.seed ^ (self.started << 32)),
            raging: Arc::clone(&self.raging),
            sim: self.sim.clone(),
            process: process.clone(),
            everybody: self.seats.clone(),
            complaints: Arc::clone(&self.complaints),
        };
        let mut service = Service::simulated(
            Arc::new(process.clone()),
            Arc::clone(&self.plan.factory),
            clock,
            (self.plan.options)(seat),
            Box::new(chaos),
        )?;
        if let Some(sabotage) = self.plan.sabotage {
            service.sabotage(sabotage);
        }
        *self.hold(seat) = Some((process, service));
        Ok(())
    }

    fn hold(&self, seat: usize) -> MutexGuard<'_, Option<(SimProcess, Service)>> {
        self.seats[seat].lock().unwrap()
    }

    /// Kills the service of a seat where it stands.
    pub(super) fn crash(&mut self, seat: usize) {
        let killed = self.hold(seat).take();
        if let Some((process, service)) = killed {
            process.crash();
            drop(service);
            self.crashes += 1;
        }
    }

    /// One round of the service of a seat; an error kills it.
    pub(super) fn step(&mut self, seat: usize) -> Result<Step, Error> {
        let stepped = match self.hold(seat).as_mut() {
            Some((_, service)) => service.step(),
            None => return Ok(Step::Idle),
        };
        match stepped {
            Ok(Step::Stopped) => {
                *self.hold(seat) = None;
                Ok(Step::Stopped)
            }
            Ok(step) => Ok(step),
            Err(error) => {
                self.crash(seat);
                Err(error)
            }
        }
    }

    pub(super) fn service(&self, seat: usize) -> Held<'_> {
        Held(self.hold(seat))
    }

    fn is_empty(&self, seat: usize) -> bool {
        self.hold(seat).is_none()
    }

    /// Rounds of all services, with time between them, until nothing has happened for a while.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.settle_for(60_000)
    }

    /// The same with another measure of a while, in simulated milliseconds.
    pub(super) fn settle_for(&mut self, quiet_ms: i64) -> Result<(), String> {
        let mut quiet_since = self.sim.now_ms();
        for _ in 0..50_000 {
            for seat in 0..self.seats.len() {
                if self.is_empty(seat) {
                    self.start(seat).map_err(|error| format!("start: {error}"))?;
                }
                match self.step(seat) {
                    Ok(Step::Worked) => quiet_since = self.sim.now_ms(),
                    Ok(Step::Idle | Step::Stopped) => {}
                    Err(error) => return Err(format!("seat {seat} ended: {error}")),
                }
            }
            self.sim.advance(200);
            if self.sim.now_ms() - quiet_since >= quiet_ms {
                return Ok(());
            }
        }
        Err("never came to rest".to_owned())
    }

    /// Random life: `produce` is asked for inputs now and then.
    pub(super) fn rage(
        &mut self,
        rounds: u64,
        faults: &[Fault],
        mut produce: impl FnMut(&mut Random) -> Vec<NewRecord>,
    ) -> Result<(), String> {
        self.raging.store(true, Ordering::SeqCst);
        let count = usize::try_from(self.random.below(25)).unwrap();
        self.sim.set_faults(FaultPlan::from_seed(self.seed, rounds * 6, count, faults));
        for _ in 0..rounds {
            if self.random.once_in(3) {
                let records = produce(&mut self.random);
                if self.random.once_in(2) {
                    self.append_in_transaction(&records);
                } else {
                    self.append(records);
                }
            }
            let pause = match self.random.below(100) {
                0 => 12_000,
                1..=5 => 2_000,
                _ => i64::try_from(self.random.below(250)).unwrap(),
            };
            self.sim.advance(pause);
            for seat in 0..self.seats.len() {
                self.live(seat)?;
            }
        }
        self.raging.store(false, Ordering::SeqCst);
        self.sim.set_faults(FaultPlan::none());
        self.complaints.lock().unwrap().pop().map_or(Ok(()), Err)
    }

    /// What may happen to one seat in one round.
    fn live(&mut self, seat: usize) -> Result<(), String> {
        if self.is_empty(seat) {
            if self.random.once_in(8) {
                self.start(seat).or_else(expected)?;
            }
            return Ok(());
        }
        match self.random.below(600) {
            0 => self.crash(seat),
            1 => {
                self.service(seat).handle().stop();
                self.step(seat).map(|_| ()).or_else(expected)?;
            }
            2..=350 => {
                self.step(seat).map(|_| ()).or_else(expected)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Every published snapshot is at or behind what the group has committed (RT-4).
    pub(super) fn verify_snapshots(&self, group: &str) -> Result<(), String> {
        for (name, bytes) in self.objects.all() {
            let snapshot = codec::decode(&bytes).map_err(|error| format!("{name}: {error}"))?;
            for input in &snapshot.header.inputs {
                let at = input.position().partition;
                let committed =
                    self.sim.process().committed(group, &[at]).map_err(|error| error.to_string())?;
                if committed.first().is_none_or(|at| at.next_offset < input.next_offset) {
                    return Err(format!("{name} is ahead of {committed:?}"));
                }
            }
        }
        Ok(())
    }

    /// Committed records of a partition.
    pub(super) fn committed(&self, topic: &str, partition: u32) -> Vec<Record> {
        let slots = self.sim.slots(&TopicPartition::new(topic, partition)).unwrap();
        let shown = |slot: Slot| (slot.kind == SlotKind::Committed).then_some(slot.record);
        slots.into_iter().filter_map(shown).collect()
    }

    /// Hash of a unit's state, wherever it is live.
    pub(super) fn hash(&self, unit: u32) -> Option<StateHash> {
        (0..self.seats.len()).find_map(|seat| {
            match &self.hold(seat).as_ref()?.1.units.get(&UnitId(unit))?.phase {
                Phase::Live(live) => Some(live.fold.state_hash()),
                _ => None,
            }
        })
    }
}

/// The service of a seat, held.
pub(super) struct Held<'a>(MutexGuard<'a, Option<(SimProcess, Service)>>);

impl std::ops::Deref for Held<'_> {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0.as_ref().expect("the seat is taken").1
    }
}

/// Where two lists part, for a message that can be read.
pub(super) fn first_difference<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) -> String {
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    format!("from {at} on found {:?} and expected {:?}", after(found, at), after(expected, at))
}

fn after<T>(list: &[T], at: usize) -> &[T] {
    &list[at.saturating_sub(2).min(list.len())..(at + 3).min(list.len())]
}
