//! The broker against a real client: the essential paths, over sockets, and over process kills.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on fails the test that called it")]

mod harness;
mod kill;
mod paths;
mod start;
mod wire;
