//! Consumer groups: partitions shared out, handed over without a repeat, taken from the dead, described.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail, ensure};
use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::transactions::lone_member;
use crate::conformance::cluster::unique;
use crate::conformance::reading::{Next, next};
use crate::conformance::roles::{Child, Role};
use crate::conformance::wait::{CALL, Deadline, TURN};
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] = cases![
    a_range_group_hands_over_without_a_repeat,
    a_round_robin_group_hands_over_without_a_repeat,
    a_cooperative_group_hands_over_without_a_repeat,
    a_member_that_stalls_is_evicted,
    groups_are_listed_and_described,
];

const PARTITIONS: i32 = 6;
/// Records of one phase.
const PHASE: usize = 300;

/// What a member has read but not committed, and hands over with its partitions.
#[derive(Debug, Default)]
struct HandsOver {
    done: Mutex<BTreeMap<(String, i32), i64>>,
}

impl HandsOver {
    fn done(&self) -> MutexGuard<'_, BTreeMap<(String, i32), i64>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for HandsOver {}

impl ConsumerContext for HandsOver {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else { return };
        let revoked: Vec<_> =
            partitions.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect();
        // A position that could not be committed shows as a repeat, which fails the case.
        drop(self.commit(consumer, |at| revoked.contains(at)));
    }
}

impl HandsOver {
    /// Commits, and forgets, the positions of some partitions.
    fn commit(&self, consumer: &Member, which: impl Fn(&(String, i32)) -> bool) -> anyhow::Result<()> {
        let mut positions = TopicPartitionList::new();
        let mut done = self.done();
        for ((topic, partition), next_offset) in done.iter().filter(|(at, _)| which(at)) {
            positions.add_partition_offset(topic, *partition, Offset::Offset(*next_offset))?;
        }
        done.retain(|at, _| !which(at));
        if positions.count() > 0 {
            consumer.commit(&positions, CommitMode::Sync)?;
        }
        Ok(())
    }
}

type Member = BaseConsumer<HandsOver>;

/// A group under change, and what it has read.
struct Group<'a> {
    cluster: &'a Cluster,
    topic: String,
    name: String,
    strategy: &'a str,
    members: Vec<Member>,
    reads: BTreeMap<String, usize>,
}

impl Group<'_> {
    fn join(&mut self) -> anyhow::Result<()> {
        let settings = [
            ("partition.assignment.strategy", self.strategy),
            ("auto.offset.reset", "earliest"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "200"),
        ];
        let config = self.cluster.consumer_config(&self.name, &settings);
        let member: Member = config.create_with_context(HandsOver::default())?;
        member.subscribe(&[&self.topic])?;
        self.members.push(member);
        Ok(())
    }

    /// The eldest commits, then leaves. A closing client may be out of the group before it is told of the revocation,
    /// so that a commit from there would come too late.
    fn leave(&mut self) -> anyhow::Result<()> {
        let member = self.members.remove(0);
        member.context().commit(&member, |_| true).context("committing before it leaves")
    }

    /// Polls all members until the partitions are shared out evenly and that many records were read in all.
    fn settle(&mut self, records: usize) -> anyhow::Result<()> {
        let even = usize::try_from(PARTITIONS)? / self.members.len();
        let deadline = Deadline::new(format!(
            "{} members with {even} partitions, {records} records",
            self.members.len()
        ));
        loop {
            for member in &self.members {
                while let Next::Record(record) = next(member, TURN / 5)? {
                    member.context().done().insert((self.topic.clone(), record.partition), record.offset + 1);
                    *self.reads.entry(record.text()).or_default() += 1;
                }
            }
            let shares: Vec<usize> =
                self.members.iter().map(|m| m.assignment().map_or(0, |list| list.count())).collect();
            if shares.iter().all(|share| *share == even) && self.reads.len() >= records {
                return Ok(());
            }
            deadline.check(|| format!("partitions {shares:?}, {} records", self.reads.len()))?;
        }
    }
}

