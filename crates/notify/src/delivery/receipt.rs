//! Receipts: what became of an attempt, as events of the topic `receipt`, and back.
//!
//! The id of a receipt is made of the idempotency key, the attempt and the verdict, so that one that is appended
//! twice is one event.

use bellwether_model::EventTime;
use bellwether_wire::{Event, Payload, instant, pb};

use super::{DeliveryId, IdempotencyKey};

/// CloudEvents source of receipts.
pub const SOURCE: &str = "bellwether://notify";

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The attempt, from 1; 0 when none was made.
    pub attempt: u32,
    /// When.
    pub at: EventTime,
    /// What.
    pub verdict: Verdict,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The target has it.
    Succeeded {
        /// The receiving system's id of it.
        remote_id: Option<String>,
    },
    /// It failed and will be repeated.
    Failed {
        /// Why.
        cause: String,
        /// When the next attempt is due.
        next: EventTime,
    },
    /// It is given up.
    Abandoned {
        /// Why.
        cause: String,
    },
}

impl Receipt {
    /// The event that records it.
    pub fn to_event(&self, id: &DeliveryId) -> Event {
        let key = id.idempotency_key();
        let at = Some(instant::timestamp(self.at));
        let (step, channel, recipient) = (id.step.clone(), id.channel.to_string(), id.target.clone());
        let (word, payload) = match &self.verdict {
            Verdict::Succeeded { remote_id } => (
                "succeeded",
                Payload::from(pb::DeliverySucceeded {
                    step,
                    channel,
                    recipient,
                    attempt: self.attempt,
                    idempotency_key: key.to_string(),
                    remote_id: remote_id.clone().unwrap_or_default(),
                    at,
                    ..Default::default()
                }),
            ),
            Verdict::Failed { cause, next } => (
                "failed",
                Payload::from(pb::DeliveryFailed {
                    step,
                    channel,
                    recipient,
                    attempt: self.attempt,
                    idempotency_key: key.to_string(),
                    cause: cause.clone(),
                    at,
                    next_attempt_at: Some(instant::timestamp(*next)),
                    ..Default::default()
                }),
            ),
            Verdict::Abandoned { cause } => (
                "abandoned",
                Payload::from(pb::DeliveryAbandoned {
                    step,
                    channel,
                    recipient,
                    attempt: self.attempt,
                    idempotency_key: key.to_string(),
                    cause: cause.clone(),
                    at,
                    ..Default::default()
                }),
            ),
        };
        Event::new(SOURCE, format!("{key}/{}/{word}", self.attempt), self.at, payload).about(id.step.clone())
    }

    /// The receipt in an event, with the key of its delivery; `None` for any other event.
    pub fn from_event(event: &Event) -> Option<(IdempotencyKey, Self)> {
        let (key, attempt, at, verdict) = match &event.payload {
            Payload::DeliverySucceeded(it) => {
                let remote_id = Some(it.remote_id.clone()).filter(|id| !id.is_empty());
                (&it.idempotency_key, it.attempt, &it.at, Verdict::Succeeded { remote_id })
            }
            Payload::DeliveryFailed(it) => {
                let next = instant::optional(it.next_attempt_at.as_ref()).unwrap_or(event.time);
                let verdict = Verdict::Failed { cause: it.cause.clone(), next };
                (&it.idempotency_key, it.attempt, &it.at, verdict)
            }
            Payload::DeliveryAbandoned(it) => {
                let verdict = Verdict::Abandoned { cause: it.cause.clone() };
                (&it.idempotency_key, it.attempt, &it.at, verdict)
            }
            _ => return None,
        };
        let at = instant::optional(at.as_ref()).unwrap_or(event.time);
        Some((IdempotencyKey::recorded(key), Self { attempt, at, verdict }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::ChannelKind;

    fn id() -> DeliveryId {
        DeliveryId { step: "e/L1".into(), channel: ChannelKind::Webhook, target: "ops".into() }
    }

    #[test]
    fn a_receipt_survives_both_forms_of_the_wire() {
        let at = EventTime::from_ms(1_700_000_000_123);
        let verdicts = [
            Verdict::Succeeded { remote_id: Some("r-1".into()) },
            Verdict::Succeeded { remote_id: None },
            Verdict::Failed { cause: "why".into(), next: at.plus(bellwether_model::Millis::seconds(5)) },
            Verdict::Abandoned { cause: "why".into() },
        ];
        for verdict in verdicts {
            let receipt = Receipt { attempt: 3, at, verdict };
            let event = receipt.to_event(&id());
            let line = bellwether_wire::json::write(&event);
            let read = bellwether_wire::json::read(&line).unwrap();
            assert_eq!(read, event);
            assert_eq!(Receipt::from_event(&read), Some((id().idempotency_key(), receipt)));
        }
    }

    #[test]
    fn a_receipt_appended_twice_is_one_event() {
        let receipt = Receipt {
            attempt: 1,
            at: EventTime::from_ms(5),
            verdict: Verdict::Abandoned { cause: "why".into() },
        };
        assert_eq!(receipt.to_event(&id()).id, receipt.to_event(&id()).id);
        let later = Receipt { attempt: 2, ..receipt.clone() };
        assert_ne!(receipt.to_event(&id()).id, later.to_event(&id()).id);
    }
}
