//! Names and labels of the connectors' metrics. Labels come from closed sets: never an account, ticket or person.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Deliveries that arrived, by `source`.
pub const DELIVERIES_RECEIVED: &str = "bellwether_connectors_deliveries_received_total";
/// Deliveries whose signature held, by `source`.
pub const DELIVERIES_VERIFIED: &str = "bellwether_connectors_deliveries_verified_total";
/// Deliveries answered with anything but 2xx, by `source` and `reason`.
pub const DELIVERIES_REFUSED: &str = "bellwether_connectors_deliveries_refused_total";
/// Verified deliveries by `source` and what became of them: `mapped`, `unmapped`, `not_needed`, `test`.
pub const DELIVERIES_HANDLED: &str = "bellwether_connectors_deliveries_handled_total";
/// Events acknowledged by the log, by `source`.
pub const EVENTS_PRODUCED: &str = "bellwether_connectors_events_produced_total";
/// Seconds from handing events to the sink to its acknowledgement, by `source`.
pub const APPEND_SECONDS: &str = "bellwether_connectors_append_seconds";
/// Requests being handled now.
pub const REQUESTS_IN_FLIGHT: &str = "bellwether_connectors_requests_in_flight";

/// Label: which source.
pub const LABEL_SOURCE: &str = "source";
/// Label: why refused; the closed set of [`crate::webhook::Refusal`].
pub const LABEL_REASON: &str = "reason";
/// Label: what became of a delivery.
pub const LABEL_OUTCOME: &str = "outcome";

/// Describes the metrics to the installed recorder.
pub fn describe_metrics() {
    describe_counter!(DELIVERIES_RECEIVED, Unit::Count, "deliveries that arrived");
    describe_counter!(DELIVERIES_VERIFIED, Unit::Count, "deliveries whose signature held");
    describe_counter!(DELIVERIES_REFUSED, Unit::Count, "deliveries answered with anything but 2xx");
    describe_counter!(DELIVERIES_HANDLED, Unit::Count, "verified deliveries by what became of them");
    describe_counter!(EVENTS_PRODUCED, Unit::Count, "events acknowledged by the log");
    describe_histogram!(APPEND_SECONDS, Unit::Seconds, "from handing events over to the acknowledgement");
    describe_gauge!(REQUESTS_IN_FLIGHT, Unit::Count, "requests being handled now");
}
