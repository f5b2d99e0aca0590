//! Snapshots: how a unit's state is written, named, kept and read back.
//!
//! - [`codec`]: bytes of one snapshot, checked end to end.
//! - [`name`]: where it lies and which one is newer.
//! - [`objects`]: the folder or bucket, as four blocking calls.
//! - [`depot`]: publish, verify, prune, load.
//! - `worker`: the helper thread that keeps all of this off the loop.
//!
//! Invariant RT-4: publishing follows the commit of the positions, loading refuses what is ahead of them.

pub mod codec;
pub mod depot;
pub mod name;
pub mod objects;
pub(crate) mod worker;

pub use codec::{CodecError, Header, InputPosition, SkippedRecord, Snapshot};
pub use depot::{Depot, Loaded};
pub use objects::{Bucket, MemoryObjects, Objects, ObjectsError, Put};
