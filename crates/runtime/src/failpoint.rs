//! Places where the simulator may crash the loop: between any two steps whose order matters.
//!
//! Not a fault library: one question per step, asked of an object the service owns, so that two services in one
//! process are crashed independently and a schedule of crashes is a seed.

/// A place between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failpoint {
    /// Records were polled, none folded.
    Polled,
    /// The batch is folded, nothing sent.
    Folded,
    /// The transaction is built and about to be sent.
    BeforeCommit,
    /// The commit returned; memory does not know yet.
    AfterCommit,
    /// The commit is known, the snapshot is encoded, nothing published.
    BeforeSnapshot,
    /// The snapshot was handed over.
    AfterSnapshot,
    /// A slice of a restore is done.
    Restoring,
    /// A unit is restored and about to go live.
    BeforeLive,
    /// A graceful stop has begun.
    Stopping,
}

/// Decides at each place whether to crash there.
pub trait Failpoints: Send {
    /// True: the service ends at once, as if the process had died: no snapshot, no farewell to the group.
    fn crashes_at(&mut self, point: Failpoint) -> bool;
}

/// Never crashes.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFailpoints;

impl Failpoints for NoFailpoints {
    fn crashes_at(&mut self, _point: Failpoint) -> bool {
        false
    }
}
