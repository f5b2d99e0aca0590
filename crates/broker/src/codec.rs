//! The byte format of the broker's own files (journal entries, segment states): big-endian integers, length-prefixed
//! strings and lists. Not the Kafka protocol.
//!
//! Invariant: reading never allocates more than the input holds, whatever its length fields claim.

use bytes::{Buf, BufMut};
use uuid::Uuid;

/// The input ended early or holds an impossible value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes end early or hold an impossible value")]
pub(crate) struct Malformed;

/// Reads values off the front of a slice.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| Malformed)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.u8()? != 0)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        self.0.try_get_i16().map_err(|_| Malformed)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.0.try_get_i32().map_err(|_| Malformed)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32().map_err(|_| Malformed)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        self.0.try_get_i64().map_err(|_| Malformed)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.0.try_get_u64().map_err(|_| Malformed)
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, Malformed> {
        Ok(Uuid::from_u128(self.0.try_get_u128().map_err(|_| Malformed)?))
    }

    pub(crate) fn string(&mut self) -> Result<String, Malformed> {
        let length = self.u32()? as usize;
        if length > self.0.len() {
            return Err(Malformed);
        }
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| Malformed)
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.bool()? { read(self).map(Some) } else { Ok(None) }
    }

    /// Reads a list; every element takes at least one byte, so a count beyond the rest is refused.
    pub(crate) fn list<T, C: FromIterator<T>>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<C, Malformed> {
        let count = self.u32()? as usize;
        if count > self.0.len() {
            return Err(Malformed);
        }
        (0..count).map(|_| read(self)).collect()
    }
}

/// Appends values to a byte vector.
pub(crate) trait Writer {
    fn string(&mut self, text: &str);
    fn bool(&mut self, value: bool);
    fn uuid(&mut self, id: Uuid);
    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T));
    fn list<T>(&mut self, items: impl ExactSizeIterator<Item = T>, write: impl FnMut(&mut Self, T));
}

impl Writer for Vec<u8> {
    fn string(&mut self, text: &str) {
        self.put_u32(text.len() as u32);
        self.put_slice(text.as_bytes());
    }

    fn bool(&mut self, value: bool) {
        self.put_u8(u8::from(value));
    }

    fn uuid(&mut self, id: Uuid) {
        self.put_u128(id.as_u128());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, items: impl ExactSizeIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.put_u32(items.len() as u32);
        for item in items {
            write(self, item);
        }
    }
}
