//! `bellwether config check|print`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use bellwether_model::Thresholds;
use bellwether_wire::ids::HashKey;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::cli::{ConfigCommand, Global};
use crate::client;
use crate::config::problem::{self, Problem};
use crate::config::{self, Config};
use crate::failure::{Context as _, Exit, Failure};
use crate::format::{self, Format};
use crate::roles::{connect, notify};

/// Checks or prints.
///
/// # Errors
/// When something is not valid.
pub(super) fn run(global: &Global, config: &Config, command: &ConfigCommand) -> Result<ExitCode, Failure> {
    match command {
        ConfigCommand::Check => {
            let figment = config::figment(global.config.as_deref(), &global.settings());
            let found: Vec<Problem> =
                edges(config).into_iter().map(|problem| problem.located(&figment)).collect();
            if let Some(failure) = problem::failure(&found) {
                return Err(failure);
            }
            format::lines(["the configuration is valid".to_owned()])?;
        }
        ConfigCommand::Print { thresholds: true, format, .. } => {
            let thresholds = config.thresholds()?;
            let rows: Vec<Row> =
                Thresholds::describe().iter().map(|info| Row::of(info, &thresholds)).collect();
            let headings = ["threshold", "value", "unit", "provenance", "meaning"];
            format::rows(*format, &headings, &rows, Row::cells)?;
        }
        ConfigCommand::Print { effective: false, .. } => {
            format::lines(config::DEFAULTS.lines().map(str::to_owned))?
        }
        ConfigCommand::Print { format, .. } => {
            let figment = config::figment(global.config.as_deref(), &global.settings());
            let mut tree: toml::Table =
                figment.extract().or_fail(Exit::Usage, || "the configuration is not valid".to_owned())?;
            hide_secrets("", &mut tree);
            let text = match format {
                Format::Json => {
                    serde_json::to_string(&tree).or_fail(Exit::Internal, || "cannot write JSON".to_owned())?
                }
                Format::Table | Format::Markdown => {
                    toml::to_string(&tree).or_fail(Exit::Internal, || "cannot write TOML".to_owned())?
                }
            };
            format::lines(text.lines().map(str::to_owned))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What only the role that uses it would find: targets, webhook sources, the broker, the filter of the log. Everything
/// else was found when the configuration was read.
pub(crate) fn edges(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Err(failure) = super::broker::durability(&config.broker.durability) {
        let todo = failure.hint.unwrap_or_default();
        found.push(Problem::new(
            "broker.durability",
            config.broker.durability.clone(),
            "none of its words",
            todo,
        ));
    }
    if let Err(error) = client::options(config, "localhost:9092") {
        let todo = "docs/reference/configuration.md says what [kafka.settings] takes";
        found.push(Problem { value: None, ..Problem::new("kafka.settings", "", error.to_string(), todo) });
    }
    if let Err(error) = connect::options(config, &HashKey::ZERO).check() {
        let todo = "a source without webhooks needs no entry below connect to be imported";
        found.push(Problem { value: None, ..Problem::new("connect", "", error.to_string(), todo) });
    }
    let mut names = BTreeSet::new();
    for (place, webhook) in config.notify.webhook.iter().enumerate() {
        let key = format!("notify.webhook.{place}");
        if !names.insert(&webhook.name) {
            let todo = "name each target otherwise: the name is part of the identity of a delivery";
            found.push(Problem::new(format!("{key}.name"), webhook.name.clone(), "it is there twice", todo));
        }
        if let Err(error) = notify::outlet(webhook) {
            let todo = "docs/guides/webhook-receiver.md says what a target is";
            found.push(Problem::new(format!("{key}.name"), webhook.name.clone(), error.to_string(), todo));
        }
    }
    if let Err(error) = EnvFilter::try_new(&config.log.filter) {
        let todo = "directives such as info,bellwether_runtime=debug";
        found.push(Problem::new("log.filter", config.log.filter.clone(), error.to_string(), todo));
    }
    found
}

/// Secrets are shown as present or absent, never as they are.
fn hide_secrets(above: &str, table: &mut toml::Table) {
    for (key, value) in table.iter_mut() {
        let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let is_secret = problem::is_secret(&key);
        match value {
            toml::Value::String(text) if is_secret && !text.is_empty() => *text = "(set)".to_owned(),
            toml::Value::String(text) if key == "notify.webhook.url" => *text = origin(text),
            toml::Value::Array(items) if is_secret => {
                items.iter_mut().for_each(|item| *item = toml::Value::String("(set)".to_owned()));
            }
            toml::Value::Array(items) => {
                items
                    .iter_mut()
                    .filter_map(toml::Value::as_table_mut)
                    .for_each(|item| hide_secrets(&key, item));
            }
            toml::Value::Table(inner) => hide_secrets(&key, inner),
            // A password of digits is a number to TOML.
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Datetime(_) if is_secret => {
                *value = toml::Value::String("(set)".to_owned());
            }
            _ => {}
        }
    }
}

/// A URL as far as its host: whoever knows the rest of a hook's may often post to it.
fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(not shown)".to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = if path.len() > 1 { "/(not shown)" } else { path };
    format!("{scheme}://{host}{path}")
}

#[derive(Debug, Serialize)]
struct Row {
    threshold: &'static str,
    value: String,
    unit: &'static str,
    provenance: &'static str,
    meaning: &'static str,
}

impl Row {
    fn of(info: &bellwether_model::ThresholdInfo, thresholds: &Thresholds) -> Self {
        let (value, provenance) =
            thresholds.get(info.key).unwrap_or((info.default.to_owned(), info.provenance));
        Self {
            threshold: info.key,
            value,
            unit: info.unit,
            provenance: provenance.as_str(),
            meaning: info.meaning,
        }
    }

    fn cells(&self) -> Vec<String> {
        [self.threshold, &self.value, self.unit, self.provenance, self.meaning].map(str::to_owned).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::{edges, hide_secrets, origin};
    use crate::config::Config;

    #[test]
    fn the_url_of_a_target_is_shown_as_far_as_its_host() {
        let mut table =
            toml::from_str("[[notify.webhook]]\nurl = \"https://u:pw@h.example:8443/T0/hush?k=hush\"\n")
                .expect("TOML");
        hide_secrets("", &mut table);
        let shown = table.to_string();
        assert!(shown.contains("\"https://h.example:8443/(not shown)\""), "{shown}");
        assert_eq!(origin("https://h.example"), "https://h.example");
        assert_eq!(origin("hush"), "(not shown)");
    }

    #[test]
    fn a_setting_of_the_client_that_every_role_would_refuse_is_found_by_the_check() {
        let mut config = Config::load(None, &[]).expect("defaults");
        assert_eq!(edges(&config), []);
        config.kafka.settings.insert("enable.auto.commit".to_owned(), true.into());
        let found = edges(&config);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].to_string().contains("kafka.settings: enable.auto.commit cannot be set"),
            "{found:?}"
        );
    }

    #[test]
    fn a_secret_is_hidden_whatever_its_type_and_depth() {
        let text = "[kafka.settings]\nsasl.pasword = 1234\nfetch.wait.max.ms = 9\n[keys]\nid-key = \"ab\"\n";
        let mut table = toml::from_str::<toml::Table>(text).expect("TOML");
        hide_secrets("", &mut table);
        let shown = table.to_string();
        assert!(!shown.contains("1234") && !shown.contains("\"ab\""), "{shown}");
        assert!(shown.contains('9'), "what is no secret is shown: {shown}");
    }
}
