//! Consumer groups: seats, generations, who should hold what.
//!
//! What it is: the coordinator's arithmetic. What it is not: delivery; a member learns of a change at its next poll
//! ([`super::member`]).
//!
//! Invariants: the targets of one generation are disjoint and cover every subscribed partition; no two seats hold
//! the same partition; an evicted seat holds nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Assignor, TopicPartition};

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) offsets: BTreeMap<TopicPartition, i64>,
    pub(super) generation: u64,
    pub(super) seats: BTreeMap<u64, Seat>,
}

/// A member as the group sees it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) topics: BTreeSet<String>,
    pub(super) assignor: Assignor,
    pub(super) process: u64,
    /// The generation the member has heard of.
    pub(super) generation: u64,
    pub(super) target: BTreeSet<TopicPartition>,
    pub(super) held: BTreeSet<TopicPartition>,
    /// Set when the member was dropped without leaving: its session runs out later.
    pub(super) abandoned_at_ms: Option<i64>,
}

/// What a member has to do next about its assignment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Move {
    Release(Vec<TopicPartition>),
    Take(Vec<TopicPartition>),
    Stay,
}

impl Group {
    /// Starts a new generation and decides who should hold what.
    pub(super) fn rebalance(&mut self, partition_counts: &BTreeMap<String, u32>) {
        self.generation += 1;
        for seat in self.seats.values_mut() {
            seat.target.clear();
        }
        let topics: BTreeSet<String> = self.seats.values().flat_map(|seat| seat.topics.clone()).collect();
        let ranged = self.seats.values().any(|seat| seat.assignor == Assignor::Range);
        if ranged {
            for topic in &topics {
                self.deal_range(topic, partition_counts.get(topic).copied().unwrap_or(0));
            }
        } else {
            let all = topics
                .iter()
                .flat_map(|topic| {
                    let count = partition_counts.get(topic).copied().unwrap_or(0);
                    (0..count).map(|number| TopicPartition::new(topic.clone(), number))
                })
                .collect();
            self.deal_sticky(all);
        }
    }

    /// Contiguous ranges per topic; equal counts end up with the same member.
    fn deal_range(&mut self, topic: &str, count: u32) {
        let takers: Vec<u64> =
            self.seats.iter().filter(|(_, seat)| seat.topics.contains(topic)).map(|(id, _)| *id).collect();
        let Some(share) = count.checked_div(u32::try_from(takers.len()).unwrap_or(u32::MAX)) else { return };
        let mut larger = count - share * u32::try_from(takers.len()).unwrap_or(0);
        let mut next = 0;
        for id in takers {
            let size = share + u32::from(larger > 0);
            larger = larger.saturating_sub(1);
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.target.extend((next..next + size).map(|number| TopicPartition::new(topic, number)));
            }
            next += size;
        }
    }

    /// Leaves partitions where they are up to an even share; the rest goes to whoever has least.
    fn deal_sticky(&mut self, all: BTreeSet<TopicPartition>) {
        let seats = self.seats.len().max(1);
        let (share, mut larger) = (all.len() / seats, all.len() % seats);
        let mut free = all;
        for seat in self.seats.values_mut() {
            let keep: Vec<_> = seat
                .held
                .iter()
                .filter(|held| free.contains(*held) && seat.topics.contains(&held.topic))
                .take(share + usize::from(larger > 0))
                .cloned()
                .collect();
            if keep.len() > share {
                larger -= 1;
            }
            for partition in keep {
                free.remove(&partition);
                seat.target.insert(partition);
            }
        }
        for partition in free {
            let taker = self
                .seats
                .values_mut()
                .filter(|seat| seat.topics.contains(&partition.topic))
                .min_by_key(|seat| seat.target.len());
            if let Some(seat) = taker {
                seat.target.insert(partition);
            }
        }
    }

    /// What the member in this seat has to do next; does it to the seat. `None` when the seat is gone.
    pub(super) fn next_move(&mut self, id: u64) -> Option<Move> {
        let everybody_joined = {
            let generation = self.generation;
            self.seats.iter().all(|(other, seat)| *other == id || seat.generation == generation)
        };
        let held_by_others: BTreeSet<TopicPartition> = self
            .seats
            .iter()
            .filter(|(other, _)| **other != id)
            .flat_map(|(_, seat)| seat.held.iter().cloned())
            .collect();
        let generation = self.generation;
        let seat = self.seats.get_mut(&id)?;
        if seat.generation != generation {
            seat.generation = generation;
            let release: BTreeSet<TopicPartition> = match seat.assignor {
                Assignor::CooperativeSticky => seat.held.difference(&seat.target).cloned().collect(),
                Assignor::Range => seat.held.clone(),
            };
            if !release.is_empty() {
                seat.held.retain(|held| !release.contains(held));
                return Some(Move::Release(release.into_iter().collect()));
            }
        }
        let may_take = match seat.assignor {
            Assignor::CooperativeSticky => true,
            Assignor::Range => everybody_joined,
        };
        let take: Vec<TopicPartition> = seat
            .target
            .difference(&seat.held)
            .filter(|partition| may_take && !held_by_others.contains(*partition))
            .cloned()
            .collect();
        Some(if take.is_empty() { Move::Stay } else { Move::Take(take) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(assignor: Assignor, seats: u64) -> Group {
        let mut group = Group::default();
        for id in 0..seats {
            join(&mut group, assignor, id);
        }
        group
    }

    fn join(group: &mut Group, assignor: Assignor, id: u64) {
        let seat = Seat {
            topics: ["a".to_owned(), "b".to_owned()].into(),
            assignor,
            process: 0,
            generation: 0,
            target: BTreeSet::new(),
            held: BTreeSet::new(),
            abandoned_at_ms: None,
        };
        group.seats.insert(id, seat);
    }

    fn counts() -> BTreeMap<String, u32> {
        [("a".to_owned(), 5), ("b".to_owned(), 5)].into()
    }

    fn settle(group: &mut Group) {
        let ids: Vec<u64> = group.seats.keys().copied().collect();
        for _ in 0..4 {
            for id in &ids {
                if let Some(Move::Take(taken)) = group.next_move(*id) {
                    group.seats.get_mut(id).unwrap().held.extend(taken);
                }
            }
        }
    }

    #[test]
    fn range_gives_equal_numbers_to_the_same_seat() {
        let mut group = group(Assignor::Range, 2);
        group.rebalance(&counts());
        settle(&mut group);
        for seat in group.seats.values() {
            let numbers = |topic: &str| -> Vec<u32> {
                seat.held.iter().filter(|p| p.topic == topic).map(|p| p.partition).collect()
            };
            assert_eq!(numbers("a"), numbers("b"));
        }
        assert_eq!(group.seats.values().map(|seat| seat.held.len()).sum::<usize>(), 10);
    }

    #[test]
    fn sticky_moves_no_more_than_the_newcomers_share() {
        let mut group = group(Assignor::CooperativeSticky, 2);
        group.rebalance(&counts());
        settle(&mut group);
        let before: Vec<_> = group.seats.values().map(|seat| seat.held.clone()).collect();
        join(&mut group, Assignor::CooperativeSticky, 2);
        group.rebalance(&counts());
        settle(&mut group);
        for (id, before) in before.iter().enumerate() {
            let after = &group.seats[&u64::try_from(id).unwrap()].held;
            assert!(after.is_subset(before));
        }
        let mut sizes: Vec<usize> = group.seats.values().map(|seat| seat.held.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [3, 3, 4]);
    }
}
