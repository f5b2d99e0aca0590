//! The channel port: one attempt to bring one message to one target.
//!
//! What it is: what a channel is given, what it answers, and the class by which retries are decided. What it is not: a
//! place for retries, receipts or redaction; those lie around it and are the same for every channel.
//!
//! A channel must answer within its own time-out, be safe to repeat under the same idempotency key, and put no name,
//! address, URL or response body into a [`Cause`].

pub mod memory;
pub mod terminal;
pub mod webhook;

use std::fmt;

use bellwether_model::{EventTime, Millis};
use bellwether_wire::{EventId, pb};

use crate::delivery::DeliveryId;
use crate::directory::Address;
pub use crate::future::BoxFuture;
use crate::message::Message;

/// Kind of a channel, as policies and receipts call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// A signed HTTP request.
    Webhook,
    /// Text on a terminal or in a log.
    Terminal,
    /// A chat system.
    Chat,
    /// Electronic mail.
    Email,
}

impl ChannelKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Webhook, Self::Terminal, Self::Chat, Self::Email];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Terminal => "terminal",
            Self::Chat => "chat",
            Self::Email => "email",
        }
    }

    /// Reads a name; exact.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One attempt: what to bring where. Everything in it is redacted for its target.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Step, channel and target; gives the idempotency key.
    pub id: DeliveryId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// When it is made.
    pub at: EventTime,
    /// What to say.
    pub message: Message,
    /// The step as the target may see it.
    pub step: pb::StepFired,
    /// Attributes of the event the step came in.
    pub envelope: Envelope,
    /// Whom to reach, for channels that address persons; `None` where the target itself is the address.
    pub address: Option<Address>,
}

/// Attributes of the event a step came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Identity of the event.
    pub id: EventId,
    /// When the step fired.
    pub time: EventTime,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// The target has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// The receiving system's id of it, where it gave one.
    pub remote_id: Option<String>,
}

/// What to do about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The same request may succeed later.
    Retryable {
        /// How long the target asks to be left alone.
        retry_after: Option<Millis>,
    },
    /// The same request will never succeed.
    Permanent,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct DeliveryError {
    /// What to do about it.
    pub class: ErrorClass,
    /// What happened.
    pub cause: Cause,
}

impl DeliveryError {
    /// An error that a later attempt may mend.
    pub fn retryable(cause: Cause) -> Self {
        Self { class: ErrorClass::Retryable { retry_after: None }, cause }
    }

    /// An error that no later attempt mends.
    pub fn permanent(cause: Cause) -> Self {
        Self { class: ErrorClass::Permanent, cause }
    }
}

/// What happened, from a closed set: nothing the target sent can reach a receipt or a log through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The target answered with a status that is no success.
    #[error("the target answered with status {0}")]
    Status(u16),
    /// The target answered with a redirect, which is not followed.
    #[error("the target answered with a redirect ({0}), which is not followed: configure the final address")]
    Redirect(u16),
    /// No answer in time.
    #[error("no answer within the time-out")]
    TimedOut,
    /// No connection: name resolution, refusal, or TLS.
    #[error("no connection to the target")]
    NoConnection,
    /// The target's name resolves to addresses that are not allowed.
    #[error("the target's address is private, and private networks are not allowed for it")]
    AddressNotAllowed,
    /// The connection broke, or what came was no HTTP.
    #[error("the connection broke before an answer came")]
    Broken,
    /// A local device did not take the text.
    #[error("the output did not take the text")]
    Output,
    /// The step cannot be shown: no level 1 to 5.
    #[error("the step has no level 1 to 5")]
    Unreadable,
    /// More deliveries are waiting for this target than it may hold.
    #[error("too many deliveries are waiting for the target")]
    QueueFull,
    /// Whoever delivers to the target has ended.
    #[error("nobody delivers to the target any more: restart the process")]
    NoWorker,
    /// The step fired too long ago.
    #[error("the step is older than deliveries may be")]
    TooOld,
    /// The recipient has no address for this channel.
    #[error("the recipient has no address for the channel")]
    NoAddress,
}

/// Brings messages to a target.
pub trait Channel: Send + Sync + fmt::Debug + 'static {
    /// Its kind.
    fn kind(&self) -> ChannelKind;

    /// Makes one attempt. Ready within the channel's time-out.
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Accepted, DeliveryError>>;
}
