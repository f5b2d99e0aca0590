//! A member of a simulated group: polls, and commits transactions.
//!
//! Invariant: whatever the group decided meanwhile, the member acts on it at its next poll and not before, as a
//! client does whose thread was busy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Call, Fault, crashed};
use super::group::{Move, Seat};
use super::partition::Limit;
use super::reader::out_of_range;
use super::world::World;
use super::{Shared, Weakness, lock};
use crate::{
    Assignment, CommitOutcome, Error, ErrorClass, GroupOptions, Holdings, Member, Polled, Record, Result,
    TopicPartition, Transaction,
};

/// How often in a row a member lets itself be fenced before it takes it for a twin that will not go away.
const MAX_FENCINGS: u32 = 3;

#[derive(Debug)]
pub(super) struct SimMember {
    shared: Shared,
    process: u64,
    options: GroupOptions,
    seat: u64,
    epoch: u64,
    holdings: Holdings,
    /// Next offset of every started partition.
    flowing: BTreeMap<TopicPartition, i64>,
    /// Set when a newer producer has the id: everything is given up at the next poll.
    fenced: bool,
    fencings: u32,
}

impl SimMember {
    pub(super) fn join(
        shared: &Shared,
        world: &mut World,
        process: u64,
        options: GroupOptions,
    ) -> Result<Self> {
        for topic in &options.topics {
            world.partition(&TopicPartition::new(topic.clone(), 0))?;
        }
        let mut member = Self {
            shared: Arc::clone(shared),
            process,
            options,
            seat: 0,
            epoch: 0,
            holdings: Holdings::default(),
            flowing: BTreeMap::new(),
            fenced: false,
            fencings: 0,
        };
        member.take_seat(world);
        Ok(member)
    }

    fn take_seat(&mut self, world: &mut World) {
        self.epoch = world.init_producer(&self.options.transactional_id);
        self.fenced = false;
        self.seat = world.number();
        let seat = Seat {
            topics: self.options.topics.iter().cloned().collect(),
            assignor: self.options.assignor,
            process: self.process,
            generation: 0,
            target: BTreeSet::new(),
            held: BTreeSet::new(),
            abandoned_at_ms: None,
        };
        world.groups.entry(self.options.group.clone()).or_default().seats.insert(self.seat, seat);
        world.rebalance(&self.options.group);
    }

    fn poll_world(&mut self, world: &mut World) -> Result<Polled> {
        if self.fenced {
            world.unseat(&self.options.group, self.seat);
        }
        let mut next = self.next_move(world);
        if next.is_none() {
            if !self.holdings.is_empty() {
                return Ok(self.give_up());
            }
            self.take_seat(world);
            next = self.next_move(world);
        }
        match next {
            Some(Move::Release(partitions)) => {
                self.holdings.lose(&partitions);
                self.flowing.retain(|partition, _| !partitions.contains(partition));
                Ok(Polled::Revoked { partitions, lost: false })
            }
            Some(Move::Take(partitions)) => self.take(world, partitions),
            Some(Move::Stay) | None => self.deliver(world),
        }
    }

    fn next_move(&self, world: &mut World) -> Option<Move> {
        world.groups.get_mut(&self.options.group)?.next_move(self.seat)
    }

    fn give_up(&mut self) -> Polled {
        let partitions: Vec<TopicPartition> = self.holdings.partitions().cloned().collect();
        self.holdings.lose(&partitions);
        self.flowing.clear();
        Polled::Revoked { partitions, lost: true }
    }

    fn take(&mut self, world: &mut World, partitions: Vec<TopicPartition>) -> Result<Polled> {
        let mut assignments = Vec::with_capacity(partitions.len());
        for partition in &partitions {
            let committed = match world.stable_committed(&self.options.group, partition) {
                Ok(committed) => committed,
                Err(unstable) if unstable.class() == ErrorClass::Transient => {
                    return Ok(Polled::Idle { token: self.holdings.token() });
                }
                Err(error) => return Err(error),
            };
            if committed.is_none() && !self.options.start_at_beginning {
                return Err(no_position(&self.options.group, partition));
            }
            assignments.push(Assignment { partition: partition.clone(), committed });
        }
        if let Some(seat) =
            world.groups.get_mut(&self.options.group).and_then(|group| group.seats.get_mut(&self.seat))
        {
            seat.held.extend(partitions.iter().cloned());
        }
        self.holdings.gain(&partitions);
        Ok(Polled::Assigned(assignments))
    }

