//! The course of one delivery: (step, channel, target), from the first attempt to its end.
//!
//! What it is: the pure state machine, the waits between attempts, the idempotency key and the receipts. What it is
//! not: a loop; [`crate::service`] feeds it the time and the channels' answers.

pub mod backoff;
pub mod receipt;
pub mod state;

#[cfg(test)]
pub(crate) mod testing;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::channel::ChannelKind;
pub use backoff::RetryOptions;
pub use state::{Action, Input, State, next};

/// What makes a delivery this one and no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// Step id; a repeat has its own.
    pub step: String,
    /// Kind of channel.
    pub channel: ChannelKind,
    /// Target: its configured name, with `/` and the pseudonym where it addresses persons.
    pub target: String,
}

/// Joins the parts of the key's input; it occurs in no id.
const SEPARATOR: char = '\u{1f}';

impl DeliveryId {
    /// The same for every attempt of this delivery, in every process.
    pub fn idempotency_key(&self) -> IdempotencyKey {
        let input = format!("{}{SEPARATOR}{}{SEPARATOR}{}", self.step, self.channel, self.target);
        IdempotencyKey(format!("bw_{}", &hex::encode(Sha256::digest(input.as_bytes()))[..32]))
    }
}

/// Under which a receiver recognises a repeated attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Returns the text: `bw_` and 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key as a receipt carries it.
    pub(crate) fn recorded(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_depends_on_step_channel_and_target_and_on_nothing_else() {
        let id = |step: &str, channel, target: &str| DeliveryId {
            step: step.to_owned(),
            channel,
            target: target.to_owned(),
        };
        let key = id("e/L1", ChannelKind::Webhook, "ops").idempotency_key();
        assert_eq!(key, id("e/L1", ChannelKind::Webhook, "ops").idempotency_key());
        assert_ne!(key, id("e/L1/r1", ChannelKind::Webhook, "ops").idempotency_key());
        assert_ne!(key, id("e/L1", ChannelKind::Email, "ops").idempotency_key());
        assert_ne!(key, id("e/L1", ChannelKind::Webhook, "ops2").idempotency_key());
        assert_eq!(key.as_str(), "bw_d4b77a047a9c0e7d512607807334cdd3");
    }
}
