//! `bellwether demo`: a generated quarter through the real roles, narrated.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use bellwether_broker::{Broker, BrokerOptions};
use bellwether_wire::envelope::Event;
use bellwether_wire::json;

use crate::cli::Demo;
use crate::client;
use crate::config::Config;
use crate::demo::narrate::Narrator;
use crate::demo::told::Told;
use crate::demo::{organisation, quarter, run};
use crate::failure::{Advice as _, Context as _, Exit, Failure};
use crate::format;
use crate::topic_set::{TimeMode, TopicSet};

/// Runs the demo.
///
/// # Errors
/// When the log refuses, or a file cannot be written.
pub(super) fn run(config: &Config, args: &Demo) -> Result<ExitCode, Failure> {
    let events = quarter::events(args.seed);
    if let Some(path) = &args.events {
        write(path, &events)?;
        format::lines([format!("{} events of one quarter are in {}", events.len(), path.display())])?;
        return Ok(ExitCode::SUCCESS);
    }
    crate::telemetry::logs(&crate::config::Log {
        format: crate::config::LogFormat::Human,
        filter: "warn".to_owned(),
    })?;
    let folder = Folder::make()?;
    let runtime = super::up::runtime()?;
    let embedded = if config.kafka.bootstrap_servers.is_empty() {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let options = BrokerOptions::new(listen, folder.path.join("broker"));
        let started = runtime.block_on(Broker::start(options));
        Some(started.or_fail(Exit::Log, || "the embedded broker cannot start".to_owned())?)
    } else {
        None
    };
    let servers = match &embedded {
        Some(broker) => broker.local_addr().to_string(),
        None => config.kafka.bootstrap_servers.clone(),
    };
    let from = Origin { servers: &servers, embedded: embedded.is_some() };
    let outcome = narrated(config, args, &events, from, &folder.path, runtime.handle());
    if let Some(broker) = embedded {
        runtime
            .block_on(broker.stop())
            .or_fail(Exit::Internal, || "the embedded broker did not stop cleanly".to_owned())?;
    }
    outcome
}

/// Which broker.
#[derive(Clone, Copy)]
struct Origin<'a> {
    servers: &'a str,
    embedded: bool,
}

fn narrated(
    config: &Config,
    args: &Demo,
    events: &[Event],
    from: Origin<'_>,
    folder: &Path,
    runtime: &tokio::runtime::Handle,
) -> Result<ExitCode, Failure> {
    let log = client::connect(config, from.servers)?;
    let mut topics = TopicSet::new(config, TimeMode::Warped);
    // One order for the whole demo, so that the same seed says the same, byte for byte.
    (topics.facts, topics.functions) = (1, 1);
    topics.prefix = format!("{}-demo-{}-{}", topics.prefix, args.seed, std::process::id());
    let broker = if from.embedded { "the embedded broker" } else { from.servers };
    format::lines([
        format!(
            "A quarter of 12 squads, {} events, through route, process, escalate and notify on {broker}.",
            events.len()
        ),
        "Time is warped: thirteen weeks pass in seconds. Engineers appear under pseudonyms.".to_owned(),
        String::new(),
    ])?;
    let began = Instant::now();
    let mut narrator = Narrator::new(&organisation::names(events));
    let mut said: Vec<Event> = Vec::new();
    let told = run::run(&log, &topics, &folder.join("snapshots"), runtime, events, &mut |heard| {
        let lines: Vec<String> = heard.iter().filter_map(|event| narrator.line(event)).collect();
        if args.output.is_some() {
            said.extend_from_slice(heard);
        }
        format::lines(lines)
    })?;
    if let Some(path) = &args.output {
        write(path, &said)?;
    }
    summary(&narrator, &told, events.len(), began)?;
    Ok(ExitCode::SUCCESS)
}

fn summary(narrator: &Narrator, told: &Told, events: usize, began: Instant) -> Result<(), Failure> {
    let mut lines = vec![String::new(), "Triggers".to_owned()];
    lines.extend(narrator.fired.iter().map(|(rule, count)| format!("{count:>6}  {rule}")));
    lines.push(format!("{:>6}  cleared by the end of the quarter", narrator.cleared));
    lines.push("Steps".to_owned());
    lines.extend(narrator.steps.iter().map(|(level, count)| format!("{count:>6}  L{level}")));
    lines.push(format!("{:>6}  repeats", narrator.repeats));
    lines.push("Messages that notify delivered".to_owned());
    lines.extend(told.by_level().into_iter().map(|(level, count)| format!("{count:>6}  L{level}")));
    let seconds = began.elapsed().as_secs_f64();
    lines.push(format!("{events} events, 13 weeks, {seconds:.1} s"));
    lines.push(String::new());
    lines.push(
        "Next: bellwether demo --events quarter.jsonl && bellwether replay quarter.jsonl --format table"
            .to_owned(),
    );
    lines.push("      bellwether up".to_owned());
    format::lines(lines)
}

fn write(path: &Path, events: &[Event]) -> Result<(), Failure> {
    let failed = || format!("cannot write {}", path.display());
    let created = File::create(path).or_fail(Exit::Input, failed);
    let mut file = BufWriter::new(created.to_do("name a file in a folder that you may write to")?);
    for event in events {
        writeln!(file, "{}", json::write(event)).or_fail(Exit::Input, failed)?;
    }
    file.flush().or_fail(Exit::Input, failed)
}

/// A folder of the demo's own, removed when it ends.
struct Folder {
    path: std::path::PathBuf,
}

impl Folder {
    fn make() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("bellwether-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).or_fail(Exit::Input, || format!("cannot make {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            format::tell(&format!("note: {} could not be removed: {error}", self.path.display()));
        }
    }
}
