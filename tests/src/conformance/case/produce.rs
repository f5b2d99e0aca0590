//! What is appended comes back as it was: order, headers, absence, codecs, sizes, times.

use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use rdkafka::Timestamp;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use crate::conformance::reading::{Isolation, texts};
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] = cases![
    idempotent_produce_gives_dense_offsets,
    headers_come_back_as_sent,
    a_tombstone_is_no_empty_payload,
    create_times_come_back_as_sent,
    append_time_is_the_brokers_and_stays,
    every_codec_reads_back,
    a_record_of_900_kb_reads_back,
    a_record_over_the_limit_of_the_topic_is_refused,
];

fn idempotent_produce_gives_dense_offsets(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("dense", 2, &[])?;
    let producer = cluster.producer(&[("linger.ms", "2")])?;
    for number in 0..1_000 {
        producer.send(&topic, number % 2, "k", &number.to_string())?;
    }
    let mut given = [Vec::new(), Vec::new()];
    for delivery in producer.settle()? {
        given[usize::try_from(delivery.partition)?].push(delivery.result.context("a delivery failed")?);
    }
    let dense: Vec<i64> = (0..500).collect();
    ensure!(given.iter().all(|offsets| *offsets == dense), "offsets 0..500 in order in both partitions");
    let records = cluster.read_all(&topic, Isolation::Committed)?;
    for partition in 0..2 {
        let read: Vec<String> =
            records.iter().filter(|r| r.partition == partition).map(|r| r.text()).collect();
        let sent: Vec<String> = (0..500).map(|turn| (turn * 2 + partition).to_string()).collect();
        ensure!(read == sent, "partition {partition} reads back in the order sent");
    }
    Ok(())
}

fn headers_come_back_as_sent(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("headers", 1, &[])?;
    let sent: [(&str, Option<&[u8]>); 6] = [
        ("ce_id", Some(b"one")),
        ("twice", Some(b"first")),
        ("twice", Some(b"second")),
        ("binary", Some(&[0, 255, 10, 0])),
        ("empty", Some(b"")),
        ("null", None),
    ];
    let headers = sent
        .iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: *value }));
    let producer = cluster.producer(&[])?;
    producer.send_record(BaseRecord::to(&topic).partition(0).key("k").payload("v").headers(headers))?;
    producer.acknowledged()?;
    let records = cluster.read_all(&topic, Isolation::Committed)?;
    let read = &records.first().context("no record")?.headers;
    let wanted: Vec<_> =
        sent.iter().map(|(key, value)| ((*key).to_owned(), value.map(<[u8]>::to_vec))).collect();
    ensure!(*read == wanted, "headers {read:?}");
    Ok(())
}

fn a_tombstone_is_no_empty_payload(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("tombstone", 1, &[])?;
    let producer = cluster.producer(&[])?;
    producer.send_record(BaseRecord::to(&topic).partition(0).key("tombstone"))?;
    producer.send_record(BaseRecord::to(&topic).partition(0).key("empty").payload(""))?;
    producer.send_record(BaseRecord::to(&topic).partition(0).payload("no key"))?;
    producer.send_record(BaseRecord::to(&topic).partition(0).key("").payload("empty key"))?;
    producer.acknowledged()?;
    let read: Vec<_> =
        cluster.read_all(&topic, Isolation::Committed)?.into_iter().map(|r| (r.key, r.value)).collect();
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    let wanted = [
        (bytes("tombstone"), None),
        (bytes("empty"), bytes("")),
        (None, bytes("no key")),
        (bytes(""), bytes("empty key")),
    ];
    ensure!(read == wanted, "keys and payloads {read:?}");
    Ok(())
}

