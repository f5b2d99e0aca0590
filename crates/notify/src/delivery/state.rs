//! The state machine of a delivery: what happens next, as data.
//!
//! ```text
//!              Wake                      Accepted
//!   Ready ------------> InFlight ----------------------> Succeeded
//!     ^                  |  ^ |                              ^
//!     |  Cut             |  | |  permanent, bounds reached   | Accepted after all
//!     +------------------+  | +------------------------> Abandoned
//!                           |      retryable
//!                   Wake at |  +--- InFlight
//!                   `until` |  v
//!                         Waiting
//! ```
//! Invariants: every attempt that got an answer is recorded before the next; a success is final and stays one
//! whatever is said later; an input that does not fit changes nothing and never panics; attempts only grow.

use bellwether_model::EventTime;

use super::backoff::RetryOptions;
use super::receipt::{Receipt, Verdict};
use crate::channel::{Cause, DeliveryError, ErrorClass};
use crate::random::Roll;

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// An attempt may be made now.
    Ready {
        /// Number of that attempt, from 1.
        attempt: u32,
        /// Since when the delivery's time runs.
        since: EventTime,
    },
    /// An attempt is being made.
    InFlight {
        /// Its number.
        attempt: u32,
        /// Since when the delivery's time runs.
        since: EventTime,
    },
    /// The last attempt failed; the next one has an instant.
    Waiting {
        /// Number of the next attempt.
        attempt: u32,
        /// Since when the delivery's time runs.
        since: EventTime,
        /// When it may be made.
        until: EventTime,
    },
    /// The target has it.
    Succeeded {
        /// The attempt that did it.
        attempt: u32,
    },
    /// Nothing more will be tried.
    Abandoned {
        /// The last attempt; 0 when there was none.
        attempt: u32,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Time has passed, or there is room to send.
    Wake {
        /// Now.
        now: EventTime,
    },
    /// The target has it.
    Accepted {
        /// When the answer came.
        now: EventTime,
        /// The receiving system's id of it.
        remote_id: Option<String>,
    },
    /// The attempt failed.
    Failed {
        /// When the answer came.
        now: EventTime,
        /// What happened.
        error: DeliveryError,
        /// Where in its range the wait lies.
        roll: Roll,
    },
    /// The delivery cannot be made at all.
    Impossible {
        /// When that was found.
        now: EventTime,
        /// Why.
        cause: Cause,
    },
    /// The process stops, or dropped the attempt: nobody knows whether the target has it.
    Cut,
    /// A receipt of an earlier process says so.
    Recorded(Receipt),
}

/// What the shell is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Make this attempt.
    Send {
        /// Its number.
        attempt: u32,
    },
    /// Come back at this instant.
    Wait {
        /// When.
        until: EventTime,
    },
    /// Record a receipt, then go on.
    Record(Receipt),
}

impl State {
    /// A delivery nobody has tried yet.
    pub fn new(now: EventTime) -> Self {
        Self::Ready { attempt: 1, since: now }
    }

    /// True when nothing more will happen.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Succeeded { .. } | Self::Abandoned { .. } => true,
            Self::Ready { .. } | Self::InFlight { .. } | Self::Waiting { .. } => false,
        }
    }

    /// When an attempt may be made; `None` while one is being made and when nothing more will happen.
    pub fn due(&self) -> Option<EventTime> {
        match self {
            Self::Ready { since, .. } => Some(*since),
            Self::Waiting { until, .. } => Some(*until),
            Self::InFlight { .. } | Self::Succeeded { .. } | Self::Abandoned { .. } => None,
        }
    }
}

