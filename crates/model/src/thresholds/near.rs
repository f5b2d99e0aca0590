//! Which keys somebody may have meant.

use super::table::INFO;

/// Keys shown at most: more is a list, not a hint.
const MOST: usize = 3;

/// Returns the keys that look like a mistyped one, nearest first: those that hold it as a part, then those at most a
/// third of its letters away; none that is more than twice as far as the nearest.
pub(super) fn near_keys(key: &str) -> Vec<&'static str> {
    let most_edits = key.chars().count() / 3;
    let mut found: Vec<(usize, &'static str)> = INFO
        .iter()
        .filter_map(|info| {
            let part = key.len() >= 3 && info.key.contains(key);
            let edits = if part { 0 } else { distance(key, info.key) };
            (part || edits <= most_edits).then_some((edits, info.key))
        })
        .collect();
    found.sort_unstable();
    let farthest = found.first().map_or(0, |(edits, _)| 2 * edits);
    found.into_iter().filter(|(edits, _)| *edits <= farthest).take(MOST).map(|(_, key)| key).collect()
}

/// Edits from one text to the other: letters added, removed or replaced.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_as_people_count_them() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
