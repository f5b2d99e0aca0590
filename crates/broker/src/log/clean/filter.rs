//! Decides, batch by batch in log order, what of a batch a clean keeps.

use std::borrow::Cow;
use std::collections::HashMap;

use super::keys::LatestOffsets;
use crate::log::batch::{BatchHeader, with_horizon, with_records};
use crate::log::records::{Record, RecordFault, fold, records, unfold};
use crate::log::scan::Found;
use crate::log::segment::AbortedRange;

/// What a clean knows while it walks the log.
pub(super) struct Filter<'a> {
    pub(super) latest: &'a LatestOffsets,
    /// Keys at or above this offset were not compared; they stay.
    pub(super) cleaned_to: i64,
    pub(super) aborted: &'a [AbortedRange],
    pub(super) last_batches: &'a HashMap<i64, Option<i64>>,
    /// Whether any record of a producer's current transaction survived, by producer.
    pub(super) survivors: HashMap<i64, bool>,
    /// When deletions met for the first time may go.
    pub(super) delete_horizon: i64,
    pub(super) now: i64,
}

/// True when the batch belongs to an aborted transaction.
pub(super) fn is_aborted(aborted: &[AbortedRange], header: &BatchHeader) -> bool {
    let from = aborted.partition_point(|range| range.last_offset < header.base_offset);
    header.is_transactional()
        && aborted[from..]
            .iter()
            .any(|range| range.producer_id == header.producer_id && range.first_offset <= header.base_offset)
}

impl Filter<'_> {
    /// Returns the bytes to keep of a batch. `must_stay` keeps at least its header.
    pub(super) fn keep<'b>(&mut self, batch: &Found<'b>, must_stay: bool) -> Option<Cow<'b, [u8]>> {
        let header = &batch.header;
        if header.base_offset >= self.cleaned_to {
            self.note_survivor(header);
            return Some(Cow::Borrowed(batch.bytes));
        }
        if header.is_control() {
            return self.keep_marker(batch, must_stay);
        }
        if is_aborted(self.aborted, header) {
            return self.keep_emptied(batch, must_stay);
        }
        match self.keep_records(batch) {
            Ok(Some(kept)) => {
                self.note_survivor(header);
                Some(kept)
            }
            Ok(None) => self.keep_emptied(batch, must_stay),
            Err(fault) => {
                let offset = header.base_offset;
                tracing::warn!(offset, %fault, "a batch cannot be read and is kept as it is");
                Some(Cow::Borrowed(batch.bytes))
            }
        }
    }

    fn note_survivor(&mut self, header: &BatchHeader) {
        if header.is_transactional() && !header.is_control() {
            self.survivors.insert(header.producer_id, true);
        }
    }

    /// A batch without records stays when it carries its producer's last sequence number.
    fn keep_emptied<'b>(&self, batch: &Found<'b>, must_stay: bool) -> Option<Cow<'b, [u8]>> {
        let header = &batch.header;
        let last = self.last_batches.get(&header.producer_id) == Some(&Some(header.base_offset));
        if !last && !must_stay {
            return None;
        }
        if header.record_count == 0 {
            return Some(Cow::Borrowed(batch.bytes));
        }
        Some(Cow::Owned(with_records(batch.bytes, &[], 0)))
    }

    /// A marker stays while records of its transaction do, while it carries its producer's epoch, and for the
    /// retention of deletions after that.
    fn keep_marker<'b>(&mut self, batch: &Found<'b>, must_stay: bool) -> Option<Cow<'b, [u8]>> {
        let header = &batch.header;
        let has_records = self.survivors.remove(&header.producer_id).unwrap_or(false);
        let newest = match self.last_batches.get(&header.producer_id) {
            Some(Some(last_batch)) => header.base_offset > *last_batch,
            Some(None) => true,
            None => false,
        };
        if has_records || newest || must_stay {
            return Some(Cow::Borrowed(batch.bytes));
        }
        match header.delete_horizon() {
            Some(horizon) if self.now >= horizon => None,
            Some(_) => Some(Cow::Borrowed(batch.bytes)),
            None => {
                let unfolded = unfold(batch.bytes, header).ok()?;
                let kept: Vec<_> = records(&unfolded).flatten().collect();
                Some(Cow::Owned(self.dated(batch, &kept)?))
            }
        }
    }

    fn keep_records<'b>(&self, batch: &Found<'b>) -> Result<Option<Cow<'b, [u8]>>, RecordFault> {
        let header = &batch.header;
        let unfolded = unfold(batch.bytes, header)?;
        let all: Vec<Record<'_>> = records(&unfolded).collect::<Result<_, _>>()?;
        let expired = header.delete_horizon().is_some_and(|horizon| self.now >= horizon);
        let kept: Vec<Record<'_>> = all
            .iter()
            .filter(|record| {
                let offset = header.base_offset + i64::from(record.offset_delta);
                let superseded =
                    record.key.is_some_and(|key| self.latest.get(key).is_some_and(|latest| latest > offset));
                !(superseded || record.tombstone && expired)
            })
            .copied()
            .collect();
        if kept.is_empty() {
            return Ok(None);
        }
        let first_deletions = header.delete_horizon().is_none() && kept.iter().any(|record| record.tombstone);
        if first_deletions {
            return Ok(self.dated(batch, &kept).map(Cow::Owned));
        }
        if kept.len() == all.len() {
            return Ok(Some(Cow::Borrowed(batch.bytes)));
        }
        let mut bytes = Vec::new();
        kept.iter().for_each(|record| bytes.extend_from_slice(record.raw));
        let folded = fold(&bytes, header.compression())?;
        Ok(Some(Cow::Owned(with_records(batch.bytes, &folded, kept.len() as i32))))
    }

    /// Rebuilds a batch with the time its deletions may go; its records count their times from there.
    fn dated(&self, batch: &Found<'_>, kept: &[Record<'_>]) -> Option<Vec<u8>> {
        let shift = batch.header.base_timestamp - self.delete_horizon;
        let mut bytes = Vec::new();
        kept.iter().for_each(|record| record.write_with_delta(record.timestamp_delta + shift, &mut bytes));
        let folded = fold(&bytes, batch.header.compression()).ok()?;
        Some(with_horizon(batch.bytes, &folded, kept.len() as i32, self.delete_horizon))
    }
}
