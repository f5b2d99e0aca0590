//! Waiting for a first broker before a client looks for a coordinator.
//!
//! A client that looks while it has no connection looks again after half a second to a second, however soon the
//! connection is there (librdkafka: `rd_kafka_txn_coord_query`, `rd_kafka_cgrp_serve`). And its first connection goes with
//! the first answer: an address of `bootstrap.servers` is no broker of the cluster, and is given up for those that the
//! answer names (`rd_kafka_metadata_decommission_unavailable_brokers`), to which it is not connected yet.
//!
//! What it is not: a check. A client that meets nobody goes on, and says what is wrong where it always does.

use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;

/// How long the wait lasts at most.
const BOUND: Duration = Duration::from_secs(1);
/// How long one question waits before the client's events are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Between two questions: connecting to a broker next door takes a millisecond or two.
const BETWEEN: Duration = Duration::from_millis(2);

/// Waits until a broker of the cluster has told a client of a topic; `look` takes its events, a request for a token among
/// them. The topic must exist: asking a cluster that makes topics unasked for another one would make it.
pub(crate) fn meet<C: ClientContext>(client: &Client<C>, topic: &str, mut look: impl FnMut()) {
    let deadline = Instant::now() + BOUND;
    while Instant::now() < deadline {
        look();
        // An address has no number; a broker has.
        if client.fetch_metadata(Some(topic), LOOK).is_ok_and(|told| told.orig_broker_id() >= 0) {
            return;
        }
        std::thread::sleep(BETWEEN);
    }
}
