//! Facts per second of decode and fold: one thread, in memory, no log.
//!
//! What is timed is what a processor does with a frame it has read: cut, decode, fold, decide; writing decisions is not.

use std::process::ExitCode;
use std::time::Instant;

use bellwether_benches::report::{Format, Report, Target};
use bellwether_benches::workload::{Framed, Mix, Workload};
use bellwether_engine::{Engine, Fact, Options, Ownership};
use bellwether_wire::frame;
use clap::Parser;

/// Facts a second, in millions.
const RATE: f64 = 1.0;

#[derive(Parser)]
struct Args {
    /// Facts to fold.
    #[arg(long, default_value_t = 1_000_000)]
    facts: u64,
    /// Which facts
    #[arg(long, value_enum, default_value_t = Mix::Mixed)]
    mix: Mix,
    /// Days over which they are spread
    #[arg(long, default_value_t = 91)]
    days: u32,
    /// Partitions over which squads are spread, each with an engine of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    partitions: u32,
    /// Facts in a frame.
    #[arg(long, default_value_t = 64)]
    frame: usize,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The allocator of the binary whose fold this is.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let workload = Workload::over_days(args.mix, args.days, args.facts);
    let mut said = Vec::new();
    let reference: Vec<Fact> = workload.reference().into_iter().map(Fact::new).collect();
    let engine = |index| {
        let count = args.partitions;
        let ownership = if count == 1 { Ownership::All } else { Ownership::Partition { index, count } };
        let mut engine = Engine::new(Options { ownership, ..Options::default() });
        reference.iter().for_each(|fact| engine.apply(fact, workload.before(), &mut said));
        engine
    };
    let mut engines: Vec<Engine> = (0..args.partitions).map(engine).collect();
    said.clear();
    let frames = workload.frames(args.frame, args.partitions);
    let bytes: usize = frames.iter().map(|framed| framed.frame.len()).sum();
    let mut folded = 0_u64;
    let mut decisions = 0;
    let began = Instant::now();
    for Framed { partition, at, frame } in &frames {
        let engine = &mut engines[*partition as usize];
        for fact in frame::cut(frame).expect("own frames are cut") {
            let fact = Fact::decode_for_fold(fact).expect("own facts are read");
            engine.apply(&fact, *at, &mut said);
            folded += 1;
        }
        decisions += said.len();
        said.clear();
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut report = Report::new("decode and fold");
    let facts = folded as f64;
    report.figure("facts", facts, "");
    report.figure("bytes of frames", bytes as f64 / 1e6, "MB");
    report.figure("time", seconds, "s");
    report.judged("facts a second", facts / seconds / 1e6, "M/s", Target::AtLeast(RATE));
    report.figure("each", seconds * 1e9 / facts, "ns");
    report.figure("events said", decisions as f64, "");
    report.figure(
        "snapshot",
        engines.iter().map(|engine| engine.snapshot().len()).sum::<usize>() as f64 / 1e6,
        "MB",
    );
    report.print(args.format)
}
