//! The journal's file: frames of entries with checksums, a torn tail cut on open, rewriting.
//!
//! A frame is `length u32, checksum u32, entries`; all entries of one append share a frame, which makes them atomic.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::BufMut;

use super::entry::Entry;
use super::image::Image;
use crate::codec::Reader;
use crate::error::Error;
use crate::log::replace_file;

const MAGIC: &[u8; 8] = b"BWJRNL\x00\x01";
const FRAME_HEADER: usize = 8;
/// A journal below this size is not worth rewriting while running.
const REWRITE_FROM: u64 = 8 * 1024 * 1024;
/// How many times its minimal size a journal may grow to.
const REWRITE_FACTOR: u64 = 4;

/// The journal and what it folds to.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
    /// Length right after the last rewrite.
    minimal: u64,
    image: Image,
    /// A failed append could not be undone; nothing more is accepted.
    broken: bool,
    unsynced: bool,
    /// Appends refused since the last that succeeded: the first is said, the others are counted.
    refused: u64,
    #[cfg(test)]
    fail_next: bool,
}

impl Journal {
    /// Opens or creates a journal, cuts its torn tail and rewrites it.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let mut image = Image::default();
        match std::fs::read(&path) {
            Ok(bytes) => replay(&bytes, &path, &mut image)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::folder("read the journal", &path)(error)),
        }
        let bytes = minimal_bytes(&image);
        replace_file(&path, &bytes, true).map_err(Error::folder("rewrite the journal", &path))?;
        let file = open_file(&path).map_err(Error::folder("open the journal", &path))?;
        let length = bytes.len() as u64;
        Ok(Self {
            path,
            file,
            length,
            minimal: length,
            image,
            broken: false,
            unsynced: false,
            refused: 0,
            #[cfg(test)]
            fail_next: false,
        })
    }

    /// What is durably true.
    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// Appends entries as one unit and folds them in.
    pub(crate) fn append(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        let appended = self.try_append(entries);
        self.tell(appended.as_ref().err());
        appended
    }

    /// Says when writing begins to fail and when it goes on: clients that try again must not fill the log.
    fn tell(&mut self, error: Option<&io::Error>) {
        let path = self.path.display();
        match error {
            Some(error) if self.refused == 0 => tracing::error!(%path, %error, "cannot write to the journal"),
            None if self.refused > 0 => {
                tracing::warn!(%path, refused = self.refused, "the journal can be written again");
            }
            _ => {}
        }
        self.refused = if error.is_some() { self.refused + 1 } else { 0 };
    }

    fn try_append(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write to the journal failed half-way; restart the broker",
            ));
        }
        let frame = frame(entries.iter());
        if let Err(error) = self.write(&frame) {
            if let Err(undo) = self.file.set_len(self.length) {
                self.broken = true;
                tracing::error!(path = %self.path.display(), %undo, "cannot undo a failed write to the journal");
            }
            return Err(error);
        }
        self.length += frame.len() as u64;
        self.unsynced = true;
        entries.into_iter().for_each(|entry| self.image.apply(entry));
        self.rewrite_when_grown();
        Ok(())
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        if std::mem::take(&mut self.fail_next) {
            self.file.write_all_at(&frame[..frame.len() / 2], self.length)?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.file.write_all_at(frame, self.length)
    }

    /// The file to force to the disk, if anything was written since the last call.
    pub(crate) fn take_unsynced(&mut self) -> Option<Arc<File>> {
        std::mem::take(&mut self.unsynced).then(|| Arc::clone(&self.file))
    }

    /// Notes that a sync failed and has to be repeated.
    pub(crate) fn mark_unsynced(&mut self) {
        self.unsynced = true;
    }

    /// Replaces a grown file by a minimal one. A failure keeps the grown one, which is as good.
    fn rewrite_when_grown(&mut self) {
        if self.length < REWRITE_FROM.max(self.minimal * REWRITE_FACTOR) {
            return;
        }
        let bytes = minimal_bytes(&self.image);
        let rewritten = replace_file(&self.path, &bytes, true).and_then(|()| open_file(&self.path));
        match rewritten {
            Ok(file) => {
                self.file = file;
                self.length = bytes.len() as u64;
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "cannot rewrite the journal");
            }
        }
        // After a failure wait for the next doubling rather than trying on every append.
        self.minimal = self.length;
    }
}

fn open_file(path: &Path) -> io::Result<Arc<File>> {
    Ok(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))
}

fn frame<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u8> {
    let mut out = vec![0; FRAME_HEADER];
    entries.for_each(|entry| entry.encode(&mut out));
    seal(out)
}

fn seal(mut frame: Vec<u8>) -> Vec<u8> {
    let length = (frame.len() - FRAME_HEADER) as u32;
    let checksum = crc32c::crc32c(&frame[FRAME_HEADER..]);
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame[4..8].copy_from_slice(&checksum.to_be_bytes());
    frame
}

fn minimal_bytes(image: &Image) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_slice(MAGIC);
    for entry in image.entries() {
        out.extend_from_slice(&frame(std::iter::once(&entry)));
    }
    out
}

/// Folds all whole frames in. A frame that ends early or fails its checksum is the torn tail of a crash.
fn replay(bytes: &[u8], path: &Path, image: &mut Image) -> Result<(), Error> {
    let foreign = |reason: &str| Error::Foreign { path: path.to_owned(), reason: reason.to_owned() };
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        return Err(foreign("it does not begin like a journal of this version"));
    };
    while let Some((header, after)) = rest.split_first_chunk::<FRAME_HEADER>() {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let checksum = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let Some(payload) = after.get(..length).filter(|payload| crc32c::crc32c(payload) == checksum) else {
            break;
        };
        let mut reader = Reader::new(payload);
        while !reader.is_empty() {
            let entry = Entry::decode(&mut reader)
                .map_err(|_| foreign("it holds entries of a newer version, or was changed by hand"))?;
            image.apply(entry);
        }
        rest = &after[length..];
    }
    if !rest.is_empty() {
        tracing::warn!(path = %path.display(), cut_bytes = rest.len(), "cut the torn tail of the journal");
    }
    Ok(())
}

#[cfg(test)]
impl Journal {
    /// Makes the next append fail like a full disk.
    pub(crate) fn fail_next(&mut self) {
        self.fail_next = true;
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
