//! Packed files, known by their first bytes, and the bound on what one document may take.

use std::cell::Cell;
use std::io::{Cursor, Read};
use std::rc::Rc;

/// First bytes of a gzip member.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// First bytes of a zstd frame.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Unpacks gzip and zstd; anything else as it is.
pub(crate) fn unpack(mut file: Box<dyn Read>) -> std::io::Result<Box<dyn Read>> {
    let mut magic = [0; 4];
    let mut filled = 0;
    while filled < magic.len() {
        let read = file.read(&mut magic[filled..])?;
        if read == 0 {
            break;
        }
        filled += read;
    }
    let magic = &magic[..filled];
    let whole = Cursor::new(magic.to_vec()).chain(file);
    Ok(if magic.starts_with(GZIP) {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else if magic.starts_with(ZSTD) {
        Box::new(zstd::stream::read::Decoder::new(whole)?)
    } else {
        Box::new(whole)
    })
}

/// A reader that gives no more than a budget of bytes until the budget is renewed.
pub(crate) struct Bounded {
    inner: Box<dyn Read>,
    budget: Budget,
}

/// The budget of a [`Bounded`] reader.
#[derive(Clone)]
pub(crate) struct Budget {
    left: Rc<Cell<u64>>,
    bytes_max: u64,
}

impl Budget {
    /// A document is done: the next may take as much.
    pub(crate) fn renew(&self) {
        self.left.set(self.bytes_max);
    }

    /// What one document may take.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }
}

impl Bounded {
    pub(crate) fn new(inner: Box<dyn Read>, bytes_max: u64) -> Self {
        Self { inner, budget: Budget { left: Rc::new(Cell::new(bytes_max)), bytes_max } }
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget.clone()
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.budget.left.get();
        if left == 0 {
            let bytes_max = self.budget.bytes_max;
            return Err(std::io::Error::other(format!(
                "one document is longer than import.document-bytes-max = {bytes_max}; export smaller pages, or raise it"
            )));
        }
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..room])?;
        self.budget.left.set(left - read as u64);
        Ok(read)
    }
}
