//! A response on its way out: encoded bytes, and record bytes as they were read, which are not copied again.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// A response with its length prefix, in pieces that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pieces: VecDeque<Bytes>,
}

impl Reply {
    /// Puts the length in front of pieces, none of which is empty. `None` when it exceeds 2 GiB.
    pub(super) fn framed(mut pieces: VecDeque<Bytes>) -> Option<Self> {
        let length = i32::try_from(pieces.iter().map(Bytes::len).sum::<usize>()).ok()?;
        pieces.push_front(Bytes::copy_from_slice(&length.to_be_bytes()));
        Some(Self { pieces })
    }
}

impl Buf for Reply {
    fn remaining(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.pieces);
        filled.map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let front = self.pieces.front_mut().expect("nobody advances beyond the end");
            let step = bytes.min(front.len());
            front.advance(step);
            bytes -= step;
            if front.is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

/// Collects pieces: small values into one buffer, record bytes as they are.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    done: VecDeque<Bytes>,
    /// What comes next; its front is cut off when records come between.
    pub(super) open: BytesMut,
}

impl Pieces {
    /// Appends bytes without copying them, unless they are few.
    pub(super) fn append(&mut self, bytes: &Bytes) {
        /// Below this a copy is cheaper than a piece of its own.
        const FEW: usize = 4 * 1024;
        if bytes.len() < FEW {
            self.open.put_slice(bytes);
            return;
        }
        self.close();
        self.done.push_back(bytes.clone());
    }

    pub(super) fn finish(mut self) -> VecDeque<Bytes> {
        self.close();
        self.done
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push_back(self.open.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_in_order_however_they_are_taken() {
        let large = Bytes::from(vec![7; 10_000]);
        let mut pieces = Pieces::default();
        pieces.open.put_i16(1);
        pieces.append(&Bytes::from_static(b"few"));
        pieces.append(&large);
        pieces.open.put_i16(2);
        let mut reply = Reply::framed(pieces.finish()).unwrap();
        let expected = [&10_007_i32.to_be_bytes()[..], &[0, 1], b"few", &large, &[0, 2]].concat();
        assert_eq!(reply.remaining(), expected.len());
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = reply.chunks_vectored(&mut slices);
        let sent: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
        assert_eq!(sent, expected);
        reply.advance(11);
        assert_eq!(reply.copy_to_bytes(reply.remaining()), expected[11..]);
        assert!(!reply.has_remaining());
    }
}
