//! The natural order of a source's own versions: `9` before `10`, `history-2` before `history-10`.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// A source's version or history id of a ticket; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Version(Box<str>);

impl From<&str> for Version {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
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
    fn numbers_longer_than_any_integer_are_compared() {
        let long = "1".repeat(60);
        assert!(Version::from(long.as_str()) < Version::from(format!("{long}0").as_str()));
    }
}
