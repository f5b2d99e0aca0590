//! The loop on the simulated log.

/// A safety feature switched off, to prove that the tests would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// What a fold answers to the clock is appended outside the transaction, with no positions to fence it.
    UnfencedClock,
    /// A snapshot is published before its positions are committed.
    SnapshotBeforeCommit,
    /// After an abort the consumer is rewound and the state kept.
    KeepStateOnAbort,
}
