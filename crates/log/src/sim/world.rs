//! Everything the simulated cluster knows: topics, groups, producers, open transactions, processes, time.
//!
//! Invariants: all chance comes from one seeded sequence; every call of the port passes [`World::step`] first; a
//! transaction that has ended leaves no trace in `open`.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Call, Fault, FaultPlan, crashed};
use super::group::Group;
use super::partition::{Partition, size};
use super::random::Random;
use super::{SimOptions, Weakness};
use crate::{Error, ErrorClass, NewRecord, Result, TimestampKind, TopicPartition, TopicSpec};

/// How long the group waits for a silent member, on the simulated clock; the session time-out of the adapter.
pub(super) const SESSION_MS: i64 = 10_000;
/// How long a transaction may stay open, on the simulated clock; the adapter's transaction.timeout.ms.
pub(super) const TRANSACTION_MS: i64 = 10_000;
/// How many calls slow markers take at most: enough for another member to take a partition over meanwhile.
const MARKER_STEPS: usize = 60;
/// Kafka's default bound on a record.
const MAX_MESSAGE_BYTES: usize = 1_048_588;

#[derive(Debug)]
pub(super) struct World {
    pub(super) now_ms: i64,
    pub(super) random: Random,
    pub(super) steps: u64,
    pub(super) plan: FaultPlan,
    pub(super) weakness: Option<Weakness>,
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) groups: BTreeMap<String, Group>,
    /// Epoch of each transactional id.
    pub(super) producers: BTreeMap<String, u64>,
    pub(super) open: BTreeMap<u64, Open>,
    processes: BTreeMap<u64, Process>,
    next_number: u64,
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) spec: TopicSpec,
    pub(super) partitions: Vec<Partition>,
}

/// An open transaction.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) transactional_id: String,
    since_ms: i64,
    touched: BTreeSet<TopicPartition>,
    /// Group and positions that apply on commit.
    pub(super) offsets: Vec<(String, TopicPartition, i64)>,
    /// Set once it is to be committed and its markers are under way: the step at which they arrive.
    pub(super) decided: Option<u64>,
}

#[derive(Debug, Default)]
struct Process {
    crashed_at_ms: Option<i64>,
}

impl World {
    pub(super) fn new(options: SimOptions) -> Self {
        Self {
            now_ms: options.start_ms,
            random: Random::new(options.seed),
            steps: 0,
            plan: FaultPlan::none(),
            weakness: options.weakness,
            topics: BTreeMap::new(),
            groups: BTreeMap::new(),
            producers: BTreeMap::new(),
            open: BTreeMap::new(),
            processes: BTreeMap::new(),
            next_number: 0,
        }
    }

    /// A number never given before.
    pub(super) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    pub(super) fn new_process(&mut self) -> u64 {
        let process = self.number();
        self.processes.insert(process, Process::default());
        process
    }

    pub(super) fn crash(&mut self, process: u64) {
        let now_ms = self.now_ms;
        if let Some(process) = self.processes.get_mut(&process) {
            process.crashed_at_ms.get_or_insert(now_ms);
        }
    }

    pub(super) fn has_crashed(&self, process: u64) -> bool {
        self.processes.get(&process).is_some_and(|process| process.crashed_at_ms.is_some())
    }

    /// Counts a call, refuses it to a dead process, and hands over the fault that strikes it. The two faults that
    /// are the same for every call are dealt with here.
    pub(super) fn step(&mut self, process: u64, call: Call, what: &str) -> Result<Option<Fault>> {
        if self.has_crashed(process) {
            return Err(crashed(what));
        }
        self.steps += 1;
        let steps = self.steps;
        self.arrive(|open| open.decided.is_some_and(|due| due <= steps));
        let fault = self.plan.take(self.steps, call);
        match fault {
            Some(Fault::CrashBefore) => {
                self.crash(process);
                Err(crashed(what))
            }
            Some(Fault::Transient) => {
                Err(Error::new(ErrorClass::Transient, format!("{what}: simulated transient failure")))
            }
            other => Ok(other),
        }
    }

    /// Ends a call: a process that was to die after it does so now.
    pub(super) fn done<T>(
        &mut self,
        process: u64,
        fault: Option<Fault>,
        what: &str,
        result: Result<T>,
    ) -> Result<T> {
        if fault == Some(Fault::CrashAfter) {
            self.crash(process);
            return Err(crashed(what));
        }
        result
    }

    pub(super) fn partition(&mut self, name: &TopicPartition) -> Result<&mut Partition> {
        let unknown = || Error::new(ErrorClass::Fatal, format!("find {name}: no such topic or partition"));
        let topic = self.topics.get_mut(&name.topic).ok_or_else(unknown)?;
        let index = usize::try_from(name.partition).unwrap_or(usize::MAX);
        topic.partitions.get_mut(index).ok_or_else(unknown)
    }

    pub(super) fn partition_counts(&self) -> BTreeMap<String, u32> {
        self.topics.iter().map(|(name, topic)| (name.clone(), topic.spec.partitions)).collect()
    }

    /// Refuses what the log could never take.
    pub(super) fn admit(&mut self, record: &NewRecord) -> Result<()> {
        self.partition(&record.to)?;
        let bound = self.topics.get(&record.to.topic).map_or(MAX_MESSAGE_BYTES, Topic::max_message_bytes);
        let size = size(&record.key, &record.value, &record.headers);
        if size > bound {
            let what = format!("append {size} bytes to {}: the topic takes {bound} at most", record.to);
            return Err(Error::new(ErrorClass::Fatal, what));
        }
        Ok(())
    }

