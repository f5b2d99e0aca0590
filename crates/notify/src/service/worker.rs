//! The worker of one target: one attempt at a time, retries by their instant, every answer recorded before the next.
//!
//! A delivery that waits for its retry holds up no other of the same target; a target that hangs holds up only itself.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use bellwether_model::{EventTime, Millis};
use bellwether_wire::{Event, Payload};
use metrics::{counter, gauge, histogram};
use tokio::sync::{mpsc, watch};

use super::plan::PlannedReader;
use crate::channel::{Accepted, Cause, Channel, ChannelKind, Delivery, DeliveryError, Envelope, ErrorClass};
use crate::clock::Clock;
use crate::delivery::receipt::{Receipt, Verdict};
use crate::delivery::{Action, DeliveryId, Input, State, next};
use crate::directory::Directory;
use crate::metric_definitions as metric;
use crate::options::Options;
use crate::random::Random;
use crate::redaction;
use crate::render::render;
use crate::sink::{DeadLetter, Outcome, Sink};

/// First and longest wait before a receipt is offered to the log again.
const RECORD_AGAIN: (Millis, Millis) = (Millis::seconds(1), Millis::seconds(30));

/// A delivery handed to a worker.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: DeliveryId,
    pub(super) event: Arc<Event>,
    pub(super) reader: PlannedReader,
    pub(super) state: State,
}

/// The sink with the patience that a receipt needs.
#[derive(Clone)]
pub(super) struct SharedSink {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for SharedSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSink")
    }
}

impl SharedSink {
    /// Records what an action asks to be recorded, until it is taken.
    pub(super) async fn record(&self, id: &DeliveryId, event: &Event, action: Action) {
        let Action::Record(receipt) = action else { return };
        count(id.channel, &receipt);
        let dead_letter = match &receipt.verdict {
            Verdict::Abandoned { cause } => {
                tracing::warn!(step = %id.step, channel = %id.channel, target_name = %id.target, %cause, "delivery abandoned");
                Some(DeadLetter {
                    event: event.clone(),
                    stage: "deliver",
                    cause: cause.clone(),
                    channel: id.channel,
                    target: id.target.clone(),
                })
            }
            Verdict::Succeeded { .. } | Verdict::Failed { .. } => None,
        };
        let outcome = Outcome { receipt: receipt.to_event(id), dead_letter };
        let mut wait = RECORD_AGAIN.0;
        while let Err(error) = self.sink.append(outcome.clone()).await {
            tracing::warn!(%error, "receipt not taken, offering it again");
            counter!(metric::RECEIPTS_REFUSED).increment(1);
            self.clock.sleep_until(self.clock.now().plus(wait)).await;
            wait = (wait * 2).min(RECORD_AGAIN.1);
        }
    }
}

fn count(channel: ChannelKind, receipt: &Receipt) {
    let outcome = match receipt.verdict {
        Verdict::Succeeded { .. } => "succeeded",
        Verdict::Abandoned { .. } => "abandoned",
        Verdict::Failed { .. } => return,
    };
    let labels = [(metric::LABEL_CHANNEL, channel.as_str()), (metric::LABEL_OUTCOME, outcome)];
    counter!(metric::DELIVERIES, &labels).increment(1);
}

/// When a delivery may be tried, and in which order of equals.
type Place = (EventTime, u64);

/// An attempt under way.
type Attempt = Pin<Box<dyn Future<Output = Result<Accepted, DeliveryError>> + Send>>;

/// Delivers to one target.
pub(super) struct Worker {
    options: Options,
    kind: ChannelKind,
    channel: Arc<dyn Channel>,
    directory: Arc<RwLock<Directory>>,
    sink: SharedSink,
    random: Random,
    pending: BTreeMap<Place, Job>,
    arrived: u64,
}

impl Worker {
    pub(super) fn new(
        options: Options,
        kind: ChannelKind,
        channel: Arc<dyn Channel>,
        directory: Arc<RwLock<Directory>>,
        sink: SharedSink,
        random: Random,
    ) -> Self {
        Self { options, kind, channel, directory, sink, random, pending: BTreeMap::new(), arrived: 0 }
    }

    /// Works until it is told to stop; answers how many deliveries are left.
    pub(super) async fn run(
        mut self,
        mut jobs: mpsc::Receiver<Job>,
        mut stopped: watch::Receiver<bool>,
    ) -> usize {
        let mut under_way: Option<(Job, EventTime, Attempt)> = None;
        let mut stopping = false;
        loop {
            if stopping && under_way.is_none() {
                self.pending_gauge().decrement(self.pending.len() as f64);
                return self.pending.len() + jobs.len();
            }
            let may_begin = !stopping && under_way.is_none();
            let due = self.pending.first_key_value().map(|((at, _), _)| *at);
            tokio::select! {
                biased;
                answer = answer_of(&mut under_way), if under_way.is_some() => {
                    if let Some((job, began, _)) = under_way.take() {
                        self.answered(job, began, answer).await;
                    }
                }
                _ = stopped.changed(), if !stopping => stopping = true,
                () = wait(Arc::clone(&self.sink.clock), due), if may_begin => under_way = self.begin().await,
                job = jobs.recv(), if !stopping => match job {
                    Some(job) => self.take(job).await,
                    // The service was dropped without a stop; what waits is the next start's, as after one.
                    None => stopping = true,
                },
            }
        }
    }

