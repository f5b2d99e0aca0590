//! The state of one escalation.
//!
//! ```text
//!                due known           turn, somebody there          clock, anchor, guard
//!   Ahead ------------------> Armed ----------------------> Waiting --------------------> Fired
//!     |  nobody, superseded     |  nobody, superseded,        |  ^ guard, snooze, pause     ^
//!     +----------> Skipped <----+        cancelled            |  +------------------+       |
//!                     ^                                       +-------> Sending ------------+
//!                     +------------ superseded, cancelled ----+--------(quiet hours)
//! ```
//! Invariants: a level leaves Fired and Skipped never; Waiting with `ready` set is held only by a snooze or a pause; the
//! instants in it are absolute and computed once.

use std::collections::BTreeSet;

use bellwether_model::{EscalationId, EventTime, Level, Millis, Ratio, Thresholds, TriggerId};
use bellwether_wire::ids;
use serde::{Deserialize, Serialize};

use crate::policy::{LevelPolicy, Policy};
use crate::repeats::Repeat;

/// One running escalation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Escalation {
    /// Its id.
    pub(crate) id: EscalationId,
    /// The instance it belongs to.
    pub(crate) trigger: TriggerId,
    /// Start of the clock.
    pub(crate) started_at: EventTime,
    /// Policy, frozen at the start.
    pub(crate) policy: Policy,
    /// Thresholds, frozen at the start.
    pub(crate) limits: Limits,
    rungs: [Rung; 5],
    /// The highest level whose turn came and that had anybody, with its due instant: the clock of the next counts
    /// from there.
    pub(crate) base: Option<(Level, EventTime)>,
    /// Until when an acknowledgement holds, exclusive.
    pub(crate) acknowledged_until: Option<EventTime>,
    /// End of a snooze, exclusive.
    pub(crate) snoozed_until: Option<EventTime>,
    /// Repeats to come.
    pub(crate) repeats: Vec<Repeat>,
    /// When turns were last taken.
    #[serde(default)]
    pub(crate) looked: Option<EventTime>,
    /// When guards are looked at again though nothing happened.
    pub(crate) recheck_at: Option<EventTime>,
    /// When it is looked at next.
    pub(crate) wake: Option<EventTime>,
}

/// What of the thresholds a running escalation needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// How long an acknowledgement holds.
    pub(crate) acknowledge: Millis,
    /// When a step is repeated, after it fired.
    pub(crate) repeats: Vec<Millis>,
    /// Present load that L4 needs for rules about load.
    pub(crate) l4_pages_per_week: Ratio,
    /// Engineers that L5 needs for page rules.
    pub(crate) l5_engineers: u32,
    /// Within which time steps of one level to one person about one subject are one message.
    pub(crate) same_subject: Millis,
}

/// One level of a running escalation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rung {
    /// Since when its clock runs.
    pub(crate) from: EventTime,
    /// How long its clock runs.
    pub(crate) wait: Millis,
    /// Where it stands.
    pub(crate) phase: Phase,
}

/// Where a level stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Its due instant is not known yet.
    Ahead,
    /// It is due at an instant.
    Armed {
        /// The instant.
        due: EventTime,
    },
    /// Its turn has come and it has not been sent.
    Waiting {
        /// Its due instant.
        due: EventTime,
        /// Since when clock, anchor and guard all hold; `None` while the guard does not.
        ready: Option<EventTime>,
        /// Why it was last said to be held.
        said: Option<Held>,
    },
    /// Sent to some; others are in their quiet hours.
    Sending {
        /// Its due instant.
        due: EventTime,
        /// Since when clock, anchor and guard all hold.
        ready: EventTime,
        /// When it goes to the next recipients.
        next: EventTime,
        /// Pseudonyms of those reached.
        reached: BTreeSet<String>,
        /// How many messages it has been so far.
        parts: u32,
        /// Levels it superseded, not said yet.
        supersedes: Vec<Level>,
    },
    /// Sent to everybody.
    Fired {
        /// Its due instant.
        due: EventTime,
    },
    /// Passed over for good.
    Skipped,
}

