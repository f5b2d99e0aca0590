//! Where a reader is and may go: seeks, watermarks, times, committed positions, and how soon it hears of news.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::Offset;

use crate::conformance::cluster::unique;
use crate::conformance::reading::{Isolation, at, read_count, read_to_end, texts};
use crate::conformance::wait::{CALL, TURN, eventually};
use crate::conformance::{Case, Cluster};

/// What a long poll may cost: a sleep or a fixed tick in the broker would show.
const P95: Duration = Duration::from_millis(10);
/// Rounds of measuring; a busy machine may spoil one.
const ROUNDS: usize = 5;
/// Records per round.
const SAMPLES: usize = 100;

pub(in super::super) const CASES: &[Case] = &[
    Case::new("seeks_land_where_they_say", seeks_land_where_they_say),
    Case::new("a_position_out_of_range_is_an_error", a_position_out_of_range_is_an_error),
    Case::new("watermarks_follow_the_log", watermarks_follow_the_log),
    Case::new("a_time_names_the_first_record_at_or_after_it", a_time_names_the_first_record_at_or_after_it),
    Case::new("committed_positions_outlive_their_member", committed_positions_outlive_their_member),
    Case::new("a_waiting_reader_hears_within_10_ms", a_waiting_reader_hears_within_10_ms).alone(),
];

fn ten_records(cluster: &Cluster, stem: &str) -> anyhow::Result<String> {
    let topic = cluster.topic(stem, 1, &[])?;
    let producer = cluster.producer(&[])?;
    for number in 0..10 {
        producer.send(&topic, 0, "k", &number.to_string())?;
    }
    producer.acknowledged()?;
    Ok(topic)
}

fn seeks_land_where_they_say(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = ten_records(cluster, "seek")?;
    let consumer = cluster.reader(&topic, 0, Offset::Beginning, Isolation::Committed)?;
    ensure!(texts(&read_to_end(&consumer, 1)?).len() == 10, "ten records from the beginning");
    for (offset, first) in [
        (Offset::Offset(7), "7"),
        (Offset::Offset(0), "0"),
        (Offset::OffsetTail(3), "7"),
        (Offset::Beginning, "0"),
        (Offset::Offset(9), "9"),
    ] {
        consumer.seek(&topic, 0, offset, CALL)?;
        let read = texts(&read_count(&consumer, 1)?);
        ensure!(read == [first], "after a seek to {offset:?} comes {read:?}, not {first}");
    }
    consumer.seek(&topic, 0, Offset::End, CALL)?;
    let read = texts(&read_to_end(&consumer, 1)?);
    ensure!(read.is_empty(), "nothing at the end, but {read:?}");
    let producer = cluster.producer(&[])?;
    producer.send(&topic, 0, "k", "10")?;
    producer.acknowledged()?;
    let read = texts(&read_count(&consumer, 1)?);
    ensure!(read == ["10"], "what is appended after a seek to the end comes next: {read:?}");
    Ok(())
}

fn a_position_out_of_range_is_an_error(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = ten_records(cluster, "range")?;
    let consumer = cluster.reader(&topic, 0, Offset::Offset(11), Isolation::Committed)?;
    let error = eventually("an error", || Ok(consumer.poll(TURN).and_then(Result::err)))?;
    ensure!(error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset), "it is {error:?}");
    Ok(())
}

fn watermarks_follow_the_log(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("watermarks", 2, &[])?;
    ensure!(cluster.bounds(&topic, 0, Isolation::Committed)? == (0, 0), "0 and 0 before the first record");
    let producer = cluster.producer(&[])?;
    for _ in 0..5 {
        producer.send(&topic, 0, "k", "v")?;
    }
    producer.acknowledged()?;
    for isolation in [Isolation::Committed, Isolation::Uncommitted] {
        ensure!(cluster.bounds(&topic, 0, isolation)? == (0, 5), "0 and 5 after five records");
        ensure!(cluster.bounds(&topic, 1, isolation)? == (0, 0), "the other partition is untouched");
    }
    Ok(())
}

fn a_time_names_the_first_record_at_or_after_it(cluster: &Cluster) -> anyhow::Result<()> {
    // Retention goes by these times.
    let topic = cluster.topic("times", 1, &[("retention.ms", "-1")])?;
    let producer = cluster.producer(&[])?;
    for second in [10, 20, 20, 30] {
        let time = 1_700_000_000_000 + second * 1_000;
        producer.send_record(BaseRecord::to(&topic).partition(0).key("k").payload("v").timestamp(time))?;
        // A batch of its own for each.
        producer.acknowledged()?;
    }
    let consumer = cluster.consumer("unused", &[])?;
    for (second, wanted) in [
        (0, Offset::Offset(0)),
        (10, Offset::Offset(0)),
        (11, Offset::Offset(1)),
        (20, Offset::Offset(1)),
        (30, Offset::Offset(3)),
        (31, Offset::End),
    ] {
        let time = 1_700_000_000_000 + second * 1_000;
        let answer = consumer.offsets_for_times(at(&topic, &[(0, Offset::Offset(time))])?, CALL)?;
        let element = answer.find_partition(&topic, 0).context("no answer for the partition")?;
        element.error()?;
        ensure!(element.offset() == wanted, "second {second}: {:?}, not {wanted:?}", element.offset());
    }
    Ok(())
}

fn committed_positions_outlive_their_member(cluster: &Cluster) -> anyhow::Result<()> {
    let (topic, group) = (ten_records(cluster, "committed")?, unique("committed"));
    ensure!(cluster.committed(&group, &topic, 0)?.is_none(), "a new group has no position");
    let consumer = cluster.consumer(&group, &[])?;
    consumer.assign(&at(&topic, &[(0, Offset::Offset(4))])?)?;
    consumer.commit(&at(&topic, &[(0, Offset::Offset(4))])?, CommitMode::Sync)?;
    drop(consumer);
    let found = cluster.committed(&group, &topic, 0)?;
    ensure!(found == Some(4), "the position is 4, not {found:?}");
    Ok(())
}

fn a_waiting_reader_hears_within_10_ms(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("latency", 1, &[])?;
    let producer = cluster.producer(&[])?;
    let settings = [("fetch.wait.max.ms", "5000"), ("isolation.level", "read_committed")];
    let consumer = cluster.consumer("unused", &settings)?;
    consumer.assign(&at(&topic, &[(0, Offset::Beginning)])?)?;
    // The first takes the client's connections and the finding of the leader.
    producer.send(&topic, 0, "k", "warm-up")?;
    read_count(&consumer, 1)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut waits = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            let sent = Instant::now();
            producer.send(&topic, 0, "k", "v")?;
            read_count(&consumer, 1)?;
            waits.push(sent.elapsed());
            producer.acknowledged()?;
        }
        waits.sort_unstable();
        let p95 = waits[SAMPLES * 95 / 100];
        if p95 < P95 {
            return Ok(());
        }
        rounds.push(p95);
    }
    anyhow::bail!("p95 of {SAMPLES} records was over {} ms in every round: {rounds:?}", P95.as_millis())
}
