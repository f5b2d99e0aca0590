//! Events that cannot be routed yet: whom they wait for, bounded.

use std::collections::{BTreeSet, VecDeque};

use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, json, pb};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most events kept. At a thousand unresolved a day this is three months; older ones are still in their source topic.
pub(super) const MAX_KEPT: usize = 100_000;

/// What an event waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// A link from an identity to a person.
    Identity(IdentityKey),
    /// A squad for a board, sprint or service.
    Squad(String),
}

/// An outside identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IdentityKey {
    /// Source URI.
    pub source: String,
    /// External id.
    pub external_id: String,
}

impl From<pb::Identity> for IdentityKey {
    fn from(identity: pb::Identity) -> Self {
        Self { source: identity.source, external_id: identity.external_id }
    }
}

/// Events that wait, oldest first.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    waiting: VecDeque<(Reason, Line)>,
    dropped: u64,
}

/// An event, in snapshots as its text form.
#[derive(Debug, Clone, PartialEq)]
struct Line(Event);

impl Kept {
    /// Keeps an event; the oldest makes room when there are too many.
    pub(super) fn keep(&mut self, reason: Reason, event: Event) {
        if self.waiting.len() == MAX_KEPT {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back((reason, Line(event)));
    }

    /// Events that waited for a link from an identity.
    pub(super) fn take_for_identity(&mut self, source: &str, external_id: &str) -> Vec<Event> {
        self.take(|reason, _| {
            matches!(reason, Reason::Identity(key) if key.source == source && key.external_id == external_id)
        })
    }

    fn take(&mut self, is_wanted: impl Fn(&Reason, &Event) -> bool) -> Vec<Event> {
        // Nearly always nothing waits, and a walk is cheaper than a move.
        if !self.waiting.iter().any(|(reason, Line(event))| is_wanted(reason, event)) {
            return Vec::new();
        }
        let (taken, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(reason, Line(event))| is_wanted(reason, event));
        self.waiting = rest;
        taken.into_iter().map(|(_, Line(event))| event).collect()
    }

    /// Changes of these incidents that waited for a squad.
    pub(super) fn take_for_incidents(&mut self, incidents: &BTreeSet<String>) -> Vec<Event> {
        if incidents.is_empty() {
            return Vec::new();
        }
        self.take(|reason, event| {
            matches!(reason, Reason::Squad(_))
                && matches!(&event.payload, Payload::IncidentChanged(message) if incidents.contains(&message.incident))
        })
    }

    /// Everything that waits, oldest first.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = (Reason, Event)> + use<> {
        std::mem::take(&mut self.waiting).into_iter().map(|(reason, Line(event))| (reason, event))
    }

    /// What waits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&Reason, &Event)> {
        self.waiting.iter().map(|(reason, line)| (reason, &line.0))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True when none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many had to make room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::write(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = String::deserialize(deserializer)?;
        json::read(&line).map(Line).map_err(serde::de::Error::custom)
    }
}
