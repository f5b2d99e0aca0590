//! The pure folds of routing and of squads: ledgers, windows, rules.
//!
//! What it is: [`Engine::apply`] takes a routed fact and logical time and returns what is to be said; [`routing`] does
//! the same for events on their way to partitions. What it is not: a client, a loop, a clock. The same code runs live,
//! in a file replay and under warped time.
//!
//! Invariants:
//! - Same facts in the same order give the same events, byte for byte, on any machine.
//! - Time only enters as an argument and only moves forward; every deadline between two facts is judged at its own
//!   instant, after all facts of that instant (R2).
//! - Integers and rationals decide; floats are for charts.
//! - No name of a person enters; subjects leave as pseudonyms.

mod check_in;
mod context;
mod deadlines;
mod delivery;
mod dependency;
mod engine;
mod explain;
mod fact;
mod few;
mod id_map;
mod instance;
mod intern;
mod key_result;
mod measures;
mod options;
mod order;
mod ordered;
mod page;
mod reference;
mod rule;
mod seen;
mod slo;
mod sources;
mod sprint;
mod versions;

pub mod routing;

#[cfg(test)]
mod world;

pub use engine::{Engine, RestoreError};
pub use fact::{Error as FactError, Fact, Resolved};
pub use options::{Options, Ownership};
pub use rule::page_load::PAGES_PER_WEEK;
