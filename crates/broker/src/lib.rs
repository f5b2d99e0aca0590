//! An embedded single-node broker that speaks the Kafka protocol.
//!
//! It is the ground of `bellwether up`, of the demo and of the tests: ordinary Kafka clients produce idempotently,
//! consume in groups and run transactions against it, with nothing to install. It is one node without replication, for
//! a laptop, a small site and tests, and no replacement for a cluster.
//!
//! ```no_run
//! # async fn example() -> Result<(), bellwether_broker::Error> {
//! use bellwether_broker::{Broker, BrokerOptions};
//!
//! let broker = Broker::start(BrokerOptions::new(([127, 0, 0, 1], 0).into(), "/tmp/broker")).await?;
//! println!("bootstrap.servers={}", broker.local_addr());
//! broker.stop().await
//! # }
//! ```
//!
//! Rooms: `log` (one partition on disk), `journal` (everything durable but the records), `topics`, `group`, `txn` (the
//! coordinators), `api` (one handler per request), `wire` (bytes and messages), `net` (sockets). Arrows point down that
//! list: a room knows those named before it, never those after.

mod api;
mod boot;
mod broker;
mod clock;
mod codec;
mod core;
mod durability;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod housekeeping;
mod journal;
mod log;
mod net;
mod options;
mod sync;
mod topics;
mod txn;
mod wire;

pub use broker::Broker;
pub use error::Error;
pub use options::{BrokerOptions, Durability};
