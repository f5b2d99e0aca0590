//! An organisation, fired steps of every rule, and a receiver of webhooks, for the tests of this crate.

mod documents;
pub(crate) mod org;
pub(crate) mod receiver;
pub(crate) mod steps;
