//! `notify`: fired steps to people. Positions live in a consumer group, so that one process delivers each partition;
//! what became of a delivery is in the receipt topic, so that a start goes on where the last one stopped.

mod feed;
mod time;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bellwether_log::{
    Appender, Assignor, EventLog, GroupOptions, Member, Polled, Position, Record, Transaction,
};
use bellwether_model::EventTime;
use bellwether_notify::channel::terminal::Terminal;
use bellwether_notify::channel::webhook::Webhook;
use bellwether_notify::clock::Clock;
use bellwether_notify::random::Random;
use bellwether_notify::{ChannelKind, Directory, Outcome, Outlet, Service, Sink, SinkError, Target};
use bellwether_wire::Payload;
use bellwether_wire::topics::Topic;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::command::read_all;
use crate::config::{Config, WebhookTarget};
use crate::failure::{Context as _, Exit, Failure};
use crate::host::chain;
use crate::keys::Keys;
use crate::record;
use crate::topic_set::TopicSet;
use feed::Feed;
use time::Time;

/// How long a poll waits; a stop is seen within it. Steps and rebalances end it at once.
const POLL: Duration = Duration::from_secs(1);
/// Polls without steps between two looks at what else there is to know. A step is told after a look of its own, so
/// this only bounds what is left for that one to read - half a minute's worth; a look asks for the end of every partition.
const LEARN_EVERY: u32 = 30;
/// Records handed over at once.
const BATCH_RECORDS: usize = 500;
/// Bytes handed over at once.
const BATCH_BYTES: usize = 1024 * 1024;

/// The running role.
#[derive(Debug)]
pub(crate) struct Notifier {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), Failure>>,
    queued: Arc<AtomicUsize>,
}

impl Notifier {
    /// Deliveries that were handed to a target so far, each once.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::SeqCst)
    }

    /// Asks for a stop: attempts under way may finish, the rest is taken up by the next start.
    pub(crate) fn begin_stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Stops and waits until it has stopped.
    pub(crate) fn stop(self) {
        self.begin_stop();
        match self.thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => tracing::error!(%failure, "delivery ended"),
            Err(_) => tracing::error!("the thread of notify panicked"),
        }
    }
}

/// Starts delivery to the configured targets. `failed` is cancelled when it ends with an error or panics.
///
/// # Errors
/// When a target cannot be meant, or the log refuses.
pub(crate) fn start(
    config: &Config,
    log: &Arc<dyn EventLog>,
    topics: &TopicSet,
    keys: &Keys,
    runtime: &Handle,
    failed: &CancellationToken,
) -> Result<Notifier, Failure> {
    start_with(outlets(config)?, config.kafka.ordinal, log, topics, keys, runtime, failed)
}

/// The same with targets that are not the configuration's.
///
/// # Errors
/// When the log refuses.
pub(crate) fn start_with(
    outlets: Vec<Outlet>,
    ordinal: u32,
    log: &Arc<dyn EventLog>,
    topics: &TopicSet,
    keys: &Keys,
    runtime: &Handle,
    failed: &CancellationToken,
) -> Result<Notifier, Failure> {
    let time = Time::of(topics.time);
    let directory = Directory::new(keys.pseudonym.clone());
    let sink = LogSink {
        appender: Mutex::new(
            log.appender().or_fail(Exit::Log, || "cannot open a producer for receipts".to_owned())?,
        ),
        topics: topics.clone(),
    };
    let service = {
        let _entered = runtime.enter();
        let random = Random::of_the_machine();
        let (clock, sink) = (time.clock(), Arc::new(sink));
        Service::new(time.options(), directory, outlets, clock, random, sink)
            .or_fail(Exit::Usage, || "the targets below notify are not valid".to_owned())?
    };
    let member = log
        .join(GroupOptions {
            group: format!("{}-notify", topics.prefix),
            topics: vec![topics.name(Topic::Escalation)],
            assignor: Assignor::CooperativeSticky,
            transactional_id: format!("{}-notify-{}", topics.prefix, ordinal),
            start_at_beginning: true,
            max_batch_bytes: BATCH_BYTES,
            max_batch_records: BATCH_RECORDS,
        })
        .or_fail(Exit::Log, || "cannot join the group of notify".to_owned())?;
    let stop = Arc::new(AtomicBool::new(false));
    let queued = Arc::new(AtomicUsize::new(0));
    let worker = Worker {
        service,
        log: Arc::clone(log),
        topics: topics.clone(),
        runtime: runtime.clone(),
        stop: Arc::clone(&stop),
        feed: Feed::open(log.as_ref(), topics)?,
        clock: time.clock(),
        time,
        queued: Arc::clone(&queued),
    };
    let unless_well = failed.clone().drop_guard();
    let thread = std::thread::Builder::new()
        .name("notify".to_owned())
        .spawn(move || {
            let ended = worker.run(member);
            if ended.is_ok() {
                unless_well.disarm();
            }
            ended
        })
        .or_fail(Exit::Internal, || "cannot start a thread for notify".to_owned())?;
    Ok(Notifier { stop, thread, queued })
}