    pub(super) fn append(&mut self, record: &NewRecord, transaction: Option<u64>) -> Result<i64> {
        let now_ms = self.now_ms;
        let kind = self.topics.get(&record.to.topic).map_or(TimestampKind::CreateTime, |t| t.spec.timestamps);
        if let Some(open) = transaction.and_then(|number| self.open.get_mut(&number)) {
            open.touched.insert(record.to.clone());
        }
        Ok(self.partition(&record.to)?.append(record, kind, now_ms, transaction))
    }

    /// Fences earlier producers of the id and aborts what they left open; the new epoch.
    pub(super) fn init_producer(&mut self, transactional_id: &str) -> u64 {
        self.arrive(|open| open.transactional_id == transactional_id);
        let dangling: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, open)| open.transactional_id == transactional_id)
            .map(|(number, _)| *number)
            .collect();
        for number in dangling {
            self.end(number, false);
        }
        let epoch = self.producers.entry(transactional_id.to_owned()).or_default();
        *epoch += 1;
        *epoch
    }

    /// Ends the decided transactions among these: their markers have arrived.
    fn arrive(&mut self, among: impl Fn(&Open) -> bool) {
        let arrived: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, open)| open.decided.is_some() && among(open))
            .map(|(number, _)| *number)
            .collect();
        for number in arrived {
            self.end(number, true);
        }
    }

    /// Decides a transaction whose markers take their time.
    pub(super) fn decide(&mut self, number: u64) {
        let due = self.steps + 1 + u64::try_from(self.random.below(MARKER_STEPS)).unwrap_or(0);
        if let Some(open) = self.open.get_mut(&number) {
            open.decided = Some(due);
        }
    }

    /// Begins a transaction; one of the same id whose markers are under way is waited for, as clients do.
    pub(super) fn begin(&mut self, transactional_id: &str) -> u64 {
        self.arrive(|open| open.transactional_id == transactional_id);
        let number = self.number();
        let open = Open {
            transactional_id: transactional_id.to_owned(),
            since_ms: self.now_ms,
            touched: BTreeSet::new(),
            offsets: Vec::new(),
            decided: None,
        };
        self.open.insert(number, open);
        number
    }

    /// Commits or aborts an open transaction: markers, and the positions when it commits.
    pub(super) fn end(&mut self, number: u64, committed: bool) {
        let Some(open) = self.open.remove(&number) else { return };
        let now_ms = self.now_ms;
        for name in &open.touched {
            if let Ok(partition) = self.partition(name) {
                partition.finish(number, committed, now_ms);
            }
        }
        let applies = committed && self.weakness != Some(Weakness::DropPositions);
        for (group, partition, next_offset) in open.offsets {
            if applies {
                self.groups.entry(group).or_default().offsets.insert(partition, next_offset);
            }
        }
    }

    /// The committed position of a group, once no open transaction can move it any more.
    pub(super) fn stable_committed(&self, group: &str, partition: &TopicPartition) -> Result<Option<i64>> {
        let unstable = self
            .open
            .values()
            .flat_map(|open| &open.offsets)
            .any(|(of, what, _)| of == group && what == partition);
        if unstable && self.weakness != Some(Weakness::UnstablePositions) {
            let what = format!("read the position of {group} in {partition}: a transaction holds it");
            return Err(Error::new(ErrorClass::Transient, what));
        }
        Ok(self.groups.get(group).and_then(|group| group.offsets.get(partition).copied()))
    }

    pub(super) fn rebalance(&mut self, group: &str) {
        let counts = self.partition_counts();
        if let Some(group) = self.groups.get_mut(group) {
            group.rebalance(&counts);
        }
    }

    /// Takes all seats of a process away.
    pub(super) fn evict(&mut self, process: u64) {
        let seats = |(name, group): (&String, &Group)| {
            let of_process = group.seats.iter().filter(|(_, seat)| seat.process == process);
            of_process.map(|(id, _)| (name.clone(), *id)).collect::<Vec<_>>()
        };
        let evicted: Vec<(String, u64)> = self.groups.iter().flat_map(seats).collect();
        for (group, seat) in evicted {
            self.unseat(&group, seat);
        }
    }

    /// Takes a seat away and lets the others share.
    pub(super) fn unseat(&mut self, group: &str, seat: u64) {
        let gone = self.groups.get_mut(group).and_then(|group| group.seats.remove(&seat));
        if gone.is_some() {
            self.rebalance(group);
        }
    }

    /// Moves the clock; ends sessions of the dead and transactions left open.
    pub(super) fn advance(&mut self, milliseconds: i64) {
        self.now_ms += milliseconds.max(0);
        let now_ms = self.now_ms;
        self.arrive(|_| true);
        let late: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, open)| now_ms - open.since_ms >= TRANSACTION_MS)
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            if let Some(id) = self.open.get(&number).map(|open| open.transactional_id.clone()) {
                *self.producers.entry(id).or_default() += 1;
            }
            self.end(number, false);
        }
        let mut silent: Vec<(String, u64)> = Vec::new();
        for (name, group) in &self.groups {
            for (id, seat) in &group.seats {
                let died = self.processes.get(&seat.process).and_then(|process| process.crashed_at_ms);
                let since = match (died, seat.abandoned_at_ms) {
                    (Some(died), Some(abandoned)) => Some(died.min(abandoned)),
                    (died, abandoned) => died.or(abandoned),
                };
                if since.is_some_and(|since| now_ms - since >= SESSION_MS) {
                    silent.push((name.clone(), *id));
                }
            }
        }
        for (group, seat) in silent {
            self.unseat(&group, seat);
        }
    }
}

impl Topic {
    fn max_message_bytes(&self) -> usize {
        let set = self.spec.settings.iter().find(|(name, _)| name == "max.message.bytes");
        set.and_then(|(_, value)| value.parse().ok()).unwrap_or(MAX_MESSAGE_BYTES)
    }
}
