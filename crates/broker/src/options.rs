//! How a broker is set up. Everything has a default fit for a laptop; only the address and the folder must be given.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// When written bytes are forced to the disk.
///
/// A killed or crashed *process* loses nothing under any of these, because the operating system holds what was
/// written. They differ in what a power failure may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Never forced; the operating system decides, usually within half a minute.
    Never,
    /// Forced in the background at this interval; a power failure takes at most that much.
    Every(Duration),
    /// Forced before a transaction's commit, an offset commit or a topic change is acknowledged; plain writes are
    /// forced within [`BrokerOptions::PLAIN_SYNC_INTERVAL`]. Concurrent commits share one sync.
    OnCommit,
}

/// Settings of one broker.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BrokerOptions {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder that holds everything; created when absent, owned by one process at a time.
    pub dir: PathBuf,
    /// Host and port told to clients; the listening address when `None`, or this machine's own when that is all
    /// interfaces.
    pub advertised: Option<(String, u16)>,
    /// When written bytes are forced to the disk.
    pub durability: Durability,
    /// How long an empty consumer group waits for more members before its first assignment.
    pub initial_rebalance_delay: Duration,
    /// Largest produce request accepted, in bytes.
    pub max_produce_request_bytes: usize,
    /// How often retention, compaction and expiry look for work.
    pub housekeeping_interval: Duration,
    /// Partitions of a topic created without a count.
    pub default_partitions: i32,
}

impl BrokerOptions {
    /// How often plain writes are forced to the disk under [`Durability::OnCommit`].
    pub const PLAIN_SYNC_INTERVAL: Duration = Duration::from_secs(1);

    /// Settings for a laptop: no forced syncs, no rebalance delay, requests up to 100 MiB.
    pub fn new(listen: SocketAddr, dir: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            dir: dir.into(),
            advertised: None,
            durability: Durability::Never,
            initial_rebalance_delay: Duration::ZERO,
            max_produce_request_bytes: 100 * 1024 * 1024,
            housekeeping_interval: Duration::from_secs(5),
            default_partitions: 1,
        }
    }
}
