//! Where receipts and dead letters go: the port to the topics `receipt` and `dlq`.
//!
//! What it is not: a buffer. An outcome is repeated until it is taken, because a receipt that is lost means that the
//! step is delivered again after a restart.

use std::sync::Mutex;

use bellwether_wire::Event;

use crate::channel::ChannelKind;
use crate::future::BoxFuture;

/// Why an outcome was not taken; it will be offered again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log did not take the receipt: {what}")]
pub struct SinkError {
    /// What the log said.
    pub what: String,
}

/// A step that could not be delivered to a target, unchanged: pseudonyms, no names.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The event as it was submitted.
    pub event: Event,
    /// Where it stuck: always `deliver`.
    pub stage: &'static str,
    /// Why, in words without names, addresses or URLs.
    pub cause: String,
    /// Kind of channel.
    pub channel: ChannelKind,
    /// Target.
    pub target: String,
}

/// What became of an attempt: its receipt and, where it was the last of a lost delivery, the dead letter.
///
/// Both belong in one transaction of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// An event of the topic `receipt`.
    pub receipt: Event,
    /// What goes to the topic `dlq`.
    pub dead_letter: Option<DeadLetter>,
}

/// Takes outcomes and says when the log has them.
pub trait Sink: Send + Sync + 'static {
    /// Appends an outcome; ready when it is committed or refused.
    fn append(&self, outcome: Outcome) -> BoxFuture<'_, Result<(), SinkError>>;
}

/// A sink in memory, which can be told to refuse.
#[derive(Debug, Default)]
pub struct MemorySink {
    taken: Mutex<Vec<Outcome>>,
    refusals: Mutex<u32>,
}

impl MemorySink {
    /// Refuses the next `times` outcomes.
    pub fn refuse(&self, times: u32) {
        *lock(&self.refusals) = times;
    }

    /// What was taken, in order.
    pub fn outcomes(&self) -> Vec<Outcome> {
        lock(&self.taken).clone()
    }
}

impl Sink for MemorySink {
    fn append(&self, outcome: Outcome) -> BoxFuture<'_, Result<(), SinkError>> {
        let mut refusals = lock(&self.refusals);
        let answer = if *refusals > 0 {
            *refusals -= 1;
            Err(SinkError { what: "told to refuse".to_owned() })
        } else {
            lock(&self.taken).push(outcome);
            Ok(())
        };
        Box::pin(std::future::ready(answer))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
