//! Delivery of escalation steps: rendering, redaction, channels, receipts.
//!
//! What it is: the shell that turns a fired step into one message per target, sends it, and records what became of
//! it. What it is not: a judge of who is told what when (the escalator), or a client of the log (the binary connects
//! [`Service`] to the topics).
//!
//! ```text
//!   reference ──▶ Directory ─┐ names live only here
//!   step.fired ──────────────┼─▶ redaction ─▶ render ─▶ Message ─▶ one queue per target ─▶ Channel
//!   receipt ─────▶ restore ──┘   (level, audience, channel)            │
//!   receipt, dlq ◀─────────────────────────────────────────────────────┘
//! ```
//!
//! Invariants:
//! - The renderer sees a [`redaction::Redacted`] view and nothing else: a name that may not be shown cannot be reached.
//! - A delivery is identified by (step, channel, target); its idempotency key is the same for every attempt and every
//!   process. Delivery is at least once; the key is what makes a repeat harmless.
//! - One target's failures hold up no other target, and nothing is dropped silently: what is not delivered is
//!   abandoned with a receipt and a dead letter.
//! - Receipts, logs and metrics carry no name, address, URL or secret.

pub mod channel;
pub mod clock;
pub mod delivery;
pub mod directory;
pub mod message;
pub mod metric_definitions;
pub mod options;
pub mod random;
pub mod redaction;
pub mod render;
pub mod service;
pub mod sink;

mod future;
mod text;

#[cfg(test)]
mod testing;

pub use channel::{Accepted, Channel, ChannelKind, Delivery, DeliveryError};
pub use directory::Directory;
pub use options::{Options, Reader, Target};
pub use service::{Outlet, Service};
pub use sink::{DeadLetter, Outcome, Sink, SinkError};