fn hands_over_without_a_repeat(cluster: &Cluster, strategy: &str) -> anyhow::Result<()> {
    let topic = cluster.topic(strategy, PARTITIONS, &[])?;
    let producer = cluster.producer(&[])?;
    let name = unique(strategy);
    let mut group = Group { cluster, topic, name, strategy, members: Vec::new(), reads: BTreeMap::new() };
    let mut sent = 0;
    // One, two, three, two members; records come in while the partitions change hands.
    for (phase, members) in [1, 2, 3, 2].into_iter().enumerate() {
        for number in 0..PHASE {
            let partition = i32::try_from(number)? % PARTITIONS;
            producer.send(&group.topic, partition, "k", &format!("{phase} {number}"))?;
        }
        sent += PHASE;
        if members > group.members.len() {
            group.join()?;
        } else {
            group.leave()?;
        }
        producer.acknowledged()?;
        group.settle(sent).with_context(|| format!("phase {phase}"))?;
    }
    let repeats: Vec<_> = group.reads.iter().filter(|(_, times)| **times != 1).collect();
    ensure!(repeats.is_empty(), "{} of {sent} records were delivered more than once", repeats.len());
    ensure!(group.reads.len() == sent, "{} of {sent} records were delivered", group.reads.len());
    Ok(())
}

fn a_range_group_hands_over_without_a_repeat(cluster: &Cluster) -> anyhow::Result<()> {
    hands_over_without_a_repeat(cluster, "range")
}

fn a_round_robin_group_hands_over_without_a_repeat(cluster: &Cluster) -> anyhow::Result<()> {
    hands_over_without_a_repeat(cluster, "roundrobin")
}

fn a_cooperative_group_hands_over_without_a_repeat(cluster: &Cluster) -> anyhow::Result<()> {
    hands_over_without_a_repeat(cluster, "cooperative-sticky")
}

fn a_member_that_stalls_is_evicted(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("stalls", 2, &[])?;
    let group = unique("stalls");
    let mut stalling = Child::start(&Role::Member {
        bootstrap: cluster.bootstrap().to_owned(),
        topic: topic.clone(),
        group: group.clone(),
        session_ms: 2_000,
    })?;
    stalling.expect_line("assigned 2")?;
    let healthy =
        cluster.consumer(&group, &[("auto.offset.reset", "earliest"), ("session.timeout.ms", "10000")])?;
    healthy.subscribe(&[&topic])?;
    share(&healthy, 1).context("the two members share")?;
    // Stopped, not ended: its connection stays open and it says nothing.
    stalling.freeze()?;
    share(&healthy, 2).context("the stalled member's partition is handed over")?;
    stalling.thaw()?;
    share(&healthy, 1).context("it is let in again once it wakes")?;
    Ok(())
}

fn share(member: &BaseConsumer, partitions: usize) -> anyhow::Result<()> {
    let deadline = Deadline::new(format!("an assignment of {partitions}"));
    loop {
        next(member, TURN)?;
        let count = member.assignment()?.count();
        if count == partitions {
            return Ok(());
        }
        deadline.check(|| format!("{count} partitions"))?;
    }
}

fn groups_are_listed_and_described(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("described", 2, &[])?;
    let name = unique("described");
    let member = lone_member(cluster, &name, &topic)?;
    let listed = member.fetch_group_list(None, CALL)?;
    ensure!(listed.groups().iter().any(|group| group.name() == name), "{name} is in the list of all groups");
    let described = member.fetch_group_list(Some(&name), CALL)?;
    let [group] = described.groups() else { bail!("{} groups of that name", described.groups().len()) };
    ensure!(group.state() == "Stable", "its state is {}", group.state());
    ensure!(group.protocol_type() == "consumer", "its kind is {}", group.protocol_type());
    ensure!(group.protocol() == "range", "its protocol is {}", group.protocol());
    let [only] = group.members() else { bail!("{} members", group.members().len()) };
    ensure!(only.client_id() == "conformance", "its client is {}", only.client_id());
    ensure!(!only.id().is_empty() && only.client_host().contains("127.0.0.1"), "host {}", only.client_host());
    ensure!(only.assignment().is_some_and(|bytes| !bytes.is_empty()), "its assignment is told");
    // A group with positions is kept when its last member has left.
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset(&topic, 0, Offset::Offset(0))?;
    member.commit(&positions, CommitMode::Sync)?;
    drop(member);
    let after = cluster.consumer(&name, &[])?.fetch_group_list(Some(&name), CALL)?;
    let states: Vec<&str> = after.groups().iter().map(|group| group.state()).collect();
    ensure!(states == ["Empty"], "once the member has left it is {states:?}");
    Ok(())
}
