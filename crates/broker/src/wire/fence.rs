//! The fence before the decoder. The codec crate reserves memory for as many list elements as a length field claims, so a
//! frame of twenty bytes could ask for gigabytes. Here every length is walked first and held against the bytes that are
//! really there, and the number of list elements in one request is bounded.
//!
//! Known tagged fields of requests hold no lists, so they are skipped by their size; a frame that lies about that size
//! can only misplace further tagged fields.

use super::layout::{Field, Layout, Shape};

/// List elements in one request: a thousand topics with a hundred partitions each.
const MAX_ELEMENTS: usize = 100_000;

/// The bytes do not have the shape of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FenceFault {
    #[error("the request ends early or claims impossible lengths")]
    Malformed,
    #[error("the request has more than {MAX_ELEMENTS} list elements")]
    TooMany,
}

/// Checks the body of a request, headers excluded.
pub(crate) fn check_body(layout: &Layout, version: i16, body: &[u8]) -> Result<(), FenceFault> {
    let flexible = version >= layout.flexible;
    let mut walk = Walk { rest: body, version, flexible, elements: 0 };
    walk.structure(layout.fields)
}

/// Checks the header: client id and tagged fields. Returns the length of the header.
pub(crate) fn check_header(frame: &[u8], flexible: bool) -> Result<usize, FenceFault> {
    // Key, version and correlation id; the client id keeps the old form in all versions.
    let mut walk = Walk { rest: frame, version: 0, flexible: false, elements: 0 };
    walk.skip(8)?;
    walk.value(Shape::Text)?;
    if flexible {
        walk.flexible = true;
        walk.tags()?;
    }
    Ok(frame.len() - walk.rest.len())
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    elements: usize,
}

impl Walk<'_> {
    fn structure(&mut self, fields: &[Field]) -> Result<(), FenceFault> {
        for field in fields {
            if (field.since..=field.until).contains(&self.version) {
                self.value(field.shape)?;
            }
        }
        if self.flexible { self.tags() } else { Ok(()) }
    }

    fn value(&mut self, shape: Shape) -> Result<(), FenceFault> {
        match shape {
            Shape::Fixed(bytes) => self.skip(bytes),
            Shape::Text if !self.flexible => {
                let length = self.short()?;
                self.skip(length)
            }
            Shape::Text | Shape::Blob => {
                let length = self.length()?;
                self.skip(length)
            }
            Shape::List(fields) => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.structure(fields))
            }
            Shape::Scalars(shape) => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.value(*shape))
            }
        }
    }

    /// A list's count; each element takes at least one byte.
    fn count(&mut self) -> Result<usize, FenceFault> {
        let count = self.length()?;
        if count > self.rest.len() {
            return Err(FenceFault::Malformed);
        }
        self.elements += count;
        if self.elements > MAX_ELEMENTS { Err(FenceFault::TooMany) } else { Ok(count) }
    }

    /// A length in the form of this version; an absent value counts as empty.
    fn length(&mut self) -> Result<usize, FenceFault> {
        if self.flexible {
            return Ok((self.varint()? as usize).saturating_sub(1));
        }
        let (bytes, rest) = self.rest.split_first_chunk::<4>().ok_or(FenceFault::Malformed)?;
        self.rest = rest;
        non_negative(i32::from_be_bytes(*bytes))
    }

    fn short(&mut self) -> Result<usize, FenceFault> {
        let (bytes, rest) = self.rest.split_first_chunk::<2>().ok_or(FenceFault::Malformed)?;
        self.rest = rest;
        non_negative(i32::from(i16::from_be_bytes(*bytes)))
    }

    /// Reads as the decoder does: at most five bytes, of which the top bits of the last fall away.
    fn varint(&mut self) -> Result<u32, FenceFault> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(FenceFault::Malformed)?;
            self.rest = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                break;
            }
        }
        Ok(value)
    }

    fn tags(&mut self) -> Result<(), FenceFault> {
        let count = self.varint()? as usize;
        if count > self.rest.len() {
            return Err(FenceFault::Malformed);
        }
        self.elements += count;
        if self.elements > MAX_ELEMENTS {
            return Err(FenceFault::TooMany);
        }
        for _ in 0..count {
            self.varint()?;
            let size = self.varint()? as usize;
            self.skip(size)?;
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) -> Result<(), FenceFault> {
        self.rest = self.rest.get(bytes..).ok_or(FenceFault::Malformed)?;
        Ok(())
    }
}

fn non_negative(length: i32) -> Result<usize, FenceFault> {
    match length {
        -1 => Ok(0),
        length => usize::try_from(length).map_err(|_| FenceFault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ApiKey;

    use super::*;
    use crate::wire::layout::layout_of;

    #[test]
    fn a_tiny_frame_with_a_huge_count_is_refused() {
        let layout = layout_of(ApiKey::Metadata as i16).unwrap();
        assert_eq!(check_body(layout, 1, &i32::MAX.to_be_bytes()), Err(FenceFault::Malformed));
        let compact = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0];
        assert_eq!(check_body(layout, 12, &compact), Err(FenceFault::Malformed));
    }

    #[test]
    fn too_many_elements_are_refused_even_when_they_are_there() {
        let layout = layout_of(ApiKey::DescribeGroups as i16).unwrap();
        let mut body = 200_000i32.to_be_bytes().to_vec();
        body.resize(4 + 400_000, 0);
        assert_eq!(check_body(layout, 0, &body), Err(FenceFault::TooMany));
    }
}
