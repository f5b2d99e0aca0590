//! Transactions: all or nothing, hidden until decided, ended by the broker when abandoned.

use std::time::Duration;

use anyhow::{Context, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;

use crate::conformance::cluster::unique;
use crate::conformance::reading::{Isolation, at, read_count, read_to_end, texts};
use crate::conformance::wait::{TURN, eventually};
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] = cases![
    a_transaction_over_three_topics_and_positions_is_all_or_nothing,
    an_aborted_transaction_is_hidden_and_moves_no_position,
    an_open_transaction_holds_back_committed_readers,
    interleaved_transactions_abort_only_their_own,
    an_empty_transaction_commits,
    a_transaction_of_positions_alone_moves_them,
    pending_positions_hold_back_a_stable_look,
    many_transactions_of_one_producer_commit_in_order,
    an_abandoned_transaction_is_timed_out,
];

/// A consumer that is the one member of a group, so that its metadata names a real generation.
pub(super) fn lone_member(cluster: &Cluster, group: &str, topic: &str) -> anyhow::Result<BaseConsumer> {
    let settings = [("auto.offset.reset", "earliest"), ("session.timeout.ms", "10000")];
    let consumer = cluster.consumer(group, &settings)?;
    consumer.subscribe(&[topic])?;
    eventually("the one member gets every partition", || {
        drop(consumer.poll(TURN));
        Ok((consumer.assignment()?.count() > 0).then_some(()))
    })?;
    Ok(consumer)
}

fn send_positions(
    producer: &crate::conformance::client::Producer,
    consumer: &BaseConsumer,
    topic: &str,
    next_offset: i64,
) -> anyhow::Result<()> {
    let metadata = consumer.group_metadata().context("no group metadata")?;
    producer
        .send_positions(&at(topic, &[(0, Offset::Offset(next_offset))])?, &metadata)
        .context("sending positions")
}

fn a_transaction_over_three_topics_and_positions_is_all_or_nothing(cluster: &Cluster) -> anyhow::Result<()> {
    let input = cluster.topic("txn-in", 1, &[])?;
    let outputs =
        [cluster.topic("txn-a", 1, &[])?, cluster.topic("txn-b", 2, &[])?, cluster.topic("txn-c", 1, &[])?];
    let group = unique("txn-group");
    let member = lone_member(cluster, &group, &input)?;
    let producer = cluster.transactional(&unique("txn"))?;
    producer.begin()?;
    for output in &outputs {
        producer.send(output, 0, "k", output)?;
    }
    producer.send(&outputs[1], 1, "k", "second partition")?;
    send_positions(&producer, &member, &input, 17)?;
    producer.acknowledged()?;
    for output in &outputs {
        ensure!(
            cluster.read_all(output, Isolation::Committed)?.is_empty(),
            "nothing is seen before the commit"
        );
        ensure!(!cluster.read_all(output, Isolation::Uncommitted)?.is_empty(), "but it is there");
    }
    producer.commit()?;
    for output in &outputs {
        let seen = texts(&cluster.read_settled(output)?);
        ensure!(seen.first() == Some(output), "committed: {seen:?}");
    }
    ensure!(cluster.read_settled(&outputs[1])?.len() == 2, "both partitions of one topic");
    ensure!(cluster.committed(&group, &input, 0)? == Some(17), "the position moved with the records");
    Ok(())
}

fn an_aborted_transaction_is_hidden_and_moves_no_position(cluster: &Cluster) -> anyhow::Result<()> {
    let input = cluster.topic("abort-in", 1, &[])?;
    let output = cluster.topic("abort-out", 1, &[])?;
    let group = unique("abort-group");
    let member = lone_member(cluster, &group, &input)?;
    let producer = cluster.transactional(&unique("abort"))?;
    producer.begin()?;
    producer.send(&output, 0, "k", "aborted")?;
    send_positions(&producer, &member, &input, 5)?;
    producer.acknowledged()?;
    producer.abort()?;
    producer.begin()?;
    producer.send(&output, 0, "k", "committed")?;
    producer.commit()?;
    let seen = texts(&cluster.read_settled(&output)?);
    ensure!(seen == ["committed"], "a committed reader sees {seen:?}");
    let seen = texts(&cluster.read_all(&output, Isolation::Uncommitted)?);
    ensure!(seen == ["aborted", "committed"], "an uncommitted reader sees {seen:?}");
    ensure!(cluster.committed(&group, &input, 0)?.is_none(), "no position was moved");
    Ok(())
}