    /// Records of some of the flowing partitions, as many and in the order the seed says.
    fn deliver(&mut self, world: &mut World) -> Result<Polled> {
        let token = self.holdings.token();
        let show_aborted = world.weakness == Some(Weakness::ShowAborted);
        let mut room = self.options.max_batch_records.max(1);
        if world.random.once_in(2) {
            room = 1 + world.random.below(room);
        }
        let mut order: Vec<TopicPartition> = self.flowing.keys().cloned().collect();
        if !order.is_empty() {
            let first = world.random.below(order.len());
            order.rotate_left(first);
        }
        let mut records: Vec<Record> = Vec::new();
        for partition in order {
            let Some(next_offset) = self.flowing.get_mut(&partition) else { continue };
            if room == 0 {
                break;
            }
            let limit = Limit { records: room, bytes: self.options.max_batch_bytes };
            let read = world.partition(&partition)?.read(*next_offset, limit, show_aborted);
            let (read, next) = read.ok_or_else(|| out_of_range(&partition, *next_offset))?;
            *next_offset = next;
            room = room.saturating_sub(read.len());
            records.extend(read);
        }
        Ok(if records.is_empty() { Polled::Idle { token } } else { Polled::Batch { records, token } })
    }

    fn commit_world(
        &mut self,
        world: &mut World,
        transaction: &Transaction,
        fault: Option<Fault>,
    ) -> Result<CommitOutcome> {
        self.holdings.check(transaction)?;
        let id = self.options.transactional_id.clone();
        if fault == Some(Fault::Usurp) {
            world.init_producer(&id);
        }
        let newest = world.producers.get(&id).copied().unwrap_or_default();
        if newest != self.epoch && world.weakness != Some(Weakness::NobodyFenced) {
            return Err(self.fence());
        }
        let number = world.begin(&id);
        let mut offsets = Vec::with_capacity(transaction.records.len());
        for record in &transaction.records {
            if let Err(refusal) = world.admit(record) {
                world.end(number, false);
                return Err(refusal);
            }
            offsets.push(Some(world.append(record, Some(number))?));
        }
        if !self.is_current(world) {
            world.end(number, false);
            return Err(aborted(&id, "the group has a newer generation"));
        }
        if let Some(open) = world.open.get_mut(&number) {
            open.offsets = transaction
                .positions
                .iter()
                .map(|position| {
                    (self.options.group.clone(), position.partition.clone(), position.next_offset)
                })
                .collect();
        }
        match fault {
            Some(Fault::Abort) => {
                world.end(number, false);
                Err(aborted(&id, "the coordinator said so"))
            }
            Some(Fault::CrashInside) => {
                world.crash(self.process);
                Err(crashed("commit"))
            }
            Some(fault @ (Fault::LoseAcknowledgement | Fault::LoseRequest)) => {
                world.end(number, fault == Fault::LoseAcknowledgement);
                self.epoch = world.init_producer(&id);
                let what = format!("commit a transaction of {id}: no answer, the producer was opened anew");
                Err(Error::new(ErrorClass::Indefinite, what))
            }
            _ => {
                if fault == Some(Fault::SlowMarkers) {
                    world.decide(number);
                } else {
                    world.end(number, true);
                }
                self.fencings = 0;
                Ok(CommitOutcome { offsets })
            }
        }
    }

    /// Whether the coordinator takes this member for a current one. One that has not heard of a rebalance yet may be
    /// let through or not, as with Kafka, where it depends on how far the others are.
    fn is_current(&self, world: &mut World) -> bool {
        if world.weakness == Some(Weakness::AnyGeneration) {
            return true;
        }
        let Some(group) = world.groups.get(&self.options.group) else { return false };
        let Some(seat) = group.seats.get(&self.seat) else { return false };
        seat.generation == group.generation || world.random.once_in(2)
    }

