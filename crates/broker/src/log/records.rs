//! The records inside a batch, for the few places that need them: compacted topics (keys), look-ups by time, cleaning.
//! Decompression is bounded, and nothing here trusts a length.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use kafka_protocol::compression::{Compressor, Gzip, Lz4, Snappy, Zstd};

use super::batch::{BatchHeader, HEADER_BYTES};
use super::read::Dated;

/// Most bytes a batch may unfold to: far above any sane batch, far below a memory problem.
const MAX_UNFOLDED: usize = 64 * 1024 * 1024;
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

/// The records of a batch cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordFault {
    #[error("compression type {0} is unknown")]
    Codec(i16),
    #[error("the records cannot be decompressed: {0}")]
    Decompress(String),
    #[error("the records unfold to more than {MAX_UNFOLDED} bytes")]
    TooLarge,
    #[error("a record ends early or claims an impossible length")]
    Malformed,
}

/// One record, borrowed from unfolded bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The record with its length prefix, as it stands.
    pub(crate) raw: &'a [u8],
    /// Everything behind the timestamp delta, as it stands.
    tail: &'a [u8],
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<&'a [u8]>,
    /// The value is absent: the record deletes its key.
    pub(crate) tombstone: bool,
}

/// Returns the records of a batch, decompressed, as one run of bytes.
pub(crate) fn unfold(batch: &[u8], header: &BatchHeader) -> Result<Bytes, RecordFault> {
    let packed = &batch[HEADER_BYTES..header.size];
    match header.compression() {
        0 => Ok(Bytes::copy_from_slice(packed)),
        1 => drain(flate2::read::GzDecoder::new(packed)),
        2 => unsnap(packed),
        3 => drain(lz4::Decoder::new(packed).map_err(decompress)?),
        4 => drain(zstd::stream::read::Decoder::with_buffer(packed).map_err(decompress)?),
        other => Err(RecordFault::Codec(other)),
    }
}

/// Compresses records the way the batch they came from was.
pub(crate) fn fold(records: &[u8], compression: i16) -> Result<Bytes, RecordFault> {
    let mut out = BytesMut::new();
    let write = |buffer: &mut BytesMut| {
        buffer.extend_from_slice(records);
        Ok(())
    };
    match compression {
        0 => out.extend_from_slice(records),
        1 => Gzip::compress(&mut out, write).map_err(decompress)?,
        2 => Snappy::compress(&mut out, write).map_err(decompress)?,
        3 => Lz4::compress(&mut out, write).map_err(decompress)?,
        4 => Zstd::compress(&mut out, write).map_err(decompress)?,
        other => return Err(RecordFault::Codec(other)),
    }
    Ok(out.freeze())
}

fn decompress(error: impl std::fmt::Display) -> RecordFault {
    RecordFault::Decompress(error.to_string())
}

fn drain(reader: impl Read) -> Result<Bytes, RecordFault> {
    let mut out = Vec::new();
    let read = reader.take(MAX_UNFOLDED as u64 + 1).read_to_end(&mut out).map_err(decompress)?;
    if read > MAX_UNFOLDED { Err(RecordFault::TooLarge) } else { Ok(out.into()) }
}

/// Snappy comes raw or in the framing of the Java library.
fn unsnap(packed: &[u8]) -> Result<Bytes, RecordFault> {
    if !packed.starts_with(XERIAL_MAGIC) {
        return unsnap_block(packed).map(Bytes::from);
    }
    let mut rest = packed.get(XERIAL_HEADER..).ok_or(RecordFault::Malformed)?;
    let mut out = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if length > after.len() {
            return Err(RecordFault::Malformed);
        }
        let (block, after) = after.split_at(length);
        out.extend_from_slice(&unsnap_block(block)?);
        if out.len() > MAX_UNFOLDED {
            return Err(RecordFault::TooLarge);
        }
        rest = after;
    }
    Ok(out.into())
}

fn unsnap_block(block: &[u8]) -> Result<Vec<u8>, RecordFault> {
    if snap::raw::decompress_len(block).map_err(decompress)? > MAX_UNFOLDED {
        return Err(RecordFault::TooLarge);
    }
    snap::raw::Decoder::new().decompress_vec(block).map_err(decompress)
}

/// Walks the records of unfolded bytes.
pub(crate) fn records(unfolded: &[u8]) -> impl Iterator<Item = Result<Record<'_>, RecordFault>> {
    let mut rest = unfolded;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = take_record(&mut rest);
        if record.is_none() {
            rest = &[];
        }
        Some(record.ok_or(RecordFault::Malformed))
    })
}

