//! The configuration: `defaults.toml`, then a file, then the environment, then flags.
//!
//! Raw text becomes typed values here and nowhere else; a key that does not exist is an error that names it.

mod check;
#[cfg(test)]
mod documented;
pub(crate) mod flag;
pub(crate) mod mapping;
pub(crate) mod problem;
mod read;

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
use crate::topic_set::TimeMode;
use flag::Flag;
use mapping::{JiraMapping, LinearMapping, Mappings, PagerDutyMapping};

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
    /// Partition counts, and time.
    pub topics: Topics,
    /// The embedded broker.
    pub broker: Broker,
    /// Metrics, health and webhooks.
    pub http: Http,
    /// Keys of ids and pseudonyms.
    pub keys: Keys,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// What a start takes up.
    pub restore: Restore,
    /// Numbers that decide.
    pub thresholds: BTreeMap<String, toml::Value>,
    /// Parameters of the cost model.
    pub cost_model: BTreeMap<String, toml::Value>,
    /// Webhook sources.
    pub connect: Connect,
    /// Raw exports.
    pub import: Import,
    /// How payloads become events.
    pub mapping: Mappings,
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

/// Partition counts, and time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Topics {
    /// Of facts.
    pub facts_partitions: u32,
    /// Of trigger, command, escalation and its delay topic.
    pub function_partitions: u32,
    /// How time comes into them.
    pub time: TimeMode,
}

/// The embedded broker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Broker {
    /// Address.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// never, commit, or an interval.
    pub durability: String,
}

/// The HTTP side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Http {
    /// Address.
    #[serde(deserialize_with = "address")]
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

/// What a start takes up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Restore {
    /// Generation of the topic set; snapshots of another one are not seen.
    pub epoch: String,
    /// What to do when a group has lost its positions.
    pub lost_positions: LostPositions,
}

impl Default for Restore {
    fn default() -> Self {
        Self { epoch: "1".to_owned(), lost_positions: LostPositions::Refuse }
    }
}

/// What to do about state whose group has no positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LostPositions {
    /// Stop and say so.
    Refuse,
    /// Go on from the newest state; what was said after it is said again.
    Resume,
}

impl From<LostPositions> for bellwether_runtime::LostPositions {
    fn from(word: LostPositions) -> Self {
        match word {
            LostPositions::Refuse => Self::Refuse,
            LostPositions::Resume => Self::Resume,
        }
    }
}

/// Raw exports.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Import {
    /// Largest document.
    pub document_bytes_max: u64,
}

