//! Names and labels of the runtime's metrics. Labels are closed sets: role, outcome, stage, never a partition.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Batches folded.
pub const BATCHES: &str = "bellwether_runtime_batches_total";
/// Records folded live.
pub const RECORDS: &str = "bellwether_runtime_records_total";
/// Records appended.
pub const OUTPUTS: &str = "bellwether_runtime_outputs_total";
/// Transactions, by outcome.
pub const TRANSACTIONS: &str = "bellwether_runtime_transactions_total";
/// Time to fold one batch.
pub const FOLD_SECONDS: &str = "bellwether_runtime_fold_seconds";
/// Time to commit one transaction.
pub const COMMIT_SECONDS: &str = "bellwether_runtime_commit_seconds";
/// Time from assignment or reload until live.
pub const RESTORE_SECONDS: &str = "bellwether_runtime_restore_seconds";
/// Records replayed by restores.
pub const REPLAYED_RECORDS: &str = "bellwether_runtime_replayed_records_total";
/// Snapshots, by outcome.
pub const SNAPSHOTS: &str = "bellwether_runtime_snapshots_total";
/// Size of published snapshots.
pub const SNAPSHOT_BYTES: &str = "bellwether_runtime_snapshot_bytes";
/// Time the loop stood still to take a snapshot.
pub const SNAPSHOT_SECONDS: &str = "bellwether_runtime_snapshot_seconds";
/// Age of the oldest last snapshot among the live units.
pub const SNAPSHOT_AGE_SECONDS: &str = "bellwether_runtime_snapshot_age_seconds";
/// Records diverted, by stage.
pub const DEAD_LETTERS: &str = "bellwether_runtime_dead_letters_total";
/// Records of broadcast topics that could not be observed.
pub const BROADCAST_FAILURES: &str = "bellwether_runtime_broadcast_failures_total";
/// Units live.
pub const UNITS_LIVE: &str = "bellwether_runtime_units_live";
/// Units being restored or waiting for partitions.
pub const UNITS_RESTORING: &str = "bellwether_runtime_units_restoring";
/// Units halted.
pub const UNITS_HALTED: &str = "bellwether_runtime_units_halted";

/// Label: role.
pub const ROLE: &str = "role";
/// Label: how a transaction or a snapshot ended.
pub const OUTCOME: &str = "outcome";
/// Label: at what a record failed.
pub const STAGE: &str = "stage";

/// Tells the recorder what the names mean. Call once, after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!(BATCHES, Unit::Count, "Batches folded");
    describe_counter!(RECORDS, Unit::Count, "Records folded live");
    describe_counter!(OUTPUTS, Unit::Count, "Records appended by transactions");
    describe_counter!(
        TRANSACTIONS,
        Unit::Count,
        "Transactions by outcome: committed, retried, aborted, fenced, indefinite, fatal"
    );
    describe_histogram!(FOLD_SECONDS, Unit::Seconds, "Time to fold one batch");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time to commit one transaction");
    describe_histogram!(RESTORE_SECONDS, Unit::Seconds, "Time from assignment or reload until live");
    describe_counter!(REPLAYED_RECORDS, Unit::Count, "Records replayed by restores");
    describe_counter!(SNAPSHOTS, Unit::Count, "Snapshots by outcome: published, busy, failed");
    describe_histogram!(SNAPSHOT_BYTES, Unit::Bytes, "Size of published snapshots");
    describe_histogram!(SNAPSHOT_SECONDS, Unit::Seconds, "Time the loop stood still to take a snapshot");
    describe_gauge!(
        SNAPSHOT_AGE_SECONDS,
        Unit::Seconds,
        "Age of the oldest last snapshot among live units with changes"
    );
    describe_counter!(DEAD_LETTERS, Unit::Count, "Records diverted to the dead-letter topic, by stage");
    describe_counter!(
        BROADCAST_FAILURES,
        Unit::Count,
        "Records of broadcast topics that could not be observed"
    );
    describe_gauge!(UNITS_LIVE, Unit::Count, "Units that fold and commit");
    describe_gauge!(UNITS_RESTORING, Unit::Count, "Units being restored or waiting for partitions");
    describe_gauge!(UNITS_HALTED, Unit::Count, "Units that stand still until somebody acts");
}
