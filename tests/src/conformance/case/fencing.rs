//! Who may still write: a newer producer of the same id takes over, and a past generation of a group commits nothing.

use anyhow::{Context, ensure};
use rdkafka::consumer::Consumer;
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;

use super::transactions::lone_member;
use crate::conformance::cluster::unique;
use crate::conformance::reading::{Isolation, at, texts};
use crate::conformance::wait::{TURN, eventually};
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] = cases![
    a_zombie_is_fenced_when_it_writes,
    a_zombie_is_fenced_when_it_commits,
    a_past_generation_commits_nothing,
    a_member_that_left_commits_nothing,
];

fn a_zombie_is_fenced_when_it_writes(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("zombie-write", 1, &[])?;
    let id = unique("zombie-write");
    let zombie = cluster.transactional(&id)?;
    zombie.begin()?;
    zombie.send(&topic, 0, "k", "of the first")?;
    zombie.acknowledged()?;
    let successor = cluster.transactional(&id)?;
    // The client may refuse at once or the broker on arrival.
    let refused = zombie.try_send(BaseRecord::to(&topic).partition(0).key("k").payload("too late")).is_err()
        || zombie.settle()?.iter().any(|delivery| delivery.result.is_err());
    ensure!(refused, "the zombie's record was appended");
    let committed = zombie.try_commit();
    ensure!(committed.is_err(), "the zombie committed");
    zombie.expect_fenced("a write of a zombie")?;
    successor.begin()?;
    successor.send(&topic, 0, "k", "of the second")?;
    successor.commit()?;
    let seen = texts(&cluster.read_settled(&topic)?);
    ensure!(seen == ["of the second"], "committed: {seen:?}");
    Ok(())
}

fn a_zombie_is_fenced_when_it_commits(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("zombie-commit", 1, &[])?;
    let id = unique("zombie-commit");
    let zombie = cluster.transactional(&id)?;
    zombie.begin()?;
    zombie.send(&topic, 0, "k", "of the first")?;
    zombie.acknowledged()?;
    let successor = cluster.transactional(&id)?;
    ensure!(zombie.try_commit().is_err(), "the zombie committed");
    zombie.expect_fenced("a commit of a zombie")?;
    ensure!(cluster.read_settled(&topic)?.is_empty(), "the first one's record is aborted");
    ensure!(
        cluster.bounds(&topic, 0, Isolation::Committed)?
            == cluster.bounds(&topic, 0, Isolation::Uncommitted)?,
        "nothing is left open"
    );
    successor.begin()?;
    successor.send(&topic, 0, "k", "of the second")?;
    successor.commit()?;
    let seen = texts(&cluster.read_settled(&topic)?);
    ensure!(seen == ["of the second"], "committed: {seen:?}");
    Ok(())
}

fn a_past_generation_commits_nothing(cluster: &Cluster) -> anyhow::Result<()> {
    let input = cluster.topic("generation-in", 2, &[])?;
    let output = cluster.topic("generation-out", 1, &[])?;
    let group = unique("generation");
    let first = lone_member(cluster, &group, &input)?;
    let past = first.group_metadata().context("no group metadata")?;
    let second = cluster.consumer(&group, &[("auto.offset.reset", "earliest")])?;
    second.subscribe(&[&input])?;
    eventually("both members have a partition", || {
        drop(first.poll(TURN));
        drop(second.poll(TURN));
        Ok((first.assignment()?.count() == 1 && second.assignment()?.count() == 1).then_some(()))
    })?;
    let producer = cluster.transactional(&unique("generation"))?;
    producer.begin()?;
    producer.send(&output, 0, "k", "of a past generation")?;
    let refused = producer.send_positions(&at(&input, &[(0, Offset::Offset(1))])?, &past);
    let error = refused.err().context("positions of a past generation were taken")?;
    ensure!(
        error.rdkafka_error_code() == Some(RDKafkaErrorCode::IllegalGeneration),
        "refused with {error:?}"
    );
    ensure!(producer.try_commit().is_err(), "the transaction committed without its positions");
    producer.abort()?;
    ensure!(cluster.committed(&group, &input, 0)?.is_none(), "no position was moved");
    ensure!(cluster.read_settled(&output)?.is_empty(), "no record is seen");
    // The present generation may.
    let present = first.group_metadata().context("no group metadata")?;
    producer.begin()?;
    producer
        .send_positions(&at(&input, &[(0, Offset::Offset(1))])?, &present)
        .context("positions of the present generation")?;
    producer.commit()?;
    ensure!(cluster.committed(&group, &input, 0)? == Some(1), "the position was moved");
    Ok(())
}

fn a_member_that_left_commits_nothing(cluster: &Cluster) -> anyhow::Result<()> {
    let input = cluster.topic("left", 1, &[])?;
    let group = unique("left");
    let member = lone_member(cluster, &group, &input)?;
    let past = member.group_metadata().context("no group metadata")?;
    drop(member);
    let present = lone_member(cluster, &group, &input)?;
    let producer = cluster.transactional(&unique("left"))?;
    producer.begin()?;
    let refused = producer.send_positions(&at(&input, &[(0, Offset::Offset(1))])?, &past);
    let error = refused.err().context("positions of a member that left were taken")?;
    let code = error.rdkafka_error_code();
    let wanted = [RDKafkaErrorCode::UnknownMemberId, RDKafkaErrorCode::IllegalGeneration];
    ensure!(code.is_some_and(|code| wanted.contains(&code)), "refused with {error:?}");
    producer.abort()?;
    ensure!(cluster.committed(&group, &input, 0)?.is_none(), "no position was moved");
    drop(present);
    Ok(())
}
