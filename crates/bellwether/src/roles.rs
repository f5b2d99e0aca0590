//! The roles: shells that let the pure folds run over the log, and the threads that host them.

pub(crate) mod connect;
pub(crate) mod escalate;
pub(crate) mod notify;
pub(crate) mod process;
pub(crate) mod route;

pub(crate) use escalate::EscalateFactory;
pub(crate) use process::ProcessFactory;
pub(crate) use route::RouteFactory;

use bellwether_log::Record;
use bellwether_model::EventTime;
use bellwether_runtime::{OrderKey, StateHash};
use bellwether_wire::binary;

/// Version of the folds' meaning, kept in snapshots.
pub(crate) const ENGINE: &str = concat!("bellwether-", env!("CARGO_PKG_VERSION"));

/// CloudEvents type of a tick, and of a mark.
const TICK_TYPE: &str = "bellwether.tick.recorded.v1";

/// How long a role's clock may stand still before that is a pause worth telling (R71): longer than the minute between
/// two heartbeats and a restart after it.
const PAUSE_MS: i64 = 90_000;

/// True when a clock that was not told since an instant missed something: with nothing pending no heartbeat is due, and
/// a quiet partition says nothing about whether anybody was there.
fn is_pause(next_due_ms: Option<i64>, since_ms: i64, now_ms: i64) -> bool {
    next_due_ms.is_some() && now_ms - since_ms >= PAUSE_MS
}

/// Place of an event among those of other inputs: by time, source and id (R2), a mark after every event of its instant.
fn order_key(record: &Record) -> OrderKey {
    let header = |name| binary::optional(&record.headers, name).unwrap_or_default();
    let at_ms = EventTime::parse(header("ce_time")).map_or(record.timestamp_ms, EventTime::ms);
    let is_mark = header("ce_type") == TICK_TYPE;
    let mut tie = vec![u8::from(is_mark)];
    if !is_mark {
        tie.extend_from_slice(header("ce_source").as_bytes());
        tie.push(0x1f);
        tie.extend_from_slice(header("ce_id").as_bytes());
    }
    OrderKey { at_ms, tie }
}

/// Hash of a state's bytes.
fn hash(bytes: &[u8]) -> StateHash {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    StateHash(hash)
}
