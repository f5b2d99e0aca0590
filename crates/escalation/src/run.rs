//! One look at one escalation at one instant, in a fixed order: snooze, turns, guards, levels, repeats.
//!
//! A look is harmless: whoever set the deadline does not say what is due, the state does. It runs in the deadline phase
//! of its instant, after every event of it (R2).

use bellwether_model::{EventTime, Level};
use bellwether_wire::{instant, pb};

use crate::escalation::{Escalation, Held, Phase};
use crate::firing::Firing;
use crate::guard;
use crate::instance::Instance;
use crate::output::Output;
use crate::people::People;
use crate::threads::Threads;

/// One escalation and the world around it, at one instant.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The escalation.
    pub(crate) escalation: &'a mut Escalation,
    /// Its trigger instance.
    pub(crate) instance: &'a Instance,
    /// Who is who.
    pub(crate) people: People<'a>,
    /// What fires in the function.
    pub(crate) firing: &'a Firing,
    /// Messages about the same subject.
    pub(crate) threads: &'a mut Threads,
    /// Logical time.
    pub(crate) now: EventTime,
    /// True during an outage.
    pub(crate) is_paused: bool,
    /// What is said.
    pub(crate) out: &'a mut Output,
}

impl Context<'_> {
    /// Does everything that is due now.
    pub(crate) fn run(&mut self) {
        if self.escalation.snoozed_until.is_some_and(|until| until <= self.now) {
            self.escalation.snoozed_until = None;
        }
        self.take_turns();
        self.judge_guards();
        if self.is_held_back() {
            self.say_snoozed();
        } else {
            self.send_levels();
        }
        self.run_repeats();
        let zone = self.people.reference.zone(self.now);
        self.escalation.recheck_at = self
            .escalation
            .waits_for_guard()
            .then(|| zone.day_start(zone.local_day(self.now).plus(1)))
            .filter(|midnight| *midnight > self.now);
        let next = [self.escalation.next_due_after(self.now), self.next_giving_way()];
        self.escalation.wake = next.into_iter().flatten().min();
    }

    /// True while a snooze or an outage holds steps and drops repeats.
    pub(crate) fn is_held_back(&self) -> bool {
        self.is_paused || self.escalation.is_snoozed(self.now)
    }

    /// Judges the guards of the levels whose turn has come.
    fn judge_guards(&mut self) {
        for level in Level::ALL {
            let Phase::Waiting { due, ready, said } = self.escalation.rung(level).phase else { continue };
            let verdict = guard::judge(level, self.instance, &self.escalation.limits, self.firing);
            let phase = match verdict {
                Ok(()) => Phase::Waiting { due, ready: ready.or(Some(self.now)), said },
                Err(reason) => {
                    if said != Some(Held::Guard) && !self.is_paused {
                        self.say_held(level, due, "guard", format!("guard: {reason}"));
                        Phase::Waiting { due, ready: None, said: Some(Held::Guard) }
                    } else {
                        Phase::Waiting { due, ready: None, said }
                    }
                }
            };
            self.escalation.rung_mut(level).phase = phase;
        }
    }

    /// Says which levels a snooze holds. An outage says nothing: nobody is there to say it.
    fn say_snoozed(&mut self) {
        let Some(until) = self.escalation.snoozed_until.filter(|_| !self.is_paused) else { return };
        for level in Level::ALL {
            let Phase::Waiting { due, ready: Some(ready), said } = self.escalation.rung(level).phase else {
                continue;
            };
            if said != Some(Held::Snoozed) {
                self.say_held(level, due, "snoozed", format!("snoozed until {}", until.to_rfc3339()));
                self.escalation.rung_mut(level).phase =
                    Phase::Waiting { due, ready: Some(ready), said: Some(Held::Snoozed) };
            }
        }
    }

    /// Says that a level waits, and why.
    pub(crate) fn say_held(&mut self, level: Level, due: EventTime, kind: &str, reason: String) {
        let step = self.escalation.step_id(level);
        let message = pb::StepHeld {
            step: step.clone(),
            escalation: self.escalation.id.to_string(),
            trigger: self.escalation.trigger.to_string(),
            level: u32::from(level.number()),
            due: Some(instant::timestamp(due)),
            reason,
            at: Some(instant::timestamp(self.now)),
        };
        let id = format!("{step}/held/{kind}/{}", self.now.to_rfc3339());
        self.out.say(id, self.now, self.escalation.id.as_str(), message);
    }

    /// Passes a level over for good, and says why.
    pub(crate) fn skip(&mut self, level: Level, reason: &str) {
        let step = self.escalation.step_id(level);
        let message = pb::StepSkipped {
            step: step.clone(),
            escalation: self.escalation.id.to_string(),
            trigger: self.escalation.trigger.to_string(),
            level: u32::from(level.number()),
            due: self.escalation.rung(level).phase.due().map(instant::timestamp),
            reason: reason.to_owned(),
            at: Some(instant::timestamp(self.now)),
        };
        self.out.say(format!("{step}/skipped"), self.now, self.escalation.id.as_str(), message);
        self.escalation.rung_mut(level).phase = Phase::Skipped;
    }
}
