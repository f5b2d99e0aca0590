//! The fold loop: batches, transactions, ticks, snapshots, dead letters.
