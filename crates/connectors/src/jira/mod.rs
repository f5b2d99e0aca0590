//! Jira Cloud and Data Center: webhooks and REST exports become tickets and sprints.
//!
//! ```text
//! payload -> wire -> snapshot -> (undo, for exports with a changelog) -> ticket -> event
//! ```
//!
//! A `snapshot` is an issue as Jira means it: a set of sprints, numbers by field, names by history. `ticket` makes
//! of it what the catalogue means: one sprint, points, a status category.

pub mod mapping;
pub mod webhook;

pub(crate) mod import;

mod category;
mod fields;
mod snapshot;
mod sprint;
mod ticket;
mod undo;
mod wire;

pub use mapping::Mapping;
