//! Forcing written bytes to the disk, by the policy of the options.
//!
//! Syncs run on the blocking pool, one group at a time: whoever waits for a running one shares the next, so
//! concurrent commits cost one sync, not one each.
//!
//! Invariant: when `sync_logs` or `sync_journal` returns under [`Durability::OnCommit`], everything written before
//! the call is on the disk.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::journal::Journal;
use crate::options::{BrokerOptions, Durability};
use crate::sync::lock;
use crate::topics::{Partition, Topics};

/// Carries out the durability policy.
#[derive(Debug)]
pub(crate) struct Flusher {
    policy: Durability,
    journal: Arc<Mutex<Journal>>,
    /// Held while a group of files is being synced: a file marked clean may still be on its way.
    gate: tokio::sync::Mutex<()>,
}

impl Flusher {
    pub(crate) fn new(policy: Durability, journal: Arc<Mutex<Journal>>) -> Self {
        Self { policy, journal, gate: tokio::sync::Mutex::new(()) }
    }

    /// True when commits wait for the disk.
    pub(crate) fn syncs_on_commit(&self) -> bool {
        self.policy == Durability::OnCommit
    }

    /// How often the background sync runs, if it does.
    pub(crate) fn interval(&self) -> Option<Duration> {
        match self.policy {
            Durability::Never => None,
            Durability::Every(interval) => Some(interval.max(Duration::from_millis(1))),
            Durability::OnCommit => Some(BrokerOptions::PLAIN_SYNC_INTERVAL),
        }
    }

    /// Forces what was written to some partitions, if commits wait for the disk.
    pub(crate) async fn sync_logs(&self, partitions: Vec<Arc<Partition>>) -> io::Result<()> {
        if !self.syncs_on_commit() || partitions.is_empty() {
            return Ok(());
        }
        let _gate = self.gate.lock().await;
        blocking(move || partitions.iter().try_for_each(|partition| partition.sync())).await
    }

    /// Forces what was journaled, if commits wait for the disk.
    pub(crate) async fn sync_journal(&self) -> io::Result<()> {
        if !self.syncs_on_commit() {
            return Ok(());
        }
        let _gate = self.gate.lock().await;
        self.sync_journal_file().await
    }

    async fn sync_journal_file(&self) -> io::Result<()> {
        let file: Option<Arc<File>> = lock(&self.journal).take_unsynced();
        match file {
            Some(file) => {
                let synced = blocking(move || file.sync_data()).await;
                synced.inspect_err(|_| lock(&self.journal).mark_unsynced())
            }
            None => Ok(()),
        }
    }

    /// Forces everything that was written since the last time; logs before the journal, which refers to them.
    pub(crate) async fn sync_all(&self, topics: &Topics) -> io::Result<()> {
        let _gate = self.gate.lock().await;
        let dirty: Vec<_> =
            topics.all_partitions().into_iter().filter(|partition| lock(&partition.log).unsynced).collect();
        if !dirty.is_empty() {
            blocking(move || dirty.iter().try_for_each(|partition| partition.sync())).await?;
        }
        self.sync_journal_file().await
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?;
    done.inspect_err(|error| tracing::error!(%error, "cannot force written bytes to the disk"))
}
