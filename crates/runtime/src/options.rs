//! How one role is run: its topics, its group, how it is ordered and restored, and every bound of the loop.
//!
//! Plain data. [`Options::new`] fills what has one right default; the three roles differ in the other fields:
//!
//! | role     | inputs                    | assignor           | order             | restore                       |
//! |----------|---------------------------|--------------------|-------------------|-------------------------------|
//! | route    | all source topics         | `Range`            | `Merge`           | `Snapshots`                   |
//! | process  | `facts`                   | `CooperativeSticky`| `Arrival`         | `Snapshots`                   |
//! | escalate | `trigger`, `command`      | `Range`            | `Arrival`/`Merge` | `Changelog` + `broadcast`     |

use std::sync::Arc;
use std::time::Duration;

use bellwether_log::{Assignor, GroupOptions};

use crate::limits::DeadLetterLimits;
use crate::snapshot::Objects;

/// How to run one role.
#[derive(Debug, Clone)]
pub struct Options {
    /// First part of snapshot names.
    pub app: String,
    /// Role name: second part of snapshot names, and a metric label.
    pub role: String,
    /// Which generation of the topic set this is; a snapshot of another one is never seen.
    pub epoch: String,
    /// Consumer group.
    pub group: String,
    /// Stable transactional id: `<app>-<role>-<ordinal>`.
    pub transactional_id: String,
    /// Topics consumed in the group. All have `partitions` partitions; partition p of each feeds unit p.
    pub inputs: Vec<String>,
    /// Partitions of each input topic. Another number found is refused.
    pub partitions: u32,
    /// How the group deals partitions out. With more than one input it must be [`Assignor::Range`].
    pub assignor: Assignor,
    /// How a unit's inputs are interleaved.
    pub order: InputOrder,
    /// Where a unit's state comes back from.
    pub restore: Restore,
    /// Topics every unit reads whole, outside the group, compacted ones.
    pub broadcast: Vec<String>,
    /// When a due fold is told the clock.
    pub clock_rule: ClockRule,
    /// Where records go that cannot be folded.
    pub dead_letters: DeadLetterTopic,
    /// How many of them are too many.
    pub limits: DeadLetterLimits,
    /// What to do when the group has no positions although the state shows that it once had.
    pub lost_positions: LostPositions,
    /// Bounds of the loop.
    pub bounds: LoopBounds,
}

impl Options {
    /// Options of a role with one input, restored by snapshots.
    pub fn new(
        app: impl Into<String>,
        role: impl Into<String>,
        input: impl Into<String>,
        partitions: u32,
        dead_letters: DeadLetterTopic,
        restore: Restore,
    ) -> Self {
        let (app, role) = (app.into(), role.into());
        Self {
            group: format!("{app}-{role}"),
            transactional_id: format!("{app}-{role}-0"),
            app,
            role,
            epoch: "1".to_owned(),
            inputs: vec![input.into()],
            partitions,
            assignor: Assignor::CooperativeSticky,
            order: InputOrder::Arrival,
            restore,
            broadcast: Vec::new(),
            clock_rule: ClockRule::WhenDue,
            dead_letters,
            limits: DeadLetterLimits::default(),
            lost_positions: LostPositions::Refuse,
            bounds: LoopBounds::default(),
        }
    }

    /// How to join the group.
    pub(crate) fn group_options(&self) -> GroupOptions {
        GroupOptions {
            group: self.group.clone(),
            topics: self.inputs.clone(),
            assignor: self.assignor,
            transactional_id: self.transactional_id.clone(),
            start_at_beginning: true,
            max_batch_bytes: self.bounds.batch_bytes,
            max_batch_records: self.bounds.batch_records,
        }
    }
}

/// How the inputs of one unit are interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputOrder {
    /// As they arrive.
    Arrival,
    /// By [`crate::Fold::order_key`]: a record waits while another input of the unit may still have an earlier one
    /// in the log. A backlog folds in time order however the topics were filled; live, nothing waits.
    Merge,
}

