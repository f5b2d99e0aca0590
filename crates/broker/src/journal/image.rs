//! The fold of the journal: what is durably true now. Pure.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::entry::{Entry, OffsetRow, OffsetRows, PartitionRef};
use crate::log::batch::Ending;

/// A topic as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicRow {
    pub(crate) id: Uuid,
    pub(crate) partitions: i32,
    /// Explicit settings; defaults are not stored.
    pub(crate) configs: BTreeMap<String, String>,
    /// First readable offsets of partitions whose records were deleted on request.
    pub(crate) starts: BTreeMap<i32, i64>,
}

/// A committed position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// The committed positions of one group.
pub(crate) type GroupOffsets = BTreeMap<PartitionRef, CommittedOffset>;

/// How far a transactional id's current transaction has come, as far as it must survive a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransactionPhase {
    /// None since the producer was seated.
    Empty,
    /// Open; what belongs to it is in memory and in the logs, and a restart aborts it.
    Ongoing,
    /// The ending is decided and not yet written everywhere; a restart finishes it.
    Decided { ending: Ending, partitions: Vec<PartitionRef>, offsets: Vec<OffsetRows> },
    /// Over.
    Ended { ending: Ending },
}

/// A transactional id as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionRow {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    /// The epoch before the last bump, -1 when a retry must not be recognised by it.
    pub(crate) last_epoch: i16,
    pub(crate) timeout_ms: i32,
    pub(crate) phase: TransactionPhase,
    /// Wall-clock time of the last change, for expiry.
    pub(crate) changed_at: i64,
}

/// Everything durable but the records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) cluster_id: Option<Uuid>,
    pub(crate) topics: BTreeMap<String, TopicRow>,
    pub(crate) offsets: BTreeMap<String, GroupOffsets>,
    pub(crate) next_producer_id: i64,
    pub(crate) transactions: BTreeMap<String, TransactionRow>,
}

