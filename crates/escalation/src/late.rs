//! What runs late: of several overdue levels only the highest is sent (R71).
//!
//! Levels with the same due instant are one in this. Levels that run in time are no part of it.

use bellwether_model::{EventTime, Level};

/// A level that clock, anchor and guard would let go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Level.
    pub(crate) level: Level,
    /// Its due instant.
    pub(crate) due: EventTime,
    /// True when it could have gone earlier.
    pub(crate) is_overdue: bool,
}

/// The levels to send now, lowest first.
pub(crate) fn collapse(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by_key(|candidate| candidate.level);
    let highest = candidates.iter().rev().find(|candidate| candidate.is_overdue).map(|highest| highest.due);
    candidates.retain(|candidate| !candidate.is_overdue || Some(candidate.due) == highest);
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(candidates: &[(u8, i64, bool)], expected: &[u8]) {
        let candidates = candidates
            .iter()
            .map(|(level, due, is_overdue)| Candidate {
                level: Level::new(*level).unwrap(),
                due: EventTime::from_ms(*due),
                is_overdue: *is_overdue,
            })
            .collect();
        let sent: Vec<u8> = collapse(candidates).iter().map(|candidate| candidate.level.number()).collect();
        assert_eq!(sent, expected);
    }

    #[test]
    fn r71_of_several_overdue_only_the_highest_is_sent() {
        check(&[(1, 0, true), (2, 48, true), (3, 96, true)], &[3]);
    }

    #[test]
    fn r71_levels_due_at_the_same_instant_are_one() {
        check(&[(1, 0, true), (3, 0, true)], &[1, 3]);
        check(&[(1, 0, true), (3, 0, true), (4, 48, true)], &[4]);
    }

    #[test]
    fn r71_what_runs_in_time_is_sent_beside_the_highest_overdue() {
        check(&[(1, 0, true), (2, 48, true), (3, 96, false)], &[2, 3]);
        check(&[(4, 0, false), (5, 48, false)], &[4, 5]);
    }
}
