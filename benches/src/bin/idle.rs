//! What an idle `bellwether up` on its embedded broker costs: start to ready, memory, CPU; and the same after a second
//! start on its own folder.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use bellwether_benches::process;
use bellwether_benches::report::{Format, Report, Target, median, millis};
use bellwether_benches::site::Site;
use clap::Parser;

/// Memory of an idle process.
const MEMORY_MB: f64 = 80.0;
/// CPU of an idle process.
const CPU_PERCENT: f64 = 1.0;
/// From start to ready.
const READY_MS: f64 = 1_000.0;

#[derive(Parser)]
struct Args {
    /// Binary under test; `bellwether` beside this one otherwise
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Starts on an empty folder
    #[arg(long, default_value_t = 5)]
    starts: u32,
    /// Seconds to settle before CPU is read
    #[arg(long, default_value_t = 10)]
    settle: u64,
    /// Seconds over which CPU is read
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let mut report = Report::new("idle up");
    let mut first = Vec::new();
    let mut last = None;
    for _ in 0..args.starts.max(1) {
        let site = Site::new(args.binary.as_deref())?;
        let up = site.start_up(None)?;
        first.push(millis(up.ready_after));
        if let Some((_, up)) = last.replace((site, up)) {
            let up: bellwether_benches::site::Up = up;
            up.process.stop()?;
        }
    }
    let ready = Target::AtMost(READY_MS);
    report.judged("start to ready, empty folder, p50", median(&mut first), "ms", ready);
    report.judged("start to ready, empty folder, max", first.last().copied().unwrap_or(0.0), "ms", ready);

    if let Some((site, up)) = last {
        std::thread::sleep(Duration::from_secs(args.settle));
        let pid = up.process.pid();
        let used = process::use_of(pid, Duration::from_secs(args.seconds))?;
        let memory = up.process.memory()?;
        report.judged("resident memory", memory.now_mb, "MB", Target::AtMost(MEMORY_MB));
        report.judged("resident memory, peak", memory.peak_mb, "MB", Target::AtMost(MEMORY_MB));
        report.judged("CPU of one core", used.cpu_percent, "%", Target::AtMost(CPU_PERCENT));
        report.figure("context switches", used.switches, "/s");
        up.process.stop()?;
        let again = site.start_up(None)?;
        report.judged("start to ready, own folder again", millis(again.ready_after), "ms", ready);
        again.process.stop()?;
    }
    Ok(report.print(args.format))
}
