//! The Kafka adapter of the log port.
