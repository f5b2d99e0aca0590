//! Names and labels of the log client's metrics. Labels come from closed sets: never a topic, group or id.

use metrics::{Unit, describe_counter, describe_histogram};

/// Transactions that ended, by `outcome`.
pub const TRANSACTIONS: &str = "bellwether_log_transactions_total";
/// Seconds of a commit from the call to its outcome, by `outcome`.
pub const COMMIT_SECONDS: &str = "bellwether_log_commit_seconds";
/// Changes of assignment, by `kind`.
pub const REBALANCES: &str = "bellwether_log_rebalances_total";
/// Records handed over by polls of members.
pub const RECORDS_POLLED: &str = "bellwether_log_records_polled_total";
/// Records handed over by readers of one partition.
pub const RECORDS_READ: &str = "bellwether_log_records_read_total";
/// Records appended, by `how`.
pub const RECORDS_APPENDED: &str = "bellwether_log_records_appended_total";
/// Producers opened after the first, by `reason`.
pub const PRODUCER_RESTARTS: &str = "bellwether_log_producer_restarts_total";

/// Label: `committed`, `aborted`, `stale`, `fenced`, `indefinite`, `refused` or `unavailable`.
pub const LABEL_OUTCOME: &str = "outcome";
/// Label: `gained`, `revoked` or `lost`.
pub const LABEL_KIND: &str = "kind";
/// Label: `transaction` or `append`.
pub const LABEL_HOW: &str = "how";
/// Label: `aborted`, `fenced` or `indefinite`.
pub const LABEL_REASON: &str = "reason";

/// Describes the metrics to the installed recorder.
pub fn describe_metrics() {
    describe_counter!(TRANSACTIONS, Unit::Count, "transactions that ended, by outcome");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "a commit from the call to its outcome");
    describe_counter!(REBALANCES, Unit::Count, "changes of assignment, by kind");
    describe_counter!(RECORDS_POLLED, Unit::Count, "records handed over by polls of members");
    describe_counter!(RECORDS_READ, Unit::Count, "records handed over by readers of one partition");
    describe_counter!(RECORDS_APPENDED, Unit::Count, "records appended, in transactions or outside");
    describe_counter!(PRODUCER_RESTARTS, Unit::Count, "producers opened after the first, by reason");
}
