//! The pure fold of escalations: what happens between a trigger and the person who settles it.
//!
//! What it is: [`Escalator`] takes trigger events, commands, reference data and the passing of time, and says which
//! level goes to whom, when, and why not. What it is not: it reads no topic, knows no clock, delivers nothing and
//! knows no names. Live, in a replay of files and under warped time it is the same code.
//!
//! ```text
//!  trigger.fired --> started --> L1 .. L5: armed --> its turn --> held / fired / skipped --> repeats
//!  commands ------> acknowledged, snoozed, resolved                                             |
//!  trigger.cleared, resolved --> ended <--------------------------------------------------------+
//! ```
//! Invariants:
//! - Same events, same logical times: same output, byte for byte, and one jump in time says what many small ones say.
//! - Of one instant, all events come first, then its deadlines (R2).
//! - A level is sent at most once to a person; levels of one escalation never go down, but for those due together.
//! - Everything that is not sent is said, with its reason.
//! - The state is the changelog: [`Escalator::restore`] of what [`Escalator::changelog`] wrote goes on alike.

mod anchor;
mod chains;
mod changelog;
mod clock;
mod codec;
mod command;
pub mod contract;
mod deadlines;
mod describe;
mod error;
mod escalation;
mod escalator;
mod firing;
mod guard;
mod instance;
mod late;
mod options;
mod output;
mod pauses;
mod people;
mod policy;
mod pseudonyms;
mod quiet;
mod reference;
mod repeats;
mod restore;
mod run;
mod send;
mod threads;
mod trigger;
mod turns;
mod versions;
mod watchers;

pub use describe::{Hold, Pending};
pub use error::Error;
pub use escalator::Escalator;
pub use options::Options;
pub use output::{Output, SOURCE};
