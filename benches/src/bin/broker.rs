//! The embedded broker beside Apache Kafka, in one run, with one client on the same cores: throughput, transactions, echoes,
//! memory, CPU; then what only the embedded one promises: idle CPU, start, reopening a large folder.
//!
//! Each side is a process of its own. Rounds are interleaved and the first side alternates, so that what else the machine
//! does falls on both; figures are medians of rounds, ratios are of those.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bellwether_benches::client;
use bellwether_benches::process::{self, Process};
use bellwether_benches::report::{Format, Report, Target, median, millis, percentile};
use bellwether_benches::site::Site;
use clap::Parser;

/// Partitions of the topic under load.
const PARTITIONS: i32 = 4;
/// Bytes of a record under load.
const RECORD_BYTES: usize = 150;
/// Bytes of a record in the folder that is reopened: fewer, larger ones fill it sooner.
const FILL_BYTES: usize = 1_024;
/// Memory under load.
const MEMORY_MB: f64 = 64.0;
/// CPU when nothing happens.
const IDLE_PERCENT: f64 = 0.5;
/// From start to listening.
const LISTENING_MS: f64 = 100.0;
/// From start to answering from a folder of a gigabyte.
const REOPEN_MS: f64 = 1_000.0;

#[derive(Parser)]
struct Args {
    /// An Apache Kafka to compare with; it should run alone on this machine
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Records of 150 bytes in a round
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Rounds
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Transactions in a round, and echoes
    #[arg(long, default_value_t = 300)]
    transactions: usize,
    /// Seconds over which idle CPU is read
    #[arg(long, default_value_t = 20)]
    idle: u64,
    /// Megabytes of the folder that is reopened
    #[arg(long, default_value_t = 1_024)]
    reopen: u64,
    /// Binary under test; `bellwether` beside this one otherwise
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One broker and what was measured of it.
struct Side {
    name: &'static str,
    servers: String,
    pid: Option<u32>,
    produced: Vec<f64>,
    consumed: Vec<f64>,
    cpu: Vec<f64>,
    transaction: Vec<f64>,
    commit: Vec<f64>,
    echo: Vec<f64>,
}

impl Side {
    fn new(name: &'static str, servers: String, pid: Option<u32>) -> Self {
        let none = Vec::new;
        Self {
            name,
            servers,
            pid,
            produced: none(),
            consumed: none(),
            cpu: none(),
            transaction: none(),
            commit: none(),
            echo: none(),
        }
    }

    fn cpu_now(&self) -> Option<Duration> {
        self.pid.and_then(|pid| process::cpu_of(pid).ok())
    }

    fn round(&mut self, args: &Args, round: u32) -> Result<()> {
        let name = |what: &str| format!("bench-{}-{round}-{what}", std::process::id());
        let (large, small) = (name("large"), name("small"));
        client::create_topic(&self.servers, &large, PARTITIONS, &[])?;
        client::create_topic(&self.servers, &small, 1, &[])?;
        let before = self.cpu_now();
        self.produced.push(client::produce(&self.servers, &large, PARTITIONS, args.records, RECORD_BYTES)?);
        self.consumed.push(client::consume(&self.servers, &large, PARTITIONS, args.records)?);
        if let (Some(before), Some(after)) = (before, self.cpu_now()) {
            let used = after.saturating_sub(before).as_secs_f64();
            self.cpu.push(used / args.records as f64 * 1e6);
        }
        let [mut whole, mut commit] = client::transactions(&self.servers, &small, args.transactions)?;
        self.transaction.push(millis(percentile(&mut whole, 50.0)));
        self.commit.push(millis(percentile(&mut commit, 50.0)));
        let mut echoes = client::echoes(&self.servers, &small, args.transactions)?;
        self.echo.push(millis(percentile(&mut echoes, 50.0)));
        Ok(())
    }

