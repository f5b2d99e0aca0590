//! Transactions: who may write under a transactional id, what belongs to the open transaction, how it ends.
//!
//!     Empty/Ended --first partition or group--> Ongoing --EndTxn, time-out, new producer--> Decided --markers--> Ended
//!
//! `state` is the pure machine of one transactional id; `coordinator` holds all of them, journals their transitions and
//! writes the markers; `recover` finishes at start what a crash interrupted.

mod coordinator;
mod recover;
mod state;

pub(crate) use coordinator::{Context, InitRequest, TransactionView, Transactions};
pub(crate) use state::ProducerKey;
