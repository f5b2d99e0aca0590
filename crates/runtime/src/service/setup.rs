//! Checks the options against each other and against the topics, and joins the group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_log::{Assignor, ErrorClass, EventLog, TopicPartition};

use super::{Handle, Service};
use crate::backoff::Backoff;
use crate::broadcast::Broadcast;
use crate::clock::Clock;
use crate::error::{Error, chain};
use crate::failpoint::{Failpoints, NoFailpoints};
use crate::fold::FoldFactory;
use crate::options::{Options, Restore};
use crate::snapshot::Depot;
use crate::snapshot::name::is_plain;
use crate::snapshot::worker::Worker;

impl Service {
    /// Checks the options against the topics and joins the group. Snapshots are written by a thread of their own.
    pub fn new(
        log: Arc<dyn EventLog>,
        factory: Arc<dyn FoldFactory>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, Error> {
        let worker = match &options.restore {
            Restore::Snapshots(objects) => {
                let depot = Depot::new(Arc::clone(objects), &options);
                Some(Worker::threaded(depot, &options.role).map_err(Error::SnapshotThread)?)
            }
            Restore::Changelog { .. } => None,
        };
        Self::build(log, factory, clock, options, worker, Box::new(NoFailpoints))
    }

    /// The same on one thread and with places to crash, for simulators: a run is a function of the log, the clock
    /// and the failpoints.
    pub fn simulated(
        log: Arc<dyn EventLog>,
        factory: Arc<dyn FoldFactory>,
        clock: Arc<dyn Clock>,
        options: Options,
        failpoints: Box<dyn Failpoints>,
    ) -> Result<Self, Error> {
        let worker = match &options.restore {
            Restore::Snapshots(objects) => Some(Worker::inline(Depot::new(Arc::clone(objects), &options))),
            Restore::Changelog { .. } => None,
        };
        Self::build(log, factory, clock, options, worker, failpoints)
    }

    fn build(
        log: Arc<dyn EventLog>,
        factory: Arc<dyn FoldFactory>,
        clock: Arc<dyn Clock>,
        mut options: Options,
        worker: Option<Worker>,
        failpoints: Box<dyn Failpoints>,
    ) -> Result<Self, Error> {
        check(&options)?;
        // The order of the topics breaks ties and names positions: it must not depend on how they were listed.
        options.inputs.sort();
        options.broadcast.sort();
        let broadcast = check_topics(log.as_ref(), clock.as_ref(), &options)?;
        let doing = format!("joining group {}", options.group);
        let member = patiently(clock.as_ref(), &doing, || log.join(options.group_options()))?;
        Ok(Self {
            log,
            factory,
            clock,
            options,
            failpoints,
            member: Some(member),
            worker,
            broadcast: Broadcast::new(broadcast),
            units: BTreeMap::new(),
            halted: BTreeMap::new(),
            token: None,
            fenced_since: None,
            idle: false,
            eager: true,
            quiet: 0,
            tickets: 0,
            turn: 0,
            poll_backoff: Backoff::default(),
            side_backoff: Backoff::default(),
            rounds: Backoff::default(),
            status_at: None,
            handle: Handle { stop: Arc::default(), status: Arc::default() },
            #[cfg(test)]
            sabotage: None,
        })
    }
}

fn check(options: &Options) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::Options { role: options.role.clone(), what: what.to_owned() });
    if options.inputs.is_empty() || options.partitions == 0 {
        return wrong("at least one input topic with at least one partition is needed");
    }
    if options.inputs.iter().collect::<BTreeSet<_>>().len() != options.inputs.len() {
        return wrong("an input topic is listed twice");
    }
    if options.inputs.len() > 1 && options.assignor != Assignor::Range {
        return wrong("several inputs feed one state, so the group must deal them out by range");
    }
    if [&options.app, &options.role, &options.epoch].into_iter().any(|part| !is_plain(part)) {
        return wrong(
            "app, role and epoch are parts of snapshot names: letters, digits, '-', '_' and '.' only",
        );
    }
    if options.bounds.batch_records == 0 || options.bounds.held_records == 0 {
        return wrong("bounds of zero records let nothing through");
    }
    Ok(())
}

/// Compares the topics with the options; the partitions of the broadcast topics.
fn check_topics(
    log: &dyn EventLog,
    clock: &dyn Clock,
    options: &Options,
) -> Result<Vec<TopicPartition>, Error> {
    let changelog = match &options.restore {
        Restore::Changelog { topic } => Some(topic),
        Restore::Snapshots(_) => None,
    };
    let names = options.inputs.iter().chain(changelog).chain([&options.dead_letters.topic]);
    // One question for all of them: each costs a start several milliseconds.
    let common = common_start(names.chain(&options.broadcast).map(String::as_str));
    let doing = format!("describing topics that begin with `{common}`");
    let found = patiently(clock, &doing, || log.describe_topics(common))?;
    let partitions_of = |topic: &str| {
        let exact = found.iter().find(|info| info.name == topic);
        exact.map(|info| info.partitions).ok_or_else(|| Error::NoTopic { topic: topic.to_owned() })
    };
    let expect = |topic: &str, expected: u32| {
        let found = partitions_of(topic)?;
        let differs = Error::TopicPartitions { topic: topic.to_owned(), found, expected };
        if found == expected { Ok(()) } else { Err(differs) }
    };
    for topic in &options.inputs {
        expect(topic, options.partitions)?;
    }
    if let Some(topic) = changelog {
        expect(topic, options.partitions)?;
    }
    expect(&options.dead_letters.topic, options.dead_letters.partitions)?;
    let mut broadcast = Vec::new();
    for topic in &options.broadcast {
        broadcast.extend((0..partitions_of(topic)?).map(|number| TopicPartition::new(topic.clone(), number)));
    }
    Ok(broadcast)
}

/// The longest text that all of them begin with.
fn common_start<'a>(mut names: impl Iterator<Item = &'a str>) -> &'a str {
    let first = names.next().unwrap_or_default();
    names.fold(first, |common, name| {
        let same = common.char_indices().zip(name.chars()).find(|((_, left), right)| left != right);
        let length = same.map_or(common.len().min(name.len()), |((at, _), _)| at);
        &common[..length]
    })
}

/// Calls until it works, it cannot work, or it was tried often enough.
fn patiently<T>(
    clock: &dyn Clock,
    doing: &str,
    mut call: impl FnMut() -> bellwether_log::Result<T>,
) -> Result<T, Error> {
    let mut backoff = Backoff::default();
    loop {
        let source = match call() {
            Ok(value) => return Ok(value),
            Err(source) => source,
        };
        let (class, attempts) = (source.class(), backoff.failures() + 1);
        let wait = if class == ErrorClass::Fatal { None } else { backoff.failed() };
        let Some(wait) = wait else {
            return Err(Error::Log { doing: doing.to_owned(), attempts, class, source });
        };
        tracing::warn!(doing, attempts, error = %chain(&source), "log refused, waiting");
        clock.wait(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_share_what_all_of_them_begin_with() {
        let of = |names: &[&'static str]| common_start(names.iter().copied());
        assert_eq!(of(&["b.page.v1", "b.pages.v1", "b.dlq.v1"]), "b.");
        assert_eq!(of(&["é.page", "è.page"]), "");
        assert_eq!(of(&["page", "page.v1"]), "page");
        assert_eq!(of(&[]), "");
    }
}
