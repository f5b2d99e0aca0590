//! Jira Cloud and Data Center: webhooks and REST exports become tickets and sprints.

pub mod webhook;

pub(crate) mod import;

/// How Jira payloads become events.
#[derive(Debug, Clone, Default)]
pub struct Mapping {}
