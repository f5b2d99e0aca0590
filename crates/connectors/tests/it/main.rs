//! Tests of the connectors through their public surface: recorded payloads in, events and reports out.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on fails the test that called it")]

mod fixtures;
mod formats;
mod golden;
mod mutations;
mod receiver;
mod support;
