//! The configuration: `defaults.toml`, then a file, then the environment, then flags.
//!
//! Raw text becomes typed values here and nowhere else; a key that does not exist is an error that names it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bellwether_model::{Millis, Thresholds};
use bellwether_notify::channel::webhook::{Address, Secret, WebhookOptions};
use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use secrecy::SecretString;
use serde::Deserialize;

use crate::failure::{Context as _, Exit, Failure};

/// The commented defaults, which are the reference.
pub(crate) const DEFAULTS: &str = include_str!("../defaults.toml");

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Where `up` keeps everything.
    pub dir: PathBuf,
    /// The log.
    pub kafka: Kafka,
    /// Partition counts.
    pub topics: Topics,
    /// The embedded broker.
    pub broker: Broker,
    /// Metrics, health and webhooks.
    pub http: Http,
    /// Keys of ids and pseudonyms.
    pub keys: Keys,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// Numbers that decide.
    pub thresholds: BTreeMap<String, toml::Value>,
    /// Webhook sources.
    pub connect: Connect,
    /// Channels.
    pub notify: Notify,
    /// Logging.
    pub log: Log,
}

/// How to reach the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Kafka {
    /// `host:port`, comma separated; empty for the embedded broker.
    pub bootstrap_servers: String,
    /// First part of every name.
    pub prefix: String,
    /// Number of this process among those of one role.
    pub ordinal: u32,
    /// Replication factor of created topics.
    pub replication: u16,
    /// Further client settings by their librdkafka names.
    pub settings: BTreeMap<String, toml::Value>,
}

/// Partition counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Topics {
    /// Of facts.
    pub facts_partitions: u32,
    /// Of trigger, command, escalation and its delay topic.
    pub function_partitions: u32,
}

/// The embedded broker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Broker {
    /// Address.
    pub listen: SocketAddr,
    /// never, commit, or an interval.
    pub durability: String,
}

/// The HTTP side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Http {
    /// Address.
    pub listen: SocketAddr,
}

/// Keys, hexadecimal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Keys {
    /// Of trigger ids.
    pub id_key: SecretString,
    /// Of pseudonyms.
    pub pseudonym_key: SecretString,
}

/// Snapshots.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Snapshots {
    /// Folder; empty for `snapshots` below `dir`.
    pub dir: PathBuf,
}

/// Webhook sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Connect {
    /// Largest body.
    pub body_limit_bytes: usize,
    /// Accept Jira webhooks without a signature.
    pub allow_unsigned_jira: bool,
    /// Jira sites.
    pub jira: Vec<JiraSource>,
    /// Linear workspaces.
    pub linear: Vec<LinearSource>,
    /// PagerDuty accounts.
    pub pagerduty: Vec<PagerDutySource>,
}

/// A Jira site.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct JiraSource {
    /// Last part of `jira://site` and of the webhook path.
    pub site: String,
    /// Signing secrets; any may match.
    #[serde(default)]
    pub secrets: Vec<SecretString>,
}

/// A Linear workspace.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LinearSource {
    /// Last part of `linear://workspace` and of the webhook path.
    pub workspace: String,
    /// Signing secrets; any may match.
    #[serde(default)]
    pub secrets: Vec<SecretString>,
}

/// A PagerDuty account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PagerDutySource {
    /// Last part of `pagerduty://account` and of the webhook path.
    pub account: String,
    /// Signing secrets; any may match.
    #[serde(default)]
    pub secrets: Vec<SecretString>,
}

/// Channels.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Notify {
    /// Print every message.
    pub terminal: bool,
    /// Signed webhooks.
    pub webhook: Vec<WebhookTarget>,
}

/// A signed webhook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WebhookTarget {
    /// Name in receipts.
    pub name: String,
    /// Address.
    pub url: Address,
    /// Signing secrets, newest first; several while one is being replaced.
    pub secrets: Vec<Secret>,
    /// Who reads it.
    pub reader: bellwether_notify::Reader,
    /// True when others than the reader can see it.
    #[serde(default)]
    pub shared: bool,
    /// Levels it receives; empty for all.
    #[serde(default)]
    pub levels: Vec<bellwether_model::Level>,
    /// Functions it receives steps of; empty for all.
    #[serde(default)]
    pub functions: Vec<String>,
    /// True to allow private and loopback addresses, and plain http to them.
    #[serde(default)]
    pub allow_private_networks: bool,
}

/// Logging.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Log {
    /// human or json.
    pub format: LogFormat,
    /// Filter directives.
    pub filter: String,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// For people.
    Human,
    /// For machines.
    Json,
}

impl WebhookTarget {
    /// Settings of the channel. One attempt may take ten seconds: receivers are asked to queue and answer.
    pub(crate) fn options(&self) -> WebhookOptions {
        WebhookOptions {
            url: self.url.clone(),
            secrets: self.secrets.clone(),
            timeout: Millis::seconds(10),
            allow_private_networks: self.allow_private_networks,
        }
    }
}

impl Config {
    /// Reads defaults, file and environment.
    ///
    /// # Errors
    /// When a key does not exist or a value does not fit, naming it.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = file
            && !path.is_file()
        {
            return Err(Failure::new(
                Exit::Usage,
                format!("there is no configuration file {}", path.display()),
            )
            .hint("name an existing file, or leave --config out"));
        }
        let config: Self = figment(file).extract().map_err(|error| {
            Failure::new(Exit::Usage, "the configuration is not valid")
                .because(anyhow::anyhow!("{error}"))
                .hint("`bellwether config print` shows every key with its default")
        })?;
        config.thresholds()?;
        Ok(config)
    }

    /// The thresholds in force before reference data.
    ///
    /// # Errors
    /// When a key is not known or its value does not fit.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, Failure> {
        let mut thresholds = Thresholds::default();
        for (key, value) in &self.thresholds {
            thresholds
                .set(key, &plain(value))
                .or_fail(Exit::Usage, || format!("thresholds.{key} is not valid"))?;
        }
        Ok(thresholds)
    }

    /// Folder of snapshots.
    pub(crate) fn snapshot_dir(&self) -> PathBuf {
        if self.snapshots.dir.as_os_str().is_empty() {
            self.dir.join("snapshots")
        } else {
            self.snapshots.dir.clone()
        }
    }
}

/// Defaults, file and environment, in that order.
pub(crate) fn figment(file: Option<&Path>) -> Figment {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(file) = file {
        figment = figment.merge(Toml::file_exact(file));
    }
    figment.merge(
        Env::prefixed("BELLWETHER_")
            .filter(|key| key != "fixtures" && key != "kafka" && !key.as_str().is_empty())
            .map(|key| key.as_str().replace("__", ".").replace('_', "-").to_lowercase().into()),
    )
}

/// A value as it would be typed.
pub(crate) fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_a_whole_and_valid_configuration() {
        let config = Config::load(None).expect("defaults");
        assert_eq!(config.kafka.prefix, "bellwether");
        assert_eq!(config.thresholds().expect("thresholds"), Thresholds::default());
    }

    #[test]
    fn a_key_that_does_not_exist_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "[kafka]\nbootstrap = \"x\"\n").expect("written");
        let failure = Config::load(Some(&file)).expect_err("refused").to_string();
        assert!(failure.contains("bootstrap"), "{failure}");
    }

    #[test]
    fn a_threshold_that_does_not_exist_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "[thresholds]\n\"page-load.pages-per-wek\" = 5\n").expect("written");
        let failure = Config::load(Some(&file)).expect_err("refused").to_string();
        assert!(failure.contains("page-load.pages-per-week"), "{failure}");
    }
}
