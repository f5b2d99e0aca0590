//! Opens the log of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_kafka::{KafkaLog, KafkaOptions, OptionsError};
use bellwether_log::EventLog;

use crate::config::{Config, plain};
use crate::failure::{Context as _, Exit, Failure};

/// How often a member shows itself to the broker of its own process. Only another process that joins its group hears
/// of a rebalance by it, and waits up to as long; three times is within a session.
const HEARTBEAT_MS: &str = "3000";

/// Connects to the configured log.
///
/// # Errors
/// When a setting is refused or no broker answers.
pub(crate) fn connect(config: &Config, bootstrap_servers: &str) -> Result<Arc<dyn EventLog>, Failure> {
    open(options(config, bootstrap_servers), bootstrap_servers)
}

/// Connects to the embedded broker of this process, which has nothing else to do most of the time.
///
/// # Errors
/// When a setting is refused or the broker does not answer.
pub(crate) fn connect_within(config: &Config, bootstrap_servers: &str) -> Result<Arc<dyn EventLog>, Failure> {
    open(read(within(settings(config)), bootstrap_servers), bootstrap_servers)
}

/// What the client is opened with.
///
/// # Errors
/// When a setting is refused before the client has seen it.
pub(crate) fn options(config: &Config, bootstrap_servers: &str) -> Result<KafkaOptions, OptionsError> {
    read(settings(config), bootstrap_servers)
}

/// Settings of the client by their librdkafka names.
type Settings = BTreeMap<String, String>;

fn settings(config: &Config) -> Settings {
    config.kafka.settings.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// Spares the heartbeats of members in the broker's own process, unless somebody has settled how a group watches its
/// members.
fn within(mut settings: Settings) -> Settings {
    if !settings.contains_key("session.timeout.ms") {
        settings.entry("heartbeat.interval.ms".to_owned()).or_insert_with(|| HEARTBEAT_MS.to_owned());
    }
    settings
}

fn read(mut settings: Settings, bootstrap_servers: &str) -> Result<KafkaOptions, OptionsError> {
    settings.insert("bootstrap.servers".to_owned(), bootstrap_servers.to_owned());
    KafkaOptions::from_settings(settings)
}

fn open(
    options: Result<KafkaOptions, OptionsError>,
    bootstrap_servers: &str,
) -> Result<Arc<dyn EventLog>, Failure> {
    let options =
        options.or_fail(Exit::Usage, || "the settings below kafka.settings are not valid".to_owned())?;
    let log = KafkaLog::connect(options).map_err(|error| {
        Failure::new(Exit::Log, format!("cannot reach the log at {bootstrap_servers}")).because(error).hint(
            "check kafka.bootstrap-servers and kafka.settings, or run `bellwether up` for an embedded broker",
        )
    })?;
    Ok(Arc::new(log))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The heartbeat of a member beside its broker, with these settings of the operator.
    fn heartbeat(settings: &[(&str, &str)]) -> Duration {
        let named = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings = within(settings.iter().map(named).collect());
        read(settings, "127.0.0.1:9092").expect("settings that go together").heartbeat_interval
    }

    #[test]
    fn heartbeats_beside_the_broker_are_rare_unless_somebody_has_settled_them() {
        assert_eq!(heartbeat(&[]), Duration::from_secs(3));
        assert_eq!(heartbeat(&[("heartbeat.interval.ms", "500")]), Duration::from_millis(500));
        assert_eq!(heartbeat(&[("session.timeout.ms", "6000")]), Duration::from_secs(1));
    }
}
