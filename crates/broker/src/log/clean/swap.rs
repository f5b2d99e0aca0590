//! Putting cleaned segments in the place of the originals, in steps that a crash may interrupt anywhere:
//!
//! 1. `<base>.cleaned` is complete and synced (an unfinished one is deleted at the next start)
//! 2. it is renamed to `<base>-<end>.swap`: from here on it counts, and the originals do not
//! 3. the originals in `base..end` are deleted
//! 4. it is renamed to `<base>.log`
//!
//! The next start finishes steps 3 and 4.

use std::fs;
use std::io;
use std::path::Path;

use super::Cleaned;
use crate::log::partition::PartitionLog;
use crate::log::segment::{Segment, remove_if_there};

impl PartitionLog {
    /// Swaps cleaned segments in. Returns false, and removes them, when the log has moved on meanwhile.
    pub(crate) fn swap_cleaned(&mut self, cleaned: Cleaned) -> io::Result<bool> {
        let mut swapped = false;
        for group in cleaned.groups {
            let at = self.segments.iter().position(|segment| Some(&segment.id) == group.replaces.first());
            let here = at.filter(|at| {
                let ids = self.segments[*at..].iter().map(|segment| segment.id);
                !self.deleted && ids.take(group.replaces.len()).eq(group.replaces.iter().copied())
            });
            let Some(at) = here else {
                self.files.forget(group.segment.id);
                remove_if_there(&group.segment.path)?;
                continue;
            };
            self.swap_one(at, group.replaces.len(), group.segment)?;
            swapped = true;
        }
        if swapped {
            self.aborted.retain(|range| range.last_offset >= cleaned.cleaned_to);
            self.forget_aborted();
        }
        Ok(swapped)
    }

    fn swap_one(&mut self, at: usize, count: usize, mut segment: Segment) -> io::Result<()> {
        let (base, end) = (segment.base, segment.next_offset);
        let swap = self.dir.join(format!("{base:020}-{end:020}.swap"));
        let saved = Segment::load_state(&self.segments[at + count - 1].path, segment.id);
        fs::rename(&segment.path, &swap)?;
        for original in &self.segments[at..at + count] {
            self.files.forget(original.id);
            original.delete_files()?;
        }
        self.files.forget(segment.id);
        segment.path = self.dir.join(format!("{base:020}.log"));
        fs::rename(&swap, &segment.path)?;
        // Without the producers as of its end the state would lie; then the next start scans the segment instead.
        if let Some(saved) = saved.filter(|saved| saved.segment.next_offset == end) {
            let kept: Vec<_> = self
                .aborted
                .iter()
                .filter(|range| range.last_offset >= segment.cleaned_to)
                .copied()
                .collect();
            if let Err(error) = segment.save_state(&kept, &saved.producers, true) {
                tracing::warn!(path = %segment.path.display(), %error, "cannot save the state of a segment");
            }
        }
        self.segments.splice(at..at + count, [segment]);
        Ok(())
    }
}

/// Finishes or undoes what a crash interrupted.
pub(crate) fn finish_swap(dir: &Path) -> io::Result<()> {
    let mut logs = Vec::new();
    let mut swaps = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension {
            "cleaned" | "tmp" => fs::remove_file(&path)?,
            "swap" => swaps.push(path),
            "log" | "state" => logs.push(path),
            _ => {}
        }
    }
    for swap in swaps {
        let stem = swap.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let Some((base, end)) = stem.split_once('-') else { continue };
        let (Ok(base), Ok(end)) = (base.parse::<i64>(), end.parse::<i64>()) else { continue };
        for log in &logs {
            let of = log.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<i64>().ok());
            if of.is_some_and(|of| of >= base && of < end) {
                remove_if_there(log)?;
            }
        }
        fs::rename(&swap, dir.join(format!("{base:020}.log")))?;
    }
    Ok(())
}
