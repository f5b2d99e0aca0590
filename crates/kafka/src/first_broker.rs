//! Waiting for a first broker before a client looks for a coordinator.
//!
//! A client that looks while it has no connection yet looks again after half a second to a second, however soon the
//! connection is there (librdkafka: `rd_kafka_txn_coord_query`, `rd_kafka_cgrp_serve`). What it is not: a check. A client
//! that meets nobody goes on, and says what is wrong where it always does.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;

/// How long one wait lasts before the client's events are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How many of them.
const LOOKS: u32 = 10;

/// Waits until a client is connected to some broker; `look` takes its events, a request for a token among them.
pub(crate) fn meet<C: ClientContext>(client: &Client<C>, mut look: impl FnMut()) {
    for _ in 0..LOOKS {
        look();
        // The id of the cluster comes with the first answer of any broker.
        if client.fetch_cluster_id(LOOK).is_some() {
            return;
        }
    }
}
