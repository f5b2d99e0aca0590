//! The loop on the simulated log.
//!
//! - [`world`], [`fate`]: services that live and die on one simulated cluster, by a seed.
//! - [`tally`], [`alarm`], [`relay`]: toy folds of the three roles' shapes.
//! - [`chaos`]: random inputs, random crashes, one truth.
//! - the others: one behaviour per test.

mod alarm;
mod behaviours;
mod chaos;
mod fate;
mod ordering;
mod relay;
mod restores;
mod tally;
mod world;

/// A safety feature switched off, to prove that the tests would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// What a fold answers to the clock is appended outside the transaction, with no positions to fence it.
    UnfencedClock,
    /// A snapshot is published before its positions are committed, and loaded whatever was committed since.
    SnapshotBeforeCommit,
    /// After an abort the consumer is rewound and the state kept.
    KeepStateOnAbort,
}
