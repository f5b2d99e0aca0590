//! What can be wrong with records that a state is restored from.

/// A record of the compacted topic that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The value is not the protobuf message of its key.
    #[error("cannot restore the escalator: the value of `{key}` is no {message}")]
    Message {
        /// Key of the record.
        key: String,
        /// Message that was expected.
        message: &'static str,
        /// What the decoder said.
        #[source]
        source: prost::DecodeError,
    },
    /// The state was written by a version this one does not know.
    #[error(
        "cannot restore the escalator: the value of `{key}` has format {format}, this version reads up to \
         {known}; run the version that wrote it or a later one"
    )]
    Format {
        /// Key of the record.
        key: String,
        /// Its format.
        format: u32,
        /// The newest format this version reads.
        known: u32,
    },
    /// The state inside the message cannot be read.
    #[error("cannot restore the escalator: the state in `{key}` is damaged")]
    State {
        /// Key of the record.
        key: String,
        /// What the decoder said.
        #[source]
        source: rmp_serde::decode::Error,
    },
    /// No state has such a key.
    #[error(
        "cannot restore the escalator: no state has the key `{key}`; is this the topic `escalation.delay`?"
    )]
    Key {
        /// Key of the record.
        key: String,
    },
}
