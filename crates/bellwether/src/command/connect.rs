//! `bellwether connect` and `bellwether notify`: the two roles at the edges as processes of their own.

use std::path::Path;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::client;
use crate::config::Config;
use crate::failure::{Context as _, Exit, Failure};
use crate::http::{self, Health};
use crate::keys::Keys;
use crate::roles::connect::Recording;
use crate::roles::{connect, notify};
use crate::telemetry;
use crate::topic_set::TopicSet;

/// A role at the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge<'a> {
    /// Receives webhooks.
    Connect {
        /// Where to record what they bring.
        record: Option<&'a Path>,
    },
    /// Delivers steps.
    Notify,
}

/// Runs the role until it is told to stop.
///
/// # Errors
/// When the log cannot be reached, the topics do not fit, the address is taken, or a recording cannot be written.
pub(super) fn run(config: &Config, edge: Edge<'_>) -> Result<ExitCode, Failure> {
    telemetry::logs(&config.log)?;
    let metrics = telemetry::metrics()?;
    let recording = match edge {
        Edge::Connect { record } => record.map(recording).transpose()?,
        Edge::Notify => None,
    };
    let listener = http::claim(config.http.listen)?;
    let log = client::connect(config, &client::bootstrap(config)?)?;
    let topics = TopicSet::configured(config);
    topics.require(log.as_ref())?;
    let runtime = super::up::runtime()?;
    let failed = CancellationToken::new();
    let keys = Keys::load(config)?;
    let (receiver, notifier) = match edge {
        Edge::Connect { .. } => (Some(connect::start(config, &log, &topics, &keys, recording)?), None),
        Edge::Notify => (None, Some(notify::start(config, &log, &topics, &keys, runtime.handle(), &failed)?)),
    };
    let health = Health { metrics, roles: Vec::new() };
    let served = runtime.block_on(async {
        let stop = CancellationToken::new();
        let webhooks = receiver.as_ref().map(connect::Receiver::router);
        let server = tokio::spawn(http::serve(listener, health, webhooks, stop.clone()));
        super::up::stop_signal_or(&failed).await?;
        stop.cancel();
        server
            .await
            .map_err(|error| Failure::new(Exit::Internal, format!("the HTTP server panicked: {error}")))?
    });
    if let Some(receiver) = receiver {
        receiver.stop();
    }
    if let Some(notifier) = notifier {
        notifier.stop();
    }
    served?;
    Ok(if failed.is_cancelled() { ExitCode::from(Exit::Log as u8) } else { ExitCode::SUCCESS })
}

fn recording(path: &Path) -> Result<Recording, Failure> {
    Recording::open(path).or_fail(Exit::Input, || format!("cannot write the recording {}", path.display()))
}
