//! A backlog of facts, caught up by the real `process` role in a process of its own, with exactly-once output.
//!
//! The backlog ends now and carries the times it would have been appended at: the topic is filled under create time and
//! then set to append time, as roles demand. The bench folds the same frames itself and holds the committed output against
//! that: every event said exactly once, with the same bytes. What was said after the backlog, by ticks, is told apart.
//! CPU is user and system time of the role's process from its start to the commit of the last frame.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bellwether_benches::backlog::{self, Backlog};
use bellwether_benches::process;
use bellwether_benches::report::{Format, Report, Target};
use bellwether_benches::site::Site;
use bellwether_benches::verify::{self, Verdict};
use bellwether_benches::workload::{Mix, Workload};
use clap::Parser;

/// Facts a CPU-second, in millions.
const RATE: f64 = 1.0;
/// Between two looks at the group's positions.
const LOOK: Duration = Duration::from_millis(20);
/// Between two words about how far it is.
const TELL: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Args {
    /// Facts of the backlog
    #[arg(long, default_value_t = 2_000_000)]
    facts: u64,
    /// Facts in a frame
    #[arg(long, default_value_t = 64)]
    frame: usize,
    /// Which facts
    #[arg(long, value_enum, default_value_t = Mix::Mixed)]
    mix: Mix,
    /// Days over which they are spread
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// Kill the role once half-way and start it again
    #[arg(long)]
    kill: bool,
    /// Do not fold beside it: only look for repeats in the output
    #[arg(long)]
    unverified: bool,
    /// A cluster instead of the embedded broker
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Longest wait, in seconds
    #[arg(long, default_value_t = 3_600)]
    patience: u64,
    /// Binary under test; `bellwether` beside this one otherwise
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let site = Site::new(args.binary.as_deref())?;
    let broker = match &args.kafka {
        Some(_) => None,
        None => Some(site.start_broker()?),
    };
    let servers = match (&broker, &args.kafka) {
        (Some((_, address, _)), _) => address.to_string(),
        (None, Some(servers)) => servers.clone(),
        (None, None) => anyhow::bail!("there is no broker"),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_millis();
    let workload =
        Workload::ending_at(args.mix, i64::try_from(now).context("the clock")?, args.days, args.facts);
    let backlog = backlog::fill(&servers, site.prefix(), &workload, args.frame, !args.unverified)?;
    site.run(&["--bootstrap-servers", &servers, "topics", "apply"])?;

    let caught_up = catch_up(&args, &site, &servers, &backlog)?;
    let verdict = verify::outputs(&servers, site.prefix(), backlog.expected.as_ref(), workload.end_ms())?;
    let report = tell(&args, &backlog, &caught_up, &verdict);
    Ok(report.print(args.format))
}

struct CaughtUp {
    took: Duration,
    cpu: Duration,
    peak_mb: f64,
}

fn catch_up(args: &Args, site: &Site, servers: &str, backlog: &Backlog) -> Result<CaughtUp> {
    let watch = backlog::Watch::new(servers, site.prefix(), &backlog.ends)?;
    let start = || -> Result<process::Process> {
        // The role serves its metrics somewhere: on a port of its own.
        let http = process::free_address()?.to_string();
        let mut command = site.command(&["--bootstrap-servers", servers, "process"]);
        command.env("BELLWETHER_HTTP__LISTEN", http);
        process::Process::start(command, &site.path("process.log"))
    };
    let (began, patience) = (Instant::now(), Duration::from_secs(args.patience));
    let mut role = start()?;
    let (mut cpu, mut peak_mb) = (Duration::ZERO, 0.0_f64);
    let (mut killed, mut told) = (!args.kill, Instant::now());
    loop {
        let mut left = 0;
        let half = backlog.frames / 2;
        role.until("further", patience.saturating_sub(began.elapsed()), LOOK, || {
            left = watch.left().unwrap_or(backlog.frames);
            if told.elapsed() > TELL {
                told = Instant::now();
                eprintln!(
                    "{left} of {} frames left after {:.0} s",
                    backlog.frames,
                    began.elapsed().as_secs_f64()
                );
            }
            left == 0 || (!killed && left <= half)
        })?;
        cpu += role.cpu()?;
        peak_mb = peak_mb.max(role.memory()?.peak_mb);
        if left == 0 {
            let took = began.elapsed();
            role.stop()?;
            return Ok(CaughtUp { took, cpu, peak_mb });
        }
        killed = true;
        role.kill()?;
        role = start()?;
        ensure!(began.elapsed() < patience, "the backlog is not caught up");
    }
}

fn tell(args: &Args, backlog: &Backlog, caught_up: &CaughtUp, verdict: &Verdict) -> Report {
    let mut report = Report::new("catch-up of a backlog by the process role");
    let facts = backlog.facts as f64;
    report.figure("facts", facts, "");
    report.figure("facts of reference data beside them", backlog.reference as f64, "");
    report.figure("frames", backlog.frames as f64, "");
    report.figure("bytes", backlog.bytes as f64 / 1e6, "MB");
    let (cpu, took) = (caught_up.cpu.as_secs_f64().max(0.01), caught_up.took.as_secs_f64());
    report.judged("facts a CPU-second", facts / cpu / 1e6, "M/s", Target::AtLeast(RATE));
    report.figure("CPU", cpu, "s");
    report.figure("time", took, "s");
    report.figure("facts a second", facts / took / 1e6, "M/s");
    report.figure("resident memory, peak", caught_up.peak_mb, "MB");
    report.figure("events said", verdict.said as f64, "");
    let none = Target::AtMost(0.0);
    report.judged("said twice", verdict.twice as f64, "", none);
    if !args.unverified {
        report.judged("missing", verdict.missing as f64, "", none);
        report.judged("with other bytes than expected", verdict.different as f64, "", none);
        report.judged("unexpected", verdict.unexpected as f64, "", none);
        report.figure("said after the backlog, by ticks", verdict.later as f64, "");
    }
    let broker = if args.kafka.is_some() { "a cluster" } else { "the embedded broker" };
    let kill = if args.kill { "; the role was killed half-way and started again" } else { "" };
    report.note(format!("on {broker}, {} facts in a frame, over {} days{kill}", args.frame, args.days));
    report
}
