//! The roles: shells that let the pure folds run over the log, and the threads that host them.

pub mod connect;
pub mod escalate;
pub mod notify;
pub mod process;
pub mod route;

pub use escalate::EscalateFactory;
pub use process::ProcessFactory;
pub use route::RouteFactory;

use bellwether_runtime::StateHash;

/// Version of the folds' meaning, kept in snapshots.
pub const ENGINE: &str = concat!("bellwether-", env!("CARGO_PKG_VERSION"));

/// Hash of a state's bytes.
fn hash(bytes: &[u8]) -> StateHash {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    StateHash(hash)
}
