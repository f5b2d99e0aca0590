//! Names of snapshots: `<app>/<role>/<epoch>/<unit>/<positions>-<state hash>.snap`, positions zero-padded and in
//! the order of the inputs.
//!
//! A name is never written twice. Positions of one unit never go back, so the sum of the positions orders its
//! snapshots, whatever inputs were added since; no mutable "latest" is kept anywhere.

use crate::fold::{StateHash, UnitId};

const SUFFIX: &str = ".snap";
/// Digits of the largest offset.
const OFFSET_DIGITS: usize = 19;

/// Where a unit's snapshots lie.
pub fn folder(app: &str, role: &str, epoch: &str, unit: UnitId) -> String {
    format!("{app}/{role}/{epoch}/{:05}", unit.0)
}

/// True for a part of a name that needs no escaping anywhere.
pub fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
}

/// The last part of a snapshot's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// Positions in the order of the inputs.
    pub next_offsets: Vec<i64>,
    /// Hash of the state, hexadecimal.
    pub state_hash: String,
}

impl FileName {
    /// Names a snapshot.
    pub fn new(next_offsets: Vec<i64>, state_hash: StateHash) -> Self {
        Self { next_offsets, state_hash: state_hash.to_string() }
    }

    /// Reads the last part of a full name; `None` for what is not ours.
    pub fn parse(full: &str) -> Option<Self> {
        let file = full.rsplit('/').next()?.strip_suffix(SUFFIX)?;
        let (offsets, state_hash) = file.split_once('-')?;
        let next_offsets =
            offsets.split('.').map(|offset| offset.parse().ok()).collect::<Option<Vec<i64>>>()?;
        let hexadecimal = state_hash.len() == 32 && state_hash.chars().all(|c| c.is_ascii_hexdigit());
        hexadecimal.then(|| Self { next_offsets, state_hash: state_hash.to_owned() })
    }

    /// Greater is newer.
    pub fn age_order(&self) -> (i128, Vec<i64>) {
        (self.next_offsets.iter().map(|offset| i128::from(*offset)).sum(), self.next_offsets.clone())
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, offset) in self.next_offsets.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{offset:0width$}", width = OFFSET_DIGITS)?;
        }
        write!(f, "-{}{SUFFIX}", self.state_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_sorts_by_progress() {
        let older = FileName::new(vec![5, 1_000], StateHash([1; 16]));
        let newer = FileName::new(vec![900, 1_000], StateHash([0; 16]));
        let wider = FileName::new(vec![900, 1_000, 4], StateHash([0; 16]));
        for name in [&older, &newer, &wider] {
            assert_eq!(FileName::parse(&format!("app/process/1/00003/{name}")).as_ref(), Some(name));
        }
        assert!(older.age_order() < newer.age_order());
        assert!(newer.age_order() < wider.age_order());
        assert_eq!(
            older.to_string(),
            "0000000000000000005.0000000000000001000-01010101010101010101010101010101.snap"
        );
    }

    #[test]
    fn foreign_files_are_passed_over() {
        for foreign in ["", "README", "5-xyz.snap", "a.b-00.snap", "0000000000000000005.snap.tmp"] {
            assert_eq!(FileName::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn parts_that_could_leave_the_folder_are_not_plain() {
        assert!(is_plain("bellwether-eu.1_a"));
        for part in ["", "..", ".hidden", "a/b", "a b", "ä"] {
            assert!(!is_plain(part), "{part}");
        }
    }
}
