//! Cleaning a compacted log: of each key only the latest record stays. Works on closed segments outside the partition's
//! lock and swaps the result in under it.
//!
//! ```text
//! plan (locked) -> build (unlocked, reads and writes files) -> swap (locked, renames)
//! ```
//!
//! Invariants: nothing at or above the last stable offset is touched; offsets never change; every producer's last
//! batch stays, emptied if need be, so that its sequence numbers survive; deletions and the markers of vanished
//! transactions stay for `delete.retention.ms` after the first clean that met them; a crash at any point leaves
//! either the old segments or the new one.

mod filter;
mod keys;
mod swap;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::files::Files;
use super::partition::PartitionLog;
use super::scan::{ScanFault, Scanner};
use super::segment::{AbortedRange, Segment, remove_if_there};
use super::settings::LogSettings;

use filter::Filter;
use keys::LatestOffsets;
pub(crate) use swap::finish_swap;

/// What one clean works on: a snapshot of the log's closed segments.
#[derive(Debug)]
pub(crate) struct CleanPlan {
    files: Arc<Files>,
    segments: Vec<Segment>,
    aborted: Vec<AbortedRange>,
    /// Base offset of the last data batch of each producer.
    last_batches: HashMap<i64, Option<i64>>,
    /// First offset not yet compared.
    dirty_from: i64,
    segment_bytes: u64,
    delete_retention_ms: i64,
    now: i64,
}

/// A new segment file, still under its temporary name, and the segments it stands for.
#[derive(Debug)]
pub(crate) struct CleanedGroup {
    pub(crate) segment: Segment,
    /// Ids of the replaced segments.
    pub(crate) replaces: Vec<u64>,
}

/// The outcome of a clean, ready to be swapped in.
#[derive(Debug)]
pub(crate) struct Cleaned {
    pub(crate) groups: Vec<CleanedGroup>,
    /// Every key below this offset has been compared.
    pub(crate) cleaned_to: i64,
}

impl PartitionLog {
    /// Decides whether a clean is worth while and what it works on. Rolls a growing segment that is past its time.
    pub(crate) fn plan_clean(
        &mut self,
        settings: &LogSettings,
        now: i64,
    ) -> std::io::Result<Option<CleanPlan>> {
        if !settings.compact || self.deleted {
            return Ok(None);
        }
        let aged = self
            .segments
            .last()
            .is_some_and(|last| last.size > 0 && now - last.first_append_at >= settings.segment_ms);
        if aged {
            self.roll(now)?;
        }
        let stable = self.stable_end();
        let closed = self.segments.len().saturating_sub(1);
        let segments: Vec<Segment> = self.segments[..closed]
            .iter()
            .take_while(|segment| segment.next_offset <= stable)
            .take_while(|segment| now - segment.last_append_at >= settings.min_compaction_lag_ms)
            .cloned()
            .collect();
        let dirty = |segment: &&Segment| segment.cleaned_to < segment.next_offset;
        let dirty_bytes: u64 = segments.iter().filter(dirty).map(|segment| segment.size).sum();
        let bytes: u64 = segments.iter().map(|segment| segment.size).sum();
        let Some(first_dirty) = segments.iter().find(dirty) else { return Ok(None) };
        if dirty_bytes == 0 || dirty_bytes * 1_000 < settings.min_dirty_permille * bytes {
            return Ok(None);
        }
        Ok(Some(CleanPlan {
            files: Arc::clone(&self.files),
            dirty_from: first_dirty.cleaned_to.max(first_dirty.base),
            aborted: self.aborted.clone(),
            last_batches: self.producers.iter().map(|(id, known)| (id, known.last_base_offset())).collect(),
            segments,
            segment_bytes: settings.segment_bytes,
            delete_retention_ms: settings.delete_retention_ms,
            now,
        }))
    }
}

impl CleanPlan {
    /// Reads the segments and writes their cleaned successors. Touches no file that readers use.
    pub(crate) fn build(&self) -> Result<Cleaned, ScanFault> {
        self.try_build().inspect_err(|_| {
            // What is half written only takes room; the next start would remove it.
            self.segments.iter().for_each(|segment| drop(remove_if_there(&temporary(segment))));
        })
    }