fn outlets(config: &Config) -> Result<Vec<Outlet>, Failure> {
    let mut outlets = Vec::new();
    if config.notify.terminal {
        let outlet = Outlet::new(Target::terminal("terminal"), Arc::new(Terminal::new(std::io::stderr())));
        outlets.push(outlet.or_fail(Exit::Internal, || "the terminal is no target".to_owned())?);
    }
    for webhook in &config.notify.webhook {
        let failed = || format!("notify.webhook `{}` is not valid", webhook.name);
        outlets.push(outlet(webhook).or_fail(Exit::Usage, failed)?);
    }
    Ok(outlets)
}

/// The target and the channel of a webhook.
///
/// # Errors
/// When its settings cannot be meant.
pub(crate) fn outlet(webhook: &WebhookTarget) -> anyhow::Result<Outlet> {
    let target = Target {
        name: webhook.name.clone(),
        channel: ChannelKind::Webhook,
        reader: webhook.reader.clone(),
        shared: webhook.shared,
        levels: webhook.levels.clone(),
        functions: webhook.functions.clone(),
    };
    Ok(Outlet::new(target, Arc::new(Webhook::new(webhook.options())?))?)
}

struct Worker {
    service: Service,
    log: Arc<dyn EventLog>,
    topics: TopicSet,
    runtime: Handle,
    stop: Arc<AtomicBool>,
    feed: Feed,
    time: Time,
    clock: Arc<dyn Clock>,
    queued: Arc<AtomicUsize>,
}

impl Worker {
    fn run(mut self, mut member: Box<dyn Member>) -> Result<(), Failure> {
        for record in read_all(self.log.as_ref(), &self.topics.name(Topic::Receipt))? {
            if let Ok(event) = record::to_event(&record) {
                self.time.passes(event.time);
                self.service.restore(&event);
            }
        }
        self.learn(self.clock.now())?;
        let mut quiet = 0_u32;
        while !self.stop.load(Ordering::SeqCst) {
            match member.poll(POLL) {
                Ok(Polled::Assigned(assignments)) => {
                    for assignment in assignments {
                        let from = assignment.committed.unwrap_or(0);
                        self.submit_again(&assignment.partition, from)?;
                        member
                            .start(&assignment.partition, from)
                            .or_fail(Exit::Log, || format!("cannot read {}", assignment.partition))?;
                    }
                }
                Ok(Polled::Batch { records, token }) => {
                    self.submit(&records)?;
                    let transaction =
                        Transaction { records: Vec::new(), positions: positions(&records), token };
                    if let Err(error) = member.commit(&transaction) {
                        // Positions only say where to go on; receipts keep a step from being delivered twice.
                        tracing::warn!(error = %chain(&error), "positions of notify were not committed");
                    }
                }
                Ok(Polled::Revoked { .. }) => {}
                Ok(Polled::Idle { .. }) => {
                    quiet = (quiet + 1) % LEARN_EVERY;
                    if quiet == 0 {
                        self.learn(self.clock.now())?;
                    }
                }
                Err(error) => tracing::warn!(error = %chain(&error), "notify cannot read steps"),
            }
        }
        let drained = self.runtime.block_on(self.service.drain());
        tracing::info!(waiting = drained.waiting, cut = drained.cut, "delivery stopped");
        member.leave().or_fail(Exit::Log, || "cannot leave the group of notify".to_owned())
    }

