//! Compares two replays: pairs trigger instances by rule, key result, subject and overlap in time (R1).

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, instant, pb};
use serde::Serialize;

/// One instance as a replay or a live run saw it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Span {
    /// Trigger id.
    pub trigger: String,
    /// Rule.
    pub rule: String,
    /// Key result; empty for none.
    pub key_result: String,
    /// Subject.
    pub subject: String,
    /// First instant it is of.
    pub as_of: String,
    /// When it fired.
    pub fired_at: String,
    /// When it cleared; `None` while it runs.
    pub cleared_at: Option<String>,
    #[serde(skip)]
    from: EventTime,
    #[serde(skip)]
    until: EventTime,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub(crate) enum Difference {
    /// Only here.
    Only {
        /// `new` or `old`.
        side: &'static str,
        /// The instance.
        instance: Span,
    },
    /// On both sides, at other times.
    Moved {
        /// As it was.
        old: Span,
        /// As it is.
        new: Span,
    },
}

/// Instances of a run, in the order they fired.
pub(crate) fn spans(events: &[Event]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        match &event.payload {
            Payload::TriggerFired(message) => {
                places.insert(message.trigger.clone(), spans.len());
                spans.push(span(message));
            }
            Payload::TriggerCleared(message) => {
                if let Some(place) = places.get(&message.trigger) {
                    let at = instant::optional(message.cleared_at.as_ref()).unwrap_or(event.time);
                    spans[*place].until = at;
                    spans[*place].cleared_at = Some(at.to_rfc3339());
                }
            }
            _ => {}
        }
    }
    spans
}

/// True for what [`spans`] looks at.
pub(crate) fn counts(event: &Event) -> bool {
    matches!(event.payload, Payload::TriggerFired(_) | Payload::TriggerCleared(_))
}

/// What a new run says otherwise than an old one.
pub(crate) fn differences(old: &[Event], new: &[Event]) -> Vec<Difference> {
    let mut old = spans(old);
    let mut differences = Vec::new();
    for instance in spans(new) {
        let pair = old.iter().position(|other| {
            other.rule == instance.rule
                && other.key_result == instance.key_result
                && other.subject == instance.subject
                && other.from <= instance.until
                && instance.from <= other.until
        });
        match pair {
            None => differences.push(Difference::Only { side: "new", instance }),
            Some(place) => {
                let other = old.remove(place);
                if (&other.as_of, &other.cleared_at) != (&instance.as_of, &instance.cleared_at) {
                    differences.push(Difference::Moved { old: other, new: instance });
                }
            }
        }
    }
    differences.extend(old.into_iter().map(|instance| Difference::Only { side: "old", instance }));
    differences
}

fn span(message: &pb::TriggerFired) -> Span {
    let fired_at = instant::optional(message.fired_at.as_ref()).unwrap_or(EventTime::MIN);
    let as_of = instant::optional(message.as_of.as_ref()).unwrap_or(fired_at);
    Span {
        trigger: message.trigger.clone(),
        rule: message.rule.clone(),
        key_result: message.key_result.clone(),
        subject: message.subject.as_ref().map(|subject| subject.id.clone()).unwrap_or_default(),
        as_of: as_of.to_rfc3339(),
        fired_at: fired_at.to_rfc3339(),
        cleared_at: None,
        from: as_of,
        until: EventTime::MAX,
    }
}
