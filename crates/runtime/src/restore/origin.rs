//! Where a restore begins: which state, and from which offsets the log must still be read.

use bellwether_log::{Bounds, Position, TopicPartition};

use super::{Surroundings, Trouble};
use crate::error::Error;
use crate::fold::Fold;
use crate::guard::{Panicked, guarded};
use crate::metric_definitions::{BROADCAST_FAILURES, ROLE};
use crate::options::{LostPositions, Options};
use crate::snapshot::Snapshot;
use crate::snapshot::depot::{LoadError, Loaded};
use crate::status::HaltCause;
use crate::unit::Skips;

/// Offsets that may be missing between the committed position and the log's first record without a record being
/// lost: the marker of the transaction that ended with the committed one.
const TRAILING_MARKER: i64 = 1;

/// What the helper's answer leads to.
pub(super) enum Origin {
    /// The snapshot's content does not restore; ask again without it.
    Refused { name: String },
    /// A state to replay from.
    State(Box<State>),
}

/// A state to replay from.
pub(super) struct State {
    pub(super) fold: Box<dyn Fold>,
    /// Where the state is in each input; `None` where it has seen nothing.
    pub(super) from: Vec<Option<i64>>,
    /// Where it is to be brought.
    pub(super) committed: Vec<Option<i64>>,
    pub(super) logical_ms: Option<i64>,
    pub(super) skips: Skips,
    /// Its place in the broadcast topics.
    pub(super) observed: Vec<i64>,
    /// Why newer snapshots were not taken.
    pub(super) rejected: String,
    /// True when the group's positions were lost and the snapshot's are used.
    pub(super) resumed: bool,
}

impl Origin {
    /// Makes a state of the helper's answer.
    pub(super) fn choose(
        loaded: Loaded,
        committed: Vec<Option<i64>>,
        around: &Surroundings<'_>,
    ) -> Result<Self, Trouble> {
        for (name, reason) in &loaded.rejected {
            tracing::warn!(unit = %around.unit, name, reason, "snapshot not taken");
        }
        let rejected: Vec<String> =
            loaded.rejected.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
        let lost = committed.iter().all(Option::is_none);
        let evidence =
            loaded.found.as_ref().map(|(name, _)| name).or(loaded.rejected.first().map(|(name, _)| name));
        if let (true, Some(name), LostPositions::Refuse) = (lost, evidence, around.options.lost_positions) {
            return Err(Trouble::Halt(HaltCause::PositionsLost { evidence: format!("snapshot {name}") }));
        }
        let state = match loaded.found {
            Some((name, snapshot)) => {
                let Some(fold) = restored(&name, &snapshot, around) else {
                    return Ok(Self::Refused { name });
                };
                State::of_snapshot(fold, &snapshot, committed, around.inputs)
            }
            None => State::fresh(created(around)?, committed),
        };
        let mut state = State { rejected: rejected.join("; "), ..state };
        state.observed = observe_all(state.fold.as_mut(), around)?;
        Ok(Self::State(Box::new(state)))
    }
}

impl State {
    fn fresh(fold: Box<dyn Fold>, committed: Vec<Option<i64>>) -> Self {
        Self {
            fold,
            from: vec![None; committed.len()],
            committed,
            logical_ms: None,
            skips: Skips::new(),
            observed: Vec::new(),
            rejected: String::new(),
            resumed: false,
        }
    }

    fn of_snapshot(
        fold: Box<dyn Fold>,
        snapshot: &Snapshot,
        committed: Vec<Option<i64>>,
        inputs: &[TopicPartition],
    ) -> Self {
        let header = &snapshot.header;
        let at = |input: &TopicPartition| {
            header
                .inputs
                .iter()
                .map(|at| at.position())
                .find(|at| &at.partition == input)
                .map(|at| at.next_offset)
        };
        let from: Vec<Option<i64>> = inputs.iter().map(at).collect();
        let resumed = committed.iter().all(Option::is_none);
        let skip = |skip: &crate::snapshot::SkippedRecord| {
            ((TopicPartition::new(skip.topic.clone(), skip.partition), skip.offset), skip.cause.clone())
        };
        Self {
            fold,
            committed: if resumed { from.clone() } else { committed },
            from,
            logical_ms: header.logical_ms,
            skips: header.skipped.iter().map(skip).collect(),
            observed: Vec::new(),
            rejected: String::new(),
            resumed,
        }
    }
}

