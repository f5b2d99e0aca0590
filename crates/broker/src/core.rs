//! The parts of a running broker that request handlers and background tasks share.

use std::fs::File;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use crate::clock::{Monotonic, wall_ms};
use crate::durability::Flusher;
use crate::error::Error;
use crate::group::Groups;
use crate::journal::{Entry, Journal};
use crate::options::{BrokerOptions, Durability};
use crate::sync::lock;
use crate::topics::Topics;
use crate::txn::{Context, Transactions};

/// The one node's id.
pub(crate) const NODE_ID: i32 = 1;

/// Everything a request handler needs.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: BrokerOptions,
    pub(crate) cluster_id: String,
    /// Host and port told to clients.
    pub(crate) advertised: (String, u16),
    pub(crate) clock: Monotonic,
    pub(crate) journal: Arc<Mutex<Journal>>,
    pub(crate) topics: Topics,
    pub(crate) groups: Groups,
    pub(crate) transactions: Transactions,
    pub(crate) flusher: Flusher,
    /// Topic creation, deletion and settings changes, one at a time.
    pub(crate) administration: Mutex<()>,
    /// Locked as long as anything may still write to the folder.
    _folder: Option<File>,
}

impl Core {
    /// Opens the folder and brings what a crash left into order; `folder` is its lock, to be kept.
    pub(crate) fn open(
        options: BrokerOptions,
        local: SocketAddr,
        trust_state: bool,
        folder: Option<File>,
    ) -> Result<Self, Error> {
        let dir = options.dir.clone();
        let mut journal = Journal::open(dir.join("journal"))?;
        if journal.image().cluster_id.is_none() {
            let named = Entry::ClusterNamed { id: Uuid::new_v4() };
            journal.append(vec![named]).map_err(Error::folder("write the journal in", &dir))?;
        }
        let cluster_id = journal.image().cluster_id.unwrap_or_default().simple().to_string();
        let clock = Monotonic::new();
        let sync_state = options.durability != Durability::Never;
        let topics = Topics::open(dir.join("topics"), journal.image(), sync_state, trust_state, wall_ms())
            .map_err(Error::folder("open the topics in", &dir))?;
        let transactions = Transactions::new(&journal, clock);
        let journal = Arc::new(Mutex::new(journal));
        let core = Self {
            cluster_id,
            advertised: options.advertised.clone().unwrap_or_else(|| reachable(local)),
            groups: Groups::new(options.initial_rebalance_delay, clock),
            clock,
            flusher: Flusher::new(options.durability, Arc::clone(&journal)),
            journal,
            topics,
            transactions,
            administration: Mutex::default(),
            options,
            _folder: folder,
        };
        core.transactions.recover(core.transaction_context()).map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            Error::folder("finish interrupted transactions in", &dir)(source)
        })?;
        Ok(core)
    }

    pub(crate) fn transaction_context(&self) -> Context<'_> {
        Context { topics: &self.topics, journal: &self.journal, flusher: &self.flusher }
    }

    /// Appends to the journal.
    pub(crate) fn record(&self, entry: Entry) -> std::io::Result<()> {
        lock(&self.journal).append(vec![entry])
    }
}

/// The address clients are told when none is given. "All interfaces" is no address one can connect to.
fn reachable(local: SocketAddr) -> (String, u16) {
    let host = match local.ip() {
        ip if !ip.is_unspecified() => ip.to_string(),
        _ => {
            tracing::warn!(%local, "listening on all interfaces without an advertised address; only local clients find it");
            "127.0.0.1".to_owned()
        }
    };
    (host, local.port())
}
