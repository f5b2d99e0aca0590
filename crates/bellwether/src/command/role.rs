//! `bellwether route|process|escalate`: one folding role as a process of its own.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::client;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::host::{self, Plan, Role};
use crate::http::{self, Health};
use crate::keys::Keys;
use crate::telemetry;
use crate::topic_set::TopicSet;

/// Runs the role until it is told to stop.
///
/// # Errors
/// When the address is taken, the log cannot be reached, the topics do not fit, or the role ends with an error.
pub(super) fn run(config: Config, role: Role) -> Result<ExitCode, Failure> {
    telemetry::logs(&config.log)?;
    let metrics = telemetry::metrics()?;
    let listener = http::claim(config.http.listen)?;
    let log = client::connect(&config, &client::bootstrap(&config)?)?;
    let topics = TopicSet::configured(&config);
    topics.require(log.as_ref())?;
    let plan = Plan {
        log,
        topics,
        keys: Keys::load(&config)?,
        thresholds: config.thresholds()?,
        objects: host::snapshot_folder(&config.snapshot_dir())?,
        ordinal: config.kafka.ordinal,
        restore: config.restore.clone(),
    };
    let failed = CancellationToken::new();
    let runtime = super::up::runtime()?;
    let running = host::start(&plan, role, &failed)?;
    let health = Health { metrics, roles: vec![running.readiness()] };
    let served = runtime.block_on(async {
        let stop = CancellationToken::new();
        let server = tokio::spawn(http::serve(listener, health, None, stop.clone()));
        super::up::stop_signal_or(&failed).await?;
        stop.cancel();
        server
            .await
            .map_err(|error| Failure::new(Exit::Internal, format!("the HTTP server panicked: {error}")))?
    });
    running.stop();
    running.join()?;
    served?;
    Ok(if failed.is_cancelled() { ExitCode::from(Exit::Log as u8) } else { ExitCode::SUCCESS })
}
