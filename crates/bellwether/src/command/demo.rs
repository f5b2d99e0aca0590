//! `bellwether demo`: a generated quarter through the real roles, narrated.

use std::io::Write as _;
use std::path::{Path, PathBuf};
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
use crate::replacement::Replacement;
use crate::topic_set::{TimeMode, TopicSet};

/// Runs the demo.
///
/// # Errors
/// When the log refuses, or a file cannot be written.
pub(super) fn run(config: &Config, args: &Demo) -> Result<ExitCode, Failure> {
    let events = quarter::events(args.seed);
    if let Some(path) = &args.events {
        Output::begin(path)?.write(&events)?;
        format::lines([format!("{} events of one quarter are in {}", events.len(), path.display())])?;
        return Ok(ExitCode::SUCCESS);
    }
    // Taken first, so that a place that cannot be written to costs no run.
    let output = args.output.as_deref().map(Output::begin).transpose()?;
    crate::telemetry::logs(&crate::config::Log {
        format: crate::config::LogFormat::Human,
        filter: "warn".to_owned(),
    })?;
    let folder = Folder::make()?;
    let runtime = super::up::runtime()?;
    runtime.spawn(removed_at_a_signal(folder.path.clone()));
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
    let outcome = narrated(config, args.seed, output, &events, from, &folder.path, runtime.handle());
    match embedded {
        Some(broker) => super::up::after_stop(outcome, runtime.block_on(broker.stop())),
        None => outcome,
    }
}

/// Which broker.
#[derive(Clone, Copy)]
struct Origin<'a> {
    servers: &'a str,
    embedded: bool,
}

fn narrated(
    config: &Config,
    seed: u64,
    output: Option<Output>,
    events: &[Event],
    from: Origin<'_>,
    folder: &Path,
    runtime: &tokio::runtime::Handle,
) -> Result<ExitCode, Failure> {
    let log = client::connect(config, from.servers)?;
    let mut topics = TopicSet::new(config, TimeMode::Warped);
    // One order for the whole demo, so that the same seed says the same, byte for byte.
    (topics.facts, topics.functions) = (1, 1);
    topics.prefix = format!("{}-demo-{}-{}", topics.prefix, seed, std::process::id());
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
        if output.is_some() {
            said.extend_from_slice(heard);
        }
        format::lines(lines)
    })?;
    if let Some(output) = output {
        output.write(&said)?;
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

/// A file of events on its way.
#[derive(Debug)]
struct Output {
    file: Replacement,
    path: PathBuf,
}

impl Output {
    fn begin(path: &Path) -> Result<Self, Failure> {
        let begun = Replacement::begin(path)
            .or_fail(Exit::Input, || format!("cannot write {}", path.display()))
            .to_do("name a file in a folder that you may write to")?;
        Ok(Self { file: begun, path: path.to_owned() })
    }

    fn write(mut self, events: &[Event]) -> Result<(), Failure> {
        let written = events.iter().try_for_each(|event| writeln!(self.file, "{}", json::write(event)));
        written
            .and_then(|()| self.file.keep())
            .or_fail(Exit::Input, || format!("cannot write {}", self.path.display()))
            .to_do("make room where it goes, or name a file elsewhere")
    }
}

/// Removes the demo's folder when a signal ends it.
async fn removed_at_a_signal(path: PathBuf) {
    if let Ok(code) = super::up::stop_signal().await {
        // Best effort: the process ends, and whoever stopped it waits for nothing else.
        let _ = std::fs::remove_dir_all(&path);
        std::process::exit(code);
    }
}

/// A folder of the demo's own, removed when it ends.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn make() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("bellwether-demo-{}", std::process::id()));
        // One that is there already is somebody else's.
        std::fs::create_dir(&path)
            .or_fail(Exit::Input, || format!("cannot make {}", path.display()))
            .to_do("name a folder that you may write to with the variable TMPDIR")?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let removed = std::fs::remove_dir_all(&self.path);
        if let Err(error) = removed.or_else(|error| if self.path.exists() { Err(error) } else { Ok(()) }) {
            format::tell(&format!("note: {} could not be removed: {error}", self.path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_cannot_be_written_ends_a_demo_before_it_begins() {
        let mut config = Config::load(None, &[]).expect("defaults");
        // A demo that began would fail here, as one that cannot reach its log.
        config.kafka.bootstrap_servers = "127.0.0.1:1".to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        let nowhere = folder.path().join("missing").join("said.jsonl");
        let args = Demo { seed: 42, output: Some(nowhere), events: None };
        let failure = run(&config, &args).expect_err("refused");
        assert_eq!(failure.exit, Exit::Input);
    }

    #[test]
    fn a_file_of_events_is_what_it_was_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("said.jsonl");
        std::fs::write(&path, "old").expect("written");
        drop(Output::begin(&path).expect("begun"));
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "old");
        Output::begin(&path).and_then(|output| output.write(&[])).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "");
    }
}
