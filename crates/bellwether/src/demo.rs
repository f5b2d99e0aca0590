//! The demo: a generated quarter of a 12-squad organisation, run through the real roles under warped time.
//!
//! [`quarter`] generates the events (pure, from a seed); [`run`] publishes them with marks and lets route, process and
//! escalate fold them and notify deliver; [`told`] counts the messages; [`narrate`] tells what fires, to whom and when. Nothing in the folds knows that time is warped.

pub(crate) mod calendar;
pub(crate) mod narrate;
pub(crate) mod organisation;
pub(crate) mod quarter;
pub(crate) mod run;
pub(crate) mod seed;
pub(crate) mod stories;
pub(crate) mod told;

#[cfg(test)]
mod tests;
