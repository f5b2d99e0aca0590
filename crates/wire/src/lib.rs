//! The event catalogue: what travels on every topic, in both its forms.
//!
//! What it is: the messages of `proto/`, the CloudEvents envelope around them, their binary Kafka form and their
//! JSON Lines form, frames of facts, topic names, keys and partitions, and the deterministic ids. What it is not:
//! a client, a runtime, or a rule.
//!
//! Invariants:
//! - The identity of an event is (source, id); both forms carry it unchanged.
//! - Binary form to text form and back loses nothing of a known type; an unknown type keeps its bytes.
//! - Partitions are computed here (murmur2), never by a client's default partitioner.

pub mod binary;
pub mod catalogue;
pub mod envelope;
pub mod fields;
pub mod frame;
pub mod ids;
pub mod instant;
pub mod json;
pub mod murmur2;
pub mod topics;
mod variant;

/// The generated messages of package `bellwether.v1`.
#[allow(
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::unwrap_used,
    clippy::redundant_clone,
    clippy::large_enum_variant,
    unreachable_pub,
    unused_lifetimes,
    reason = "generated code; the documentation is in proto/"
)]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/bellwether.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/bellwether.v1.serde.rs"));
}

pub use catalogue::Payload;
pub use envelope::{Event, EventId};

#[cfg(test)]
mod tests;