/// Decides what follows from an input.
pub fn next(state: State, input: Input, options: &RetryOptions) -> (State, Action) {
    match (state, input) {
        (State::Ready { attempt, since }, Input::Wake { .. }) => send(attempt, since),
        (State::Waiting { attempt, since, until }, Input::Wake { now }) => {
            if now >= until {
                send(attempt, since)
            } else {
                (State::Waiting { attempt, since, until }, Action::Wait { until })
            }
        }

        (State::InFlight { attempt, since }, Input::Failed { now, error, roll }) => {
            failed(attempt, since, now, &error, roll, options)
        }

        // An answer that arrives although its attempt was given up is still the truth.
        (
            State::Ready { attempt, .. }
            | State::InFlight { attempt, .. }
            | State::Waiting { attempt, .. }
            | State::Abandoned { attempt },
            Input::Accepted { now, remote_id },
        ) => {
            let receipt = Receipt { attempt, at: now, verdict: Verdict::Succeeded { remote_id } };
            (State::Succeeded { attempt }, Action::Record(receipt))
        }

        (
            State::Ready { attempt, .. } | State::InFlight { attempt, .. } | State::Waiting { attempt, .. },
            Input::Impossible { now, cause },
        ) => {
            let made = attempt.saturating_sub(1);
            let receipt =
                Receipt { attempt: made, at: now, verdict: Verdict::Abandoned { cause: cause.to_string() } };
            (State::Abandoned { attempt: made }, Action::Record(receipt))
        }

        (State::InFlight { attempt, since }, Input::Cut) => {
            (State::Ready { attempt, since }, Action::Nothing)
        }

        (state, Input::Recorded(receipt)) => (recorded(state, receipt), Action::Nothing),

        (state @ State::InFlight { .. }, Input::Wake { .. })
        | (state @ (State::Ready { .. } | State::Waiting { .. }), Input::Failed { .. } | Input::Cut)
        | (state @ State::Abandoned { .. }, Input::Impossible { .. })
        | (
            state @ (State::Succeeded { .. } | State::Abandoned { .. }),
            Input::Wake { .. } | Input::Failed { .. } | Input::Cut,
        )
        | (state @ State::Succeeded { .. }, Input::Accepted { .. } | Input::Impossible { .. }) => {
            (state, Action::Nothing)
        }
    }
}

fn send(attempt: u32, since: EventTime) -> (State, Action) {
    (State::InFlight { attempt, since }, Action::Send { attempt })
}

fn failed(
    attempt: u32,
    since: EventTime,
    now: EventTime,
    error: &DeliveryError,
    roll: Roll,
    options: &RetryOptions,
) -> (State, Action) {
    let cause = error.cause.to_string();
    let again = match error.class {
        ErrorClass::Retryable { retry_after } => options.next_attempt(attempt, since, now, retry_after, roll),
        ErrorClass::Permanent => None,
    };
    match again {
        Some(until) => (
            State::Waiting { attempt: attempt.saturating_add(1), since, until },
            Action::Record(Receipt { attempt, at: now, verdict: Verdict::Failed { cause, next: until } }),
        ),
        None => (
            State::Abandoned { attempt },
            Action::Record(Receipt { attempt, at: now, verdict: Verdict::Abandoned { cause } }),
        ),
    }
}

/// What a receipt of an earlier process makes of a state: success beats everything, an end beats a wait, and of
/// waits the one after the highest attempt counts, whatever the order in which they are read.
fn recorded(state: State, receipt: Receipt) -> State {
    let Receipt { attempt, at, verdict } = receipt;
    match (state, verdict) {
        (State::Succeeded { attempt }, _) => State::Succeeded { attempt },
        (_, Verdict::Succeeded { .. }) => State::Succeeded { attempt },
        (State::Abandoned { attempt }, _) => State::Abandoned { attempt },
        (_, Verdict::Abandoned { .. }) => State::Abandoned { attempt },
        (
            State::Ready { attempt: planned, since }
            | State::InFlight { attempt: planned, since }
            | State::Waiting { attempt: planned, since, .. },
            Verdict::Failed { next, .. },
        ) if attempt >= planned => {
            State::Waiting { attempt: attempt.saturating_add(1), since: since.min(at), until: next }
        }
        (State::Ready { attempt, since }, Verdict::Failed { .. }) => {
            State::Ready { attempt, since: since.min(at) }
        }
        (State::InFlight { attempt, since }, Verdict::Failed { .. }) => {
            State::InFlight { attempt, since: since.min(at) }
        }
        (State::Waiting { attempt, since, until }, Verdict::Failed { .. }) => {
            State::Waiting { attempt, since: since.min(at), until }
        }
    }
}

#[cfg(test)]
mod tests;
