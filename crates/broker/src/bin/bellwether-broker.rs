//! The embedded broker as a process of its own: `bellwether-broker --listen 127.0.0.1:9092 --dir ./broker`.
//! Prints `listening on ADDRESS` once it serves, and stops cleanly on SIGINT or SIGTERM.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bellwether_broker::{Broker, BrokerOptions, Durability};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: bellwether-broker --dir FOLDER [--listen ADDRESS:PORT] \
[--advertise HOST:PORT] [--durability never|commit|MILLISECONDS]";

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<BrokerOptions, String> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 9092));
    let mut dir: Option<PathBuf> = None;
    let mut advertised = None;
    let mut durability = Durability::Never;
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--listen" => {
                listen = value.parse().map_err(|_| format!("{value} is not an address and port"))?
            }
            "--dir" => dir = Some(value.into()),
            "--advertise" => {
                let (host, port) = value.rsplit_once(':').ok_or_else(|| format!("{value} has no port"))?;
                let port = port.parse().map_err(|_| format!("{port} is not a port"))?;
                advertised = Some((host.to_owned(), port));
            }
            "--durability" => {
                durability = match value.as_str() {
                    "never" => Durability::Never,
                    "commit" => Durability::OnCommit,
                    millis => match millis.parse() {
                        Ok(millis) => Durability::Every(Duration::from_millis(millis)),
                        Err(_) => return Err(format!("{value} is no durability")),
                    },
                }
            }
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    let mut options = BrokerOptions::new(listen, dir.ok_or("--dir is missing")?);
    options.advertised = advertised;
    options.durability = durability;
    Ok(options)
}

async fn run(options: BrokerOptions) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let broker = Broker::start(options).await?;
    writeln!(std::io::stdout(), "listening on {}", broker.local_addr())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    broker.stop().await?;
    Ok(())
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    // Nothing sensible can be done when stderr is gone.
    writeln!(std::io::stderr(), "error: {text}").ok();
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            writeln!(std::io::stderr(), "error: {problem}\n{USAGE}").ok();
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}