/// Webhook sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Connect {
    /// Largest body.
    pub body_limit_bytes: usize,
    /// Bytes of bodies held at once.
    pub buffered_bytes_max: usize,
    /// Deliveries handled at once.
    pub requests_max: usize,
    /// How far the signed instant of a Linear delivery may be from now.
    pub linear_window_seconds: u32,
    /// Keep verified bodies that cannot be mapped.
    pub keep_unmapped: bool,
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
    /// Where this one differs from all of its kind.
    #[serde(default)]
    pub mapping: JiraMapping,
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
    /// Where this one differs from all of its kind.
    #[serde(default)]
    pub mapping: LinearMapping,
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
    /// Where this one differs from all of its kind.
    #[serde(default)]
    pub mapping: PagerDutyMapping,
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
    /// Reads defaults, file, environment and flags.
    ///
    /// # Errors
    /// When the file is no TOML, a key does not exist or a value does not fit: all of them, each with its place.
    pub(crate) fn load(file: Option<&Path>, flags: &[Flag]) -> Result<Self, Failure> {
        if let Some(path) = file
            && !path.is_file()
        {
            return Err(Failure::new(
                Exit::Usage,
                format!("there is no configuration file {}", path.display()),
            )
            .hint("name an existing file, or leave --config out"));
        }
        file.map(read::require_toml).transpose()?;
        let figment = figment(file, flags);
        let Ok(config) = figment.extract::<Self>() else { return Err(refused(&read::problems(&figment))) };
        let problems: Vec<_> =
            check::problems(&config).into_iter().map(|problem| problem.located(&figment)).collect();
        if let Some(failure) = problem::failure(&problems) {
            return Err(failure);
        }
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

    /// Parameters of the cost model, as they would be typed.
    pub(crate) fn cost_model(&self) -> BTreeMap<String, String> {
        self.cost_model.iter().map(|(key, value)| (key.clone(), plain(value))).collect()
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

fn address<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::cli::address(&text).map_err(|why| serde::de::Error::custom(format!("`{text}` is {why}")))
}

/// The failure of settings that could not be read.
fn refused(problems: &[problem::Problem]) -> Failure {
    problem::failure(problems).unwrap_or_else(|| Failure::new(Exit::Usage, "the configuration is not valid"))
}

/// Defaults, file, environment and flags, in that order.
pub(crate) fn figment(file: Option<&Path>, flags: &[Flag]) -> Figment {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(file) = file {
        figment = figment.merge(Toml::file_exact(file));
    }
    figment = figment.merge(
        Env::prefixed("BELLWETHER_")
            .filter(|key| key != "fixtures" && key != "kafka" && !key.as_str().is_empty())
            .map(|key| key.as_str().replace("__", ".").replace('_', "-").to_lowercase().into()),
    );
    flags.iter().fold(figment, |figment, flag| figment.merge(flag.clone()))
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
        let config = Config::load(None, &[]).expect("defaults");
        assert_eq!(config.kafka.prefix, "bellwether");
        assert_eq!(config.thresholds().expect("thresholds"), Thresholds::default());
    }

    #[test]
    fn what_a_flag_says_comes_last_and_is_checked_like_everything_else() {
        let flag = |value: &str| Flag { flag: "--prefix", key: "kafka.prefix", value: value.to_owned() };
        assert_eq!(Config::load(None, &[flag("acme")]).expect("valid").kafka.prefix, "acme");
        for wrong in ["", "a b"] {
            let failure = Config::load(None, &[flag(wrong)]).expect_err("refused").to_string();
            assert!(failure.contains("--prefix: kafka.prefix ="), "{failure}");
        }
    }

    #[test]
    fn a_key_that_does_not_exist_is_named() {
        let failure = refusal("[kafka]\nbootstrap = \"x\"\n");
        assert!(failure.contains("c.toml: kafka.bootstrap: there is no such key"), "{failure}");
        assert!(failure.contains("bootstrap-servers, prefix"), "what there is: {failure}");
    }

    #[test]
    fn a_threshold_that_does_not_exist_is_named() {
        let failure = refusal("[thresholds]\n\"page-load.pages-per-wek\" = 5\n");
        assert!(failure.contains("page-load.pages-per-week"), "{failure}");
    }

    #[test]
    fn every_bad_value_is_told_with_its_file_its_key_and_what_to_do() {
        let failure = refusal(
            "[restore]\nepoch = \"a/b\"\n[topics]\nfacts-partitions = 0\n[mapping.jira]\n\
             points-fields = [\"Story Points\"]\n[keys]\nid-key = \"hush\"\n[[connect.jira]]\nsite = \"acme\"\n\
             [connect.jira.mapping]\nsize-fields = [\"Size\"]\n[[connect.jira]]\nsite = \"acme\"\n",
        );
        for told in [
            "6 settings are not valid",
            "c.toml: restore.epoch = \"a/b\"",
            "c.toml: topics.facts-partitions = 0: nothing could ever happen\n      at least 1",
            "c.toml: mapping.jira.points-fields = \"Story Points\": not the id of a custom field\n      such as",
            "c.toml: connect.jira.0.mapping.size-fields = \"Size\"",
            "c.toml: connect.jira.1.site = \"acme\": it is there twice",
            "c.toml: keys.id-key = (not shown): not 64 hexadecimal digits",
        ] {
            assert!(failure.contains(told), "{told} is not in: {failure}");
        }
        assert!(!failure.contains("hush"), "{failure}");
    }

    #[test]
    fn a_value_of_another_kind_is_told_with_what_there_is() {
        let failure = refusal("[restore]\nlost-positions = \"forget\"\n");
        assert!(
            failure.contains("c.toml: restore.lost-positions: `forget` is none of its values"),
            "{failure}"
        );
        assert!(failure.contains("one of: refuse, resume"), "{failure}");
        let failure = refusal("[mapping.jira.categories]\n\"In Review\" = \"doing\"\n");
        assert!(failure.contains("mapping.jira.categories.In Review: `doing`"), "{failure}");
        assert!(failure.contains("todo, in-progress, done, cancelled"), "{failure}");
        let failure = refusal("[keys]\nid-key = 4711\n");
        assert!(failure.contains("keys.id-key") && !failure.contains("4711"), "{failure}");
    }

    #[test]
    fn every_value_of_another_kind_is_told_at_once_and_beside_what_else_is_wrong() {
        let failure = refusal(
            "[kafka]\nprefix = 4\nbootstrap = \"x\"\n[topics]\nfacts-partitions = \"many\"\nfunction-partitions = 0\n\
             [[connect.linear]]\nworkspace = 7\n[[notify.webhook]]\nname = \"a\"\nurl = \"https://a.example\"\n\
             secrets = [\"hush-hush\"]\nreader = \"nobody\"\n",
        );
        for told in [
            "7 settings are not valid",
            "c.toml: kafka.prefix: invalid type: found signed int `4`, expected a string",
            "the default is \"bellwether\"",
            "c.toml: kafka.bootstrap: there is no such key",
            "c.toml: topics.facts-partitions: invalid type: found string \"many\", expected u32",
            "c.toml: topics.function-partitions = 0",
            "c.toml: connect.linear.0.workspace",
            "c.toml: notify.webhook.0.secrets.0: not a signing secret\n      `whsec_` and 24 to 64 random bytes in base64",
            "c.toml: notify.webhook.0.reader: `nobody` is none of its values",
        ] {
            assert!(failure.contains(told), "{told} is not in: {failure}");
        }
        assert!(!failure.contains("hush"), "{failure}");
        assert!(!failure.contains("is missing"), "nothing is missing: {failure}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_with_line_column_and_what_is_expected_but_not_what_it_says() {
        let failure = refusal("[kafka]\nprefix = \"x\"\n[keys\nid-key = \"hush\"\n");
        assert!(failure.contains("c.toml is not TOML: line 3, column 6"), "{failure}");
        assert!(failure.contains("expected `]`"), "{failure}");
        let failure = refusal("[keys]\nid-key = \"hush\n");
        assert!(failure.contains("is not TOML: line 2, column ") && !failure.contains("hush"), "{failure}");
    }

    #[test]
    fn a_source_without_a_name_is_refused() {
        let failure = refusal("[[connect.linear]]\nworkspace = \"\"\n");
        assert!(failure.contains("connect.linear.0.workspace = \"\": a source needs a name"), "{failure}");
    }

    #[test]
    fn an_address_that_is_none_is_told_with_what_it_says() {
        let failure = refusal("[http]\nlisten = \"localhost:8080\"\n");
        assert!(
            failure.contains("http.listen: `localhost:8080` is not an IP address and a port"),
            "{failure}"
        );
    }

    #[test]
    fn what_is_wrong_inside_a_value_is_not_told_again_of_the_whole() {
        let failure = refusal(
            "[[notify.webhook]]\nname = \"a\"\nurl = \"https://a.example\"\n\
             secrets = [\"whsec_ZG9jcy12ZWN0b3ItMDEyMzQ1Njc4OWFiY2RlZg==\"]\n\
             reader = { role = { audience = \"nobody\" } }\n",
        );
        assert!(failure.contains("1 setting is not valid"), "{failure}");
        assert!(failure.contains("reader.role.audience: `nobody`"), "{failure}");
    }

    #[test]
    fn what_a_start_takes_up_is_by_default_what_the_defaults_file_says() {
        assert_eq!(Config::load(None, &[]).expect("defaults").restore, Restore::default());
    }

    /// What is said about a file.
    fn refusal(text: &str) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("c.toml");
        std::fs::write(&file, text).expect("written");
        Config::load(Some(&file), &[]).expect_err("refused").to_string()
    }
}
