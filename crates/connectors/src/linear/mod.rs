//! Linear: webhooks and GraphQL exports become tickets and sprints.

pub mod webhook;

pub(crate) mod import;

/// How Linear payloads become events.
#[derive(Debug, Clone, Default)]
pub struct Mapping {}
