//! From a redacted view to a message: what each level says, rule by rule.
//!
//! What it is: pure words. What it is not: able to look anything up; it has a [`Redacted`] view and nothing else, and a
//! test reads these files to keep it so. What is not known is said to be not known, never filled in.

mod brief;
mod level;
mod story;
mod words;

use bellwether_model::{Level, Millis};

use crate::message::Message;
use crate::redaction::{Redacted, StepView};
use crate::text;

/// Renders a step for the reader its view was made for.
pub fn render(view: &Redacted<StepView>) -> Message {
    let story = story::of(view);
    let mut message = Message {
        title: format!("{}{}: {}", prefix(view), kind(view.level), story.headline(view)),
        summary: summary(view, story),
        sections: Vec::new(),
        footer: footer(view),
    };
    match view.level.number() {
        1 => level::nudge(view, story, &mut message),
        2 => level::peer_flag(view, story, &mut message),
        3 => brief::vp(view, story, &mut message),
        4 => brief::cto(view, story, &mut message),
        _ => brief::intervention(view, story, &mut message),
    }
    message
}

/// What a rule says first; of a condition that does not hold at the moment also since when.
fn summary(view: &StepView, story: &dyn story::Story) -> String {
    let summary = story.summary(view);
    match words::figure(view, words::CONDITION_FALSE_SINCE) {
        Some(since) => format!("{summary} The condition has not held since {}.", since.display),
        None => summary,
    }
}

/// What a level's message is called.
fn kind(level: Level) -> &'static str {
    match level.number() {
        1 => "Nudge",
        2 => "Peer flag",
        3 => "VP brief",
        4 => "CTO brief",
        _ => "Intervention",
    }
}

fn prefix(view: &StepView) -> String {
    let reminder = if view.repeat > 0 { format!("Reminder {}: ", view.repeat) } else { String::new() };
    let addition = if view.addition { "Also: " } else { "" };
    format!("{reminder}{addition}")
}

fn footer(view: &StepView) -> String {
    let mut parts = vec![
        format!("{} of escalation {}", view.level, view.escalation),
        format!("rule {}", view.rule_name),
        format!("running since {}", text::moment(view.started_at, view.zone)),
        format!("sent {}", text::moment(view.fired_at, view.zone)),
    ];
    if view.late_by > Millis::ZERO {
        parts.push(format!("{} later than due", span(view.late_by)));
    }
    if !view.supersedes.is_empty() {
        let levels: Vec<String> = view.supersedes.iter().map(|level| format!("L{level}")).collect();
        parts.push(format!("stands for {}, which ran late together", text::list(&levels)));
    }
    format!("{}. Acknowledge, snooze or resolve this escalation to answer.", parts.join("; "))
}

/// A span for people, to the minute.
fn span(span: Millis) -> String {
    let minutes = span.ms() / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "less than a minute".to_owned(),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests;
