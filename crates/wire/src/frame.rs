//! Frames: a record of `facts` carries 1..n length-delimited facts, so that one bad fact does not poison the rest.
//!
//! Bounds, with reasons: 1,000 facts keep one fold step short of a stall; 256 KiB stay well below the usual
//! 1 MB record limit. Nothing waits to fill a frame.

use bytes::{Buf, Bytes, BytesMut};
use prost::Message as _;

use crate::pb;

/// Most facts in a frame.
pub const MAX_FACTS: usize = 1_000;
/// Most bytes in a frame, unless a single fact is larger by itself.
pub const MAX_BYTES: usize = 256 * 1024;

/// A frame that cannot be cut into its facts.
#[derive(Debug, thiserror::Error)]
#[error("the frame is cut short or not length-delimited at byte {at}")]
pub struct Error {
    /// Where it stops making sense.
    pub at: usize,
}

/// Packs facts into as few frames as the bounds allow, in order.
pub fn pack<'a>(facts: impl IntoIterator<Item = &'a pb::Fact>) -> Vec<Bytes> {
    let mut frames = Vec::new();
    let mut frame = BytesMut::new();
    let mut count = 0;
    for fact in facts {
        let size = fact.encoded_len() + prost::length_delimiter_len(fact.encoded_len());
        if count > 0 && (count == MAX_FACTS || frame.len() + size > MAX_BYTES) {
            frames.push(frame.split().freeze());
            count = 0;
        }
        fact.encode_length_delimited(&mut frame).expect("a growing buffer takes it");
        count += 1;
    }
    if count > 0 {
        frames.push(frame.freeze());
    }
    frames
}

/// Joins frames of one partition into as few as the bounds allow, in order. Frames are counted, not read: what is no frame
/// stays one by itself.
pub fn join(frames: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
    let mut joined: Vec<Bytes> = Vec::new();
    let mut open = BytesMut::new();
    let mut count = 0;
    for frame in frames {
        let Ok(facts) = cut(&frame).map(|facts| facts.len()) else {
            joined.extend([open.split().freeze(), frame].into_iter().filter(|frame| !frame.is_empty()));
            count = 0;
            continue;
        };
        if count > 0 && (count + facts > MAX_FACTS || open.len() + frame.len() > MAX_BYTES) {
            joined.push(open.split().freeze());
            count = 0;
        }
        open.extend_from_slice(&frame);
        count += facts;
    }
    if !open.is_empty() {
        joined.push(open.freeze());
    }
    joined
}

/// Cuts a frame into the bytes of its facts.
///
/// # Errors
/// When a length does not fit. Facts before it are not returned: a frame is folded whole or not at all.
pub fn cut(frame: &Bytes) -> Result<Vec<Bytes>, Error> {
    let mut rest = frame.clone();
    let mut facts = Vec::new();
    while rest.has_remaining() {
        let at = frame.len() - rest.len();
        let length = prost::decode_length_delimiter(&mut rest).map_err(|_| Error { at })?;
        if length > rest.len() {
            return Err(Error { at });
        }
        facts.push(rest.split_to(length));
    }
    Ok(facts)
}
