//! A channel in memory that answers as it is told, for tests of everything around a channel.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use super::{Accepted, BoxFuture, Channel, ChannelKind, Delivery, DeliveryError};

/// What the channel does with an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Accepts it.
    Accept,
    /// Fails it.
    Fail(DeliveryError),
    /// Accepts it after a while.
    AcceptAfter(Duration),
    /// Never answers.
    Hang,
}

/// Keeps what it is given.
#[derive(Debug)]
pub struct MemoryChannel {
    kind: ChannelKind,
    script: Mutex<VecDeque<Answer>>,
    then: Answer,
    attempts: Mutex<Vec<Delivery>>,
}

impl MemoryChannel {
    /// A channel that gives these answers in turn and accepts from then on.
    pub fn scripted(kind: ChannelKind, script: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            kind,
            script: Mutex::new(script.into_iter().collect()),
            then: Answer::Accept,
            attempts: Mutex::new(Vec::new()),
        }
    }

    /// A channel that always gives this answer.
    pub fn always(kind: ChannelKind, answer: Answer) -> Self {
        Self { then: answer, ..Self::scripted(kind, []) }
    }

    /// The attempts so far, in order.
    pub fn attempts(&self) -> Vec<Delivery> {
        lock(&self.attempts).clone()
    }
}

impl Channel for MemoryChannel {
    fn kind(&self) -> ChannelKind {
        self.kind
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Accepted, DeliveryError>> {
        lock(&self.attempts).push(delivery.clone());
        let answer = lock(&self.script).pop_front().unwrap_or_else(|| self.then.clone());
        let accepted = Accepted { remote_id: Some(format!("remote-{}", delivery.attempt)) };
        match answer {
            Answer::Accept => Box::pin(std::future::ready(Ok(accepted))),
            Answer::AcceptAfter(while_it_works) => Box::pin(async move {
                tokio::time::sleep(while_it_works).await;
                Ok(accepted)
            }),
            Answer::Fail(error) => Box::pin(std::future::ready(Err(error))),
            Answer::Hang => Box::pin(std::future::pending()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
