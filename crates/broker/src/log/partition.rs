//! The log of one partition: appending batches and markers, rolling segments, and the offsets that bound readers.
//! Reading, recovery, retention and cleaning are in their own files.
//!
//! Invariants: offsets ascend without overlap; a batch is in the log and in the producers' memory, or in neither; a
//! failed append leaves the file as it was; everything below `start` is gone for readers.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::batch::{BatchHeader, Ending, HEADER_BYTES, marker, stamp};
use super::files::Files;
use super::producers::{ProducerFault, Producers, Verdict};
use super::segment::{AbortedRange, Segment, sync_dir};
use super::settings::LogSettings;

/// Bytes appended between two writes of the state file: what a reopening after a crash has to scan at most.
const STATE_EVERY: u64 = 16 * 1024 * 1024;
/// A segment never grows beyond what a 32-bit position can name.
const SEGMENT_LIMIT: u64 = u32::MAX as u64;

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendFault {
    #[error("the producer's epoch or sequence does not fit: {0:?}")]
    Producer(ProducerFault),
    #[error("cannot write to the log of the partition")]
    Io(#[from] io::Error),
    #[error("an earlier write failed half-way and could not be undone; the partition needs a restart")]
    Broken,
    #[error("the partition is deleted")]
    Deleted,
}

/// Where a batch ended up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// The time of the append where the topic asks for it.
    pub(crate) append_time: Option<i64>,
    /// It was a repeat; nothing was written.
    pub(crate) repeat: bool,
}

/// The log of one partition.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    pub(crate) dir: PathBuf,
    pub(crate) files: Arc<Files>,
    /// Ascending; the last one grows. Empty until the first append: an unused partition costs no file.
    pub(crate) segments: Vec<Segment>,
    /// First offset readers may ask for.
    pub(crate) start: i64,
    /// The offset the next record gets.
    pub(crate) end: i64,
    pub(crate) producers: Producers,
    /// Ascending by marker offset.
    pub(crate) aborted: Vec<AbortedRange>,
    pub(crate) broken: bool,
    pub(crate) deleted: bool,
    /// Written since the last sync.
    pub(crate) unsynced: bool,
    /// Whether state files are forced to the disk.
    pub(crate) sync_state: bool,
}

impl PartitionLog {
    /// First offset a read_committed reader may not see.
    pub(crate) fn stable_end(&self) -> i64 {
        self.producers.first_open().unwrap_or(self.end)
    }

    /// Bytes on disk.
    pub(crate) fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// Appends one client batch whose shape and checksum are already checked.
    pub(crate) fn append(
        &mut self,
        batch: &[u8],
        header: &BatchHeader,
        settings: &LogSettings,
        now: i64,
    ) -> Result<Appended, AppendFault> {
        let append_time = settings.append_time.then_some(now);
        match self.producers.check(header).map_err(AppendFault::Producer)? {
            Verdict::Repeat { base_offset, timestamp } => {
                let append_time = append_time.map(|_| timestamp);
                return Ok(Appended { base_offset, append_time, repeat: true });
            }
            Verdict::Append => {}
        }
        let base_offset = self.end;
        let mut header = *header;
        header.base_offset = base_offset;
        if let Some(at) = append_time {
            header.max_timestamp = at;
        }
        self.write(&stamp(batch, base_offset, append_time), &batch[HEADER_BYTES..], &header, settings, now)?;
        self.producers.record(&header, now);
        self.save_state_when_due();
        Ok(Appended { base_offset, append_time, repeat: false })
    }

    /// Ends a transaction in this partition. Without an open one only the epoch is raised.
    pub(crate) fn append_marker(
        &mut self,
        producer_id: i64,
        epoch: i16,
        ending: Ending,
        settings: &LogSettings,
        now: i64,
    ) -> Result<(), AppendFault> {
        let offset = self.end;
        let batch = marker(producer_id, epoch, ending, now);
        let head = stamp(&batch, offset, None);
        let header = BatchHeader::parse(&head).expect("a marker built here has a valid header");
        self.write(&head, &batch[HEADER_BYTES..], &header, settings, now)?;
        self.note_marker(&header, ending, now);
        self.save_state_when_due();
        Ok(())
    }

    /// Folds a marker that is in the log into the producers and the aborted ranges.
    pub(crate) fn note_marker(&mut self, header: &BatchHeader, ending: Ending, now: i64) {
        let ended = self.producers.end(header.producer_id, header.producer_epoch, ending, now);
        if let Some(ended) = ended.filter(|ended| ended.ending == Ending::Abort) {
            let stable_after = self.producers.first_open().unwrap_or(header.next_offset());
            self.aborted.push(AbortedRange {
                producer_id: header.producer_id,
                first_offset: ended.first_offset,
                last_offset: header.base_offset,
                stable_after,
            });
        }
    }

