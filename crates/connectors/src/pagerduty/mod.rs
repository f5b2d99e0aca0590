//! PagerDuty: v3 webhooks and REST exports become incidents, pages and shifts.

pub mod map;
pub mod webhook;

pub(crate) mod import;
pub(crate) mod wire;

pub use map::Mapping;