    /// Takes a job in, or gives it up when there is no room.
    async fn take(&mut self, job: Job) {
        if self.pending.len() >= self.options.pending_max {
            self.settle(job, |now| Input::Impossible { now, cause: Cause::QueueFull }).await;
        } else {
            self.put_back(job);
        }
    }

    fn put_back(&mut self, job: Job) {
        let Some(due) = job.state.due() else { return };
        self.arrived += 1;
        self.pending_gauge().increment(1.0);
        self.pending.insert((due, self.arrived), job);
    }

    /// All workers of a kind add to one gauge, because targets are no label.
    fn pending_gauge(&self) -> metrics::Gauge {
        gauge!(metric::PENDING, metric::LABEL_CHANNEL => self.kind.as_str())
    }

    /// Begins the attempt that is due first, if it still may be made.
    async fn begin(&mut self) -> Option<(Job, EventTime, Attempt)> {
        let (_, mut job) = self.pending.pop_first()?;
        self.pending_gauge().decrement(1.0);
        let now = self.sink.clock.now();
        let (state, action) = next(job.state, Input::Wake { now }, &self.options.retry);
        job.state = state;
        let Action::Send { attempt } = action else {
            self.put_back(job);
            return None;
        };
        match self.compose(&job, attempt, now) {
            Ok(delivery) => {
                let channel = Arc::clone(&self.channel);
                Some((job, now, Box::pin(async move { channel.deliver(&delivery).await })))
            }
            Err(cause) => {
                self.settle(job, |now| Input::Impossible { now, cause }).await;
                None
            }
        }
    }

    /// Redacts and renders with what the directory knows now, so that a name that was erased meanwhile is gone.
    fn compose(&self, job: &Job, attempt: u32, now: EventTime) -> Result<Delivery, Cause> {
        let Payload::StepFired(step) = &job.event.payload else { return Err(Cause::Unreadable) };
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        let address = match &job.reader {
            PlannedReader::Recipient { pseudonym, .. } => {
                Some(directory.address(pseudonym, now).ok_or(Cause::NoAddress)?)
            }
            PlannedReader::Anybody(_) | PlannedReader::Role(..) | PlannedReader::Person { .. } => None,
        };
        let readership = job.reader.readership(step, job.event.time, &directory);
        let view = redaction::view(step, job.event.time, &readership, &directory);
        let shown = redaction::step_for(step, job.event.time, &readership, &directory);
        let (Ok(view), Ok(shown)) = (view, shown) else { return Err(Cause::Unreadable) };
        Ok(Delivery {
            id: job.id.clone(),
            attempt,
            at: now,
            message: render(&view),
            step: shown.into_inner(),
            envelope: Envelope {
                id: job.event.id.clone(),
                time: job.event.time,
                traceparent: job.event.traceparent.clone(),
            },
            address,
        })
    }

    async fn answered(&mut self, job: Job, began: EventTime, answer: Result<Accepted, DeliveryError>) {
        let now = self.sink.clock.now();
        let result = match &answer {
            Ok(_) => "accepted",
            Err(error) => match error.class {
                ErrorClass::Retryable { .. } => "retryable",
                ErrorClass::Permanent => "permanent",
            },
        };
        let labels = [(metric::LABEL_CHANNEL, self.kind.as_str()), (metric::LABEL_RESULT, result)];
        counter!(metric::ATTEMPTS, &labels).increment(1);
        let seconds = now.since(began).ms() as f64 / 1000.0;
        histogram!(metric::ATTEMPT_SECONDS, metric::LABEL_CHANNEL => self.kind.as_str()).record(seconds);
        let roll = self.random.roll();
        self.settle(job, |now| match answer {
            Ok(accepted) => Input::Accepted { now, remote_id: accepted.remote_id },
            Err(error) => Input::Failed { now, error, roll },
        })
        .await;
    }

    /// Moves a delivery on, records what there is to record, and keeps it while it has a next attempt.
    async fn settle(&mut self, mut job: Job, input: impl FnOnce(EventTime) -> Input) {
        let (state, action) = next(job.state, input(self.sink.clock.now()), &self.options.retry);
        job.state = state;
        self.sink.record(&job.id, &job.event, action).await;
        self.put_back(job);
    }
}

/// Ready when something is due; never when nothing is.
async fn wait(clock: Arc<dyn Clock>, due: Option<EventTime>) {
    match due {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The answer of the attempt under way.
async fn answer_of(under_way: &mut Option<(Job, EventTime, Attempt)>) -> Result<Accepted, DeliveryError> {
    match under_way {
        Some((_, _, attempt)) => attempt.as_mut().await,
        None => std::future::pending().await,
    }
}