    fn write(
        &mut self,
        head: &[u8; HEADER_BYTES],
        body: &[u8],
        header: &BatchHeader,
        settings: &LogSettings,
        now: i64,
    ) -> Result<(), AppendFault> {
        if self.deleted {
            return Err(AppendFault::Deleted);
        }
        if self.broken {
            return Err(AppendFault::Broken);
        }
        self.make_room(header.size as u64, settings, now)?;
        let segment = self.segments.last_mut().expect("make_room leaves a growing segment");
        let position = segment.size;
        let file = self.files.get(segment.id, &segment.path)?;
        let written = self
            .files
            .write_at(&file, body, position + HEADER_BYTES as u64)
            .and_then(|()| self.files.write_at(&file, head, position));
        if let Err(error) = written {
            if let Err(undo) = file.set_len(position) {
                self.broken = true;
                tracing::error!(path = %segment.path.display(), %undo, "cannot undo a failed append");
            }
            return Err(AppendFault::Io(error));
        }
        if position == 0 {
            segment.first_append_at = now;
        }
        segment.index.note(
            u32::try_from(header.base_offset - segment.base).unwrap_or(u32::MAX),
            position,
            segment.latest_timestamp,
        );
        segment.size += header.size as u64;
        segment.next_offset = header.next_offset();
        segment.latest_timestamp = segment.latest_timestamp.max(header.max_timestamp);
        segment.last_append_at = now;
        self.end = header.next_offset();
        self.unsynced = true;
        Ok(())
    }

    /// Rolls to a new segment when the growing one is full or old, or there is none.
    fn make_room(&mut self, bytes: u64, settings: &LogSettings, now: i64) -> io::Result<()> {
        let full = match self.segments.last() {
            None => true,
            Some(segment) if segment.size == 0 => false,
            Some(segment) => {
                segment.size + bytes > settings.segment_bytes.min(SEGMENT_LIMIT)
                    || now - segment.first_append_at >= settings.segment_ms
                    || self.end - segment.base >= i64::from(i32::MAX)
            }
        };
        if full { self.roll(now) } else { Ok(()) }
    }

    /// Closes the growing segment and starts a new one at the end of the log.
    pub(crate) fn roll(&mut self, now: i64) -> io::Result<()> {
        let segment = Segment::new(&self.dir, self.end, self.files.new_id(), now);
        if self.segments.is_empty() {
            fs::create_dir_all(&self.dir)?;
        }
        if self.sync_state {
            self.sync_growing()?;
        }
        self.save_state();
        self.files.create(segment.id, &segment.path)?;
        if self.sync_state {
            self.sync_names()?;
        }
        self.segments.push(segment);
        Ok(())
    }

    /// Forces the growing segment to the disk: later syncs will only see its successor.
    fn sync_growing(&self) -> io::Result<()> {
        match self.segments.last() {
            Some(segment) => self.files.get(segment.id, &segment.path)?.sync_data(),
            None => Ok(()),
        }
    }

    /// Forces the names of a new segment and its folders to the disk.
    fn sync_names(&self) -> io::Result<()> {
        // The partition's folder, the topic's, and the one of all topics.
        self.dir.ancestors().take(3).try_for_each(sync_dir)
    }

    fn save_state_when_due(&mut self) {
        let due = self.segments.last().is_some_and(|last| last.size - last.state_covers >= STATE_EVERY);
        if due {
            self.save_state();
        }
    }

    /// Writes the state file of the growing segment. A failure costs a scan at the next start, no data.
    pub(crate) fn save_state(&mut self) {
        let Some(segment) = self.segments.last_mut() else { return };
        if segment.state_covers == segment.size || self.deleted {
            return;
        }
        // Bytes must not reach the disk after the state that vouches for them.
        let synced = if self.sync_state {
            self.files.get(segment.id, &segment.path).and_then(|file| file.sync_data())
        } else {
            Ok(())
        };
        let saved = synced.and_then(|()| segment.save_state(&self.aborted, &self.producers, self.sync_state));
        if let Err(error) = saved {
            tracing::warn!(path = %segment.path.display(), %error, "cannot save the state of a segment");
        }
    }

    /// Raises the first readable offset; whole segments below it are deleted. Returns the new start.
    pub(crate) fn delete_before(&mut self, offset: i64) -> io::Result<i64> {
        self.start = self.start.max(offset.min(self.end));
        while self.segments.len() > 1 && self.segments[0].next_offset <= self.start {
            self.drop_oldest()?;
        }
        self.forget_aborted();
        Ok(self.start)
    }

    /// Deletes the oldest segment.
    pub(crate) fn drop_oldest(&mut self) -> io::Result<()> {
        let segment = &self.segments[0];
        self.files.forget(segment.id);
        segment.delete_files()?;
        self.segments.remove(0);
        let first = self.segments.first().map_or(self.end, |segment| segment.base);
        self.start = self.start.max(first);
        Ok(())
    }

    /// Drops aborted ranges that no reader can reach any more.
    pub(crate) fn forget_aborted(&mut self) {
        let gone = self.aborted.partition_point(|range| range.last_offset < self.start);
        self.aborted.drain(..gone);
    }

    /// Takes the partition out of service; its files are the caller's to remove.
    pub(crate) fn retire(&mut self) {
        self.deleted = true;
        for segment in self.segments.drain(..) {
            self.files.forget(segment.id);
        }
    }
}

#[cfg(test)]
#[path = "partition/tests.rs"]
mod tests;
