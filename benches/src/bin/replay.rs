//! `bellwether replay FILE`: events of a file a second, CPU and memory of the process.
//!
//! The file is the workload, reference data first. The output goes to a file, as it would.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bellwether_benches::report::{Format, Report};
use bellwether_benches::site::Site;
use bellwether_benches::workload::{Mix, Workload};
use bellwether_wire::json;
use clap::Parser;

#[derive(Parser)]
struct Args {
    /// Events in the file
    #[arg(long, visible_alias = "facts", default_value_t = 1_000_000)]
    events: u64,
    /// Which facts
    #[arg(long, value_enum, default_value_t = Mix::Mixed)]
    mix: Mix,
    /// Days over which they are spread
    #[arg(long, default_value_t = 91)]
    days: u32,
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
    let path = site.path("events.jsonl");
    let mut file = BufWriter::new(File::create(&path).context("making the file of events")?);
    let workload = Workload::over_days(args.mix, args.days, args.events);
    let mut count = 0_u64;
    let facts = workload.facts().map(|placed| placed.fact.event);
    for event in workload.reference().into_iter().chain(facts) {
        writeln!(file, "{}", json::write(&event))?;
        count += 1;
    }
    file.into_inner().context("writing the file of events")?;
    let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;

    let replay = site.start("replay", &["replay", &path.display().to_string()])?;
    let ended = replay.wait()?;
    let said = std::fs::read_to_string(site.path("replay.log"))?.lines().count();

    let mut report = Report::new("replay of a file");
    let events = count as f64;
    report.figure("events", events, "");
    report.figure("size of the file", megabytes, "MB");
    report.figure("lines said", said as f64, "");
    report.figure("time", ended.took.as_secs_f64(), "s");
    report.figure("events a second", events / ended.took.as_secs_f64(), "/s");
    report.figure("events a CPU-second", events / ended.cpu.as_secs_f64().max(0.01), "/s");
    report.figure("resident memory, peak", ended.memory.peak_mb, "MB");
    Ok(report.print(args.format))
}
