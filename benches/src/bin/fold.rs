//! Facts per second of decode and fold: one thread, in memory, no log.
//!
//! What is timed is what a processor does with a frame it has read: cut, decode, fold, decide; writing decisions is not.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figure")]

use std::time::Instant;

use bellwether_benches::workload::Workload;
use bellwether_engine::{Engine, Fact, Options};
use bellwether_wire::frame;
use clap::Parser;

#[derive(Parser)]
struct Args {
    /// Facts to fold.
    #[arg(long, default_value_t = 1_000_000)]
    facts: u64,
    /// Facts in a frame.
    #[arg(long, default_value_t = 64)]
    frame: usize,
}

fn main() {
    let args = Args::parse();
    let workload = Workload::over_a_year(args.facts);
    let mut engine = Engine::new(Options::default());
    let mut said = Vec::new();
    for event in workload.reference() {
        engine.apply(&Fact::new(event), workload.before(), &mut said);
    }
    said.clear();
    let frames = workload.frames(args.frame);
    let bytes: usize = frames.iter().map(|(_, frame)| frame.len()).sum();
    let mut folded = 0_u64;
    let mut decisions = 0;
    let began = Instant::now();
    for (at, bytes) in &frames {
        for fact in frame::cut(bytes).expect("own frames are cut") {
            let fact = Fact::decode(fact).expect("own facts are read");
            engine.apply(&fact, *at, &mut said);
            folded += 1;
        }
        decisions += said.len();
        said.clear();
    }
    let seconds = began.elapsed().as_secs_f64();
    let snapshot = engine.snapshot();
    println!(
        "decode + fold: {folded} facts ({bytes} bytes) in {seconds:.2} s: {:.0} facts/s, {:.0} ns each; {decisions} \
         events said; snapshot {} bytes",
        folded as f64 / seconds,
        seconds * 1e9 / folded as f64,
        snapshot.len()
    );
}
