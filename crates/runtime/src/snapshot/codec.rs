//! The bytes of one snapshot: header, compressed payload, checksum.
//!
//! ```text
//!   magic 8 | format u16 | header length u32 | header JSON | raw length u64 | packed length u64 | zstd | SHA-256
//! ```
//! Integers are big-endian. The checksum covers everything before it, so that a flipped bit or a missing tail is
//! found before anything is believed. The payload is the fold's own and opaque here.

use bellwether_log::{Position, TopicPartition};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fold::{StateHash, UnitId};

const MAGIC: [u8; 8] = *b"BWSNAP\x1a\n";
/// Format written. Older ones are read as long as they are listed in [`decode`].
pub const FORMAT: u16 = 1;
const CHECKSUM_BYTES: usize = 32;
/// Bound on a header: a dozen inputs and a thousand skipped records fit many times over.
const MAX_HEADER_BYTES: usize = 4 * 1024 * 1024;
/// Bound on an unpacked payload, so that a forged length cannot take the machine's memory: ten times the largest
/// state planned for one process.
const MAX_PAYLOAD_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// The library's default: faster than the disk, and a third of the size for state of this kind.
const ZSTD_LEVEL: i32 = 3;

/// Where a snapshot stands in one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPosition {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Offset of the next record to fold.
    pub next_offset: i64,
}

impl From<&Position> for InputPosition {
    fn from(position: &Position) -> Self {
        Self {
            topic: position.partition.topic.clone(),
            partition: position.partition.partition,
            next_offset: position.next_offset,
        }
    }
}

impl InputPosition {
    /// The same as a position of the log.
    pub fn position(&self) -> Position {
        Position {
            partition: TopicPartition::new(self.topic.clone(), self.partition),
            next_offset: self.next_offset,
        }
    }
}

/// A record that made the fold panic and was passed over; a replay that crosses it passes it over too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SkippedRecord {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Offset.
    pub offset: i64,
    /// What the panic said.
    pub cause: String,
}

/// What a snapshot says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Engine version that wrote it.
    pub engine: String,
    /// The unit.
    pub unit: u32,
    /// Partitions of the input topics.
    pub partitions: u32,
    /// Positions of all inputs of the unit.
    pub inputs: Vec<InputPosition>,
    /// Hash of the state, hexadecimal.
    pub state_hash: String,
    /// Latest record time folded, Unix milliseconds; absent when nothing was.
    pub logical_ms: Option<i64>,
    /// Records passed over so far, the latest ones.
    pub skipped: Vec<SkippedRecord>,
}

impl Header {
    /// Unit.
    pub fn unit(&self) -> UnitId {
        UnitId(self.unit)
    }

    /// True when the header's hash is that of `hash`.
    pub fn has_hash(&self, hash: StateHash) -> bool {
        self.state_hash == hash.to_string()
    }
}

/// A snapshot in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What it says about itself.
    pub header: Header,
    /// The fold's own bytes.
    pub payload: Vec<u8>,
}

