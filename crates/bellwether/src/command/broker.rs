//! `bellwether broker`: the embedded broker alone.

use std::process::ExitCode;
use std::time::Duration;

use bellwether_broker::{Broker, BrokerOptions, Durability};

use crate::cli;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::format;
use crate::http;
use crate::telemetry;

/// What to do about an address that is taken.
const LISTEN: &str =
    "choose another address with --listen or broker.listen, or stop the process that holds it";

/// Runs until it is told to stop.
///
/// # Errors
/// When the address is taken, or the folder cannot be used.
pub(super) fn run(config: &Config, args: &cli::Broker) -> Result<ExitCode, Failure> {
    telemetry::logs(&config.log)?;
    let mut config = config.clone();
    if let Some(listen) = args.listen {
        config.broker.listen = listen;
    }
    let runtime = super::up::runtime()?;
    runtime.block_on(async {
        let broker = start(&config).await?;
        format::lines([
            format!("broker listening on {}", broker.local_addr()),
            "one node, no replication: for a laptop, a small site and tests".to_owned(),
        ])?;
        super::up::stop_signal().await?;
        super::up::after_stop(Ok(ExitCode::SUCCESS), broker.stop().await)
    })
}

/// Starts the embedded broker of a configuration.
///
/// # Errors
/// When the address is taken, or the folder cannot be used.
pub(super) async fn start(config: &Config) -> Result<Broker, Failure> {
    let dir = config.dir.join("broker");
    let mut options = BrokerOptions::new(config.broker.listen, &dir);
    options.durability = durability(&config.broker.durability)?;
    Broker::start(options).await.map_err(|error| match error {
        bellwether_broker::Error::Listen { address, source } => http::cannot_listen(address, source, LISTEN),
        other => Failure::new(Exit::Log, format!("the embedded broker cannot start in {}", dir.display()))
            .because(other)
            .hint("choose another --dir, or stop the process that holds it"),
    })
}

/// Looks whether the embedded broker may listen where it is to, before anything else is started.
///
/// # Errors
/// When the address is taken or not ours.
pub(super) fn require_address(config: &Config) -> Result<(), Failure> {
    let address = config.broker.listen;
    std::net::TcpListener::bind(address)
        .map(drop)
        .map_err(|error| http::cannot_listen(address, error, LISTEN))
}

/// When writes are forced to the disk.
///
/// # Errors
/// When the text is none of its words.
pub(super) fn durability(text: &str) -> Result<Durability, Failure> {
    match text {
        "never" => Ok(Durability::Never),
        "commit" => Ok(Durability::OnCommit),
        other => {
            let seconds =
                other.strip_suffix("ms").and_then(|n| n.parse::<u64>().ok()).map(Duration::from_millis);
            let every = seconds.or_else(|| {
                other.strip_suffix('s').and_then(|n| n.parse::<u64>().ok()).map(Duration::from_secs)
            });
            every.map(Durability::Every).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("broker.durability `{other}` is not valid"))
                    .hint("never, commit, or an interval such as 500ms or 1s")
            })
        }
    }
}
