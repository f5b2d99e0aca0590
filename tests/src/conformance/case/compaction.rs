//! Compaction: the last committed value of each key stays, at its offset; open transactions stop it.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use rdkafka::producer::BaseRecord;

use crate::conformance::client::Producer;
use crate::conformance::cluster::unique;
use crate::conformance::reading::{Isolation, Seen};
use crate::conformance::wait::eventually;
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] =
    cases![compaction_keeps_the_last_committed_value_of_each_key, compaction_stops_at_an_open_transaction,];

/// Compacted as soon as there is anything to compact.
const EAGER: &[(&str, &str)] =
    &[("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0.001")];

/// Looks until compaction has done what is expected; each look appends a record, so that the segment before is closed.
fn once_compacted(
    cluster: &Cluster,
    topic: &str,
    nudge: &Producer,
    what: &str,
    done: impl Fn(&[Seen]) -> bool,
) -> anyhow::Result<Vec<Seen>> {
    eventually(what, || {
        nudge.send(topic, 0, "nudge", "")?;
        nudge.acknowledged()?;
        let records = cluster.read_all(topic, Isolation::Uncommitted)?;
        Ok(done(&records).then_some(records))
    })
}

fn key(record: &Seen) -> &[u8] {
    record.key.as_deref().unwrap_or_default()
}

fn count(records: &[Seen], wanted: &str) -> usize {
    records.iter().filter(|record| key(record) == wanted.as_bytes()).count()
}

fn compaction_keeps_the_last_committed_value_of_each_key(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("compacted", 1, EAGER)?;
    let producer = cluster.transactional(&unique("compacted"))?;
    let nudge = cluster.producer(&[])?;
    nudge.send(&topic, 0, "once", "only")?;
    let mut last_offset = 0;
    nudge.acknowledged()?;
    for round in 0..5 {
        producer.begin()?;
        producer.send(&topic, 0, "a", &format!("a{round}"))?;
        producer.send(&topic, 0, "gone", &round.to_string())?;
        last_offset = *producer.acknowledged()?.first().context("no delivery")?;
        producer.commit()?;
        producer.begin()?;
        producer.send(&topic, 0, "a", "aborted")?;
        producer.acknowledged()?;
        producer.abort()?;
    }
    producer.begin()?;
    producer.send_record(BaseRecord::to(&topic).partition(0).key("gone"))?;
    producer.commit()?;
    let records = once_compacted(cluster, &topic, &nudge, "old and aborted values gone", |records| {
        count(records, "a") == 1 && count(records, "gone") == 1
    })?;
    let kept: BTreeMap<&[u8], &Seen> = records.iter().map(|record| (key(record), record)).collect();
    let a = kept.get(b"a".as_slice()).context("key a is gone")?;
    ensure!(
        (a.text().as_str(), a.offset) == ("a4", last_offset),
        "the last committed value, where it was: {a:?}"
    );
    let once = kept.get(b"once".as_slice()).context("a key written once is gone")?;
    ensure!((once.text().as_str(), once.offset) == ("only", 0), "a key written once stays: {once:?}");
    let tombstone = kept.get(b"gone".as_slice()).context("the tombstone is gone before its time")?;
    ensure!(tombstone.value.is_none(), "the tombstone stays for a while: {tombstone:?}");
    // The producers' sequence numbers outlived their records.
    producer.begin()?;
    producer.send(&topic, 0, "a", "a5")?;
    producer.commit()?;
    nudge.send(&topic, 0, "once", "again")?;
    nudge.acknowledged()?;
    let committed = cluster.read_settled(&topic)?;
    let last: BTreeMap<&[u8], String> = committed.iter().map(|record| (key(record), record.text())).collect();
    ensure!(last.get(b"a".as_slice()).is_some_and(|value| value == "a5"), "{last:?}");
    ensure!(last.get(b"once".as_slice()).is_some_and(|value| value == "again"), "{last:?}");
    Ok(())
}

fn compaction_stops_at_an_open_transaction(cluster: &Cluster) -> anyhow::Result<()> {
    // Two of these do not fit into one segment, so that the open record is in none of those below it.
    let large = "x".repeat(600_000);
    let mut settings = EAGER.to_vec();
    settings.push(("segment.bytes", "1048576"));
    let topic = cluster.topic("compacted-open", 1, &settings)?;
    let plain = cluster.producer(&[])?;
    let twice = |key: &str| {
        for _ in 0..2 {
            plain.send(&topic, 0, key, &large)?;
            plain.acknowledged()?;
        }
        anyhow::Ok(())
    };
    twice("below")?;
    let open =
        cluster.transactional_with(&unique("compacted-open"), &[("transaction.timeout.ms", "60000")])?;
    open.begin()?;
    open.send(&topic, 0, "open", &large)?;
    open.acknowledged()?;
    twice("above")?;
    let done = |records: &[Seen]| count(records, "below") == 1;
    let records = once_compacted(cluster, &topic, &plain, "what is below the open one compacted", done)?;
    ensure!(count(&records, "open") == 1, "the open record is there");
    ensure!(count(&records, "above") == 2, "nothing above the stable end is touched");
    open.commit()?;
    let done = |records: &[Seen]| count(records, "above") == 1;
    let records = once_compacted(cluster, &topic, &plain, "the rest compacted after the commit", done)?;
    ensure!(count(&records, "open") == 1, "the record committed late is kept");
    Ok(())
}
