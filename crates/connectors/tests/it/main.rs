//! Tests of the connectors through their public surface: recorded payloads in, events and reports out.

mod fixtures;
mod golden;
mod mutations;
mod receiver;
mod support;