fn an_open_transaction_holds_back_committed_readers(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("open", 1, &[])?;
    let plain = cluster.producer(&[])?;
    plain.send(&topic, 0, "k", "first")?;
    plain.acknowledged()?;
    let producer = cluster.transactional(&unique("open"))?;
    producer.begin()?;
    producer.send(&topic, 0, "k", "open")?;
    producer.acknowledged()?;
    plain.send(&topic, 0, "k", "behind it")?;
    plain.acknowledged()?;
    let waiting = cluster.reader(&topic, 0, Offset::Beginning, Isolation::Committed)?;
    let seen = texts(&read_to_end(&waiting, 1)?);
    ensure!(seen == ["first"], "a committed reader sees {seen:?}");
    ensure!(cluster.bounds(&topic, 0, Isolation::Committed)? == (0, 1), "its end is the stable one");
    ensure!(cluster.bounds(&topic, 0, Isolation::Uncommitted)? == (0, 3), "the log's end is not");
    let seen = texts(&cluster.read_all(&topic, Isolation::Uncommitted)?);
    ensure!(seen == ["first", "open", "behind it"], "an uncommitted reader sees {seen:?}");
    producer.commit()?;
    let seen = texts(&read_count(&waiting, 2)?);
    ensure!(seen == ["open", "behind it"], "the waiting reader goes on with {seen:?}");
    Ok(())
}

fn interleaved_transactions_abort_only_their_own(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("interleaved", 1, &[])?;
    let keeps = cluster.transactional(&unique("keeps"))?;
    let drops = cluster.transactional(&unique("drops"))?;
    for round in 0..3 {
        keeps.begin()?;
        drops.begin()?;
        for number in 0..4 {
            for (producer, word) in [(&keeps, "kept"), (&drops, "dropped")] {
                producer.send(&topic, 0, "k", &format!("{word} {round} {number}"))?;
                producer.acknowledged()?;
            }
        }
        // Either may end first.
        if round % 2 == 0 {
            drops.abort()?;
            keeps.commit()?;
        } else {
            keeps.commit()?;
            drops.abort()?;
        }
    }
    let seen = texts(&cluster.read_settled(&topic)?);
    let wanted: Vec<String> =
        (0..3).flat_map(|round| (0..4).map(move |number| format!("kept {round} {number}"))).collect();
    ensure!(seen == wanted, "a committed reader sees {seen:?}");
    ensure!(cluster.read_all(&topic, Isolation::Uncommitted)?.len() == 24, "all of both are in the log");
    Ok(())
}

fn an_empty_transaction_commits(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("empty", 1, &[])?;
    let producer = cluster.transactional(&unique("empty"))?;
    producer.begin()?;
    producer.commit()?;
    producer.begin()?;
    producer.abort()?;
    producer.begin()?;
    producer.send(&topic, 0, "k", "not empty")?;
    producer.commit()?;
    let records = cluster.read_settled(&topic)?;
    ensure!(records.len() == 1 && records[0].offset == 0, "empty transactions leave nothing: {records:?}");
    Ok(())
}

fn a_transaction_of_positions_alone_moves_them(cluster: &Cluster) -> anyhow::Result<()> {
    let input = cluster.topic("positions-only", 1, &[])?;
    let group = unique("positions-only");
    let member = lone_member(cluster, &group, &input)?;
    let producer = cluster.transactional(&unique("positions-only"))?;
    for next_offset in [3, 9] {
        producer.begin()?;
        send_positions(&producer, &member, &input, next_offset)?;
        producer.commit()?;
        let found = cluster.committed(&group, &input, 0)?;
        ensure!(found == Some(next_offset), "the position is {found:?}, not {next_offset}");
    }
    Ok(())
}