    fn try_build(&self) -> Result<Cleaned, ScanFault> {
        let (latest, cleaned_to) = self.latest_offsets()?;
        let last_kept = self.segments.iter().rev().find(|segment| segment.size > 0).map(|last| last.id);
        let mut filter = Filter {
            latest: &latest,
            cleaned_to,
            aborted: &self.aborted,
            last_batches: &self.last_batches,
            survivors: HashMap::new(),
            delete_horizon: self.now.saturating_add(self.delete_retention_ms),
            now: self.now,
        };
        let mut groups: Vec<CleanedGroup> = Vec::new();
        for sources in self.groups(cleaned_to) {
            groups.push(self.build_group(sources, &mut filter, last_kept, cleaned_to)?);
        }
        Ok(Cleaned { groups, cleaned_to })
    }

    /// Learns the latest offset of every key in the uncleaned part, as far as memory allows.
    fn latest_offsets(&self) -> Result<(LatestOffsets, i64), ScanFault> {
        let mut latest = LatestOffsets::new();
        let mut reached = self.dirty_from;
        for segment in self.segments.iter().filter(|segment| segment.next_offset > self.dirty_from) {
            let file = self.files.get(segment.id, &segment.path)?;
            let from = segment.index.position_of(segment.relative(self.dirty_from));
            let mut scan = Scanner::new(file, from, segment.size);
            while let Some(batch) = scan.next()? {
                let skip = batch.header.next_offset() <= self.dirty_from
                    || batch.header.is_control()
                    || filter::is_aborted(&self.aborted, &batch.header);
                if !skip && !latest.note_batch(&batch) {
                    return Ok((latest.seal(), reached));
                }
                reached = reached.max(batch.header.next_offset());
            }
            reached = reached.max(segment.next_offset);
        }
        Ok((latest.seal(), reached))
    }

    /// Splits the segments to rewrite into runs that fit one segment each.
    fn groups(&self, cleaned_to: i64) -> Vec<&[Segment]> {
        let rewrite = self.segments.partition_point(|segment| segment.base < cleaned_to);
        let mut groups = Vec::new();
        let mut from = 0;
        let mut bytes = 0;
        for (at, segment) in self.segments[..rewrite].iter().enumerate() {
            let span = segment.next_offset - self.segments[from].base;
            if at > from && (bytes + segment.size > self.segment_bytes || span >= i64::from(i32::MAX)) {
                groups.push(&self.segments[from..at]);
                (from, bytes) = (at, 0);
            }
            bytes += segment.size;
        }
        if rewrite > from {
            groups.push(&self.segments[from..rewrite]);
        }
        groups
    }

    fn build_group(
        &self,
        sources: &[Segment],
        filter: &mut Filter<'_>,
        last_kept: Option<u64>,
        cleaned_to: i64,
    ) -> Result<CleanedGroup, ScanFault> {
        let (first, last) = (&sources[0], &sources[sources.len() - 1]);
        let mut segment = Segment {
            id: self.files.new_id(),
            path: temporary(first),
            next_offset: last.next_offset,
            cleaned_to: cleaned_to.min(last.next_offset),
            size: 0,
            latest_timestamp: -1,
            last_append_at: last.last_append_at,
            index: Default::default(),
            state_covers: 0,
            ..first.clone()
        };
        let out = self.files.create(segment.id, &segment.path)?;
        for source in sources {
            let file = self.files.get(source.id, &source.path)?;
            let mut scan = Scanner::new(file, 0, source.size);
            while let Some(batch) = scan.next()? {
                // The log's reader must be able to walk up to the end of the cleaned part.
                let closes_log =
                    Some(source.id) == last_kept && batch.position + batch.header.size as u64 == source.size;
                let Some(kept) = filter.keep(&batch, closes_log) else { continue };
                let relative = segment.relative(batch.header.base_offset);
                segment.index.note(relative, segment.size, segment.latest_timestamp);
                self.files.write_at(&out, &kept, segment.size)?;
                segment.size += kept.len() as u64;
                segment.latest_timestamp = segment.latest_timestamp.max(batch.header.max_timestamp);
            }
        }
        out.sync_data()?;
        Ok(CleanedGroup { segment, replaces: sources.iter().map(|source| source.id).collect() })
    }
}

/// Where the successor of a group that begins with this segment is written.
fn temporary(first: &Segment) -> PathBuf {
    first.path.with_extension("cleaned")
}

#[cfg(test)]
#[path = "clean/tests.rs"]
mod tests;