    fn fence(&mut self) -> Error {
        self.fenced = true;
        self.fencings += 1;
        let id = &self.options.transactional_id;
        if self.fencings > MAX_FENCINGS {
            let what =
                format!("commit as {id}: fenced time and again; give every process an ordinal of its own");
            return Error::new(ErrorClass::Fatal, what);
        }
        Error::new(ErrorClass::Fenced, format!("commit as {id}: another producer has taken over the id"))
    }
}

impl Member for SimMember {
    fn poll(&mut self, _timeout: Duration) -> Result<Polled> {
        let shared = Arc::clone(&self.shared);
        let mut world = lock(&shared);
        let fault = world.step(self.process, Call::Poll, "poll")?;
        self.disturb(&mut world, fault);
        let result = self.poll_world(&mut world);
        world.done(self.process, fault, "poll", result)
    }

    fn start(&mut self, partition: &TopicPartition, next_offset: i64) -> Result<()> {
        let mut world = lock(&self.shared);
        let fault = world.step(self.process, Call::Other, "start a partition")?;
        let held = self.holdings.holds(partition);
        if held {
            self.flowing.insert(partition.clone(), next_offset);
        }
        let result = if held { Ok(()) } else { Err(not_held("start", partition)) };
        world.done(self.process, fault, "start a partition", result)
    }

    fn pause(&mut self, partition: &TopicPartition) -> Result<()> {
        let mut world = lock(&self.shared);
        let fault = world.step(self.process, Call::Other, "pause a partition")?;
        let held = self.holdings.holds(partition);
        self.flowing.remove(partition);
        let result = if held { Ok(()) } else { Err(not_held("pause", partition)) };
        world.done(self.process, fault, "pause a partition", result)
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<CommitOutcome> {
        let shared = Arc::clone(&self.shared);
        let mut world = lock(&shared);
        let fault = world.step(self.process, Call::Commit, "commit")?;
        self.disturb(&mut world, fault);
        let result = self.commit_world(&mut world, transaction, fault);
        world.done(self.process, fault, "commit", result)
    }

    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Assignment>> {
        let mut world = lock(&self.shared);
        let fault = world.step(self.process, Call::Other, "read committed positions")?;
        let result = partitions
            .iter()
            .map(|partition| {
                let committed = world.stable_committed(&self.options.group, partition)?;
                Ok(Assignment { partition: partition.clone(), committed })
            })
            .collect();
        world.done(self.process, fault, "read committed positions", result)
    }

    fn leave(self: Box<Self>) -> Result<()> {
        let mut world = lock(&self.shared);
        let fault = world.step(self.process, Call::Other, "leave a group")?;
        world.unseat(&self.options.group, self.seat);
        world.done(self.process, fault, "leave a group", Ok(()))
    }
}

impl SimMember {
    /// Faults that strike the group rather than the call.
    fn disturb(&self, world: &mut World, fault: Option<Fault>) {
        match fault {
            Some(Fault::Evict) => world.unseat(&self.options.group, self.seat),
            Some(Fault::Rebalance) => world.rebalance(&self.options.group),
            _ => {}
        }
    }
}

impl Drop for SimMember {
    fn drop(&mut self) {
        let mut world = lock(&self.shared);
        let now_ms = world.now_ms;
        let group = world.groups.get_mut(&self.options.group);
        if let Some(seat) = group.and_then(|group| group.seats.get_mut(&self.seat)) {
            seat.abandoned_at_ms = Some(now_ms);
        }
    }
}

fn aborted(id: &str, why: &str) -> Error {
    Error::new(ErrorClass::Aborted, format!("commit a transaction of {id}: aborted, {why}"))
}

fn not_held(what: &str, partition: &TopicPartition) -> Error {
    Error::new(ErrorClass::Fenced, format!("{what} {partition}: it is not assigned to this member"))
}

fn no_position(group: &str, partition: &TopicPartition) -> Error {
    let what = format!(
        "find where group {group} is in {partition}: no committed position, and starting at the beginning was not \
         allowed"
    );
    Error::new(ErrorClass::Fatal, what)
}
