//! Logs and metrics: set up once, before any role starts.

use std::io::IsTerminal as _;

use bellwether_runtime::describe_metrics as describe_runtime;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::failure::{Context as _, Exit, Failure};

/// Starts logging to standard error.
///
/// # Errors
/// When the filter directives are not valid.
pub(crate) fn logs(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter)
        .or_fail(Exit::Usage, || format!("log.filter `{}` is not valid", log.filter))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // A log that nobody reads any more is dropped: to say so on the same closed pipe would be a panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Human => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| Failure::new(Exit::Internal, format!("cannot start logging: {error}")))
}

/// Starts collecting metrics.
///
/// # Errors
/// When a recorder is installed already.
pub(crate) fn metrics() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .or_fail(Exit::Internal, || "cannot start collecting metrics".to_owned())?;
    describe_runtime();
    bellwether_kafka::describe_metrics();
    bellwether_connectors::metric_definitions::describe_metrics();
    metrics::gauge!("bellwether_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}
