//! Services that live and die on one simulated cluster: everything that happens follows from a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwether_log::sim::{Fault, FaultPlan, START_MS, Sim, SimProcess, Slot, SlotKind, is_crash};
use bellwether_log::{
    Appender, Cleanup, EventLog, NewRecord, Record, TimestampKind, TopicPartition, TopicSpec,
};

use super::Sabotage;
use crate::clock::{Clock, NoClock};
use crate::error::Error;
use crate::failpoint::{Failpoint, Failpoints};
use crate::fold::{FoldFactory, StateHash, UnitId};
use crate::options::Options;
use crate::service::{Service, Step};
use crate::snapshot::MemoryObjects;
use crate::unit::Phase;

/// A sequence of chances that a seed decides.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// The simulated cluster's clock, as a machine in step with the broker has it. Waiting moves it.
#[derive(Debug)]
struct SimClock(Sim);

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.now_ms() - START_MS).unwrap()
    }

    fn wait(&self, duration: Duration) {
        self.0.advance(i64::try_from(duration.as_millis()).unwrap());
    }
}

/// Crashes now and then, as long as it is let.
struct Chaos {
    random: Random,
    raging: Arc<AtomicBool>,
}

impl Failpoints for Chaos {
    fn crashes_at(&mut self, _point: Failpoint) -> bool {
        self.raging.load(Ordering::SeqCst) && self.random.once_in(150)
    }
}

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
}

/// A cluster and the services on it.
pub(super) struct World {
    pub(super) sim: Sim,
    pub(super) objects: MemoryObjects,
    pub(super) random: Random,
    pub(super) raging: Arc<AtomicBool>,
    plan: Plan,
    seats: Vec<Option<(SimProcess, Service)>>,
    producer: Box<dyn Appender>,
    started: u64,
    seed: u64,
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
        let sim = Sim::seeded(seed);
        let process = sim.process();
        process.create_topics(&plan.topics).unwrap();
        Self {
            producer: process.appender().unwrap(),
            sim,
            objects: plan.objects.clone(),
            random: Random::new(seed),
            raging: Arc::new(AtomicBool::new(false)),
            seats: (0..plan.services).map(|_| None).collect(),
            plan,
            started: 0,
            seed,
            crashes: 0,
        }
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
        let chaos =
            Chaos { random: Random::new(self.seed ^ (self.started << 32)), raging: Arc::clone(&self.raging) };
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
        self.seats[seat] = Some((process, service));
        Ok(())
    }

    /// Kills the service of a seat where it stands.
    pub(super) fn crash(&mut self, seat: usize) {
        if let Some((process, service)) = self.seats[seat].take() {
            process.crash();
            drop(service);
            self.crashes += 1;
        }
    }

    /// One round of the service of a seat; an error kills it.
    pub(super) fn step(&mut self, seat: usize) -> Result<Step, Error> {
        let Some((_, service)) = &mut self.seats[seat] else { return Ok(Step::Idle) };
        match service.step() {
            Ok(Step::Stopped) => {
                self.seats[seat] = None;
                Ok(Step::Stopped)
            }
            Ok(step) => Ok(step),
            Err(error) => {
                self.crash(seat);
                Err(error)
            }
        }
    }

    pub(super) fn service(&self, seat: usize) -> &Service {
        &self.seats[seat].as_ref().unwrap().1
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
                if self.seats[seat].is_none() {
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
        Ok(())
    }

    /// What may happen to one seat in one round.
    fn live(&mut self, seat: usize) -> Result<(), String> {
        if self.seats[seat].is_none() {
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

    /// Committed records of a partition.
    pub(super) fn committed(&self, topic: &str, partition: u32) -> Vec<Record> {
        let slots = self.sim.slots(&TopicPartition::new(topic, partition)).unwrap();
        let shown = |slot: Slot| (slot.kind == SlotKind::Committed).then_some(slot.record);
        slots.into_iter().filter_map(shown).collect()
    }

    /// Hash of a unit's state, wherever it is live.
    pub(super) fn hash(&self, unit: u32) -> Option<StateHash> {
        self.seats.iter().flatten().find_map(|(_, service)| match &service.units.get(&UnitId(unit))?.phase {
            Phase::Live(live) => Some(live.fold.state_hash()),
            _ => None,
        })
    }
}

/// Errors a service may end with while the cluster is ill-treated; any other is a bug.
fn expected(error: Error) -> Result<(), String> {
    match &error {
        Error::Crashed { .. } => Ok(()),
        Error::Log { source, .. } if is_crash(source) => Ok(()),
        // The simulator's twin may strike a member more often than it lets itself be fenced.
        Error::Log { source, .. } if source.to_string().contains("fenced time and again") => Ok(()),
        _ => Err(format!("a service ended with: {}", crate::restore::chain(&error))),
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
