//! Topics: created, described, refused, deleted, cut at the front.

use anyhow::{Context, bail, ensure};
use rdkafka::admin::ResourceSpecifier;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::Offset;

use crate::conformance::cluster::{block_on, options, unique};
use crate::conformance::reading::{Isolation, at, texts};
use crate::conformance::wait::{TURN, eventually};
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] = cases![
    a_created_topic_has_its_partitions_and_settings,
    creating_a_topic_twice_is_refused,
    a_name_that_is_no_name_is_refused,
    a_deleted_topic_may_be_created_again_and_is_empty,
    deleted_records_raise_the_first_offset,
];

fn setting(cluster: &Cluster, topic: &str, name: &str) -> anyhow::Result<String> {
    let admin = cluster.admin()?;
    let described = block_on(admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options()))??;
    let resource = described.into_iter().next().context("no answer for the topic")??;
    let entry = resource.get(name).with_context(|| format!("no setting {name} of {topic}"))?;
    entry.value.clone().with_context(|| format!("setting {name} has no value"))
}

fn a_created_topic_has_its_partitions_and_settings(cluster: &Cluster) -> anyhow::Result<()> {
    let deleting = cluster.topic("settings-delete", 3, &[("retention.ms", "86400000")])?;
    let compacted = cluster.topic("settings-compact", 2, &[("cleanup.policy", "compact")])?;
    ensure!(cluster.usable_partitions(&deleting)? == 3, "three partitions");
    ensure!(cluster.usable_partitions(&compacted)? == 2, "two partitions");
    for (topic, name, wanted) in [
        (&deleting, "cleanup.policy", "delete"),
        (&deleting, "retention.ms", "86400000"),
        (&deleting, "message.timestamp.type", "CreateTime"),
        (&compacted, "cleanup.policy", "compact"),
    ] {
        let found = setting(cluster, topic, name)?;
        ensure!(found == wanted, "{name} of {topic} is {found}, not {wanted}");
    }
    Ok(())
}

fn creating_a_topic_twice_is_refused(cluster: &Cluster) -> anyhow::Result<()> {
    let name = cluster.topic("twice", 1, &[])?;
    match cluster.create(&name, 1, &[])? {
        Err(RDKafkaErrorCode::TopicAlreadyExists) => Ok(()),
        other => bail!("the second creation answered {other:?}"),
    }
}

fn a_name_that_is_no_name_is_refused(cluster: &Cluster) -> anyhow::Result<()> {
    match cluster.create(&format!("{} with spaces", unique("bad")), 1, &[])? {
        Err(RDKafkaErrorCode::InvalidTopic) => Ok(()),
        other => bail!("a name with spaces answered {other:?}"),
    }
}

fn a_deleted_topic_may_be_created_again_and_is_empty(cluster: &Cluster) -> anyhow::Result<()> {
    let name = cluster.topic("again", 1, &[])?;
    let producer = cluster.producer(&[])?;
    producer.send(&name, 0, "k", "before")?;
    producer.acknowledged()?;
    cluster.delete(&name)?;
    cluster.create(&name, 1, &[])?.map_err(|code| anyhow::anyhow!("creating it again: {code}"))?;
    ensure!(cluster.bounds(&name, 0, Isolation::Committed)? == (0, 0), "the new topic is empty");
    // A producer of its own: the first one's sequence numbers belong to the topic that is gone.
    let producer = cluster.producer(&[])?;
    producer.send(&name, 0, "k", "after")?;
    ensure!(producer.acknowledged()? == [0], "offsets begin at 0 again");
    let seen = texts(&cluster.read_all(&name, Isolation::Committed)?);
    ensure!(seen == ["after"], "only the new record is there, not {seen:?}");
    Ok(())
}

fn deleted_records_raise_the_first_offset(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("cut", 1, &[])?;
    let producer = cluster.producer(&[])?;
    for number in 0..10 {
        producer.send(&topic, 0, "k", &number.to_string())?;
    }
    producer.acknowledged()?;
    let admin = cluster.admin()?;
    let answer = block_on(admin.delete_records(&at(&topic, &[(0, Offset::Offset(6))])?, &options()))??;
    let element = answer.find_partition(&topic, 0).context("no answer for the partition")?;
    element.error()?;
    ensure!(
        element.offset() == Offset::Offset(6),
        "the answer names the new first offset: {:?}",
        element.offset()
    );
    ensure!(cluster.bounds(&topic, 0, Isolation::Uncommitted)? == (6, 10), "first offset 6, end 10");
    let seen = texts(&cluster.read_all(&topic, Isolation::Committed)?);
    ensure!(seen == ["6", "7", "8", "9"], "four records are left, not {seen:?}");
    let cut = cluster.reader(&topic, 0, Offset::Offset(2), Isolation::Committed)?;
    let error = eventually("reading what was cut is an error", || Ok(cut.poll(TURN).and_then(Result::err)))?;
    ensure!(error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset), "out of range: {error:?}");
    Ok(())
}
