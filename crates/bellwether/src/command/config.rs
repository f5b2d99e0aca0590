//! `bellwether config check|print`.

use std::process::ExitCode;

use bellwether_model::Thresholds;
use serde::Serialize;

use crate::cli::{ConfigCommand, Global};
use crate::config::{self, Config};
use crate::failure::{Context as _, Exit, Failure};
use crate::format;

/// Checks or prints.
///
/// # Errors
/// When something is not valid.
pub(super) fn run(global: &Global, config: &Config, command: &ConfigCommand) -> Result<ExitCode, Failure> {
    match command {
        ConfigCommand::Check => {
            config.thresholds()?;
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
        ConfigCommand::Print { .. } => {
            let figment = config::figment(global.config.as_deref());
            let mut tree: toml::Table =
                figment.extract().or_fail(Exit::Usage, || "the configuration is not valid".to_owned())?;
            hide_secrets(&mut tree);
            let text = toml::to_string(&tree).or_fail(Exit::Internal, || "cannot write TOML".to_owned())?;
            format::lines(text.lines().map(str::to_owned))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Secrets are shown as present or absent, never as they are.
fn hide_secrets(table: &mut toml::Table) {
    for (key, value) in table.iter_mut() {
        let is_secret =
            key.ends_with("-key") || key == "secrets" || key.contains("password") || key.contains("secret");
        match value {
            toml::Value::String(text) if is_secret && !text.is_empty() => *text = "(set)".to_owned(),
            toml::Value::Array(items) if is_secret => {
                items.iter_mut().for_each(|item| *item = toml::Value::String("(set)".to_owned()));
            }
            toml::Value::Array(items) => {
                items.iter_mut().filter_map(toml::Value::as_table_mut).for_each(hide_secrets);
            }
            toml::Value::Table(inner) => hide_secrets(inner),
            _ => {}
        }
    }
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
