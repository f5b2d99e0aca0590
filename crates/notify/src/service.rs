//! The service: takes fired steps, delivers each to every target concerned, and records what became of it.
//!
//! What it is: one worker with one bounded queue per target, over the ports of channels, clock and sink. What it is
//! not: a reader of topics. The binary feeds it in this order:
//!
//! 1. [`Service::learn`] with `reference` to its stable end (and `key-result`, `page` where it has them);
//! 2. [`Service::restore`] with the receipts of the last [`crate::Options::horizon`];
//! 3. [`Service::submit`] with the steps of the same horizon, then with new ones as they come. What was delivered is
//!    not delivered again; what was in retry goes on;
//! 4. [`Service::drain`] to stop. What is then still waiting is taken up by the next start.

mod plan;
mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bellwether_model::EventTime;
use bellwether_wire::{Event, Payload};
use metrics::counter;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::channel::{Cause, Channel};
use crate::clock::{Clock, duration};
use crate::delivery::receipt::Receipt;
use crate::delivery::{DeliveryId, IdempotencyKey, Input, State, next};
use crate::directory::Directory;
use crate::metric_definitions as metric;
use crate::options::{Options, Target, TargetError};
use crate::random::Random;
use crate::sink::Sink;
use worker::{Job, Worker};

/// Deliveries handed over and not yet taken by a worker. Workers take them as fast as they come, also while an attempt
/// is under way, so this only has to bridge a turn of the scheduler; what waits for a target is bounded by
/// [`Options::pending_max`].
const QUEUE_MAX: usize = 1024;

/// Deliveries remembered so that a step submitted twice is delivered once. Ten times what one target may hold: beyond
/// it the oldest are forgotten, which by then are older than steps may be.
const KNOWN_MAX: usize = 100_000;

/// A target and the channel that reaches it.
#[derive(Debug, Clone)]
pub struct Outlet {
    target: Target,
    channel: Arc<dyn Channel>,
}

impl Outlet {
    /// A target with its channel.
    ///
    /// # Errors
    /// When the target's settings cannot be meant, or the channel is of another kind.
    pub fn new(target: Target, channel: Arc<dyn Channel>) -> Result<Self, TargetError> {
        target.check()?;
        if target.channel != channel.kind() {
            let (configured, given) = (target.channel, channel.kind());
            return Err(TargetError::Channel { name: target.name, configured, given });
        }
        Ok(Self { target, channel })
    }
}

/// What became of a submitted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Submitted {
    /// Deliveries that were queued.
    pub queued: usize,
    /// Deliveries that are known already: delivered, abandoned, or under way.
    pub known: usize,
    /// Deliveries that were abandoned at once: too old, or no room.
    pub abandoned: usize,
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Deliveries left for the next start.
    pub waiting: usize,
    /// Workers that did not finish their attempt in time and were cut.
    pub cut: usize,
}

/// Delivers steps.
#[derive(Debug)]
pub struct Service {
    options: Options,
    directory: Arc<RwLock<Directory>>,
    clock: Arc<dyn Clock>,
    sink: worker::SharedSink,
    lanes: Vec<Lane>,
    known: Mutex<Known>,
    stop: watch::Sender<bool>,
}

/// A target, the way to its worker, and the worker.
#[derive(Debug)]
struct Lane {
    target: Target,
    queue: mpsc::Sender<Job>,
    worker: JoinHandle<usize>,
}

/// Deliveries that were restored or submitted.
#[derive(Debug, Default)]
struct Known {
    /// Where receipts left deliveries that nobody submitted yet.
    restored: BTreeMap<IdempotencyKey, State>,
    /// When each delivery was submitted.
    submitted: BTreeMap<IdempotencyKey, EventTime>,
}