fn create_times_come_back_as_sent(cluster: &Cluster) -> anyhow::Result<()> {
    // Retention goes by these times.
    let topic = cluster.topic("create-time", 1, &[("retention.ms", "-1")])?;
    let producer = cluster.producer(&[("linger.ms", "50")])?;
    // Neither ascending nor recent; one batch.
    let times = [1_700_000_000_123, 1_500_000_000_000, 1_700_000_000_122];
    for time in times {
        producer.send_record(BaseRecord::to(&topic).partition(0).key("k").payload("v").timestamp(time))?;
    }
    producer.acknowledged()?;
    let read: Vec<_> =
        cluster.read_all(&topic, Isolation::Committed)?.into_iter().map(|r| r.timestamp).collect();
    ensure!(read == times.map(Timestamp::CreateTime), "times {read:?}");
    Ok(())
}

fn append_time_is_the_brokers_and_stays(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("append-time", 1, &[("message.timestamp.type", "LogAppendTime")])?;
    let before = now_ms()?;
    let producer = cluster.producer(&[("compression.type", "zstd")])?;
    for _ in 0..3 {
        producer.send_record(BaseRecord::to(&topic).partition(0).key("k").payload("v").timestamp(1_000))?;
        producer.acknowledged()?;
    }
    let after = now_ms()?;
    let first = cluster.read_all(&topic, Isolation::Committed)?;
    for record in &first {
        let Timestamp::LogAppendTime(time) = record.timestamp else {
            anyhow::bail!("the time is not said to be the broker's: {:?}", record.timestamp)
        };
        ensure!((before..=after).contains(&time), "{time} is not between {before} and {after}");
    }
    ensure!(first.len() == 3, "three records");
    ensure!(first == cluster.read_all(&topic, Isolation::Uncommitted)?, "read again, the same times");
    Ok(())
}

fn now_ms() -> anyhow::Result<i64> {
    let since: Duration = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_millis())?)
}

fn every_codec_reads_back(cluster: &Cluster) -> anyhow::Result<()> {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = cluster.topic(&format!("codec-{codec}"), 1, &[])?;
        let producer = cluster.producer(&[("compression.type", codec), ("linger.ms", "20")])?;
        let sent: Vec<String> =
            (0..200).map(|number| format!("{codec} {number} {}", "again ".repeat(20))).collect();
        for value in &sent {
            producer.send(&topic, 0, "k", value)?;
        }
        producer.acknowledged()?;
        let read = texts(&cluster.read_all(&topic, Isolation::Committed)?);
        ensure!(read == sent, "{codec}: {} of {} records read back the same", read.len(), sent.len());
    }
    Ok(())
}

fn a_record_of_900_kb_reads_back(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("large", 1, &[])?;
    let value = incompressible(900_000);
    let producer = cluster.producer(&[])?;
    producer.send(&topic, 0, "small", "before")?;
    producer.try_send(BaseRecord::<str, [u8]>::to(&topic).partition(0).key("large").payload(&value))?;
    producer.send(&topic, 0, "small", "after")?;
    producer.acknowledged()?;
    let records = cluster.read_all(&topic, Isolation::Committed)?;
    ensure!(records.len() == 3, "{} records", records.len());
    ensure!(records[1].value.as_deref() == Some(value.as_slice()), "the large one is the same");
    Ok(())
}

fn a_record_over_the_limit_of_the_topic_is_refused(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("limit", 1, &[("max.message.bytes", "100000")])?;
    let producer = cluster.producer(&[])?;
    let value = incompressible(200_000);
    producer.try_send(BaseRecord::<str, [u8]>::to(&topic).partition(0).key("large").payload(&value))?;
    let deliveries = producer.settle()?;
    let error = deliveries.first().context("no delivery")?.result.clone().err().context("it was appended")?;
    ensure!(
        error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge),
        "refused with {error:?}"
    );
    ensure!(cluster.bounds(&topic, 0, Isolation::Uncommitted)? == (0, 0), "nothing was appended");
    Ok(())
}

/// The same bytes every time, and no codec makes them fewer: a linear congruential sequence.
fn incompressible(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| step()).collect()
}
