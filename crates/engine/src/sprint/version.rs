//! The natural order of a source's own versions: `9` before `10`, `history-2` before `history-10`.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Decimals of so few digits are numbers of 64 bits.
const MOST_DIGITS: usize = 19;

/// A source's version or history id of a ticket; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Version {
    /// What most sources count: a decimal without leading zeros.
    Number(u64),
    /// Anything else.
    Text(Box<str>),
}

impl Version {
    /// As the source wrote it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Number(number) => number.to_string().into(),
            Self::Text(text) => text.as_ref().into(),
        }
    }
}

impl From<&str> for Version {
    fn from(text: &str) -> Self {
        number(text).map_or_else(|| Self::Text(text.into()), Self::Number)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Self::Number(left), Self::Number(right)) = (self, other) {
            return left.cmp(right);
        }
        let (left, right) = (self.text(), other.text());
        natural(&left, &right).then_with(|| left.cmp(&right))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The number that a text is the only way to write.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.len() <= MOST_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain && is_short)
}

/// Compares runs of digits as numbers and everything else as text.
fn natural(mut left: &str, mut right: &str) -> Ordering {
    loop {
        let (a, b) = (run(left), run(right));
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let order = if is_number(a) && is_number(b) {
            let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            a.cmp(b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (&left[a.len()..], &right[b.len()..]);
    }
}

/// The run of digits, or of anything else, that a text begins with.
fn run(text: &str) -> &str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

fn is_number(run: &str) -> bool {
    run.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_natural_order() {
        let sorted = ["", "2", "9", "10", "010", "10a", "h-2", "h-10", "h-10/1"];
        for (index, left) in sorted.iter().enumerate() {
            for right in &sorted[index + 1..] {
                let (low, high) = (Version::from(*left), Version::from(*right));
                if *left == "10" && *right == "010" {
                    assert_eq!(natural(left, right), Ordering::Equal);
                    assert!(high < low, "equal numbers are told apart by their text");
                } else {
                    assert!(low < high, "{left} {right}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_compared_as_their_texts_are_and_written_as_they_were() {
        let texts = [
            "",
            "0",
            "00",
            "7",
            "07",
            "10",
            "9999999999999999999",
            "18446744073709551616",
            "h-1",
            "1a",
            "+1",
        ];
        for left in texts {
            assert_eq!(Version::from(left).text(), left);
            for right in texts {
                let expected = natural(left, right).then_with(|| left.cmp(right));
                assert_eq!(Version::from(left).cmp(&Version::from(right)), expected, "{left} {right}");
            }
        }
        assert_eq!(Version::from("10"), Version::Number(10));
        assert_eq!(Version::from("010"), Version::Text("010".into()));
    }

    #[test]
    fn numbers_longer_than_any_integer_are_compared() {
        let long = "1".repeat(60);
        assert!(Version::from(long.as_str()) < Version::from(format!("{long}0").as_str()));
    }
}