    /// Takes up what the other topics say, so that a message has what is known when its step is told.
    fn learn(&mut self, through: EventTime) -> Result<(), Failure> {
        let service = &self.service;
        self.feed.take(through, &|event| service.learn(event))
    }

    /// Steps before the committed position that may still be in retry.
    fn submit_again(
        &mut self,
        partition: &bellwether_log::TopicPartition,
        until: i64,
    ) -> Result<(), Failure> {
        let failed = || format!("cannot read {partition}");
        let since = self.clock.now().minus(self.time.options().horizon());
        let start = self.log.bounds(partition).or_fail(Exit::Log, failed)?.start;
        let mut reader = self.log.read(partition, start).or_fail(Exit::Log, failed)?;
        loop {
            let records = reader.next(Duration::ZERO).or_fail(Exit::Log, failed)?;
            let recent: Vec<Record> = records
                .iter()
                .filter(|record| record.offset < until && EventTime::from_ms(record.timestamp_ms) >= since)
                .cloned()
                .collect();
            self.submit(&recent)?;
            if records.last().is_none_or(|last| last.offset + 1 >= until) {
                return Ok(());
            }
        }
    }

    fn submit(&mut self, records: &[Record]) -> Result<(), Failure> {
        for record in records {
            match record::to_event(record) {
                Ok(event) => {
                    self.time.passes(event.time);
                    if matches!(event.payload, Payload::StepFired(_)) {
                        self.learn(event.time)?;
                    }
                    let submitted = self.runtime.block_on(self.service.submit(&event));
                    self.queued.fetch_add(submitted.queued, Ordering::SeqCst);
                }
                Err(error) => {
                    tracing::error!(from = %record.from, offset = record.offset, %error, "no event")
                }
            }
        }
        Ok(())
    }
}

fn positions(records: &[Record]) -> Vec<Position> {
    let mut positions: Vec<Position> = Vec::new();
    for record in records {
        let next_offset = record.offset + 1;
        match positions.iter_mut().find(|position| position.partition == record.from) {
            Some(position) => position.next_offset = next_offset,
            None => positions.push(Position { partition: record.from.clone(), next_offset }),
        }
    }
    positions
}

/// Receipts and dead letters onto their topics.
struct LogSink {
    appender: Mutex<Box<dyn Appender>>,
    topics: TopicSet,
}

impl Sink for LogSink {
    fn append(
        &self,
        outcome: Outcome,
    ) -> std::pin::Pin<Box<dyn std::future::Future<Output = Result<(), SinkError>> + Send + '_>> {
        Box::pin(async move {
            let mut records = vec![record::of_event(&outcome.receipt, &self.topics, Topic::Receipt, 0)];
            if let Some(letter) = outcome.dead_letter {
                let mut dead = record::of_event(&letter.event, &self.topics, Topic::Dlq, 0);
                for (name, value) in [("bw_cause", letter.cause), ("bw_stage", letter.stage.to_owned())] {
                    dead.headers.push((name.to_owned(), Some(Bytes::from(value))));
                }
                records.push(dead);
            }
            tokio::task::block_in_place(|| {
                let mut appender = self.appender.lock().unwrap_or_else(PoisonError::into_inner);
                appender.append(records).map(drop).map_err(|error| SinkError { what: error.to_string() })
            })
        })
    }
}

#[cfg(test)]
mod tests;