fn pending_positions_hold_back_a_stable_look(cluster: &Cluster) -> anyhow::Result<()> {
    let input = cluster.topic("pending", 1, &[])?;
    let group = unique("pending");
    let member = lone_member(cluster, &group, &input)?;
    let producer = cluster.transactional(&unique("pending"))?;
    producer.begin()?;
    send_positions(&producer, &member, &input, 1)?;
    producer.commit()?;
    producer.begin()?;
    send_positions(&producer, &member, &input, 2)?;
    let look = |isolation: &str| {
        let consumer = cluster.consumer(&group, &[("isolation.level", isolation)])?;
        anyhow::Ok(consumer.committed_offsets(at(&input, &[(0, Offset::Invalid)])?, Duration::from_secs(1)))
    };
    // The stable look does not answer while the outcome is open: the client retries until its time is over.
    let stable = look("read_committed")?;
    let answered = stable.as_ref().ok().and_then(|list| {
        let element = list.find_partition(&input, 0)?;
        element.error().is_ok().then(|| element.offset())
    });
    ensure!(answered.is_none(), "a stable look answered {answered:?} while positions are pending");
    if let Err(error) = &stable {
        let code = error.rdkafka_error_code();
        let held_back = [RDKafkaErrorCode::OperationTimedOut, RDKafkaErrorCode::RequestTimedOut];
        ensure!(code.is_some_and(|code| held_back.contains(&code)), "it is held back with {error:?}");
    }
    let unstable = look("read_uncommitted")?
        .map_err(|error: KafkaError| anyhow::anyhow!("an unstable look: {error}"))?;
    let found = unstable.find_partition(&input, 0).map(|element| element.offset());
    ensure!(found == Some(Offset::Offset(1)), "an unstable look sees the old position, not {found:?}");
    producer.commit()?;
    let found = cluster.committed(&group, &input, 0)?;
    ensure!(found == Some(2), "once committed it is 2, not {found:?}");
    Ok(())
}

fn many_transactions_of_one_producer_commit_in_order(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("many", 2, &[])?;
    let producer = cluster.transactional(&unique("many"))?;
    let mut kept = [Vec::new(), Vec::new()];
    for number in 0..100_usize {
        let partition = number % 2;
        producer.begin()?;
        producer.send(&topic, i32::try_from(partition)?, "k", &number.to_string())?;
        if number % 7 == 3 {
            producer.acknowledged()?;
            producer.abort()?;
        } else {
            producer.commit()?;
            kept[partition].push(number.to_string());
        }
    }
    let records = cluster.read_settled(&topic)?;
    ensure!(texts(&records) == kept.concat(), "in order, without the aborted ones: {:?}", texts(&records));
    Ok(())
}

fn an_abandoned_transaction_is_timed_out(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("abandoned", 1, &[])?;
    let settings = [("transaction.timeout.ms", "1500"), ("message.timeout.ms", "1500")];
    let abandoned = cluster.transactional_with(&unique("abandoned"), &settings)?;
    abandoned.begin()?;
    abandoned.send(&topic, 0, "k", "abandoned")?;
    abandoned.acknowledged()?;
    let plain = cluster.producer(&[])?;
    plain.send(&topic, 0, "k", "behind it")?;
    plain.acknowledged()?;
    let waiting = cluster.reader(&topic, 0, Offset::Beginning, Isolation::Committed)?;
    let seen = texts(&read_count(&waiting, 1)?);
    ensure!(seen == ["behind it"], "the reader is let go on, past the aborted record: {seen:?}");
    let late = abandoned.try_commit().err().context("the abandoned transaction committed after all")?;
    ensure!(!cluster.read_settled(&topic)?.iter().any(|r| r.text() == "abandoned"), "{late:?}");
    Ok(())
}
