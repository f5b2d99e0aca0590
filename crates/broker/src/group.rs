//! Consumer groups, classic protocol: who is a member, who leads, which generation holds.
//!
//! ```text
//! Empty --join--> Joining --all rejoined, or deadline--> Syncing --leader's assignment--> Stable
//!   ^               ^  ^                                   |                                |
//!   |               |  +---- deadline, leave, new member --+                                |
//!   +- last leaves -+------------- join, leave, session expiry -----------------------------+
//! ```
//!
//! `state` is the pure machine of one group, `coordinator` holds all groups, answers waiting requests and runs the
//! deadlines. Committed offsets are in the journal; membership is not durable: after a restart members are told that
//! they are unknown, and join again.

mod coordinator;
mod join;
mod member;
mod rebalance;
mod state;
mod timers;
mod validate;

pub(crate) use coordinator::{GroupView, Groups, MemberView};
pub(crate) use member::{JoinFault, JoinRequest, Joined, SyncRequest};
