//! Opening the log of a partition: what a crash left is brought into order before anybody reads it.
//!
//! Segments whose state file covers them are not scanned. What lies behind the last saved position is scanned batch
//! by batch with checksums; the first damaged batch and all behind it are the torn tail of a crash and are cut.
//! `trust_state` is false after an operating-system restart that was not preceded by a clean stop: then the last
//! segment is scanned from its beginning, since a power failure may have taken bytes that a state file vouches for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{BatchHeader, marker_ending};
use super::clean;
use super::files::Files;
use super::partition::PartitionLog;
use super::producers::Producers;
use super::scan::{ScanFault, Scanner};
use super::segment::{SavedState, Segment};

impl PartitionLog {
    /// Opens a log, repairing it when needed. `now` dates what the files do not.
    pub(crate) fn open(
        dir: PathBuf,
        files: Arc<Files>,
        sync_state: bool,
        trust_state: bool,
        now: i64,
    ) -> io::Result<Self> {
        let mut log = Self {
            dir,
            files,
            segments: Vec::new(),
            start: 0,
            end: 0,
            producers: Producers::default(),
            aborted: Vec::new(),
            broken: false,
            deleted: false,
            unsynced: false,
            sync_state,
        };
        let bases = segment_bases(&log.dir)?;
        for (at, base) in bases.iter().enumerate() {
            let last = at + 1 == bases.len();
            log.open_segment(*base, trust_state || !last, now)?;
        }
        if let Some(first) = log.segments.first() {
            log.start = first.base;
        }
        // A partition whose records were all deleted keeps an empty segment to remember where it continues.
        Ok(log)
    }

    fn open_segment(&mut self, base: i64, trust_state: bool, now: i64) -> io::Result<()> {
        let id = self.files.new_id();
        let fresh = Segment::new(&self.dir, base.max(0), id, now);
        let length = fs::metadata(&fresh.path)?.len();
        let saved = Segment::load_state(&fresh.path, id)
            .filter(|saved| saved.segment.base == base && saved.segment.size <= length && trust_state);
        let mut segment = match saved {
            Some(SavedState { segment, aborted, producers }) => {
                self.aborted.extend(aborted);
                self.producers = producers;
                segment
            }
            None => fresh,
        };
        self.end = segment.next_offset.max(self.end);
        if segment.size < length {
            self.scan_rest(&mut segment, length, now)?;
        }
        self.end = segment.next_offset.max(self.end);
        self.segments.push(segment);
        Ok(())
    }

    /// Folds the batches behind the saved position into the state and cuts the torn tail.
    fn scan_rest(&mut self, segment: &mut Segment, length: u64, now: i64) -> io::Result<()> {
        let file = self.files.get(segment.id, &segment.path)?;
        let mut scan = Scanner::new(Arc::clone(&file), segment.size, length);
        loop {
            let position = scan.position();
            let found = match scan.next() {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(()),
                Err(ScanFault::Io(error)) => return Err(error),
                Err(ScanFault::Damaged { .. }) => return cut(segment, &file, position, length),
            };
            let header = match BatchHeader::parse_whole(found.bytes) {
                Ok(header) if header.base_offset >= segment.next_offset => header,
                _ => return cut(segment, &file, position, length),
            };
            let ending = if header.is_control() { marker_ending(found.bytes) } else { None };
            match ending {
                Some(ending) => self.note_marker(&header, ending, now),
                None => self.producers.record(&header, now),
            }
            segment.index.note(segment.relative(header.base_offset), position, segment.latest_timestamp);
            segment.size = position + header.size as u64;
            segment.next_offset = header.next_offset();
            segment.latest_timestamp = segment.latest_timestamp.max(header.max_timestamp);
            self.unsynced = true;
        }
    }
}

fn cut(segment: &Segment, file: &fs::File, position: u64, length: u64) -> io::Result<()> {
    tracing::warn!(
        path = %segment.path.display(),
        position,
        cut_bytes = length - position,
        "cut the torn tail of a segment; it was never acknowledged, or a power failure took its beginning"
    );
    file.set_len(position)
}

/// Base offsets of the segments in a folder, ascending; finishes or undoes an interrupted clean first.
fn segment_bases(dir: &Path) -> io::Result<Vec<i64>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    clean::finish_swap(dir)?;
    let mut bases = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if path.extension().is_some_and(|extension| extension == "log") {
            bases.extend(stem.and_then(|stem| stem.parse::<i64>().ok()));
        }
    }
    bases.sort_unstable();
    Ok(bases)
}
