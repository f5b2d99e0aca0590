//! The fold loop: it drives a pure fold over the log and knows nothing of what is folded.
//!
//! What it is: one thread per member that polls a batch, folds it, and commits outputs and positions as one
//! transaction; with it ticks, dead letters, snapshots, restore and the order between several inputs. What it is
//! not: a place for domain rules, wire formats or clients of a broker; it sees records as bytes and the log
//! through the port of `bellwether-log`.
//!
//! ```text
//!   Member::poll -> lanes (order) -> Fold::apply -> Outputs \
//!   Clock -> pulse -> Fold::on_clock --------------> Outputs -> one transaction {outputs, positions, token}
//!   commit -> snapshot due? -> helper thread -> object store
//!   assignment or abort -> restore: newest good snapshot + replay, or the changelog -> live
//! ```
//!
//! Invariants:
//! - RT-1: a transaction carries the positions of every unit that consumed or spoke in it, unchanged ones too.
//! - RT-2: a unit's state in memory equals its committed positions at every poll; where a commit did not surely
//!   happen, the state is dropped and restored, never patched.
//! - RT-3: nothing of a restore leaves the process; effects of replayed records are dropped.
//! - RT-4: a snapshot is encoded and published only after the commit of its positions, and one ahead of the
//!   committed positions is never loaded.
//! - RT-5: no record is passed over silently: it is folded, or it is in the dead-letter topic, or its partition is
//!   halted with a reason.

mod backoff;
mod broadcast;
pub mod clock;
pub mod dead_letter;
mod decide;
pub mod error;
pub mod failpoint;
pub mod fold;
mod frontier;
mod guard;
mod lanes;
pub mod limits;
pub mod metric_definitions;
pub mod options;
mod pulse;
mod restore;
pub mod service;
pub mod snapshot;
pub mod status;
mod unit;

pub use clock::{Clock, ManualClock, NoClock, SystemClock};
pub use error::Error;
pub use failpoint::{Failpoint, Failpoints, NoFailpoints};
pub use fold::{Fold, FoldFactory, OrderKey, Outputs, Poison, RestoreError, Stage, StateHash, UnitId};
pub use limits::DeadLetterLimits;
pub use metric_definitions::describe_metrics;
pub use options::{ClockRule, DeadLetterTopic, InputOrder, LoopBounds, LostPositions, Options, Restore};
pub use service::{Handle, Service, Step};
pub use snapshot::{Bucket, MemoryObjects, Objects};
pub use status::{HaltCause, Status, UnitHealth, UnitStatus};
