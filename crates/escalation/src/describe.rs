//! An escalation in one line, and all that run.

use bellwether_model::{EscalationId, EventTime, Level};

use crate::escalation::{Escalation, Phase};
use crate::escalator::Escalator;

/// A running escalation, as somebody sees it who looks at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its id.
    pub escalation: EscalationId,
    /// Rule of its trigger; empty when the trigger is not known.
    pub rule: String,
    /// Key result of its trigger, empty for none.
    pub key_result: String,
    /// Squad it is about, empty for none.
    pub squad: String,
    /// What holds it, or nothing.
    pub held: Hold,
    /// When it is looked at next; `None` when it waits for something that has no instant.
    pub next_at: Option<EventTime>,
    /// Every level and where it stands, in one line.
    pub stands: String,
}

/// What keeps an escalation from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: its levels come when they are due.
    Nothing,
    /// A role is away, or has not told that it is back.
    Pause,
    /// Somebody put it off.
    Snooze {
        /// Until then.
        until: EventTime,
    },
    /// Somebody has it: levels come, repeats do not.
    Acknowledgement {
        /// Until then.
        until: EventTime,
    },
    /// A level is due and its guard does not hold.
    Guard,
}

/// Every running escalation at an instant, in order of id.
pub(crate) fn pending(escalator: &Escalator, now: EventTime) -> Vec<Pending> {
    escalator.escalations.values().map(|running| pending_one(escalator, running, now)).collect()
}

fn pending_one(escalator: &Escalator, running: &Escalation, now: EventTime) -> Pending {
    let instance = escalator.instances.get(&running.trigger);
    let of = |word: Option<&str>| word.unwrap_or_default().to_owned();
    Pending {
        escalation: running.id.clone(),
        rule: of(instance.map(|it| it.fired.rule.as_str())),
        key_result: of(instance.map(|it| it.fired.key_result.as_str())),
        squad: of(instance.map(|it| it.squad())),
        held: hold(escalator, running, now),
        next_at: running.wake,
        stands: describe_running(escalator, running, now),
    }
}

fn hold(escalator: &Escalator, running: &Escalation, now: EventTime) -> Hold {
    if escalator.pauses.is_paused() {
        return Hold::Pause;
    }
    if let Some(until) = running.snoozed_until.filter(|_| running.is_snoozed(now)) {
        return Hold::Snooze { until };
    }
    if running.waits_for_guard() {
        return Hold::Guard;
    }
    match running.acknowledged_until.filter(|_| running.is_acknowledged(now)) {
        Some(until) => Hold::Acknowledgement { until },
        None => Hold::Nothing,
    }
}

/// What is known of an escalation.
pub(crate) fn describe(escalator: &Escalator, id: &str) -> String {
    if let Some(running) = escalator.escalations.get(id) {
        return describe_running(escalator, running, escalator.now);
    }
    match escalator.instances.of_escalation(id) {
        Some(instance) => {
            let trigger = if instance.is_firing() { "still firing" } else { "cleared" };
            format!("ended: {}, its trigger {trigger}", instance.ended.as_deref().unwrap_or_default())
        }
        None => String::from("unknown"),
    }
}

fn describe_running(escalator: &Escalator, running: &Escalation, now: EventTime) -> String {
    let mut parts = vec![String::from("running")];
    if escalator.pauses.is_paused() {
        parts.push(String::from("paused"));
    }
    if let Some(until) = running.acknowledged_until.filter(|_| running.is_acknowledged(now)) {
        parts.push(format!("acknowledged until {until}"));
    }
    if let Some(until) = running.snoozed_until.filter(|_| running.is_snoozed(now)) {
        parts.push(format!("snoozed until {until}"));
    }
    for level in Level::ALL {
        let phase = match &running.rung(level).phase {
            Phase::Ahead => continue,
            Phase::Armed { due } => format!("armed {due}"),
            Phase::Waiting { ready: None, .. } => String::from("waits for its guard"),
            Phase::Waiting { ready: Some(_), .. } => String::from("held"),
            Phase::Sending { next, .. } => format!("waits for hours until {next}"),
            Phase::Fired { .. } => String::from("sent"),
            Phase::Skipped => String::from("skipped"),
        };
        parts.push(format!("{level} {phase}"));
    }
    match running.repeats.len() {
        0 => {}
        1 => parts.push(String::from("1 repeat to come")),
        more => parts.push(format!("{more} repeats to come")),
    }
    parts.join(", ")
}
