//! What the benchmarks share: one workload, the processes under test, an ordinary client, and how figures are shown.
//!
//! Not measured here: nothing in this crate runs inside a process under test. CPU and memory are read from `/proc` of that
//! process alone, so that the client's own cost is never counted.

pub mod backlog;
pub mod client;
mod mixed;
pub mod process;
pub mod report;
pub mod site;
pub mod verify;
pub mod workload;
