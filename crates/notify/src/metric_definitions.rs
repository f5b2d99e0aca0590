//! Names and labels of the metrics of notify. Labels come from closed sets: never a person, step, target or URL.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Attempts by `channel` and `result`: `accepted`, `retryable`, `permanent`.
pub const ATTEMPTS: &str = "bellwether_notify_attempts_total";
/// Deliveries that ended, by `channel` and `outcome`: `succeeded`, `abandoned`.
pub const DELIVERIES: &str = "bellwether_notify_deliveries_total";
/// Seconds one attempt took, by `channel`.
pub const ATTEMPT_SECONDS: &str = "bellwether_notify_attempt_seconds";
/// Deliveries waiting for their first or next attempt, by `channel`.
pub const PENDING: &str = "bellwether_notify_pending_deliveries";
/// Steps submitted, by `level`.
pub const STEPS: &str = "bellwether_notify_steps_total";
/// Recipients that no person of the directory has the pseudonym of.
pub const UNRESOLVED_RECIPIENTS: &str = "bellwether_notify_unresolved_recipients_total";
/// Times the log did not take a receipt and it was tried again.
pub const RECEIPTS_REFUSED: &str = "bellwether_notify_receipts_refused_total";

/// Label: kind of channel.
pub const LABEL_CHANNEL: &str = "channel";
/// Label: what came of an attempt.
pub const LABEL_RESULT: &str = "result";
/// Label: how a delivery ended.
pub const LABEL_OUTCOME: &str = "outcome";
/// Label: level of a step, `1` to `5`.
pub const LABEL_LEVEL: &str = "level";

/// Describes the metrics to the installed recorder.
pub fn describe_metrics() {
    describe_counter!(ATTEMPTS, Unit::Count, "attempts to deliver, by what came of them");
    describe_counter!(DELIVERIES, Unit::Count, "deliveries that ended, by how");
    describe_histogram!(ATTEMPT_SECONDS, Unit::Seconds, "how long one attempt took");
    describe_gauge!(PENDING, Unit::Count, "deliveries waiting for their first or next attempt");
    describe_counter!(STEPS, Unit::Count, "steps submitted");
    describe_counter!(UNRESOLVED_RECIPIENTS, Unit::Count, "recipients unknown to the directory");
    describe_counter!(RECEIPTS_REFUSED, Unit::Count, "receipts the log did not take at once");
}
