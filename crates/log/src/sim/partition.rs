//! One partition: slots in offset order, some of them markers, some of them never shown.
//!
//! Invariants: offsets only grow and are never given twice; a slot below the stable end never changes its fate;
//! compaction and truncation remove slots and move none.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::{Bounds, NewRecord, Record, TimestampKind, TopicPartition};

/// What a slot is, for tests that look behind the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// A record anyone may read.
    Committed,
    /// A record of a transaction that is still open.
    Open,
    /// A record of an aborted transaction.
    Aborted,
    /// The end of a committed transaction.
    CommitMarker,
    /// The end of an aborted transaction.
    AbortMarker,
}

/// One offset of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// What it is.
    pub kind: SlotKind,
    /// The record; a marker has no key and no value.
    pub record: Record,
    transaction: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Partition {
    pub(super) name: TopicPartition,
    slots: Vec<Slot>,
    start: i64,
    end: i64,
    /// Open transactions and the first offset of each here.
    open: BTreeMap<u64, i64>,
}

impl Partition {
    pub(super) fn new(name: TopicPartition) -> Self {
        Self { name, slots: Vec::new(), start: 0, end: 0, open: BTreeMap::new() }
    }

    pub(super) fn bounds(&self) -> Bounds {
        let stable_end = self.open.values().copied().min().unwrap_or(self.end);
        Bounds { start: self.start, stable_end, end: self.end }
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Appends a record; one with a transaction stays open until [`Partition::finish`].
    pub(super) fn append(
        &mut self,
        new: &NewRecord,
        kind: TimestampKind,
        now_ms: i64,
        transaction: Option<u64>,
    ) -> i64 {
        let timestamp_ms = match kind {
            TimestampKind::CreateTime => new.timestamp_ms.unwrap_or(now_ms),
            TimestampKind::LogAppendTime => now_ms,
        };
        let record = Record {
            from: self.name.clone(),
            offset: self.end,
            key: new.key.clone(),
            value: new.value.clone(),
            headers: new.headers.clone(),
            timestamp_ms,
        };
        let kind = if transaction.is_some() { SlotKind::Open } else { SlotKind::Committed };
        if let Some(number) = transaction {
            self.open.entry(number).or_insert(self.end);
        }
        self.push(Slot { kind, record, transaction })
    }

    /// Ends a transaction here: decides its records and leaves a marker.
    pub(super) fn finish(&mut self, transaction: u64, committed: bool, now_ms: i64) {
        let Some(first) = self.open.remove(&transaction) else { return };
        let from = self.slots.partition_point(|slot| slot.record.offset < first);
        for slot in &mut self.slots[from..] {
            if slot.transaction == Some(transaction) && slot.kind == SlotKind::Open {
                slot.kind = if committed { SlotKind::Committed } else { SlotKind::Aborted };
            }
        }
        let kind = if committed { SlotKind::CommitMarker } else { SlotKind::AbortMarker };
        let record = Record {
            from: self.name.clone(),
            offset: self.end,
            key: None,
            value: None,
            headers: Vec::new(),
            timestamp_ms: now_ms,
        };
        self.push(Slot { kind, record, transaction: Some(transaction) });
    }

    fn push(&mut self, slot: Slot) -> i64 {
        let offset = self.end;
        self.slots.push(slot);
        self.end += 1;
        offset
    }

    /// Committed records from an offset on, and the offset to go on from; markers and aborted records are passed.
    /// `None` when the offset is outside what is kept.
    pub(super) fn read(&self, from: i64, limit: Limit, show_aborted: bool) -> Option<(Vec<Record>, i64)> {
        let Bounds { start, stable_end, end } = self.bounds();
        if from < start || from > end {
            return None;
        }
        let (mut records, mut bytes, mut next) = (Vec::new(), 0, from);
        let first = self.slots.partition_point(|slot| slot.record.offset < from);
        for slot in &self.slots[first..] {
            if slot.record.offset >= stable_end {
                break;
            }
            let shown = match slot.kind {
                SlotKind::Committed => true,
                SlotKind::Aborted => show_aborted,
                SlotKind::Open | SlotKind::CommitMarker | SlotKind::AbortMarker => false,
            };
            if shown {
                let size = size(&slot.record.key, &slot.record.value, &slot.record.headers);
                let full = records.len() >= limit.records || bytes + size > limit.bytes;
                if full && !records.is_empty() {
                    return Some((records, next));
                }
                bytes += size;
                records.push(slot.record.clone());
            }
            next = slot.record.offset + 1;
        }
        Some((records, next.max(stable_end)))
    }

    /// Keeps the last committed record of each key below the stable end; drops aborted records. Records without a
    /// key stay. Tombstones stay unless `drop_tombstones`.
    pub(super) fn compact(&mut self, drop_tombstones: bool) {
        let stable_end = self.bounds().stable_end;
        let mut seen: BTreeSet<Bytes> = BTreeSet::new();
        let mut kept: Vec<Slot> = Vec::with_capacity(self.slots.len());
        for slot in self.slots.drain(..).rev() {
            let keep = slot.record.offset >= stable_end
                || match (slot.kind, &slot.record.key) {
                    (SlotKind::Aborted, _) => false,
                    (SlotKind::Committed, Some(key)) => {
                        seen.insert(key.clone()) && !(drop_tombstones && slot.record.value.is_none())
                    }
                    (SlotKind::Committed, None)
                    | (SlotKind::Open | SlotKind::CommitMarker | SlotKind::AbortMarker, _) => true,
                };
            if keep {
                kept.push(slot);
            }
        }
        kept.reverse();
        self.slots = kept;
    }

    /// Forgets what is below an offset.
    pub(super) fn truncate(&mut self, before: i64) {
        let before = before.min(self.bounds().stable_end);
        self.slots.retain(|slot| slot.record.offset >= before);
        self.start = self.start.max(before);
    }
}

/// How much one read hands over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

/// Bytes a record counts for against limits.
pub(super) fn size(key: &Option<Bytes>, value: &Option<Bytes>, headers: &crate::Headers) -> usize {
    let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    length(key)
        + length(value)
        + headers.iter().map(|(name, value)| name.len() + length(value)).sum::<usize>()
}
