//! The webhook receiver: verify, map, hand over, answer.
//!
//! ```text
//! POST /webhooks/jira/{site}            X-Hub-Signature: sha256=...
//! POST /webhooks/linear/{workspace}     Linear-Signature: ...
//! POST /webhooks/pagerduty/{account}    X-PagerDuty-Signature: v1=...,v1=...
//! ```
//!
//! What it is not: a listener (the binary binds the socket), a buffer, or the log's client.
//!
//! Invariants:
//! - 200 is sent only after the sink acknowledged every event of the delivery.
//! - Our own trouble is always 503 with `Retry-After`, never 4xx: PagerDuty drops what gets 4xx.
//! - A verified body is never lost: what cannot be mapped is kept (see [`crate::unmapped`]) unless that is switched
//!   off, or is known to say nothing the catalogue needs.
//! - The signature is checked over the bytes as they came, before any parsing.

mod delivery;
mod options;
mod receive;
mod refusal;
mod router;

pub use delivery::{Delivery, Disposition, Outcome};
pub use options::{JiraEndpoint, LinearEndpoint, OptionsError, PagerDutyEndpoint, ReceiverOptions};
pub use refusal::Refusal;
pub use router::router;
