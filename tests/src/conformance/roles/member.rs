//! A member of a group that only reads, and says what it was assigned.

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::say;
use crate::conformance::reading::next;
use crate::conformance::wait::TURN;
use crate::conformance::{Cluster, Kind};

/// Polls for ever.
pub(super) fn run(bootstrap: &str, topic: &str, group: &str, session_ms: u32) -> anyhow::Result<()> {
    // Whose broker it is makes no difference to a member.
    let cluster = Cluster::new(Kind::Apache, bootstrap);
    let session = session_ms.to_string();
    let settings = [
        ("auto.offset.reset", "earliest"),
        ("session.timeout.ms", &session),
        ("heartbeat.interval.ms", "500"),
    ];
    let consumer: BaseConsumer = cluster.consumer(group, &settings)?;
    consumer.subscribe(&[topic])?;
    let mut told = None;
    loop {
        next(&consumer, TURN)?;
        let count = consumer.assignment()?.count();
        if told != Some(count) {
            say(&format!("assigned {count}"))?;
            told = Some(count);
        }
    }
}
