//! One segment file and its state file. The segment holds batches; the state file beside it holds what would
//! otherwise need a scan: the index, aborted ranges and the producers as of a position in the segment.
//!
//! The state file is a cache. It is written when a segment is closed, now and then while it grows and on a clean
//! stop; it is replaced atomically and carries a checksum, and when it is missing, damaged or behind, the rest of the
//! segment is scanned.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::BufMut;

use super::index::SparseIndex;
use super::producers::Producers;
use crate::codec::{Malformed, Reader, Writer};

const STATE_MAGIC: u32 = 0x4257_5301; // "BWS", format 1

/// One segment of a log, closed or growing.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Names the file in the cache of open files.
    pub(crate) id: u64,
    pub(crate) path: PathBuf,
    pub(crate) base: i64,
    pub(crate) next_offset: i64,
    pub(crate) size: u64,
    /// Largest record timestamp, -1 when there is none.
    pub(crate) latest_timestamp: i64,
    /// Wall-clock times of the first and the last append; they outlive cleaning.
    pub(crate) first_append_at: i64,
    pub(crate) last_append_at: i64,
    /// The cleaner has compared every key below this offset with what precedes it; the base when it has not come by.
    pub(crate) cleaned_to: i64,
    pub(crate) index: SparseIndex,
    /// Bytes of the segment that the state file on disk covers.
    pub(crate) state_covers: u64,
}

/// A transaction that was aborted: its records lie between the two offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AbortedRange {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    /// Offset of the abort marker.
    pub(crate) last_offset: i64,
    /// The last stable offset right after the marker: ranges written later start at or after it.
    pub(crate) stable_after: i64,
}

/// What a state file says about a segment.
#[derive(Debug)]
pub(crate) struct SavedState {
    pub(crate) segment: Segment,
    pub(crate) aborted: Vec<AbortedRange>,
    pub(crate) producers: Producers,
}

impl Segment {
    pub(crate) fn new(dir: &Path, base: i64, id: u64, now: i64) -> Self {
        Self {
            id,
            path: dir.join(format!("{base:020}.log")),
            base,
            next_offset: base,
            size: 0,
            latest_timestamp: -1,
            first_append_at: now,
            last_append_at: now,
            cleaned_to: base,
            index: SparseIndex::default(),
            state_covers: 0,
        }
    }

    /// The name of the state file of a segment file.
    pub(crate) fn state_path(segment: &Path) -> PathBuf {
        segment.with_extension("state")
    }

    /// The offset relative to the segment's base, as the index counts.
    pub(crate) fn relative(&self, offset: i64) -> u32 {
        u32::try_from((offset - self.base).max(0)).unwrap_or(u32::MAX)
    }

    /// Writes the state file; `aborted` may span the whole log, only this segment's ranges are kept.
    pub(crate) fn save_state(
        &mut self,
        aborted: &[AbortedRange],
        producers: &Producers,
        sync: bool,
    ) -> io::Result<()> {
        let mine = self.base..self.next_offset;
        let aborted: Vec<_> = aborted.iter().filter(|range| mine.contains(&range.last_offset)).collect();
        let mut out = Vec::new();
        out.put_u32(STATE_MAGIC);
        out.put_i64(self.base);
        out.put_i64(self.next_offset);
        out.put_u64(self.size);
        out.put_i64(self.latest_timestamp);
        out.put_i64(self.first_append_at);
        out.put_i64(self.last_append_at);
        out.put_i64(self.cleaned_to);
        self.index.encode(&mut out);
        out.list(aborted.into_iter(), |out, range| {
            out.put_i64(range.producer_id);
            out.put_i64(range.first_offset);
            out.put_i64(range.last_offset);
            out.put_i64(range.stable_after);
        });
        producers.encode(&mut out);
        out.put_u32(crc32c::crc32c(&out));
        replace_file(&Self::state_path(&self.path), &out, sync)?;
        self.state_covers = self.size;
        Ok(())
    }

    /// Reads the state file of a segment; `None` when it is missing or damaged.
    pub(crate) fn load_state(path: &Path, id: u64) -> Option<SavedState> {
        let bytes = fs::read(Self::state_path(path)).ok()?;
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        if u32::from_be_bytes(*checksum) != crc32c::crc32c(body) {
            return None;
        }
        decode_state(body, path, id).ok()
    }

    /// Deletes the segment and its state; a file that is already gone is fine.
    pub(crate) fn delete_files(&self) -> io::Result<()> {
        remove_if_there(&Self::state_path(&self.path))?;
        remove_if_there(&self.path)
    }
}

fn decode_state(body: &[u8], path: &Path, id: u64) -> Result<SavedState, Malformed> {
    let mut reader = Reader::new(body);
    if reader.u32()? != STATE_MAGIC {
        return Err(Malformed);
    }
    let base = reader.i64()?;
    let next_offset = reader.i64()?;
    let size = reader.u64()?;
    let segment = Segment {
        id,
        path: path.to_owned(),
        base,
        next_offset,
        size,
        latest_timestamp: reader.i64()?,
        first_append_at: reader.i64()?,
        last_append_at: reader.i64()?,
        cleaned_to: reader.i64()?,
        index: SparseIndex::decode(&mut reader)?,
        state_covers: size,
    };
    let aborted = reader.list(|reader| {
        Ok(AbortedRange {
            producer_id: reader.i64()?,
            first_offset: reader.i64()?,
            last_offset: reader.i64()?,
            stable_after: reader.i64()?,
        })
    })?;
    Ok(SavedState { segment, aborted, producers: Producers::decode(&mut reader)? })
}

/// Replaces a file in one step: readers see the old content or the new, never a mixture.
pub(crate) fn replace_file(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        io::Write::write_all(&mut file, bytes)?;
        if sync { file.sync_data() } else { Ok(()) }
    };
    let renamed = write().and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        // The half-written file is of no use; when even its removal fails, the next replacement overwrites it.
        fs::remove_file(&temporary).ok();
    });
    match path.parent() {
        Some(dir) if sync => renamed.and_then(|()| sync_dir(dir)),
        _ => renamed,
    }
}

/// Forces the names in a folder to the disk.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

/// Removes a file that may be gone already.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
