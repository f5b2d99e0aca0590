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

/// Waits until a client has heard of a topic from some broker; `look` takes its events, a request for a token among them.
/// The topic must exist: asking a cluster that makes topics unasked for another one would make it.
pub(crate) fn meet<C: ClientContext>(client: &Client<C>, topic: &str, mut look: impl FnMut()) {
    for _ in 0..LOOKS {
        look();
        // A question of its own: the id of the cluster, say, comes only with an answer to somebody's question.
        if client.fetch_metadata(Some(topic), LOOK).is_ok() {
            return;
        }
    }
}
