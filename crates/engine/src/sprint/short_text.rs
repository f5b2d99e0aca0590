//! A text that is kept by the million and seldom longer than a line number: up to [`MOST`] bytes lie in place.

use std::cmp::Ordering;

/// As many as fit beside the length where a boxed text would be.
const MOST: usize = 22;

/// A text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortText(Kept);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kept {
    /// Its bytes, then zeros.
    InPlace {
        length: u8,
        bytes: [u8; MOST],
    },
    Boxed(Box<str>),
}

impl ShortText {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes()).expect("it was made of a text")
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::InPlace { length, bytes } => &bytes[..usize::from(*length)],
            Kept::Boxed(text) => text.as_bytes(),
        }
    }
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; MOST];
        match (u8::try_from(text.len()), bytes.get_mut(..text.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Kept::InPlace { length, bytes })
            }
            _ => Self(Kept::Boxed(text.into())),
        }
    }
}

impl Ord for ShortText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for ShortText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_come_back_and_are_in_the_order_of_texts() {
        assert_eq!(size_of::<ShortText>(), 24);
        let texts =
            ["", "a", "a\0", "b", "\u{e9}", &"x".repeat(MOST), &"x".repeat(MOST + 1), &"x".repeat(300)];
        for left in texts {
            assert_eq!(ShortText::from(left).as_str(), left);
            for right in texts {
                assert_eq!(ShortText::from(left).cmp(&ShortText::from(right)), left.cmp(right));
            }
        }
    }
}
