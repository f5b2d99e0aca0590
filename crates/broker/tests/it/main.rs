//! The broker against a real client: the essential paths, over sockets, and over process kills.

mod harness;
mod kill;
mod paths;
