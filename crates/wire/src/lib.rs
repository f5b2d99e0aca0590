//! The event catalogue: protobuf messages, CloudEvents envelope, frames, topics and keys.
