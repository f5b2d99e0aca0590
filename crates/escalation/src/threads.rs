//! Messages that belong together: steps of one level to the same person about the same subject within the hour are one
//! message, the later ones added to the first (R75).
//!
//! The hour counts from the first and does not slide, so that a thread ends.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, Level, Millis};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

/// What messages are about: kind and id of the subject, whatever the rule.
pub(crate) type SubjectKey = String;

/// Key of a subject.
pub(crate) fn subject_key(subject: Option<&pb::Subject>) -> SubjectKey {
    subject.map_or_else(String::new, |subject| format!("{}/{}", subject.kind, subject.id))
}

/// First messages about one subject, by recipient and level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Threads {
    first: BTreeMap<(String, Level), (EventTime, Millis, String)>,
}

impl Threads {
    /// The step that a message to a recipient now belongs to.
    pub(crate) fn joins(&self, recipient: &str, level: Level, now: EventTime) -> Option<&str> {
        let (at, within, step) = self.first.get(&(recipient.to_owned(), level))?;
        (now.since(*at) <= *within).then_some(step.as_str())
    }

    /// Notes the first message of a thread.
    pub(crate) fn begin(
        &mut self,
        recipient: &str,
        level: Level,
        now: EventTime,
        within: Millis,
        step: &str,
    ) {
        self.first.insert((recipient.to_owned(), level), (now, within, step.to_owned()));
    }

    /// Drops threads that nothing can join any more.
    pub(crate) fn forget(&mut self, now: EventTime) {
        self.first.retain(|_, (at, within, _)| now.since(*at) <= *within);
    }

    /// When the first of them can be dropped; `None` when there are none.
    pub(crate) fn forget_at(&self) -> Option<EventTime> {
        self.first.values().map(|(at, within, _)| at.plus(*within).plus(Millis::from_ms(1))).min()
    }
}
