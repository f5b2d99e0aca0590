//! `bellwether up`: every role in one process, on the embedded broker unless a cluster is named.

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use bellwether_broker::Broker;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::broker;
use crate::cli::Up;
use crate::client;
use crate::config::Config;
use crate::failure::{Advice as _, Context as _, Exit, Failure};
use crate::format;
use crate::host::{self, Plan, Role, Running};
use crate::http::{self, Health};
use crate::keys::Keys;
use crate::roles::{connect, notify};
use crate::telemetry;
use crate::topic_set::TopicSet;

/// Runs until it is told to stop.
///
/// # Errors
/// When something cannot start, or a role ends with an error.
pub(super) fn run(mut config: Config, args: &Up) -> Result<ExitCode, Failure> {
    if let Some(listen) = args.listen {
        config.broker.listen = listen;
    }
    if let Some(http) = args.http {
        config.http.listen = http;
    }
    telemetry::logs(&config.log)?;
    let metrics = telemetry::metrics()?;
    let listener = addresses(&config)?;
    std::fs::create_dir_all(&config.dir)
        .or_fail(Exit::Input, || format!("cannot make the data folder {}", config.dir.display()))
        .to_do("name a folder that you may make and write to with --dir, or with dir in the configuration")?;
    let runtime = runtime()?;
    let embedded = if config.kafka.bootstrap_servers.is_empty() {
        Some(runtime.block_on(broker::start(&config))?)
    } else {
        None
    };
    let servers = match &embedded {
        Some(broker) => broker.local_addr().to_string(),
        None => config.kafka.bootstrap_servers.clone(),
    };
    let outcome = with_log(&config, &runtime, &servers, embedded.as_ref(), listener, metrics);
    match embedded {
        Some(broker) => after_stop(outcome, runtime.block_on(broker.stop())),
        None => outcome,
    }
}

/// The outcome of a command whose embedded broker has stopped. What went wrong first is what is told last, and decides.
pub(super) fn after_stop(
    outcome: Result<ExitCode, Failure>,
    stopped: Result<(), impl Into<anyhow::Error>>,
) -> Result<ExitCode, Failure> {
    let stopped = stopped
        .or_fail(Exit::Input, || "the embedded broker did not stop cleanly".to_owned())
        .to_do("make room on its disk and start it again: what it acknowledged is there");
    match (outcome, stopped) {
        (Ok(code), Ok(())) => Ok(code),
        (Ok(code), Err(failure)) if code == ExitCode::SUCCESS => Err(failure),
        (outcome, Err(failure)) => {
            format::tell(&failure.to_string());
            outcome
        }
        (outcome, Ok(())) => outcome,
    }
}

/// Every address there is to be, before anything is started: that of HTTP is taken, that of the embedded broker looked at.
///
/// # Errors
/// When one of them is taken or not ours.
fn addresses(config: &Config) -> Result<TcpListener, Failure> {
    let listener = http::claim(config.http.listen)?;
    if config.kafka.bootstrap_servers.is_empty() {
        broker::require_address(config)?;
    }
    Ok(listener)
}

fn with_log(
    config: &Config,
    runtime: &tokio::runtime::Runtime,
    servers: &str,
    embedded: Option<&Broker>,
    listener: TcpListener,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
) -> Result<ExitCode, Failure> {
    let log = match embedded {
        Some(_) => client::connect_within(config, servers)?,
        None => client::connect(config, servers)?,
    };
    let topics = TopicSet::configured(config);
    topics.apply(log.as_ref())?;
    let keys = Keys::load(config)?;
    let plan = Plan {
        log: Arc::clone(&log),
        topics: topics.clone(),
        keys: keys.clone(),
        thresholds: config.thresholds()?,
        objects: host::snapshot_folder(&config.snapshot_dir())?,
        ordinal: config.kafka.ordinal,
        restore: config.restore.clone(),
    };
    let failed = CancellationToken::new();
    let address =
        listener.local_addr().or_fail(Exit::Internal, || "the listener has no address".to_owned())?;
    let receiver = connect::start(config, &log, &topics, &keys, None)?;
    // Side by side: each spends most of its start waiting for the log.
    let (running, notifier) = std::thread::scope(|scope| {
        let roles = Role::ALL.map(|role| {
            scope.spawn({
                let (plan, failed) = (&plan, &failed);
                move || host::start(plan, role, failed)
            })
        });
        let notifier = notify::start(config, &log, &topics, &keys, runtime.handle(), &failed);
        let running: Result<Vec<Running>, Failure> = roles.into_iter().map(started).collect();
        Ok::<_, Failure>((running?, notifier?))
    })?;
    let health = Health { metrics, roles: running.iter().map(Running::readiness).collect() };

    let served = runtime.block_on(async {
        let stop = CancellationToken::new();
        let server = tokio::spawn(http::serve(listener, health, Some(receiver.router()), stop.clone()));
        announce(config, &topics, servers, embedded.is_some(), address)?;
        stop_signal_or(&failed).await?;
        stop.cancel();
        server
            .await
            .map_err(|error| Failure::new(Exit::Internal, format!("the HTTP server panicked: {error}")))?
    });
    receiver.stop();
    for role in &running {
        role.stop();
    }
    // Together with them: each sees it when its poll is over.
    notifier.begin_stop();
    let mut ended = Ok(());
    for role in running {
        ended = ended.and(role.join());
    }
    notifier.stop();
    ended.and(served)?;
    Ok(if failed.is_cancelled() { ExitCode::from(Exit::Log as u8) } else { ExitCode::SUCCESS })
}

