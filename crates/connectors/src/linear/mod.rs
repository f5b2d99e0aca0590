//! Linear: webhooks and GraphQL exports become tickets and sprints.
//!
//! A cycle is a sprint: it begins at `startsAt` and ends at `completedAt`, by itself at `endsAt`. The board of
//! everything is the team's id.

pub mod mapping;
pub mod webhook;

pub(crate) mod import;

mod cycle;
mod ticket;
mod wire;

pub use mapping::Mapping;
