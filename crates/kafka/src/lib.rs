//! The Kafka adapter of the log port, on rdkafka: the one production path, and the one place that knows the client's
//! hazards.
//!
//! What it is: [`KafkaLog`], an [`EventLog`](bellwether_log::EventLog) over any cluster that speaks the Kafka
//! protocol, our embedded broker included. What it is not: a general client. It does what the port asks and refuses
//! settings that would undo it.
//!
//! Invariants, each with the hazard behind it:
//! - One `BaseConsumer` per member, polled by the thread that owns the member; no stream consumer, no split queues:
//!   both lose wake-ups and partitions in rebalances.
//! - A partition that is handed over stays paused until it is started at an offset; nothing depends on where the
//!   client would have begun.
//! - Every transaction sends positions, under group metadata read at that moment and known to name a member: the
//!   coordinator checks nothing when it names none, and a transaction without positions is not checked at all.
//! - A producer that failed without a definite outcome is never used again; its successor opens with the same
//!   transactional id, which ends whatever was left open.
//! - Batches are taken from a queue only under an assignment made by hand: the batch call answers rebalances itself.
//! - Partitions are explicit on every record; `murmur2_random` is set in case one ever is not.
//!
//! Everything blocks: call it from threads, not from async workers, and drop members and readers on the thread that
//! used them.

mod appender;
mod asking;
mod batch;
mod config;
mod context;
mod failure;
mod first_broker;
mod identity;
mod kafka_log;
mod member;
pub mod metric_definitions;
pub mod options;
mod producing;
mod reader;
mod records;
mod reserved;
mod shelf;
mod token;
mod topics;
mod transaction;

pub use kafka_log::KafkaLog;
pub use metric_definitions::describe_metrics;
pub use options::{
    GroupProtocol, KafkaOptions, OptionsError, PasswordMechanism, Protocol, Sasl, Secret, Security, Tls,
};
