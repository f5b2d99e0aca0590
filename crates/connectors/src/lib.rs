//! Connectors: Jira, Linear and PagerDuty, by webhook and from raw exports; GitHub and GitLab from raw exports.
//!
//! What it is: the border where a vendor's payload becomes events of the catalogue. One folder per source: `wire`
//! reads leniently what they really send, `map` is pure (payload in, events out), `webhook` verifies and
//! dispatches, `import` gathers raw exports. What it is not: a client of the log (events leave through [`Sink`]),
//! a poller, or a rule: nothing here decides what a sprint or a page is worth.
//!
//! Invariants:
//! - The answer 2xx is sent only after the [`Sink`] acknowledged the events.
//! - An event's identity comes from the source's own ids: the same delivery twice, or the same file twice, gives
//!   the same events.
//! - No payload, however damaged, panics; what cannot be mapped is kept or refused with its reason.
//! - No name of a person leaves through anything but `reference` events, and those only when asked for.
//! - Secrets are in no `Debug`, log line or metric.

pub mod clock;
pub mod import;
pub mod jira;
pub mod linear;
pub mod metric_definitions;
pub mod pagerduty;
pub mod rules;
pub mod signature;
pub mod sink;
pub mod source;
pub mod unmapped;
pub mod webhook;

mod forge;
mod ids;
mod instant;
mod lenient;

pub use import::{FileReport, ImportOptions, ImportReport, Progress, Verdict, import};
pub use sink::{Sink, SinkError};
pub use source::Source;
pub use webhook::{ReceiverOptions, router};
