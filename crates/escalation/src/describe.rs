//! An escalation in one line.

use bellwether_model::Level;

use crate::escalation::{Escalation, Phase};
use crate::escalator::Escalator;

/// What is known of an escalation.
pub(crate) fn describe(escalator: &Escalator, id: &str) -> String {
    if let Some(running) = escalator.escalations.get(id) {
        return describe_running(escalator, running);
    }
    match escalator.instances.of_escalation(id) {
        Some(instance) => {
            let trigger = if instance.is_firing() { "still firing" } else { "cleared" };
            format!("ended: {}, its trigger {trigger}", instance.ended.as_deref().unwrap_or_default())
        }
        None => String::from("unknown"),
    }
}

fn describe_running(escalator: &Escalator, running: &Escalation) -> String {
    let mut parts = vec![String::from("running")];
    if escalator.pauses.is_paused() {
        parts.push(String::from("paused"));
    }
    if let Some(until) = running.acknowledged_until.filter(|_| running.is_acknowledged(escalator.now)) {
        parts.push(format!("acknowledged until {until}"));
    }
    if let Some(until) = running.snoozed_until.filter(|_| running.is_snoozed(escalator.now)) {
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
