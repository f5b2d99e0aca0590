//! How state is written: MessagePack with field names inside `EscalatorState`, protobuf messages as bytes inside that.

use bellwether_wire::pb;
use prost::Message as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Format of the states this version writes. Fields may be added to a format as long as they have a default.
pub(crate) const FORMAT: u32 = 1;

/// Writes a state.
pub(crate) fn encode<T: Serialize>(state: &T) -> Vec<u8> {
    let state = rmp_serde::to_vec_named(state)
        .expect("states are maps, lists, strings and numbers, which all encode");
    pb::EscalatorState { format: FORMAT, state: state.into() }.encode_to_vec()
}

/// Reads a state.
pub(crate) fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, Error> {
    let message = pb::EscalatorState::decode(value).map_err(|source| Error::Message {
        key: key.to_owned(),
        message: "EscalatorState",
        source,
    })?;
    if message.format != FORMAT {
        return Err(Error::Format { key: key.to_owned(), format: message.format, known: FORMAT });
    }
    rmp_serde::from_slice(&message.state).map_err(|source| Error::State { key: key.to_owned(), source })
}

/// Protobuf messages as bytes inside a state.
pub(crate) mod message {
    use prost::Message;
    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};

    /// Writes a message.
    pub(crate) fn serialize<M: Message, S: Serializer>(
        message: &M,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&message.encode_to_vec())
    }

    /// Reads a message.
    pub(crate) fn deserialize<'de, M, D>(deserializer: D) -> Result<M, D::Error>
    where
        M: Message + Default,
        D: Deserializer<'de>,
    {
        let bytes = deserializer.deserialize_byte_buf(Bytes)?;
        M::decode(bytes.as_slice()).map_err(D::Error::custom)
    }

    struct Bytes;

    impl<'de> Visitor<'de> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the bytes of a protobuf message")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = list.next_element()? {
                bytes.push(byte);
            }
            Ok(bytes)
        }
    }
}
