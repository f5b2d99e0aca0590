//! The deterministic simulator of the log: seeded, in memory, without threads, sleeps or clocks of its own.
//!
//! What it is: the tests' main instrument. It keeps what exactly-once depends on: markers that take offsets, aborted
//! records, a stable end below the end, group generations, producers fenced by a newer one with the same id, lost
//! acknowledgements, members thrown out, positions that are unstable while a transaction holds them, broker time,
//! compaction. What it is not: a broker; nothing is served over a wire and nothing survives the process.
//!
//! Invariants:
//! - A run is a function of the seed, the fault plan and the calls made.
//! - `poll` and `next` never wait: they answer with what is there.
//! - Every call of the port is one step, counted over all processes; a [`FaultPlan`] speaks of steps.
//! - A process that has crashed gets nothing but [`is_crash`] errors.
//!
//! ```text
//!   Sim ── process("a") ──> SimProcess: EventLog ── join ──> member    calls ──> step ──> fault? ──> World
//!    |                                                                                               ^
//!    └── advance · faults · compact · slots · crash ─────────────────────────────────────────────────┘
//! ```

#[cfg(test)]
mod chaos;
mod fault;
mod group;
mod member;
mod partition;
mod process;
mod random;
mod reader;
#[cfg(test)]
mod tests;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use fault::{Crashed, Fault, FaultPlan, is_crash};
pub use partition::{Slot, SlotKind};
pub use process::SimProcess;

use world::World;

use crate::{NewRecord, Result, TopicPartition};

/// Where the simulated clock starts unless told: 2024-01-01T00:00:00Z.
pub const START_MS: i64 = 1_704_067_200_000;

/// How to simulate.
#[derive(Debug, Clone, Copy)]
pub struct SimOptions {
    /// Decides batch sizes, their order and other free choices of a broker.
    pub seed: u64,
    /// Where the clock starts, in Unix milliseconds.
    pub start_ms: i64,
    /// A guarantee to break, to prove that a test would notice.
    pub weakness: Option<Weakness>,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self { seed: 0, start_ms: START_MS, weakness: None }
    }
}

/// A guarantee of the log switched off. Each is something a real stand-in for Kafka was seen to lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Commits of members the group has thrown out go through.
    AnyGeneration,
    /// Committed positions are told while a transaction still holds them.
    UnstablePositions,
    /// Aborted records are shown.
    ShowAborted,
    /// Transactions drop their positions.
    DropPositions,
    /// A producer outlives a newer one with the same transactional id.
    NobodyFenced,
}

impl Weakness {
    /// All of them.
    pub const ALL: [Weakness; 5] = [
        Weakness::AnyGeneration,
        Weakness::UnstablePositions,
        Weakness::ShowAborted,
        Weakness::DropPositions,
        Weakness::NobodyFenced,
    ];
}

type Shared = Arc<Mutex<World>>;

/// No code of ours panics while it holds the lock, and a test that panics is over anyway.
fn lock(shared: &Shared) -> MutexGuard<'_, World> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulated cluster. Clones share it.
#[derive(Debug, Clone)]
pub struct Sim {
    shared: Shared,
}

impl Sim {
    /// A cluster without topics.
    pub fn new(options: SimOptions) -> Self {
        Self { shared: Arc::new(Mutex::new(World::new(options))) }
    }

    /// A cluster without topics that runs by this seed.
    pub fn seeded(seed: u64) -> Self {
        Self::new(SimOptions { seed, ..SimOptions::default() })
    }

    /// A client process: what it opens dies with it.
    pub fn process(&self) -> SimProcess {
        let number = lock(&self.shared).new_process();
        SimProcess::new(Arc::clone(&self.shared), number)
    }

    /// Replaces the faults to come.
    pub fn set_faults(&self, plan: FaultPlan) {
        lock(&self.shared).plan = plan;
    }

    /// Faults that have not struck yet.
    pub fn faults(&self) -> FaultPlan {
        lock(&self.shared).plan.clone()
    }

    /// Calls of the port so far.
    pub fn steps(&self) -> u64 {
        lock(&self.shared).steps
    }

    /// The broker's clock.
    pub fn now_ms(&self) -> i64 {
        lock(&self.shared).now_ms
    }

    /// Moves the broker's clock forward; sessions of the dead end and abandoned transactions are aborted on the way.
    pub fn advance(&self, milliseconds: i64) {
        lock(&self.shared).advance(milliseconds);
    }

    /// Compacts every partition of a topic at once, below its stable end.
    pub fn compact(&self, topic: &str, drop_tombstones: bool) {
        if let Some(topic) = lock(&self.shared).topics.get_mut(topic) {
            topic.partitions.iter_mut().for_each(|partition| partition.compact(drop_tombstones));
        }
    }

    /// Forgets the records of a partition below an offset, as retention does.
    pub fn truncate(&self, partition: &TopicPartition, before: i64) -> Result<()> {
        lock(&self.shared).partition(partition)?.truncate(before);
        Ok(())
    }

    /// Everything in a partition, markers and aborted records included.
    pub fn slots(&self, partition: &TopicPartition) -> Result<Vec<Slot>> {
        Ok(lock(&self.shared).partition(partition)?.slots().to_vec())
    }

    /// Appends inside a transaction that stays open until it is ended or times out, as a hanging producer would.
    pub fn open_transaction(
        &self,
        transactional_id: &str,
        records: &[NewRecord],
    ) -> Result<HangingTransaction> {
        let mut world = lock(&self.shared);
        world.init_producer(transactional_id);
        let number = world.begin(transactional_id);
        for record in records {
            world.append(record, Some(number))?;
        }
        Ok(HangingTransaction { shared: Arc::clone(&self.shared), number })
    }
}

/// A transaction held open by [`Sim::open_transaction`]. Dropping it leaves it open.
#[derive(Debug)]
pub struct HangingTransaction {
    shared: Shared,
    number: u64,
}

impl HangingTransaction {
    /// Commits it.
    pub fn commit(self) {
        lock(&self.shared).end(self.number, true);
    }

    /// Aborts it.
    pub fn abort(self) {
        lock(&self.shared).end(self.number, false);
    }
}
