//! SIGKILL, and a start on the same folder: what was acknowledged is there, what was open is not seen.

use anyhow::{Context, ensure};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::Offset;

use super::exactly_once::Job;
use super::transactions::lone_member;
use crate::conformance::cluster::unique;
use crate::conformance::node::Node;
use crate::conformance::reading::{Isolation, at, read_count, texts};
use crate::conformance::wait::eventually;
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] = cases![
    a_killed_broker_keeps_records_times_and_positions,
    a_killed_broker_remembers_who_may_write,
    a_killed_broker_aborts_what_was_left_open,
    workers_copy_exactly_once_though_the_broker_is_killed,
];

fn a_killed_broker_keeps_records_times_and_positions(shared: &Cluster) -> anyhow::Result<()> {
    let mut node = Node::start(shared.kind())?;
    let cluster = node.cluster();
    let stamped = cluster.topic("stamped", 2, &[("message.timestamp.type", "LogAppendTime")])?;
    let plain = cluster.topic("plain", 1, &[])?;
    let (group, other) = (unique("group"), unique("other"));
    let producer = cluster.producer(&[("compression.type", "zstd"), ("linger.ms", "2")])?;
    for number in 0..500 {
        producer.send(&stamped, number % 2, &number.to_string(), "before")?;
    }
    producer.acknowledged()?;
    let member = lone_member(&cluster, &group, &plain)?;
    let transactional = cluster.transactional(&unique("restart"))?;
    transactional.begin()?;
    transactional.send(&plain, 0, "k", "committed")?;
    let metadata = member.group_metadata().context("no group metadata")?;
    transactional.send_positions(&at(&plain, &[(0, Offset::Offset(11))])?, &metadata)?;
    transactional.commit()?;
    let committer = cluster.consumer(&other, &[])?;
    committer.commit(&at(&plain, &[(0, Offset::Offset(12))])?, CommitMode::Sync)?;
    let before = cluster.read_settled(&stamped)?;
    ensure!(before.len() == 500, "500 records before");

    node.kill_and_restart()?;

    let after = cluster.read_settled(&stamped)?;
    ensure!(before == after, "records, times and offsets are the same");
    ensure!(texts(&cluster.read_settled(&plain)?) == ["committed"], "so is the transaction");
    ensure!(cluster.committed(&group, &plain, 0)? == Some(11), "and the position committed with it");
    ensure!(cluster.committed(&other, &plain, 0)? == Some(12), "and the one committed alone");
    // The same producers go on where they were.
    for number in 500..1_000 {
        producer.send(&stamped, number % 2, &number.to_string(), "after")?;
    }
    producer.acknowledged()?;
    for partition in 0..2 {
        let bounds = cluster.bounds(&stamped, partition, Isolation::Committed)?;
        ensure!(bounds == (0, 500), "no record lost or doubled in partition {partition}: {bounds:?}");
    }
    transactional.begin()?;
    transactional.send(&plain, 0, "k", "after")?;
    transactional.commit()?;
    ensure!(texts(&cluster.read_settled(&plain)?) == ["committed", "after"], "the next transaction");
    Ok(())
}

fn a_killed_broker_remembers_who_may_write(shared: &Cluster) -> anyhow::Result<()> {
    let mut node = Node::start(shared.kind())?;
    let cluster = node.cluster();
    let topic = cluster.topic("remembers", 1, &[])?;
    let id = unique("remembers");
    let zombie = cluster.transactional(&id)?;
    zombie.begin()?;
    zombie.send(&topic, 0, "k", "of the first")?;
    zombie.acknowledged()?;

    node.kill_and_restart()?;

    let successor = cluster.transactional(&id)?;
    ensure!(zombie.try_commit().is_err(), "the zombie committed");
    zombie.expect_fenced("a commit of a zombie after a restart")?;
    successor.begin()?;
    successor.send(&topic, 0, "k", "of the second")?;
    successor.commit()?;

    node.kill_and_restart()?;

    let seen = texts(&cluster.read_settled(&topic)?);
    ensure!(seen == ["of the second"], "committed: {seen:?}");
    Ok(())
}

fn a_killed_broker_aborts_what_was_left_open(shared: &Cluster) -> anyhow::Result<()> {
    let mut node = Node::start(shared.kind())?;
    let cluster = node.cluster();
    let topic = cluster.topic("left-open", 1, &[])?;
    let settings = [("transaction.timeout.ms", "3000"), ("message.timeout.ms", "3000")];
    let open = cluster.transactional_with(&unique("left-open"), &settings)?;
    open.begin()?;
    open.send(&topic, 0, "k", "left open")?;
    open.acknowledged()?;
    // The client goes before the broker, so that nobody ends the transaction.
    std::mem::forget(open);

    node.kill_and_restart()?;

    let plain = cluster.producer(&[])?;
    plain.send(&topic, 0, "k", "behind it")?;
    plain.acknowledged()?;
    let waiting = cluster.reader(&topic, 0, Offset::Beginning, Isolation::Committed)?;
    let seen = texts(&read_count(&waiting, 1)?);
    ensure!(seen == ["behind it"], "the reader is let go on, past what was left open: {seen:?}");
    Ok(())
}

fn workers_copy_exactly_once_though_the_broker_is_killed(shared: &Cluster) -> anyhow::Result<()> {
    /// One while the workers join, the others while they work.
    const KILLS: usize = 3;
    const RECORDS: usize = 400;
    let mut node = Node::start(shared.kind())?;
    let cluster = node.cluster();
    let job = Job::new(&cluster)?;
    let _workers = [job.worker(0, 0)?, job.worker(1, 0)?];
    let mut copied = 0;
    for kill in 0..KILLS {
        job.feed(&cluster, kill * RECORDS, RECORDS)?;
        if kill > 0 {
            copied = eventually("some more copied since the last kill", || {
                let now = job.copied(&cluster)?.len();
                Ok((now > copied).then_some(now))
            })?;
        }
        node.kill_and_restart()?;
    }
    job.feed(&cluster, KILLS * RECORDS, RECORDS)?;
    job.expect_copied_once(&cluster, (KILLS + 1) * RECORDS)
}
