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
    describe();
    metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// 1, with the version as a label.
const BUILD_INFO: &str = "bellwether_build_info";

/// Says what every metric means, as docs/reference/metrics.md does.
fn describe() {
    describe_runtime();
    bellwether_kafka::describe_metrics();
    bellwether_connectors::metric_definitions::describe_metrics();
    bellwether_notify::metric_definitions::describe_metrics();
    metrics::describe_gauge!(BUILD_INFO, "1, with the version as a label");
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::path::Path;

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

    use super::describe;

    /// Keeps names with the type that `/metrics` gives them.
    #[derive(Default)]
    struct Described(RefCell<BTreeMap<String, &'static str>>);

    impl Described {
        fn keep(&self, name: &KeyName, kind: &'static str) {
            self.0.borrow_mut().insert(name.as_str().to_owned(), kind);
        }
    }

    impl Recorder for Described {
        fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.keep(&name, "counter");
        }

        fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.keep(&name, "gauge");
        }

        fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.keep(&name, "summary");
        }

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn the_page_lists_every_metric_with_its_type_and_no_other() {
        let described = Described::default();
        metrics::with_local_recorder(&described, describe);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/metrics.md");
        let page = std::fs::read_to_string(path).expect("the page");
        let listed: BTreeMap<String, &str> = page
            .lines()
            .filter(|line| line.starts_with("| `bellwether_"))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>())
            .map(|cells| (cells[0].trim_matches('`').to_owned(), cells[1]))
            .collect();
        assert_eq!(listed, described.0.into_inner());
    }
}