fn take_record<'a>(rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let whole = *rest;
    let length = usize::try_from(varint(rest)?).ok()?;
    let prefix = whole.len() - rest.len();
    let mut body = rest.get(..length)?;
    *rest = &rest[length..];
    let raw = &whole[..prefix + length];
    body = body.get(1..)?; // attributes
    let timestamp_delta = varint(&mut body)?;
    let tail = body;
    let offset_delta = i32::try_from(varint(&mut body)?).ok()?;
    let key = sized(&mut body)?;
    let tombstone = sized(&mut body)?.is_none();
    Some(Record { raw, tail, timestamp_delta, offset_delta, key, tombstone })
}

/// Reads a length-prefixed value; length -1 is an absent one. The outer `None` is a malformed one.
fn sized<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint(rest)?;
    if length == -1 {
        return Some(None);
    }
    let length = usize::try_from(length).ok()?;
    let value = rest.get(..length)?;
    *rest = &rest[length..];
    Some(Some(value))
}

/// Reads a zigzag variable-length integer.
fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

impl Record<'_> {
    /// Writes the record with another timestamp delta.
    pub(crate) fn write_with_delta(&self, timestamp_delta: i64, out: &mut Vec<u8>) {
        let mut delta = Vec::with_capacity(10);
        put_varint(&mut delta, timestamp_delta);
        put_varint(out, (1 + delta.len() + self.tail.len()) as i64);
        out.push(0); // attributes
        out.extend_from_slice(&delta);
        out.extend_from_slice(self.tail);
    }
}

/// Appends a zigzag variable-length integer.
pub(crate) fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

/// Finds the first record of a batch at or after a timestamp. A batch dated by the broker has one time for all.
pub(crate) fn timestamp_position(batch: &[u8], header: &BatchHeader, timestamp: i64) -> Option<Dated> {
    if header.has_log_append_time() {
        return Some(Dated { offset: header.base_offset, timestamp: header.max_timestamp });
    }
    let unfolded = unfold(batch, header).ok()?;
    records(&unfolded).flatten().find_map(|record| {
        let at = header.base_timestamp.checked_add(record.timestamp_delta)?;
        let offset = header.base_offset + i64::from(record.offset_delta);
        (at >= timestamp).then_some(Dated { offset, timestamp: at })
    })
}

/// Checks that every record of a batch can be read and has a key, as a compacted topic demands.
pub(crate) fn all_keyed(batch: &[u8], header: &BatchHeader) -> Result<bool, RecordFault> {
    let unfolded = unfold(batch, header)?;
    let mut count = 0;
    for record in records(&unfolded) {
        if record?.key.is_none() {
            return Ok(false);
        }
        count += 1;
    }
    if count == header.record_count { Ok(true) } else { Err(RecordFault::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::testing::{Build, batch};

    #[test]
    fn every_codec_round_trips() {
        let plain = batch(&Build { keys: &["a", "b", "c"], ..Build::default() });
        let header = BatchHeader::parse_whole(&plain).unwrap();
        let unfolded = unfold(&plain, &header).unwrap();
        for codec in 0..=4 {
            let mut packed = crate::log::batch::with_records(&plain, &fold(&unfolded, codec).unwrap(), 3);
            packed[22] = codec as u8;
            let header = BatchHeader::parse(&packed).unwrap();
            assert_eq!(unfold(&packed, &header).unwrap(), unfolded, "codec {codec}");
            assert_eq!(all_keyed(&packed, &header), Ok(true));
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let zeros = vec![0; MAX_UNFOLDED + 10];
        let plain = batch(&Build::default());
        let mut bomb = crate::log::batch::with_records(&plain, &fold(&zeros, 4).unwrap(), 1);
        bomb[22] = 4;
        let header = BatchHeader::parse(&bomb).unwrap();
        assert_eq!(unfold(&bomb, &header), Err(RecordFault::TooLarge));
    }

    #[test]
    fn damaged_records_end_in_a_fault_at_every_cut() {
        let plain = batch(&Build { keys: &["alpha", "beta"], ..Build::default() });
        let header = BatchHeader::parse_whole(&plain).unwrap();
        let unfolded = unfold(&plain, &header).unwrap();
        for cut in 1..unfolded.len() {
            let read: Result<Vec<_>, _> = records(&unfolded[..cut]).collect();
            assert!(read.is_err() || read.unwrap().len() < 2);
        }
    }
}
