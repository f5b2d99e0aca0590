//! Repeats: a step that nobody acknowledged is sent again to the same people (R73).
//!
//! Dropped, not postponed, when the escalation is acknowledged, snoozed or paused at that instant. Ended when a higher
//! level is sent. Of levels due at the same instant only the lowest repeats.

use bellwether_model::{EventTime, Level};
use serde::{Deserialize, Serialize};

use crate::escalation::Phase;
use crate::run::Context;
use crate::send::Message;

/// The next repeat of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repeat {
    /// When.
    pub(crate) at: EventTime,
    /// Level of the step.
    pub(crate) level: Level,
    /// Id of the message that is repeated.
    pub(crate) step: String,
    /// Its number, from 1.
    pub(crate) number: u32,
    /// 1; above for those who get this repeat later because of their quiet hours.
    pub(crate) part: u32,
    /// When the message was sent.
    pub(crate) fired_at: EventTime,
    /// Pseudonyms of those who got it.
    pub(crate) recipients: Vec<String>,
}

impl Repeat {
    /// Id of this repeat.
    pub(crate) fn id(&self) -> String {
        match self.part {
            1 => format!("{}/r{}", self.step, self.number),
            part => format!("{}/r{}/p{part}", self.step, self.number),
        }
    }
}

impl Context<'_> {
    /// Plans the first repeat of a message that was sent now.
    pub(crate) fn plan_repeats(&mut self, level: Level, step: String, recipients: Vec<String>) {
        let first = Repeat { at: self.now, level, step, number: 0, part: 1, fired_at: self.now, recipients };
        if self.repeats(level) {
            self.plan_next(first);
        }
    }

    /// Ends the repeats of lower levels: a higher one was sent now.
    pub(crate) fn end_repeats_below(&mut self, level: Level) {
        let due = self.escalation.rung(level).phase.due();
        let mut repeats = std::mem::take(&mut self.escalation.repeats);
        repeats
            .retain(|repeat| repeat.level >= level || self.escalation.rung(repeat.level).phase.due() == due);
        self.escalation.repeats = repeats;
    }

    /// Sends the repeats that are due now, or drops them.
    pub(crate) fn run_repeats(&mut self) {
        let now = self.now;
        let (due, later): (Vec<Repeat>, Vec<Repeat>) =
            std::mem::take(&mut self.escalation.repeats).into_iter().partition(|repeat| repeat.at <= now);
        self.escalation.repeats = later;
        for repeat in due {
            self.run_repeat(repeat);
        }
    }

    fn run_repeat(&mut self, mut repeat: Repeat) {
        if repeat.part == 1 {
            self.plan_next(repeat.clone());
        }
        if self.is_held_back() || self.escalation.is_acknowledged(self.now) {
            return;
        }
        let policy = self.escalation.level(repeat.level);
        let mut later: Option<EventTime> = None;
        let mut waiting = Vec::new();
        let mut ready = Vec::new();
        for recipient in std::mem::take(&mut repeat.recipients) {
            let open = if policy.is_always_open() {
                self.now
            } else {
                self.people.hours_of(&recipient, self.now).open(policy, self.now)
            };
            if open > self.now {
                later = Some(later.map_or(open, |later| later.min(open)));
                waiting.push(recipient);
            } else {
                ready.push(recipient);
            }
        }
        let mut part = repeat.part;
        for (added_to, recipients) in self.by_thread(repeat.level, ready) {
            let message = Message {
                step: Repeat { part, ..repeat.clone() }.id(),
                level: repeat.level,
                due: repeat.at,
                late_since: repeat.at,
                repeat: repeat.number,
                supersedes: Vec::new(),
                recipients,
                added_to,
            };
            self.say_fired(message);
            part += 1;
        }
        if let Some(at) = later {
            let part = part.max(2);
            self.escalation.repeats.push(Repeat { at, part, recipients: waiting, ..repeat });
        }
    }

    /// Plans the repeat after one, if there is another.
    fn plan_next(&mut self, repeat: Repeat) {
        let after =
            usize::try_from(repeat.number).ok().and_then(|done| self.escalation.limits.repeats.get(done));
        if let Some(after) = after {
            let at = repeat.fired_at.plus(*after);
            self.escalation.repeats.push(Repeat { at, number: repeat.number + 1, part: 1, ..repeat });
        }
    }

    /// True for the lowest of the levels due at one instant, as long as no higher level was sent.
    fn repeats(&self, level: Level) -> bool {
        let due = self.escalation.rung(level).phase.due();
        Level::ALL.into_iter().filter(|other| *other != level).all(|other| {
            let phase = &self.escalation.rung(other).phase;
            let is_same = phase.due().is_some() && phase.due() == due;
            let was_sent = matches!(phase, Phase::Fired { .. } | Phase::Sending { .. });
            if other < level { !is_same } else { is_same || !was_sent }
        })
    }
}