/// What became of a start on a thread.
fn started(thread: ScopedJoinHandle<'_, Result<Running, Failure>>) -> Result<Running, Failure> {
    thread.join().unwrap_or_else(|_| Err(Failure::new(Exit::Internal, "the start of a role panicked")))
}

fn announce(
    config: &Config,
    topics: &TopicSet,
    servers: &str,
    embedded: bool,
    http: std::net::SocketAddr,
) -> Result<(), Failure> {
    let broker = if embedded {
        format!("embedded broker   {servers}   (one node, no replication; data in {})", config.dir.display())
    } else {
        format!("brokers           {servers}")
    };
    let names: Vec<String> = topics.specs().into_iter().map(|spec| spec.name).collect();
    let prefix = &config.kafka.prefix;
    format::lines([
        "bellwether is up".to_owned(),
        format!("  {broker}"),
        format!(
            "  http              http://{http}/metrics   /healthz   /readyz   /webhooks/{{jira,linear,pagerduty}}/NAME"
        ),
        format!("  topics            {}", names.join(" ")),
        "try next".to_owned(),
        format!(
            "  bellwether --bootstrap-servers {servers} publish ORG.jsonl        reference data: who is who"
        ),
        format!(
            "  bellwether --bootstrap-servers {servers} import EXPORTS/          Jira, Linear, PagerDuty"
        ),
        format!(
            "  bellwether --bootstrap-servers {servers} doctor                   what is unresolved or stale"
        ),
        format!("  kcat -b {servers} -t {prefix}.trigger.v1 -C                     subscribe to triggers"),
        "Ctrl-C stops it".to_owned(),
    ])
}

/// The runtime for what speaks HTTP, and for the embedded broker.
///
/// # Errors
/// When threads cannot be started.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .or_fail(Exit::Internal, || "cannot start the runtime".to_owned())
}

/// Waits for SIGINT or SIGTERM; what a shell says of a process that one of them ended.
///
/// # Errors
/// When signals cannot be listened to.
pub(super) async fn stop_signal() -> Result<i32, Failure> {
    let failed = || "cannot listen to signals".to_owned();
    let mut terminate = signal(SignalKind::terminate()).or_fail(Exit::Internal, failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).or_fail(Exit::Internal, failed)?;
    Ok(tokio::select! {
        _ = terminate.recv() => 143,
        _ = interrupt.recv() => 130,
    })
}

/// Waits for a signal or for a role to end with an error.
///
/// # Errors
/// When signals cannot be listened to.
pub(super) async fn stop_signal_or(failed: &CancellationToken) -> Result<(), Failure> {
    tokio::select! {
        ended = stop_signal() => ended.map(drop),
        () = failed.cancelled() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_one_failure_whoever_wants_it() {
        let free = "127.0.0.1:0".parse().expect("an address");
        let holder = TcpListener::bind(free).expect("a free port");
        let held = holder.local_addr().expect("an address");
        for (http, broker, flag) in [(held, free, "--http"), (free, held, "--listen")] {
            let mut config = Config::load(None, &[]).expect("defaults");
            (config.http.listen, config.broker.listen) = (http, broker);
            let failure = addresses(&config).expect_err("taken");
            assert_eq!(failure.exit, Exit::Usage);
            let told = failure.to_string();
            assert!(told.contains(&format!("cannot listen on {held}")) && told.contains(flag), "{told}");
        }
    }

    #[test]
    fn a_broker_that_stops_badly_hides_no_role_that_ended_with_an_error() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let failure = after_stop(Ok(ExitCode::SUCCESS), Err(full())).expect_err("told");
        assert_eq!(failure.exit, Exit::Input, "a disk that is full is no defect of ours");
        let of_a_role = ExitCode::from(Exit::Log as u8);
        assert_eq!(after_stop(Ok(of_a_role), Err(full())).expect("its code"), of_a_role);
        let refused = after_stop(Err(Failure::new(Exit::Log, "the log refused")), Err(full()));
        assert_eq!(refused.expect_err("told").what, "the log refused");
        after_stop(Ok(ExitCode::SUCCESS), Ok::<(), std::io::Error>(())).expect("all is well");
    }

    #[test]
    fn the_broker_of_a_cluster_elsewhere_wants_no_address_here() {
        let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut config = Config::load(None, &[]).expect("defaults");
        config.http.listen = "127.0.0.1:0".parse().expect("an address");
        config.broker.listen = holder.local_addr().expect("an address");
        config.kafka.bootstrap_servers = "kafka.example:9092".to_owned();
        addresses(&config).expect("nothing is in the way");
    }
}
