//! Where events go: the port to the log, and a bounded queue to a thread that owns the client.
//!
//! What it is not: a buffer that forgives. A full queue refuses at once, so that the sender keeps the delivery and
//! tries again; nothing is acknowledged that the log has not taken.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::Duration;

use bellwether_wire::Event;
use tokio::sync::{mpsc, oneshot};

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How long a sender is asked to wait when the queue is full: a few commits of the log.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why events were not taken. None of them is the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Too much is waiting.
    #[error("the log is behind, ask again in {} s", retry_after.as_secs())]
    Behind {
        /// When to try again.
        retry_after: Duration,
    },
    /// The log refused.
    #[error("the log did not take the events: {what}")]
    Failed {
        /// What the log said.
        what: String,
    },
    /// The process is going down.
    #[error("the connector is stopping")]
    Stopping,
}

/// Takes events and says when the log has them.
pub trait Sink: Send + Sync + 'static {
    /// Appends events; ready only when they are committed or refused. All or none.
    fn append(&self, events: Vec<Event>) -> BoxFuture<'_, Result<(), SinkError>>;
}

/// One request's events and the way to answer for them.
#[derive(Debug)]
pub struct Append {
    /// The events, in order.
    pub events: Vec<Event>,
    done: oneshot::Sender<Result<(), SinkError>>,
}

impl Append {
    /// Says that the log has the events.
    pub fn acknowledge(self) {
        // The request may have timed out meanwhile; its sender will deliver again and identity makes it one event.
        let _ = self.done.send(Ok(()));
    }

    /// Says that the log does not have them.
    pub fn refuse(self, error: SinkError) {
        let _ = self.done.send(Err(error));
    }
}

/// The asynchronous end of a bounded queue.
#[derive(Debug, Clone)]
pub struct QueueSink {
    sender: mpsc::Sender<Append>,
}

/// The end of the queue that the log's thread holds.
#[derive(Debug)]
pub struct Queue {
    receiver: mpsc::Receiver<Append>,
}

/// A bounded queue between the receiver and a thread that appends to the log.
pub fn queue(requests_max: NonZeroUsize) -> (QueueSink, Queue) {
    let (sender, receiver) = mpsc::channel(requests_max.get());
    (QueueSink { sender }, Queue { receiver })
}

impl Sink for QueueSink {
    fn append(&self, events: Vec<Event>) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            let (done, answer) = oneshot::channel();
            self.sender.try_send(Append { events, done }).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => SinkError::Behind { retry_after: RETRY_AFTER },
                mpsc::error::TrySendError::Closed(_) => SinkError::Stopping,
            })?;
            answer.await.unwrap_or(Err(SinkError::Stopping))
        })
    }
}

impl Queue {
    /// Waits for at least one request and takes up to `requests_max`; `None` when no sender is left.
    ///
    /// Blocks the calling thread: never call it on a runtime's worker.
    pub fn next(&mut self, requests_max: NonZeroUsize) -> Option<Vec<Append>> {
        let mut taken = Vec::new();
        (self.receiver.blocking_recv_many(&mut taken, requests_max.get()) > 0).then_some(taken)
    }

    /// Takes what is there without waiting, up to `requests_max`.
    pub fn take(&mut self, requests_max: NonZeroUsize) -> Vec<Append> {
        let mut taken = Vec::new();
        while taken.len() < requests_max.get() {
            match self.receiver.try_recv() {
                Ok(append) => taken.push(append),
                Err(_) => break,
            }
        }
        taken
    }

    /// Requests waiting now.
    pub fn waiting(&self) -> usize {
        self.receiver.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
        let (sink, mut queue) = queue(one());
        let first = tokio::spawn({
            let sink = sink.clone();
            async move { sink.append(Vec::new()).await }
        });
        while queue.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sink.append(Vec::new()).await, Err(SinkError::Behind { retry_after: RETRY_AFTER }));
        queue.take(one()).into_iter().for_each(Append::acknowledge);
        assert_eq!(first.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_dropped_request_is_never_acknowledged() {
        let (sink, mut queue) = queue(one());
        let waiting = tokio::spawn(async move { sink.append(Vec::new()).await });
        while queue.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        drop(queue.take(one()));
        assert_eq!(waiting.await.unwrap(), Err(SinkError::Stopping));
    }
}
