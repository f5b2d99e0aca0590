//! Settings of the receiver: who may deliver, with which secrets, and the bounds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Millis;
use secrecy::SecretString;

use crate::clock::{Clock, SystemClock};
use crate::source::Source;
use crate::{jira, linear, pagerduty};

/// One Jira site.
#[derive(Debug, Clone, Default)]
pub struct JiraEndpoint {
    /// Secrets that may have signed, newest first; several while one is being replaced.
    pub secrets: Vec<SecretString>,
    /// Takes deliveries without a signature. Data Center before its webhooks had secrets needs it; protect the path
    /// otherwise. A signature that is there must still be right.
    pub accept_unsigned: bool,
    /// How payloads become events.
    pub mapping: jira::Mapping,
}

/// One Linear workspace.
#[derive(Debug, Clone, Default)]
pub struct LinearEndpoint {
    /// Secrets that may have signed.
    pub secrets: Vec<SecretString>,
    /// How payloads become events.
    pub mapping: linear::Mapping,
}

/// One PagerDuty account.
#[derive(Debug, Clone, Default)]
pub struct PagerDutyEndpoint {
    /// Secrets that may have signed: one per subscription, more during rotation.
    pub secrets: Vec<SecretString>,
    /// How payloads become events.
    pub mapping: pagerduty::Mapping,
}

/// Settings of the receiver. The keys are the last segments of the paths and become source URIs.
#[derive(Debug, Clone)]
pub struct ReceiverOptions {
    /// Jira by site.
    pub jira: BTreeMap<String, JiraEndpoint>,
    /// Linear by workspace.
    pub linear: BTreeMap<String, LinearEndpoint>,
    /// PagerDuty by account (the subdomain).
    pub pagerduty: BTreeMap<String, PagerDutyEndpoint>,
    /// Requests handled at once; one more is answered 503.
    pub requests_max: usize,
    /// Longest body taken from anybody; above it the answer is 413. PagerDuty and Linear have lower limits anyway.
    pub body_bytes_max: usize,
    /// Bytes of bodies held at once; a body that does not fit is answered 503.
    pub bytes_max: usize,
    /// How far Linear's `webhookTimestamp` may be from now.
    pub linear_window: Millis,
    /// Keeps verified bodies that cannot be mapped.
    pub keep_unmapped: bool,
    /// Judges the replay window.
    pub clock: Arc<dyn Clock>,
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        Self {
            jira: BTreeMap::new(),
            linear: BTreeMap::new(),
            pagerduty: BTreeMap::new(),
            requests_max: REQUESTS_MAX,
            body_bytes_max: BODY_BYTES_MAX,
            bytes_max: BYTES_MAX,
            linear_window: LINEAR_WINDOW,
            keep_unmapped: true,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Requests handled at once by default: at 20 ms for a commit this is some 12,000 deliveries a second.
const REQUESTS_MAX: usize = 256;

/// Bytes of bodies held at once by default: an amount of memory nobody misses.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Linear's own rule: a delivery older than a minute is a replay.
const LINEAR_WINDOW: Millis = Millis::seconds(60);

/// Longest body by default: what Jira says it sends at most.
const BODY_BYTES_MAX: usize = 25 * 1024 * 1024;

/// Longest body of PagerDuty: it drops what is above 256 KiB itself.
const PAGERDUTY_BYTES_MAX: usize = 512 * 1024;

/// Longest body of Linear: an issue with its description, several times over.
const LINEAR_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Time for the whole of a request, below what the source waits: PagerDuty and Linear 5 s, Jira 30 s.
pub(crate) fn time_limit(source: Source) -> Duration {
    match source {
        Source::PagerDuty | Source::Linear => Duration::from_millis(4_500),
        Source::Jira => Duration::from_secs(25),
    }
}

/// Settings that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Nobody could ever deliver.
    #[error("{word} `{account}` has no webhook secret; set one{hint}", word = source_kind.word())]
    NoSecret {
        /// Which source.
        source_kind: Source,
        /// Which account.
        account: String,
        /// What else would do.
        hint: &'static str,
    },
    /// The name cannot be a path segment or a URI authority.
    #[error(
        "{word} `{account}` is no account name: use letters, digits, `.`, `-` and `_`", word = source_kind.word()
    )]
    Account {
        /// Which source.
        source_kind: Source,
        /// What it says.
        account: String,
    },
}

impl ReceiverOptions {
    /// Longest body taken from a source.
    pub(crate) fn body_bytes_max(&self, source: Source) -> usize {
        match source {
            Source::PagerDuty => self.body_bytes_max.min(PAGERDUTY_BYTES_MAX),
            Source::Linear => self.body_bytes_max.min(LINEAR_BYTES_MAX),
            Source::Jira => self.body_bytes_max,
        }
    }

    /// Checks that every endpoint can be reached and believed.
    ///
    /// # Errors
    /// At the first endpoint that cannot.
    pub fn check(&self) -> Result<(), OptionsError> {
        let jira = self.jira.iter().map(|(account, endpoint)| {
            (Source::Jira, account, !endpoint.secrets.is_empty() || endpoint.accept_unsigned)
        });
        let linear = self
            .linear
            .iter()
            .map(|(account, endpoint)| (Source::Linear, account, !endpoint.secrets.is_empty()));
        let pagerduty = self
            .pagerduty
            .iter()
            .map(|(account, endpoint)| (Source::PagerDuty, account, !endpoint.secrets.is_empty()));
        for (source_kind, account, believable) in jira.chain(linear).chain(pagerduty) {
            if !is_account(account) {
                return Err(OptionsError::Account { source_kind, account: account.clone() });
            }
            if !believable {
                let hint = match source_kind {
                    Source::Jira => ", or accept unsigned deliveries on a path nobody else can reach",
                    Source::Linear | Source::PagerDuty => "",
                };
                return Err(OptionsError::NoSecret { source_kind, account: account.clone(), hint });
            }
        }
        Ok(())
    }
}

fn is_account(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_a_secret_is_refused_at_start_unless_unsigned_is_allowed() {
        let mut options = ReceiverOptions::default();
        options.jira.insert("acme".to_owned(), JiraEndpoint::default());
        assert!(matches!(options.check(), Err(OptionsError::NoSecret { source_kind: Source::Jira, .. })));
        options
            .jira
            .insert("acme".to_owned(), JiraEndpoint { accept_unsigned: true, ..JiraEndpoint::default() });
        assert_eq!(options.check(), Ok(()));
        options.linear.insert("a/b".to_owned(), LinearEndpoint::default());
        assert!(matches!(options.check(), Err(OptionsError::Account { .. })));
    }

    #[test]
    fn secrets_are_in_no_debug_output() {
        let mut options = ReceiverOptions::default();
        let secrets = vec![SecretString::from("hush-hush")];
        options.linear.insert("acme".to_owned(), LinearEndpoint { secrets, ..LinearEndpoint::default() });
        assert!(!format!("{options:?}").contains("hush"));
    }
}