impl Service {
    /// A service that runs until it is drained. Must be called inside of a runtime: it starts the workers.
    ///
    /// # Errors
    /// When two targets of one channel have the same name.
    pub fn new(
        options: Options,
        directory: Directory,
        outlets: Vec<Outlet>,
        clock: Arc<dyn Clock>,
        mut random: Random,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, TargetError> {
        for (place, outlet) in outlets.iter().enumerate() {
            let (name, channel) = (&outlet.target.name, outlet.target.channel);
            if outlets[..place].iter().any(|it| (&it.target.name, it.target.channel) == (name, channel)) {
                return Err(TargetError::Twice { name: name.clone(), channel });
            }
        }
        let directory = Arc::new(RwLock::new(directory));
        let sink = worker::SharedSink { sink, clock: Arc::clone(&clock) };
        let (stop, stopped) = watch::channel(false);
        let start = |outlet: Outlet| {
            let (queue, jobs) = mpsc::channel(QUEUE_MAX);
            let worker = Worker::new(
                options.clone(),
                outlet.target.channel,
                outlet.channel,
                Arc::clone(&directory),
                sink.clone(),
                random.split(),
            );
            Lane { target: outlet.target, queue, worker: tokio::spawn(worker.run(jobs, stopped.clone())) }
        };
        let lanes = outlets.into_iter().map(start).collect();
        Ok(Self { options, directory, clock, sink, lanes, known: Mutex::default(), stop })
    }

    /// Takes an event of the reference topic, or of those that [`Directory::apply`] names.
    pub fn learn(&self, event: &Event) {
        self.directory.write().unwrap_or_else(PoisonError::into_inner).apply(event);
    }

    /// Takes a receipt of an earlier process. All of them come before the first step.
    pub fn restore(&self, event: &Event) {
        let Some((key, receipt)) = Receipt::from_event(event) else { return };
        let mut known = self.known();
        let state = known.restored.remove(&key).unwrap_or_else(|| State::new(receipt.at));
        let (state, _) = next(state, Input::Recorded(receipt), &self.options.retry);
        known.restored.insert(key, state);
    }

    /// Takes an event of the escalation topic; delivers it when it is a fired step. Ready when every delivery is queued
    /// or, where that cannot be, its end is recorded. It never waits for a target; it waits for the log.
    pub async fn submit(&self, event: &Event) -> Submitted {
        let Payload::StepFired(step) = &event.payload else { return Submitted::default() };
        counter!(metric::STEPS, metric::LABEL_LEVEL => level_label(step.level)).increment(1);
        let shared = Arc::new(event.clone());
        let mut submitted = Submitted::default();
        for lane in &self.lanes {
            let planned = {
                let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
                plan::deliveries(&lane.target, step, event.time, &directory)
            };
            for planned in planned {
                let Some(state) = self.admit(&planned.id) else {
                    submitted.known += 1;
                    continue;
                };
                let job = Job { id: planned.id, event: Arc::clone(&shared), reader: planned.reader, state };
                match self.queue(lane, job).await {
                    None => submitted.queued += 1,
                    Some((job, cause)) => {
                        submitted.abandoned += 1;
                        self.abandon(job, cause).await;
                    }
                }
            }
        }
        submitted
    }

    /// Stops: attempts under way may finish for [`Options::drain_within`], waits end at once.
    pub async fn drain(self) -> Drained {
        // Without a worker left there is nobody to tell.
        let _ = self.stop.send(true);
        let mut drained = Drained::default();
        let until = tokio::time::Instant::now() + duration(self.options.drain_within);
        for lane in self.lanes {
            let mut worker = lane.worker;
            match tokio::time::timeout_at(until, &mut worker).await {
                Ok(Ok(waiting)) => drained.waiting += waiting,
                Ok(Err(_)) => drained.cut += 1,
                Err(_) => {
                    worker.abort();
                    drained.cut += 1;
                }
            }
        }
        drained
    }

    /// The state from which a delivery goes on; `None` when there is nothing left to do for it.
    fn admit(&self, id: &DeliveryId) -> Option<State> {
        let key = id.idempotency_key();
        let now = self.clock.now();
        let mut known = self.known();
        if known.submitted.contains_key(&key) {
            return None;
        }
        let state = known.restored.remove(&key).unwrap_or_else(|| State::new(now));
        known.remember(key, now);
        (!state.is_final()).then_some(state)
    }

    /// Hands a job to its worker; gives it back, with the reason, where that cannot be. A worker takes jobs also while
    /// its target hangs, so that this waits for the log at most.
    async fn queue(&self, lane: &Lane, job: Job) -> Option<(Job, Cause)> {
        let untried = matches!(job.state, State::Ready { attempt: 1, .. });
        if untried && job.event.time.plus(self.options.step_age_max) < self.clock.now() {
            return Some((job, Cause::TooOld));
        }
        let refused = lane.queue.send(job).await.err()?;
        Some((refused.0, Cause::NoWorker))
    }

    async fn abandon(&self, job: Job, cause: Cause) {
        let input = Input::Impossible { now: self.clock.now(), cause };
        let (_, action) = next(job.state, input, &self.options.retry);
        self.sink.record(&job.id, &job.event, action).await;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn remember(&mut self, key: IdempotencyKey, now: EventTime) {
        self.submitted.insert(key, now);
        if self.submitted.len() > KNOWN_MAX {
            let mut ages: Vec<EventTime> = self.submitted.values().copied().collect();
            ages.sort_unstable();
            let middle = ages[ages.len() / 2];
            self.submitted.retain(|_, at| *at > middle);
        }
    }
}

/// A label from a closed set, whatever the event says.
fn level_label(level: u32) -> &'static str {
    match level {
        1 => "1",
        2 => "2",
        3 => "3",
        4 => "4",
        5 => "5",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