    fn tell(&mut self, report: &mut Report) {
        let name = self.name;
        report.figure(format!("{name}: produce"), median(&mut self.produced) / 1e3, "k records/s");
        report.figure(format!("{name}: consume"), median(&mut self.consumed) / 1e3, "k records/s");
        if !self.cpu.is_empty() {
            report.figure(format!("{name}: CPU of both"), median(&mut self.cpu), "us/record");
        }
        report.figure(format!("{name}: transaction of 10, p50"), median(&mut self.transaction), "ms");
        report.figure(format!("{name}: commit alone, p50"), median(&mut self.commit), "ms");
        report.figure(format!("{name}: produce to consume, p50"), median(&mut self.echo), "ms");
    }
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let site = Site::new(args.binary.as_deref())?;
    let (broker, address, _) = site.start_broker()?;
    let mut report = Report::new("embedded broker and Apache Kafka");
    let mut sides = vec![Side::new("embedded", address.to_string(), Some(broker.pid()))];
    match &args.kafka {
        Some(servers) => {
            let port = servers.rsplit(':').next().and_then(|port| port.parse().ok());
            let pid = port.and_then(process::listener_pid);
            sides.push(Side::new("Apache Kafka", servers.clone(), pid));
        }
        None => report.note(
            "no Apache Kafka beside it: run `cargo xtask kafka start` and pass the address it prints as --kafka",
        ),
    }
    for round in 0..args.rounds.max(1) {
        for side in &mut sides {
            side.round(&args, round).with_context(|| format!("round {round} of {}", side.name))?;
        }
        // The first of a round finds the machine as the last of the round before left it.
        sides.reverse();
    }
    sides.sort_by_key(|side| side.name != "embedded");
    for side in &mut sides {
        side.tell(&mut report);
    }
    if let [embedded, kafka] = &mut sides[..] {
        compare(embedded, kafka, &mut report);
    }
    report.judged("embedded: memory under load", broker.memory()?.peak_mb, "MB", Target::AtMost(MEMORY_MB));
    if let Some(pid) = sides.get(1).and_then(|side| side.pid) {
        report.figure("Apache Kafka: memory under load", process::memory_of(pid)?.peak_mb, "MB");
    }
    broker.stop()?;
    starts(&args, &mut report)?;
    reopening(&args, &mut report)?;
    Ok(report.print(args.format))
}

fn compare(embedded: &mut Side, kafka: &mut Side, report: &mut Report) {
    let mut ratio = |name: &str, ours: &mut Vec<f64>, theirs: &mut Vec<f64>, target| {
        report.judged(format!("ratio embedded/Kafka: {name}"), median(ours) / median(theirs), "x", target);
    };
    let (more, less) = (Target::AtLeast(1.0), Target::AtMost(1.0));
    ratio("produce", &mut embedded.produced, &mut kafka.produced, more);
    ratio("consume", &mut embedded.consumed, &mut kafka.consumed, more);
    ratio("transaction of 10, p50", &mut embedded.transaction, &mut kafka.transaction, less);
}

/// Start on an empty folder, and CPU when nothing happens.
fn starts(args: &Args, report: &mut Report) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let site = Site::new(args.binary.as_deref())?;
        let (broker, _, took) = site.start_broker()?;
        times.push(millis(took));
        // It listens before it minds signals: a stop this early would be an end by signal.
        broker.kill()?;
    }
    report.judged(
        "embedded: start to listening, p50",
        median(&mut times),
        "ms",
        Target::AtMost(LISTENING_MS),
    );
    let site = Site::new(args.binary.as_deref())?;
    let (broker, _, _) = site.start_broker()?;
    std::thread::sleep(Duration::from_secs(2));
    let used = process::use_of(broker.pid(), Duration::from_secs(args.idle))?;
    report.judged("embedded: idle CPU of one core", used.cpu_percent, "%", Target::AtMost(IDLE_PERCENT));
    broker.stop()
}

/// Start on a folder that holds much, after a stop and after a crash, until it answers what it holds.
fn reopening(args: &Args, report: &mut Report) -> Result<()> {
    let site = Site::new(args.binary.as_deref())?;
    let (broker, address, _) = site.start_broker()?;
    let servers = address.to_string();
    let records = args.reopen * 1_048_576 / FILL_BYTES as u64;
    client::create_topic(&servers, "large", PARTITIONS, &[])?;
    client::produce(&servers, "large", PARTITIONS, records, FILL_BYTES)?;
    broker.stop()?;
    let reopened =
        |broker: Process, address: SocketAddr, listening: Duration| -> Result<(Process, f64, f64)> {
            let began = Instant::now();
            let all = client::holds(&address.to_string(), "large", PARTITIONS, records)?;
            anyhow::ensure!(all, "the reopened folder does not hold what was written");
            Ok((broker, millis(listening), millis(listening + began.elapsed())))
        };
    let target = Target::AtMost(REOPEN_MS);
    for how in ["a stop", "a crash"] {
        let (broker, address, listening) = site.start_broker()?;
        let (broker, listening, answers) = reopened(broker, address, listening)?;
        let name = format!("embedded: reopening {} MB after {how}", args.reopen);
        report.judged(format!("{name}, listening"), listening, "ms", target);
        report.figure(format!("{name}, all ends told"), answers, "ms");
        broker.kill()?;
    }
    Ok(())
}
