//! Consume, transform, produce, exactly once: the loop our own roles run, at its smallest.
//!
//! Invariants: a batch belongs to one assignment; every transaction carries the consumed positions under group
//! metadata taken right before; after anything but a commit the positions are read again from the broker.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Context;
use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::topic_partition_list::Offset;

use super::{Worker, say};
use crate::conformance::client::Producer;
use crate::conformance::reading::{Next, Seen, at, next};
use crate::conformance::wait::{CALL, TURN, eventually};
use crate::conformance::{Cluster, Kind};

/// Records of one transaction.
const BATCH: usize = 20;

/// Counts rebalances, so that a batch can be told to be of one assignment.
#[derive(Debug, Default)]
struct Assignments(AtomicU64);

impl ClientContext for Assignments {}

impl ConsumerContext for Assignments {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Input = BaseConsumer<Assignments>;

/// Works for ever; says `committed N` after each transaction.
pub(super) fn run(worker: &Worker) -> anyhow::Result<()> {
    // Whose broker it is makes no difference to a worker.
    let cluster = Cluster::new(Kind::Apache, &worker.bootstrap);
    let settings = [
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("auto.offset.reset", "earliest"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "500"),
    ];
    let input: Input =
        cluster.consumer_config(&worker.group, &settings).create_with_context(Assignments::default())?;
    input.subscribe(&[&worker.input])?;
    let mut producer = producer(&cluster, worker)?;
    let mut transactions = 0;
    loop {
        let Some(batch) = read_batch(&input)? else {
            rewind(&input, &worker.input)?;
            continue;
        };
        if batch.is_empty() {
            continue;
        }
        transactions += 1;
        let hangs = transactions == worker.hang_in;
        if let Err(error) = copy(&input, &producer, worker, &batch, hangs) {
            say(&format!("failed {error:#}"))?;
            if producer.fatal_error().is_some() || producer.abort().is_err() {
                drop(producer);
                producer = self::producer(&cluster, worker)?;
            }
            rewind(&input, &worker.input)?;
            continue;
        }
        say(&format!("committed {}", batch.len()))?;
    }
}

/// Tries until the broker answers: it may be down just now.
fn producer(cluster: &Cluster, worker: &Worker) -> anyhow::Result<Producer> {
    let settings = [("transaction.timeout.ms", "5000"), ("message.timeout.ms", "5000")];
    eventually("a producer", || match cluster.transactional_with(&worker.transactional_id, &settings) {
        Ok(producer) => Ok(Some(producer)),
        Err(error) => say(&format!("failed {error:#}")).map(|()| None),
    })
}

/// Records of one assignment; `None` when the assignment changed under way.
fn read_batch(input: &Input) -> anyhow::Result<Option<Vec<Seen>>> {
    let assignment = || input.context().0.load(Ordering::Relaxed);
    let before = assignment();
    let mut batch = Vec::new();
    while batch.len() < BATCH {
        match next(input, TURN)? {
            Next::Record(record) => batch.push(record),
            Next::End(_) | Next::Nothing => break,
        }
    }
    Ok((assignment() == before).then_some(batch))
}

fn copy(
    input: &Input,
    producer: &Producer,
    worker: &Worker,
    batch: &[Seen],
    hangs: bool,
) -> anyhow::Result<()> {
    producer.begin()?;
    let mut positions = BTreeMap::new();
    for record in batch {
        producer.send(&worker.output, record.partition, "k", &record.text())?;
        positions.insert(record.partition, Offset::Offset(record.offset + 1));
    }
    let positions: Vec<_> = positions.into_iter().collect();
    let metadata = input.group_metadata().context("no group metadata")?;
    producer.send_positions(&at(&worker.input, &positions)?, &metadata).context("sending positions")?;
    if hangs {
        producer.acknowledged()?;
        say("open")?;
        loop {
            thread::park();
        }
    }
    producer.commit()
}

/// Goes back to the stable committed positions of what is assigned. They may be held back for a while by a
/// transaction that somebody left open.
fn rewind(input: &Input, topic: &str) -> anyhow::Result<()> {
    eventually("stable committed positions", || match try_rewind(input, topic) {
        Ok(()) => Ok(Some(())),
        Err(error) => say(&format!("failed {error:#}")).map(|()| None),
    })
}

fn try_rewind(input: &Input, topic: &str) -> anyhow::Result<()> {
    let assigned: Vec<_> =
        input.assignment()?.elements().iter().map(|element| (element.partition(), Offset::Invalid)).collect();
    if assigned.is_empty() {
        return Ok(());
    }
    let committed =
        input.committed_offsets(at(topic, &assigned)?, CALL).context("asking for committed positions")?;
    for element in committed.elements() {
        element.error()?;
        let from = if element.offset() == Offset::Invalid { Offset::Beginning } else { element.offset() };
        input.seek(topic, element.partition(), from, CALL).context("going back")?;
    }
    Ok(())
}
