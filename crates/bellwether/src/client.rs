//! Opens the log of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_kafka::{KafkaLog, KafkaOptions, OptionsError};
use bellwether_log::EventLog;

use crate::config::{Config, plain};
use crate::failure::{Context as _, Exit, Failure};

/// Connects to the configured log.
///
/// # Errors
/// When a setting is refused or no broker answers.
pub(crate) fn connect(config: &Config, bootstrap_servers: &str) -> Result<Arc<dyn EventLog>, Failure> {
    let options = options(config, bootstrap_servers)
        .or_fail(Exit::Usage, || "the settings below kafka.settings are not valid".to_owned())?;
    let log = KafkaLog::connect(options).map_err(|error| {
        Failure::new(Exit::Log, format!("cannot reach the log at {bootstrap_servers}")).because(error).hint(
            "check kafka.bootstrap-servers and kafka.settings, or run `bellwether up` for an embedded broker",
        )
    })?;
    Ok(Arc::new(log))
}

/// What the client is opened with.
///
/// # Errors
/// When a setting is refused before the client has seen it.
pub(crate) fn options(config: &Config, bootstrap_servers: &str) -> Result<KafkaOptions, OptionsError> {
    let mut settings: BTreeMap<String, String> =
        config.kafka.settings.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
    settings.insert("bootstrap.servers".to_owned(), bootstrap_servers.to_owned());
    KafkaOptions::from_settings(settings)
}

/// The address of the log that a command needs.
///
/// # Errors
/// When none is configured.
pub(crate) fn bootstrap(config: &Config) -> Result<String, Failure> {
    if config.kafka.bootstrap_servers.is_empty() {
        return Err(Failure::new(Exit::Usage, "no log is named").hint(
            "add --bootstrap-servers HOST:PORT; `bellwether up` prints the address of its embedded broker",
        ));
    }
    Ok(config.kafka.bootstrap_servers.clone())
}
