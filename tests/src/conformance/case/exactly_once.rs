//! The loop of our roles, with one of three workers killed in the middle of a transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;

use crate::conformance::cluster::unique;
use crate::conformance::reading::{Isolation, Seen};
use crate::conformance::roles::{Child, Role, Worker};
use crate::conformance::wait::{Deadline, eventually};
use crate::conformance::{Case, Cluster, cases};

pub(in super::super) const CASES: &[Case] = cases![three_workers_copy_exactly_once_though_one_is_killed];

pub(super) const PARTITIONS: i32 = 6;
/// Records of one meal.
const MEAL: usize = 120;
/// What a look at the doomed worker may take: meals come about as often.
const LOOK: Duration = Duration::from_millis(100);

fn three_workers_copy_exactly_once_though_one_is_killed(cluster: &Cluster) -> anyhow::Result<()> {
    let job = Job::new(cluster)?;
    let mut fed = 0;
    // Whoever is to say something must have something to do, whatever the others took.
    let mut feed_until = |worker: &mut Child, line: &str| {
        let deadline = Deadline::new(format!("a worker says `{line}`"));
        loop {
            job.feed(cluster, fed, MEAL)?;
            fed += MEAL;
            if worker.line(LOOK)?.is_some_and(|said| said.starts_with(line)) {
                return anyhow::Ok(());
            }
            deadline.check(|| format!("{fed} records fed"))?;
        }
    };
    let mut others = [job.worker(1, 0)?, job.worker(2, 0)?];
    for worker in &mut others {
        feed_until(worker, "committed")?;
    }
    let mut doomed = job.worker(0, 3)?;
    feed_until(&mut doomed, "open")?;
    doomed.kill()?;
    job.feed(cluster, fed, MEAL)?;
    job.expect_copied_once(cluster, fed + MEAL)
}

/// A topic to copy, the copy, and the group that does it.
pub(super) struct Job {
    bootstrap: String,
    input: String,
    output: String,
    group: String,
}

impl Job {
    pub(super) fn new(cluster: &Cluster) -> anyhow::Result<Self> {
        Ok(Self {
            bootstrap: cluster.bootstrap().to_owned(),
            input: cluster.topic("copy-in", PARTITIONS, &[])?,
            output: cluster.topic("copy-out", PARTITIONS, &[])?,
            group: unique("copy"),
        })
    }

    /// Appends numbered records to the input, round robin.
    pub(super) fn feed(&self, cluster: &Cluster, from: usize, count: usize) -> anyhow::Result<()> {
        let producer = cluster.producer(&[])?;
        for number in from..from + count {
            producer.send(&self.input, i32::try_from(number)? % PARTITIONS, "k", &number.to_string())?;
        }
        producer.acknowledged()?;
        Ok(())
    }

    /// Starts a worker; see [`Worker::hang_in`].
    pub(super) fn worker(&self, ordinal: u32, hang_in: u32) -> anyhow::Result<Child> {
        Child::start(&Role::Worker(Worker {
            bootstrap: self.bootstrap.clone(),
            input: self.input.clone(),
            output: self.output.clone(),
            group: self.group.clone(),
            transactional_id: format!("{}-{ordinal}", self.group),
            hang_in,
        }))
    }

    /// What a committed reader sees of the copy.
    pub(super) fn copied(&self, cluster: &Cluster) -> anyhow::Result<Vec<Seen>> {
        cluster.read_all(&self.output, Isolation::Committed)
    }

    /// Waits until the copy is whole, and fails on a repeat or a change of order.
    pub(super) fn expect_copied_once(&self, cluster: &Cluster, records: usize) -> anyhow::Result<()> {
        let copied = eventually(format!("{records} records copied"), || {
            let copied = self.copied(cluster)?;
            Ok((copied.len() >= records).then_some(copied))
        })?;
        let mut times: BTreeMap<usize, usize> = BTreeMap::new();
        let mut order: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        for record in &copied {
            let number = record.text().parse()?;
            *times.entry(number).or_default() += 1;
            order.entry(record.partition).or_default().push(number);
        }
        let repeated: Vec<_> =
            times.iter().filter(|(_, times)| **times > 1).map(|(number, _)| number).collect();
        ensure!(
            repeated.is_empty(),
            "{} of {records} records were copied more than once: {repeated:?}",
            repeated.len()
        );
        ensure!(times.len() == records, "{} of {records} records were copied", times.len());
        ensure!(
            order.values().all(|numbers| numbers.is_sorted()),
            "each partition is in the order of its input"
        );
        Ok(())
    }
}