impl Image {
    /// Folds one entry in. Entries about things that are gone change nothing.
    pub(crate) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::ClusterNamed { id } => self.cluster_id = Some(id),
            Entry::TopicCreated { name, id, partitions, configs } => {
                self.topics.insert(name, TopicRow { id, partitions, configs, starts: BTreeMap::new() });
            }
            Entry::TopicDeleted { name } => {
                self.topics.remove(&name);
                self.offsets.values_mut().for_each(|rows| rows.retain(|at, _| at.topic != name));
                self.offsets.retain(|_, rows| !rows.is_empty());
            }
            Entry::PartitionsAdded { name, partitions } => {
                self.change_topic(&name, |topic| topic.partitions = partitions);
            }
            Entry::ConfigsSet { name, configs } => self.change_topic(&name, |topic| topic.configs = configs),
            Entry::StartRaised { at, offset } => {
                self.change_topic(&at.topic, |topic| {
                    topic.starts.insert(at.partition, offset);
                });
            }
            Entry::OffsetsCommitted(rows) => self.commit(rows),
            Entry::OffsetsDeleted { group, partitions } => {
                if let Some(rows) = self.offsets.get_mut(&group) {
                    partitions.iter().for_each(|at| drop(rows.remove(at)));
                }
                self.offsets.retain(|_, rows| !rows.is_empty());
            }
            Entry::GroupDeleted { group } => drop(self.offsets.remove(&group)),
            Entry::ProducerIdsReserved { next } => self.next_producer_id = self.next_producer_id.max(next),
            Entry::ProducerSeated { transactional_id, producer_id, epoch, last_epoch, timeout_ms, at } => {
                let row = TransactionRow {
                    producer_id,
                    epoch,
                    last_epoch,
                    timeout_ms,
                    phase: TransactionPhase::Empty,
                    changed_at: at,
                };
                self.transactions.insert(transactional_id, row);
            }
            Entry::TransactionBegun { transactional_id, at } => {
                self.change_transaction(&transactional_id, at, |row| row.phase = TransactionPhase::Ongoing);
            }
            Entry::TransactionDecided { transactional_id, epoch, ending, partitions, offsets, at } => {
                self.change_transaction(&transactional_id, at, |row| {
                    row.epoch = epoch;
                    row.phase = TransactionPhase::Decided { ending, partitions, offsets };
                });
            }
            Entry::TransactionEnded { transactional_id, at } => self.end_transaction(&transactional_id, at),
            Entry::TransactionalIdExpired { transactional_id } => {
                self.transactions.remove(&transactional_id);
            }
        }
    }

    fn end_transaction(&mut self, transactional_id: &str, at: i64) {
        let Some(row) = self.transactions.get_mut(transactional_id) else { return };
        let TransactionPhase::Decided { ending, offsets, .. } = &mut row.phase else { return };
        let (ending, offsets) = (*ending, std::mem::take(offsets));
        row.phase = TransactionPhase::Ended { ending };
        row.changed_at = at;
        if ending == Ending::Commit {
            offsets.into_iter().for_each(|rows| self.commit(rows));
        }
    }

    fn commit(&mut self, OffsetRows { group, rows }: OffsetRows) {
        if rows.is_empty() {
            return;
        }
        let group = self.offsets.entry(group).or_default();
        for OffsetRow { at, offset, leader_epoch, metadata } in rows {
            group.insert(at, CommittedOffset { offset, leader_epoch, metadata });
        }
    }

    fn change_topic(&mut self, name: &str, change: impl FnOnce(&mut TopicRow)) {
        if let Some(topic) = self.topics.get_mut(name) {
            change(topic);
        }
    }

    fn change_transaction(&mut self, id: &str, at: i64, change: impl FnOnce(&mut TransactionRow)) {
        if let Some(row) = self.transactions.get_mut(id) {
            change(row);
            row.changed_at = at;
        }
    }

    /// The fewest entries that fold to this image.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let cluster = self.cluster_id.map(|id| Entry::ClusterNamed { id });
        let ids = Entry::ProducerIdsReserved { next: self.next_producer_id };
        let topics = self.topics.iter().flat_map(|(name, row)| topic_entries(name, row));
        let offsets = self.offsets.iter().map(|(group, rows)| {
            let rows = rows.iter().map(|(at, row)| OffsetRow {
                at: at.clone(),
                offset: row.offset,
                leader_epoch: row.leader_epoch,
                metadata: row.metadata.clone(),
            });
            Entry::OffsetsCommitted(OffsetRows { group: group.clone(), rows: rows.collect() })
        });
        let transactions = self.transactions.iter().flat_map(|(id, row)| transaction_entries(id, row));
        cluster.into_iter().chain([ids]).chain(topics).chain(offsets).chain(transactions)
    }
}

fn topic_entries(name: &str, row: &TopicRow) -> Vec<Entry> {
    let mut entries = vec![Entry::TopicCreated {
        name: name.to_owned(),
        id: row.id,
        partitions: row.partitions,
        configs: row.configs.clone(),
    }];
    entries.extend(row.starts.iter().map(|(partition, offset)| Entry::StartRaised {
        at: PartitionRef { topic: name.to_owned(), partition: *partition },
        offset: *offset,
    }));
    entries
}

fn transaction_entries(id: &str, row: &TransactionRow) -> Vec<Entry> {
    let transactional_id = id.to_owned();
    let at = row.changed_at;
    let mut entries = vec![Entry::ProducerSeated {
        transactional_id: transactional_id.clone(),
        producer_id: row.producer_id,
        epoch: row.epoch,
        last_epoch: row.last_epoch,
        timeout_ms: row.timeout_ms,
        at,
    }];
    let decided = |ending, partitions, offsets| Entry::TransactionDecided {
        transactional_id: transactional_id.clone(),
        epoch: row.epoch,
        ending,
        partitions,
        offsets,
        at,
    };
    match &row.phase {
        TransactionPhase::Empty => {}
        TransactionPhase::Ongoing => {
            entries.push(Entry::TransactionBegun { transactional_id, at });
        }
        TransactionPhase::Decided { ending, partitions, offsets } => {
            entries.push(decided(*ending, partitions.clone(), offsets.clone()));
        }
        TransactionPhase::Ended { ending } => {
            entries.push(decided(*ending, Vec::new(), Vec::new()));
            entries.push(Entry::TransactionEnded { transactional_id, at });
        }
    }
    entries
}
