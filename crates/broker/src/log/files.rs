//! Open files of segments, bounded: a broker with thousands of partitions must not need thousands of descriptors.
//! The least recently used file is closed when the bound is reached and reopened on demand.
//!
//! Closing a file does not lose written bytes; a later sync through a new descriptor covers them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Files kept open: far below the usual limit of 1,024 descriptors, which connections share.
const MAX_OPEN: usize = 256;

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<u64, (Arc<File>, u64)>,
    uses: u64,
    ids: u64,
    #[cfg(test)]
    room: Option<u64>,
}

/// The open files of all segments, shared by all partitions.
#[derive(Debug, Default)]
pub(crate) struct Files {
    inner: Mutex<Inner>,
}

impl Files {
    /// A name for a file that is unique within this process; paths may be reused, these are not.
    pub(crate) fn new_id(&self) -> u64 {
        let mut inner = lock(&self.inner);
        inner.ids += 1;
        inner.ids
    }

    /// Returns the file, opening it when needed; it must exist.
    pub(crate) fn get(&self, id: u64, path: &Path) -> io::Result<Arc<File>> {
        let mut inner = lock(&self.inner);
        inner.uses += 1;
        let now = inner.uses;
        if let Some((file, used)) = inner.open.get_mut(&id) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(OpenOptions::new().read(true).write(true).open(path)?);
        inner.keep(id, &file);
        Ok(file)
    }

    /// Creates a new, empty file.
    pub(crate) fn create(&self, id: u64, path: &Path) -> io::Result<Arc<File>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let file = Arc::new(file);
        lock(&self.inner).keep(id, &file);
        Ok(file)
    }

    /// Closes a file that is going away.
    pub(crate) fn forget(&self, id: u64) {
        lock(&self.inner).open.remove(&id);
    }

    /// Writes all bytes at a position.
    pub(crate) fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        #[cfg(test)]
        self.use_room(file, bytes, position)?;
        file.write_all_at(bytes, position)
    }
}

impl Inner {
    fn keep(&mut self, id: u64, file: &Arc<File>) {
        if self.open.len() >= MAX_OPEN {
            let oldest = self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(id, _)| *id);
            oldest.map(|id| self.open.remove(&id));
        }
        self.open.insert(id, (Arc::clone(file), self.uses));
    }
}

#[cfg(test)]
impl Files {
    /// Makes writes fail like a full disk once this many more bytes are written; half-written writes stay.
    pub(crate) fn set_room(&self, room: Option<u64>) {
        lock(&self.inner).room = room;
    }

    fn use_room(&self, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        let mut inner = lock(&self.inner);
        let Some(room) = inner.room.as_mut() else { return Ok(()) };
        let fits = bytes.len().min(*room as usize);
        *room -= fits as u64;
        if fits < bytes.len() {
            file.write_all_at(&bytes[..fits], position)?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }
}
