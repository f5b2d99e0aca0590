//! What happened to a commit whose acknowledgement never came. Pure: positions in, decision out.
//!
//! A transaction is all or nothing, so its positions tell of its outputs too, provided that at least one of them
//! moved. One that only spoke (a tick, an action of the clock) moved none and leaves no trace in the positions.

use bellwether_log::Position;

/// What became of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterIndefinite {
    /// It was committed: memory is right as it is.
    Happened,
    /// It was not: memory is ahead of the log, as after an abort.
    NotHappened,
    /// The positions do not tell, or somebody else has moved them: only a restore knows.
    Unknown,
}

/// Compares the positions before the transaction, those it carried, and those committed now. `before` and `carried`
/// name the same partitions in the same order; `now` may name fewer.
pub(crate) fn after_indefinite(
    before: &[Position],
    carried: &[Position],
    now: &[Position],
) -> AfterIndefinite {
    let now_at = |position: &Position| {
        now.iter().find(|now| now.partition == position.partition).map(|now| now.next_offset)
    };
    let moved: Vec<(&Position, &Position)> = before
        .iter()
        .zip(carried)
        .filter(|(before, carried)| before.next_offset != carried.next_offset)
        .collect();
    if moved.is_empty() {
        return AfterIndefinite::Unknown;
    }
    // Positions that did not move must still be where they were, or another owner has been at work.
    let unmoved_differ = before
        .iter()
        .zip(carried)
        .filter(|(before, carried)| before.next_offset == carried.next_offset)
        .any(|(before, _)| now_at(before).is_some_and(|now| now != before.next_offset));
    if unmoved_differ {
        return AfterIndefinite::Unknown;
    }
    if moved.iter().all(|(_, carried)| now_at(carried) == Some(carried.next_offset)) {
        AfterIndefinite::Happened
    } else if moved.iter().all(|(before, _)| now_at(before).is_none_or(|now| now == before.next_offset)) {
        // A group that never committed has no position at all.
        AfterIndefinite::NotHappened
    } else {
        AfterIndefinite::Unknown
    }
}

#[cfg(test)]
mod tests {
    use bellwether_log::TopicPartition;

    use super::*;

    fn positions(offsets: &[Option<i64>]) -> Vec<Position> {
        let at = |(number, offset): (u32, &Option<i64>)| {
            offset
                .map(|next_offset| Position { partition: TopicPartition::new("facts", number), next_offset })
        };
        (0..).zip(offsets).filter_map(at).collect()
    }

    #[test]
    fn positions_tell_what_became_of_a_commit() {
        use AfterIndefinite::{Happened, NotHappened, Unknown};
        type Row<'a> = (&'a str, &'a [i64], &'a [i64], &'a [Option<i64>], AfterIndefinite);
        let table: &[Row<'_>] = &[
            ("all where it carried them", &[5], &[9], &[Some(9)], Happened),
            ("all where they were", &[5], &[9], &[Some(5)], NotHappened),
            ("the group's first commit, lost", &[0], &[9], &[None], NotHappened),
            ("another owner went on", &[5], &[9], &[Some(12)], Unknown),
            ("another owner stopped between", &[5], &[9], &[Some(7)], Unknown),
            ("somebody reset the group", &[5], &[9], &[Some(0)], Unknown),
            ("a tick alone, nothing moved", &[5], &[5], &[Some(5)], Unknown),
            ("nothing spoken for", &[], &[], &[], Unknown),
            ("one moved, one spoke, committed", &[5, 3], &[9, 3], &[Some(9), Some(3)], Happened),
            ("one moved, one spoke, lost", &[5, 3], &[9, 3], &[Some(5), Some(3)], NotHappened),
            ("one moved, the other moved by somebody", &[5, 3], &[9, 3], &[Some(9), Some(4)], Unknown),
            ("two moved, committed", &[5, 3], &[9, 8], &[Some(9), Some(8)], Happened),
            ("two moved, half of it: cannot be", &[5, 3], &[9, 8], &[Some(9), Some(3)], Unknown),
            ("two moved, one not told", &[5, 3], &[9, 8], &[Some(9), None], Unknown),
        ];
        for (name, before, carried, now, expected) in table {
            let known = |offsets: &[i64]| positions(&offsets.iter().map(|at| Some(*at)).collect::<Vec<_>>());
            assert_eq!(
                after_indefinite(&known(before), &known(carried), &positions(now)),
                *expected,
                "{name}"
            );
        }
    }
}
