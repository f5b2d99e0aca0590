//! One partition in service: its log behind a lock, and the readers that wait for it to grow.

use std::io;
use std::sync::{Arc, Mutex, RwLock, Weak};

use tokio::sync::Notify;

use super::settings::TopicSettings;
use crate::clock::wall_ms;
use crate::journal::PartitionRef;
use crate::log::batch::{BatchHeader, Ending};
use crate::log::partition::{AppendFault, Appended, PartitionLog};
use crate::sync::{lock, read};
use crate::txn::ProducerKey;

/// Wakes one waiting fetch. A wake-up that comes before the wait is kept.
pub(crate) type ReaderSignal = Arc<Notify>;

#[derive(Debug)]
struct Reader {
    signal: Weak<Notify>,
    committed_only: bool,
}

/// One partition.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) at: PartitionRef,
    pub(crate) log: Mutex<PartitionLog>,
    settings: Arc<RwLock<Arc<TopicSettings>>>,
    readers: Mutex<Vec<Reader>>,
}

impl Partition {
    pub(super) fn new(
        at: PartitionRef,
        log: PartitionLog,
        settings: Arc<RwLock<Arc<TopicSettings>>>,
    ) -> Self {
        Self { at, log: Mutex::new(log), settings, readers: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> Arc<TopicSettings> {
        Arc::clone(&read(&self.settings))
    }

    /// Appends a checked batch and wakes readers.
    pub(crate) fn append(&self, batch: &[u8], header: &BatchHeader) -> Result<(Appended, i64), AppendFault> {
        let settings = self.settings();
        let mut log = lock(&self.log);
        let stable = log.stable_end();
        let appended = log.append(batch, header, &settings.log, wall_ms())?;
        let moved = log.stable_end() > stable;
        let start = log.start;
        drop(log);
        self.wake(moved);
        Ok((appended, start))
    }

    /// Writes the marker that ends a producer's transaction here, unless it is written already, and wakes readers.
    pub(crate) fn end_transaction(
        &self,
        producer: ProducerKey,
        ending: Ending,
        now: i64,
    ) -> Result<(), AppendFault> {
        let settings = self.settings();
        let mut log = lock(&self.log);
        let known = log.producers.get(producer.id);
        let missing = known.is_none_or(|known| known.open_since.is_some() || known.epoch < producer.epoch);
        if missing && !log.deleted {
            log.append_marker(producer.id, producer.epoch, ending, &settings.log, now)?;
            drop(log);
            self.wake(true);
        }
        Ok(())
    }

    /// Forces written bytes to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let file = {
            let mut log = lock(&self.log);
            if !std::mem::take(&mut log.unsynced) {
                return Ok(());
            }
            match log.segments.last() {
                Some(segment) => log.files.get(segment.id, &segment.path)?,
                None => return Ok(()),
            }
        };
        file.sync_data().inspect_err(|_| lock(&self.log).unsynced = true)
    }

    /// Wakes `signal` at the next append, or for a reader of committed records at the next move of the stable end.
    pub(crate) fn watch(&self, signal: &ReaderSignal, committed_only: bool) {
        let mut readers = lock(&self.readers);
        readers.retain(|reader| reader.signal.strong_count() > 0);
        let mine = |reader: &&mut Reader| std::ptr::eq(reader.signal.as_ptr(), Arc::as_ptr(signal));
        match readers.iter_mut().find(mine) {
            Some(reader) => reader.committed_only = committed_only,
            None => readers.push(Reader { signal: Arc::downgrade(signal), committed_only }),
        }
    }

    /// Wakes waiting readers; those of committed records only if the stable end moved.
    pub(crate) fn wake(&self, stable_moved: bool) {
        let mut readers = lock(&self.readers);
        readers.retain(|reader| {
            let due = stable_moved || !reader.committed_only;
            if let Some(signal) = reader.signal.upgrade().filter(|_| due) {
                signal.notify_one();
            }
            !due
        });
    }
}
