//! The roles: shells that let the pure folds run over the log, and the threads that host them.

pub(crate) mod connect;
pub(crate) mod escalate;
pub(crate) mod notify;
pub(crate) mod process;
pub(crate) mod route;

pub(crate) use escalate::EscalateFactory;
pub(crate) use process::ProcessFactory;
pub(crate) use route::RouteFactory;

use bellwether_runtime::StateHash;

/// Version of the folds' meaning, kept in snapshots.
pub(crate) const ENGINE: &str = concat!("bellwether-", env!("CARGO_PKG_VERSION"));

/// Hash of a state's bytes.
fn hash(bytes: &[u8]) -> StateHash {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    StateHash(hash)
}
