//! Memory for reading batches, kept by a connection from one response to the next: fresh memory costs a page fault for
//! every 4 KiB, and those cost more than the reading.
//!
//! Invariant: a buffer is used again only when nobody holds bytes of it any more.

use bytes::{Bytes, BytesMut};

/// Reads up to this size take memory of their own, which the allocator has at hand.
const SMALL: usize = 64 * 1024;

/// The buffers of one connection.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    spare: Vec<BytesMut>,
    lent: Vec<Bytes>,
}

impl Buffers {
    /// A buffer of at least this length, with anything in it.
    pub(super) fn take(&mut self, length: usize) -> BytesMut {
        if length <= SMALL {
            return BytesMut::zeroed(length);
        }
        let fits = self.spare.iter().position(|spare| spare.len() >= length);
        let mut buffer = match fits {
            Some(at) => self.spare.swap_remove(at),
            None => self.spare.pop().unwrap_or_default(),
        };
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        buffer
    }

    /// Takes back what was read in vain.
    pub(super) fn give_back(&mut self, buffer: BytesMut) {
        if buffer.len() > SMALL {
            self.spare.push(buffer);
        }
    }

    /// Makes a buffer readable; its memory comes back when the reader is done with it.
    pub(super) fn lend(&mut self, buffer: BytesMut) -> Bytes {
        let bytes = buffer.freeze();
        if bytes.len() > SMALL {
            self.lent.push(bytes.clone());
        }
        bytes
    }

    /// Takes back what nobody reads any more.
    pub(crate) fn reclaim(&mut self) {
        let back = self.lent.drain(..).filter_map(|bytes| bytes.try_into_mut().ok());
        self.spare.extend(back);
    }

    /// Frees everything: a connection that waits holds no memory.
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_once_its_reader_is_done_and_not_before() {
        let mut buffers = Buffers::default();
        let first = buffers.take(SMALL + 1);
        let place = first.as_ptr();
        let read = buffers.lend(first).slice(10..20);
        buffers.reclaim();
        assert!(buffers.spare.is_empty(), "it is still read");

        let again = buffers.take(SMALL + 1);
        let again = buffers.lend(again);
        drop((read, again));
        buffers.reclaim();
        assert_eq!(buffers.spare.len(), 1);
        let third = buffers.take(SMALL + 1);
        assert_ne!(third.as_ptr(), place, "what was read when it was asked for is left to its reader");
        assert_eq!(third.len(), SMALL + 1);
    }

    #[test]
    fn small_reads_are_not_kept_and_large_ones_grow() {
        let mut buffers = Buffers::default();
        let small = buffers.take(100);
        drop(buffers.lend(small));
        buffers.reclaim();
        assert!(buffers.spare.is_empty());

        let large = buffers.take(2 * SMALL);
        buffers.give_back(large);
        assert_eq!(buffers.take(3 * SMALL).len(), 3 * SMALL);
        assert!(buffers.spare.is_empty(), "the smaller one grew");
        let large = buffers.take(2 * SMALL);
        buffers.give_back(large);
        buffers.release();
        assert!(buffers.spare.is_empty());
    }
}