/// Where a unit's state comes back from.
#[derive(Debug, Clone)]
pub enum Restore {
    /// The newest good snapshot, then a replay of the inputs up to the committed positions.
    Snapshots(Arc<dyn Objects>),
    /// The partition of the unit's number of a compacted topic, which the fold writes in the same transactions.
    Changelog {
        /// The topic.
        topic: String,
    },
}

/// When a due fold is told the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockRule {
    /// At once. For folds that only append a tick then: whatever is still unread comes before the tick.
    WhenDue,
    /// When everything has been folded that was in the inputs as it became due. For folds that act on the clock
    /// itself: an acknowledgement already in the log must not be overtaken.
    WhenCaughtUp,
}

/// The dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterTopic {
    /// Its name.
    pub topic: String,
    /// Its partitions; a unit writes to the one of its number modulo this.
    pub partitions: u32,
}

/// What to do about a unit that has state while its group has no positions: they expired, or the group was renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostPositions {
    /// Halt the unit: starting over would repeat everything it ever said.
    Refuse,
    /// Go on from the newest snapshot's own positions, or with a changelog from the beginning. What was said after
    /// the snapshot is said again; the operator asks for this by name.
    Resume,
}

/// Bounds of the loop, each with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopBounds {
    /// Wait of a poll after work; it doubles with every round that finds nothing.
    pub poll: Duration,
    /// Longest wait of one poll: how late an idle loop sees the stop flag, a fifth of what a graceful stop may take.
    /// Records and rebalances end a wait at once, and deadlines bound it.
    pub idle_poll: Duration,
    /// Records of one poll and of one transaction: a few milliseconds of folding, well inside the 100 ms a batch
    /// may take.
    pub batch_records: usize,
    /// How long one batch may fold before it is committed, whatever its size: nothing folded is seen before that, and the
    /// group hears nothing meanwhile. Checked between records, so one that takes longer is a batch of its own.
    pub batch_time: Duration,
    /// Bytes of one poll: sixteen of the largest frames.
    pub batch_bytes: usize,
    /// Bytes of outputs at which a transaction is cut, far below what a producer holds in its queue.
    pub transaction_bytes: usize,
    /// Records held back per input before its partition is paused: four full polls.
    pub held_records: usize,
    /// Bytes held back per input before its partition is paused.
    pub held_bytes: usize,
    /// Longest time between two snapshots of a unit with changes.
    pub snapshot_every: Duration,
    /// Most records between two snapshots: what a restore replays in well under a second.
    pub snapshot_records: u64,
    /// What a graceful stop may take: orchestrators wait longer, people do not.
    pub stop: Duration,
}

impl Default for LoopBounds {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(100),
            idle_poll: Duration::from_secs(1),
            batch_records: 5_000,
            batch_time: Duration::from_millis(100),
            batch_bytes: 4 * 1024 * 1024,
            transaction_bytes: 8 * 1024 * 1024,
            held_records: 20_000,
            held_bytes: 16 * 1024 * 1024,
            snapshot_every: Duration::from_secs(300),
            snapshot_records: 200_000,
            stop: Duration::from_secs(5),
        }
    }
}

impl LoopBounds {
    /// The wait of a poll after this many rounds without work.
    pub(crate) fn wait(&self, quiet: u32) -> Duration {
        self.poll.saturating_mul(2_u32.saturating_pow(quiet)).min(self.idle_poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_while_nothing_happens_up_to_its_bound() {
        let bounds = LoopBounds {
            poll: Duration::from_millis(100),
            idle_poll: Duration::from_millis(500),
            ..LoopBounds::default()
        };
        let waits = [0, 1, 2, 3, 40].map(|quiet| bounds.wait(quiet).as_millis());
        assert_eq!(waits, [100, 200, 400, 500, 500]);
    }
}
