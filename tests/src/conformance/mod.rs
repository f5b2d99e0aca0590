//! What a broker must do for us: the same cases, by the same client, against Apache Kafka and the embedded broker.
//!
//! What it is: a table of small cases per theme, each told a [`Cluster`] and asking it through librdkafka. What it is
//! not: a test of our own log port (its suite lives beside the port), nor a benchmark.
//!
//! Invariants: a case names its topics, groups and ids uniquely, so that cases run side by side and again on the same
//! broker; every wait has a deadline; nothing waits a fixed time.

pub mod client;
pub mod cluster;
pub mod node;
pub mod reading;
pub mod roles;
pub mod wait;
pub mod xtask;

mod case {
    pub(super) mod compaction;
    pub(super) mod compatibility;
    pub(super) mod exactly_once;
    pub(super) mod fencing;
    pub(super) mod groups;
    pub(super) mod positions;
    pub(super) mod produce;
    pub(super) mod restart;
    pub(super) mod topics;
    pub(super) mod transactions;
}

pub use cluster::{Cluster, Kind};

/// One thing a broker must do.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What holds, as a sentence.
    pub name: &'static str,
    /// Fails with what was seen instead.
    pub run: fn(&Cluster) -> anyhow::Result<()>,
    /// Runs while nothing else does: it measures time.
    pub alone: bool,
    /// Programs without which it is skipped, visibly.
    pub needs: &'static [&'static str],
}

impl Case {
    const fn new(name: &'static str, run: fn(&Cluster) -> anyhow::Result<()>) -> Self {
        Self { name, run, alone: false, needs: &[] }
    }

    const fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    const fn needs(mut self, programs: &'static [&'static str]) -> Self {
        self.needs = programs;
        self
    }
}

/// A table row whose name is the function's own.
macro_rules! cases {
    ($($function:ident),+ $(,)?) => { &[$($crate::conformance::Case::new(stringify!($function), $function)),+] };
}
use cases;

/// Every case, by theme.
pub fn themes() -> [(&'static str, &'static [Case]); 10] {
    [
        ("topics", case::topics::CASES),
        ("produce", case::produce::CASES),
        ("positions", case::positions::CASES),
        ("transactions", case::transactions::CASES),
        ("fencing", case::fencing::CASES),
        ("groups", case::groups::CASES),
        ("exactly_once", case::exactly_once::CASES),
        ("compaction", case::compaction::CASES),
        ("restart", case::restart::CASES),
        ("compatibility", case::compatibility::CASES),
    ]
}
