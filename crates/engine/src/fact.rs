//! A fact: an event as the router addressed it.

use bellwether_model::EventTime;
use bellwether_model::{PersonId, SquadId};
use bellwether_wire::envelope::{Event, EventId};
use bellwether_wire::{Payload, catalogue, pb};
use bytes::Bytes;
use prost::Message as _;

/// One routed event.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The event.
    pub event: Event,
    /// Squads it concerns in this partition; empty when it concerns the whole partition.
    pub squads: Vec<SquadId>,
    /// Identities in it, as resolved at routing.
    pub resolved: Vec<Resolved>,
}

/// An identity and the person behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Source URI.
    pub source: String,
    /// External id.
    pub external_id: String,
    /// Person.
    pub person: PersonId,
}

/// A fact that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no fact.
    #[error("the bytes are no fact")]
    Decode(#[source] prost::DecodeError),
    /// Its event is no message of its type.
    #[error(transparent)]
    Payload(#[from] catalogue::Error),
}

impl Fact {
    /// A fact that concerns the whole partition and names nobody.
    pub fn new(event: Event) -> Self {
        Self { event, squads: Vec::new(), resolved: Vec::new() }
    }

    /// Reads a fact from its protobuf form.
    ///
    /// # Errors
    /// When the bytes are no fact, or its event is no message of its type.
    pub fn decode(bytes: Bytes) -> Result<Self, Error> {
        let fact = pb::Fact::decode(bytes).map_err(Error::Decode)?;
        let payload = if fact.tombstone {
            Payload::Tombstone { type_name: fact.r#type }
        } else {
            Payload::decode(&fact.r#type, &fact.data)?
        };
        Ok(Self {
            event: Event {
                id: EventId { source: fact.source, id: fact.id },
                time: EventTime::from_ms(fact.time_ms),
                subject: None,
                traceparent: (!fact.traceparent.is_empty()).then_some(fact.traceparent),
                payload,
            },
            squads: fact.squads.iter().map(|squad| SquadId::from(squad.as_str())).collect(),
            resolved: fact
                .resolved
                .into_iter()
                .map(|resolution| Resolved {
                    source: resolution.source,
                    external_id: resolution.external_id,
                    person: PersonId::from(resolution.person.as_str()),
                })
                .collect(),
        })
    }

    /// The protobuf form.
    pub fn to_message(&self) -> pb::Fact {
        pb::Fact {
            id: self.event.id.id.clone(),
            source: self.event.id.source.clone(),
            r#type: self.event.type_name().to_owned(),
            time_ms: self.event.time.ms(),
            data: self.event.payload.encode().unwrap_or_default(),
            squads: self.squads.iter().map(ToString::to_string).collect(),
            resolved: self
                .resolved
                .iter()
                .map(|resolved| pb::Resolution {
                    source: resolved.source.clone(),
                    external_id: resolved.external_id.clone(),
                    person: resolved.person.to_string(),
                })
                .collect(),
            traceparent: self.event.traceparent.clone().unwrap_or_default(),
            tombstone: matches!(self.event.payload, Payload::Tombstone { .. }),
        }
    }

    /// The person behind an identity, where the router found one.
    pub fn person(&self, identity: Option<&pb::Identity>) -> Option<PersonId> {
        let identity = identity?;
        self.resolved
            .iter()
            .find(|resolved| {
                resolved.external_id == identity.external_id && resolved.source == identity.source
            })
            .map(|resolved| resolved.person.clone())
    }
}

/// In snapshots a fact is its protobuf form.
impl serde::Serialize for Fact {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_message().encode_to_vec())
    }
}

impl<'de> serde::Deserialize<'de> for Fact {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fact::decode(Bytes::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
