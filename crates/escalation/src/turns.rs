//! Turns: a level whose due instant has come has its turn, and the next one gets its due instant (R70).
//!
//! A level with nobody on it, by policy or because its roles are vacant when its turn comes, is said to be skipped and
//! takes no time: the clock of the next counts from the last level that had anybody. Where that clock runs out first, the
//! vacant level gives way then and does not burn its own wait. A level that is held has had its turn, so the one above
//! does not wait for it.

use bellwether_model::{EventTime, Level, Millis};
use bellwether_wire::{instant, pb};

use crate::clock::{self, Due};
use crate::escalation::Phase;
use crate::guard;
use crate::run::Context;

/// Why a level is skipped that nobody is on.
const NOBODY_BY_POLICY: &str = "nobody: the policy names no role";
const NOBODY_VACANT: &str = "nobody: no role of it is held by anybody it may go to";

impl Context<'_> {
    /// Arms the first level, and those that a second window in a row makes due at once.
    pub(crate) fn arm_first(&mut self) {
        self.arm(Level::L1, None);
    }

    /// Gives every level that is due its turn, lowest first.
    pub(crate) fn take_turns(&mut self) {
        for level in Level::ALL {
            let Phase::Armed { due } = self.escalation.rung(level).phase else { continue };
            let gives_way = self.gives_way(level);
            if due > self.now && !gives_way {
                continue;
            }
            let mut not_before = None;
            if !self.is_anybody(level) {
                self.skip(level, NOBODY_VACANT);
                not_before = (!gives_way).then_some((due, level));
            } else {
                // Between the due instant and now nobody looked; what holds now is taken to have held since.
                let holds = guard::judge(level, self.instance, &self.escalation.limits, self.firing).is_ok();
                self.escalation.rung_mut(level).phase =
                    Phase::Waiting { due, ready: holds.then_some(due), said: None };
                if self.escalation.base.is_none_or(|(base, _)| base < level) {
                    self.escalation.base = Some((level, due));
                }
            }
            if let Some(next) = level.next() {
                self.arm(next, not_before);
            }
        }
        self.escalation.looked = Some(self.now);
    }

    /// The next instant at which a level that is armed gives way to one above, should nobody be on it then.
    pub(crate) fn next_giving_way(&self) -> Option<EventTime> {
        let of = |level: Level| {
            let Phase::Armed { due } = self.escalation.rung(level).phase else { return None };
            let ahead = self.ahead_of(level).map(|above| self.clock_of(above).1.at);
            ahead.filter(|at| *at > self.now && *at < due).min()
        };
        Level::ALL.into_iter().filter_map(of).min()
    }

    /// True when nobody is on an armed level, nor on those up to one above, whose clock ran out since the last look.
    fn gives_way(&self, level: Level) -> bool {
        if self.is_anybody(level) {
            return false;
        }
        let has_run_out = |above: Level| {
            let at = self.clock_of(above).1.at;
            at <= self.now && self.escalation.looked.is_none_or(|looked| looked < at)
        };
        self.ahead_of(level).find(|above| self.is_anybody(*above)).is_some_and(has_run_out)
    }

    /// The levels above one that have no due instant yet and somebody on them by policy.
    fn ahead_of(&self, level: Level) -> impl Iterator<Item = Level> {
        std::iter::successors(level.next(), |above| above.next())
            .take_while(|above| matches!(self.escalation.rung(*above).phase, Phase::Ahead))
            .filter(|above| !self.escalation.level(*above).audience.is_empty())
    }

    /// Makes levels due now that a second window in a row makes due at once (R51).
    pub(crate) fn arm_at_once(&mut self) {
        for level in Level::ALL {
            let policy = self.escalation.level(level);
            if !policy.at_once_on_second_window || policy.audience.is_empty() {
                continue;
            }
            let is_ahead = match self.escalation.rung(level).phase {
                Phase::Ahead => true,
                Phase::Armed { due } => due > self.now,
                Phase::Waiting { .. } | Phase::Sending { .. } | Phase::Fired { .. } | Phase::Skipped => false,
            };
            if is_ahead {
                let rung = self.escalation.rung_mut(level);
                rung.from = self.now;
                rung.wait = Millis::ZERO;
                let because = String::from("at once, second window in a row");
                self.set_due(level, Due { at: self.now, because });
            }
        }
    }

    /// Gives a level its due instant, or skips it and goes on to the next when nobody is on it by policy. It is not due
    /// before the turn of a level below that was found vacant only then.
    fn arm(&mut self, first: Level, not_before: Option<(EventTime, Level)>) {
        let mut next = Some(first);
        while let Some(level) = next {
            if !matches!(self.escalation.rung(level).phase, Phase::Ahead) {
                return;
            }
            if !self.escalation.level(level).audience.is_empty() {
                let (from, mut due) = self.clock_of(level);
                if let Some((at, vacant)) = not_before.filter(|(at, _)| *at > due.at) {
                    due = Due { at, because: format!("the turn of {vacant}, later than {}", due.because) };
                }
                let wait = self.escalation.level(level).after;
                let rung = self.escalation.rung_mut(level);
                rung.from = from;
                rung.wait = wait;
                self.set_due(level, due);
                return;
            }
            self.skip(level, NOBODY_BY_POLICY);
            next = level.next();
        }
    }

    /// Since when the clock of a level runs, and when it is due, if its turn is next.
    fn clock_of(&self, level: Level) -> (EventTime, Due) {
        let (below, from) = match self.escalation.base {
            Some((below, due)) => (Some(below), due),
            None => (None, self.escalation.started_at),
        };
        let policy = self.escalation.level(level);
        let recipients: Vec<_> = if policy.business_time {
            self.recipients(level)
                .into_iter()
                .map(|recipient| {
                    let hours = self.people.hours(recipient.person.as_str(), self.now);
                    (recipient, hours)
                })
                .collect()
        } else {
            Vec::new()
        };
        (from, clock::due(policy, below, from, &recipients, &self.people.hours("", self.now)))
    }

    fn set_due(&mut self, level: Level, due: Due) {
        self.escalation.rung_mut(level).phase = Phase::Armed { due: due.at };
        let step = self.escalation.step_id(level);
        let id = format!("{step}/armed/{}", due.at.to_rfc3339());
        let message = pb::StepArmed {
            step,
            escalation: self.escalation.id.to_string(),
            trigger: self.escalation.trigger.to_string(),
            level: u32::from(level.number()),
            due: Some(instant::timestamp(due.at)),
            because: due.because,
        };
        self.out.say(id, self.now, self.escalation.id.as_str(), message);
    }

    fn is_anybody(&self, level: Level) -> bool {
        !self.recipients(level).is_empty()
    }
}