/// The fold of a snapshot; `None`, with the reason logged, when the snapshot's content is no good.
fn restored(name: &str, snapshot: &Snapshot, around: &Surroundings<'_>) -> Option<Box<dyn Fold>> {
    let header = &snapshot.header;
    let refused = |what: String| tracing::error!(unit = %around.unit, name, what, "snapshot content refused");
    let fold = match guarded(|| around.factory.restore(around.unit, &header.engine, &snapshot.payload)) {
        Ok(Ok(fold)) => fold,
        Ok(Err(error)) => {
            refused(crate::error::chain(&error));
            return None;
        }
        Err(Panicked(message)) => {
            refused(message);
            return None;
        }
    };
    // Another engine version may hash its state differently.
    if header.engine == around.factory.engine() {
        match guarded(|| fold.state_hash()) {
            Ok(hash) if header.has_hash(hash) => {}
            Ok(hash) => {
                refused(format!("its state hashes to {hash}, not to {}", header.state_hash));
                return None;
            }
            Err(Panicked(message)) => {
                refused(message);
                return None;
            }
        }
    }
    Some(fold)
}

/// A fresh fold.
pub(super) fn created(around: &Surroundings<'_>) -> Result<Box<dyn Fold>, Trouble> {
    guarded(|| around.factory.create(around.unit)).map_err(halt_on_panic)
}

/// Shows a fold everything the broadcast topics hold; its place behind it.
pub(super) fn observe_all(fold: &mut dyn Fold, around: &Surroundings<'_>) -> Result<Vec<i64>, Trouble> {
    let mut place = around.broadcast.beginning();
    for record in around.broadcast.advance(&mut place) {
        match guarded(|| fold.observe(record)) {
            Ok(Ok(())) => {}
            Ok(Err(poison)) => {
                let role = around.options.role.clone();
                metrics::counter!(BROADCAST_FAILURES, ROLE => role).increment(1);
                tracing::warn!(unit = %around.unit, at = %record.from, offset = record.offset, %poison, "broadcast record not observed");
            }
            Err(panicked) => return Err(halt_on_panic(panicked)),
        }
    }
    Ok(place)
}

fn halt_on_panic(Panicked(message): Panicked) -> Trouble {
    Trouble::Halt(HaltCause::Panics { times: 1, message })
}

/// The committed positions that are known; `None` when none is.
pub(super) fn known(inputs: &[TopicPartition], committed: &[Option<i64>]) -> Option<Vec<Position>> {
    let position = |(partition, at): (&TopicPartition, &Option<i64>)| {
        at.map(|next_offset| Position { partition: partition.clone(), next_offset })
    };
    let known: Vec<Position> = inputs.iter().zip(committed).filter_map(position).collect();
    (!known.is_empty()).then_some(known)
}

/// What a failed load means for the unit.
pub(super) fn load_trouble(error: LoadError, options: &Options) -> Trouble {
    match error {
        LoadError::Objects(source) => Trouble::Store(source),
        LoadError::Partitions { name, found } => {
            Trouble::Fatal(Error::SnapshotPartitions { name, found, expected: options.partitions })
        }
    }
}

/// Where consumption goes on behind a committed position, given what the log still has.
pub(super) fn resume_at(
    at: &TopicPartition,
    committed: Option<i64>,
    bounds: Bounds,
    lost: LostPositions,
) -> Result<i64, HaltCause> {
    let Some(committed) = committed else { return Ok(bounds.start) };
    if committed > bounds.end {
        return Err(HaltCause::LogBehind { at: at.clone(), log_end: bounds.end, committed });
    }
    let missing = bounds.start - committed;
    if missing <= 0 {
        return Ok(committed);
    }
    if missing > TRAILING_MARKER {
        if lost == LostPositions::Refuse {
            return Err(HaltCause::Expired { at: at.clone(), log_start: bounds.start, committed });
        }
        tracing::warn!(%at, committed, log_start = bounds.start, "records expired unread, going on without them");
    }
    Ok(bounds.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_the_log_halts_unless_a_marker_explains_it() {
        let at = TopicPartition::new("facts", 0);
        let resume = |committed, start, end, lost| {
            resume_at(&at, committed, Bounds { start, stable_end: end, end }, lost).map_err(|cause| {
                match cause {
                    HaltCause::Expired { .. } => "expired",
                    HaltCause::LogBehind { .. } => "behind",
                    _ => "other",
                }
            })
        };
        use LostPositions::{Refuse, Resume};
        assert_eq!(resume(None, 7, 20, Refuse), Ok(7), "a new group begins where the log does");
        assert_eq!(resume(Some(9), 7, 20, Refuse), Ok(9));
        assert_eq!(resume(Some(20), 20, 20, Refuse), Ok(20));
        assert_eq!(
            resume(Some(19), 20, 20, Refuse),
            Ok(20),
            "only the marker of its own transaction is gone"
        );
        assert_eq!(resume(Some(18), 20, 20, Refuse), Err("expired"));
        assert_eq!(resume(Some(18), 20, 20, Resume), Ok(20));
        assert_eq!(resume(Some(21), 0, 20, Resume), Err("behind"));
    }
}
