//! Settings of an import, and how it tells where it stands.

use std::path::PathBuf;

use bellwether_model::EventTime;

use crate::{jira, linear, pagerduty};

/// Settings of an import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Jira site; otherwise found in the payloads' own links.
    pub jira_site: Option<String>,
    /// Linear workspace; otherwise found in the payloads' own links.
    pub linear_workspace: Option<String>,
    /// PagerDuty account; otherwise found in the payloads' own links.
    pub pagerduty_account: Option<String>,
    /// How Jira payloads become events.
    pub jira: jira::Mapping,
    /// How Linear payloads become events.
    pub linear: linear::Mapping,
    /// How PagerDuty payloads become events.
    pub pagerduty: pagerduty::Mapping,
    /// Also emits `person`, `identity`, `squad` and `membership` events inferred from users, boards and teams.
    /// They carry names, and ids that begin with `inferred:`.
    pub infer_reference: bool,
    /// Through which instant the export has everything: when it was taken, as whoever took it knows. `None` says nothing.
    pub complete_through: Option<EventTime>,
    /// Longest single JSON document, line or compressed file once unpacked; longer ones are refused.
    pub document_bytes_max: u64,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            jira_site: None,
            linear_workspace: None,
            pagerduty_account: None,
            jira: jira::Mapping::default(),
            linear: linear::Mapping::default(),
            pagerduty: pagerduty::Mapping::default(),
            infer_reference: false,
            complete_through: None,
            document_bytes_max: DOCUMENT_BYTES_MAX,
        }
    }
}

/// Longest document by default: far above any page of any API, and what a laptop can hold as a tree.
const DOCUMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading files.
    Reading,
    /// Making events of what was read.
    Mapping,
    /// Handing events over.
    Emitting,
}

/// Where an import stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// The file being read.
    pub file: Option<PathBuf>,
    /// Files, or events, done.
    pub done: u64,
    /// Files, or events, in all.
    pub total: u64,
}