/// Why a level whose turn has come is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Held {
    /// Its guard does not hold.
    Guard,
    /// The escalation is snoozed.
    Snoozed,
}

impl Escalation {
    /// An escalation before anything is armed.
    pub(crate) fn new(
        id: EscalationId,
        trigger: TriggerId,
        started_at: EventTime,
        policy: Policy,
        thresholds: &Thresholds,
    ) -> Self {
        let rung = || Rung { from: started_at, wait: Millis::ZERO, phase: Phase::Ahead };
        Self {
            id,
            trigger,
            started_at,
            policy,
            limits: Limits {
                acknowledge: thresholds.ack,
                repeats: thresholds.escalation_repeat.clone(),
                l4_pages_per_week: thresholds.escalation_l4_pages_per_week,
                l5_engineers: thresholds.escalation_l5_engineers,
                same_subject: thresholds.escalation_same_subject,
            },
            rungs: [rung(), rung(), rung(), rung(), rung()],
            base: None,
            acknowledged_until: None,
            snoozed_until: None,
            repeats: Vec::new(),
            looked: None,
            recheck_at: None,
            wake: None,
        }
    }

    /// One level.
    pub(crate) fn rung(&self, level: Level) -> &Rung {
        &self.rungs[usize::from(level.number()) - 1]
    }

    /// One level, to be changed.
    pub(crate) fn rung_mut(&mut self, level: Level) -> &mut Rung {
        &mut self.rungs[usize::from(level.number()) - 1]
    }

    /// The frozen policy of a level.
    pub(crate) fn level(&self, level: Level) -> &LevelPolicy {
        self.policy.level(level)
    }

    /// Id of the step of a level.
    pub(crate) fn step_id(&self, level: Level) -> String {
        ids::step_id(self.id.as_str(), level.number())
    }

    /// True while a snooze holds steps.
    pub(crate) fn is_snoozed(&self, at: EventTime) -> bool {
        self.snoozed_until.is_some_and(|until| at < until)
    }

    /// True while an acknowledgement drops repeats.
    pub(crate) fn is_acknowledged(&self, at: EventTime) -> bool {
        self.acknowledged_until.is_some_and(|until| at < until)
    }

    /// True when some level waits for its guard.
    pub(crate) fn waits_for_guard(&self) -> bool {
        self.rungs.iter().any(|rung| matches!(rung.phase, Phase::Waiting { ready: None, .. }))
    }

    /// True when something could be sent were it not for a snooze or a pause.
    pub(crate) fn is_held_back(&self) -> bool {
        self.rungs
            .iter()
            .any(|rung| matches!(rung.phase, Phase::Waiting { ready: Some(_), .. } | Phase::Sending { .. }))
    }

    /// The first instant after one at which something is due.
    pub(crate) fn next_due_after(&self, now: EventTime) -> Option<EventTime> {
        let levels = self.rungs.iter().filter_map(|rung| match &rung.phase {
            Phase::Armed { due } => Some(*due),
            Phase::Sending { next, .. } => Some(*next),
            Phase::Ahead | Phase::Waiting { .. } | Phase::Fired { .. } | Phase::Skipped => None,
        });
        let repeats = self.repeats.iter().map(|repeat| repeat.at);
        let others = [self.snoozed_until, self.recheck_at].into_iter().flatten();
        levels.chain(repeats).chain(others).filter(|at| *at > now).min()
    }
}

impl Phase {
    /// The due instant, once it is known.
    pub(crate) fn due(&self) -> Option<EventTime> {
        match self {
            Self::Armed { due }
            | Self::Waiting { due, .. }
            | Self::Sending { due, .. }
            | Self::Fired { due } => Some(*due),
            Self::Ahead | Self::Skipped => None,
        }
    }
}