/// Bytes that are not a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Too short, or its lengths do not add up.
    #[error("cut short or not a snapshot: {0}")]
    Shape(&'static str),
    /// A format this version does not read.
    #[error("format {found} is unknown; this version writes {FORMAT}")]
    Format {
        /// Format found.
        found: u16,
    },
    /// The bytes are not those that were written.
    #[error("checksum differs")]
    Checksum,
    /// The header does not parse.
    #[error("header does not parse")]
    Header(#[source] serde_json::Error),
    /// The payload does not unpack, or cannot be packed.
    #[error("payload cannot be packed or unpacked")]
    Payload(#[source] std::io::Error),
}

/// Encodes a snapshot.
pub fn encode(snapshot: &Snapshot) -> Result<Vec<u8>, CodecError> {
    let header = serde_json::to_vec(&snapshot.header).map_err(CodecError::Header)?;
    let header_len = u32::try_from(header.len()).map_err(|_| CodecError::Shape("header too long"))?;
    let packed = zstd::bulk::compress(&snapshot.payload, ZSTD_LEVEL).map_err(CodecError::Payload)?;

    let mut bytes = Vec::with_capacity(30 + header.len() + packed.len() + CHECKSUM_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.extend_from_slice(&header_len.to_be_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&(snapshot.payload.len() as u64).to_be_bytes());
    bytes.extend_from_slice(&(packed.len() as u64).to_be_bytes());
    bytes.extend_from_slice(&packed);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    Ok(bytes)
}

/// Decodes a snapshot after its checksum has been found right.
pub fn decode(bytes: &[u8]) -> Result<Snapshot, CodecError> {
    let body_len = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(CodecError::Shape("no checksum"))?;
    let (body, checksum) = bytes.split_at(body_len);
    let mut rest = Cut(body);
    if rest.take(MAGIC.len())? != MAGIC {
        return Err(CodecError::Shape("wrong magic"));
    }
    if Sha256::digest(body).as_slice() != checksum {
        return Err(CodecError::Checksum);
    }
    let format = u16::from_be_bytes(rest.array()?);
    if format != FORMAT {
        return Err(CodecError::Format { found: format });
    }

    let header_len = u32::from_be_bytes(rest.array()?) as usize;
    if header_len > MAX_HEADER_BYTES {
        return Err(CodecError::Shape("header too long"));
    }
    let header: Header = serde_json::from_slice(rest.take(header_len)?).map_err(CodecError::Header)?;
    let raw_len = u64::from_be_bytes(rest.array()?);
    let packed_len = u64::from_be_bytes(rest.array()?);
    if raw_len > MAX_PAYLOAD_BYTES || packed_len != rest.0.len() as u64 {
        return Err(CodecError::Shape("lengths do not add up"));
    }
    let raw_len =
        usize::try_from(raw_len).map_err(|_| CodecError::Shape("larger than this machine's memory"))?;
    let payload = zstd::bulk::decompress(rest.0, raw_len).map_err(CodecError::Payload)?;
    if payload.len() != raw_len {
        return Err(CodecError::Shape("payload of another length"));
    }
    Ok(Snapshot { header, payload })
}

/// What is left to read.
struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CodecError::Shape("ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CodecError::Shape("ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn sample(next_offset: i64, payload: Vec<u8>) -> Snapshot {
        Snapshot {
            header: Header {
                engine: "1.2.3".to_owned(),
                unit: 7,
                partitions: 64,
                inputs: vec![InputPosition {
                    topic: "bellwether.facts.v1".to_owned(),
                    partition: 7,
                    next_offset,
                }],
                state_hash: StateHash([7; 16]).to_string(),
                logical_ms: Some(1_700_000_000_000),
                skipped: vec![SkippedRecord {
                    topic: "bellwether.facts.v1".to_owned(),
                    partition: 7,
                    offset: 3,
                    cause: "index out of bounds".to_owned(),
                }],
            },
            payload,
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(payload in proptest::collection::vec(any::<u8>(), 0..4_000), at in 0_i64..) {
            let snapshot = sample(at, payload);
            let bytes = encode(&snapshot).unwrap();
            prop_assert_eq!(decode(&bytes).unwrap(), snapshot);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn every_flipped_bit_and_every_cut_is_found(
            payload in proptest::collection::vec(any::<u8>(), 0..600),
            flip in any::<proptest::sample::Index>(),
            bit in 0_u32..8,
            cut in any::<proptest::sample::Index>(),
        ) {
            let bytes = encode(&sample(9, payload)).unwrap();
            let mut flipped = bytes.clone();
            let at = flip.index(flipped.len());
            flipped[at] ^= 1 << bit;
            prop_assert!(decode(&flipped).is_err(), "bit {} of byte {} went unnoticed", bit, at);
            let keep = cut.index(bytes.len());
            prop_assert!(decode(&bytes[..keep]).is_err(), "a cut at {} went unnoticed", keep);
        }
    }

    /// The file was written by the first version of this format. A later format adds a file and keeps this one.
    #[test]
    fn the_first_format_still_reads() {
        let bytes = include_bytes!("../../test-data/snapshot-v1.snap");
        let payload = b"what a fold wrote, many years ago; ".repeat(20);
        assert_eq!(decode(bytes).unwrap(), sample(12_345, payload));
    }

    #[test]
    #[ignore = "writes the file above; run it by hand when a format is added"]
    fn write_the_file_of_this_format() {
        let payload = b"what a fold wrote, many years ago; ".repeat(20);
        let path = format!("{}/test-data/snapshot-v{FORMAT}.snap", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, encode(&sample(12_345, payload)).unwrap()).unwrap();
    }

    #[test]
    fn a_format_of_the_future_is_named_and_not_guessed_at() {
        let mut bytes = encode(&sample(1, vec![1, 2, 3])).unwrap();
        bytes[9] = 2;
        let body = bytes.len() - CHECKSUM_BYTES;
        let checksum = Sha256::digest(&bytes[..body]);
        bytes[body..].copy_from_slice(&checksum);
        assert!(matches!(decode(&bytes), Err(CodecError::Format { found: 2 })));
    }
}
