//! Transactions: who may write under a transactional id, what belongs to the open transaction, how it ends.
//!
//! ```text
//! Empty/Ended --first partition or group--> Ongoing --EndTxn, time-out, new producer--> Decided --markers--> Ended
//! ```
//!
//! `state` is the pure machine of one transactional id; `coordinator` holds all of them; `endings` journals their
//! transitions and writes the markers; `recover` finishes at start what a crash interrupted.

mod coordinator;
mod endings;
mod recover;
mod state;
mod view;

pub(crate) use coordinator::{Context, InitRequest, Transactions};
pub(crate) use state::ProducerKey;
pub(crate) use view::TransactionView;
