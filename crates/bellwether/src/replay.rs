//! Replay: events in, triggers and steps out, in virtual time, with no broker at all.
//!
//! It folds with exactly the code that the router, the processor and the escalator run. Events are put into the one
//! order of R1 and R2, so that the output never depends on the order of files, threads or the machine.

pub(crate) mod against;
pub(crate) mod order;
pub(crate) mod packed;
pub(crate) mod pipeline;
pub(crate) mod read;
pub(crate) mod stages;

pub(crate) use pipeline::Pipeline;
