//! A fact: an event as the router addressed it.

mod ticket;

use bellwether_model::EventTime;
use bellwether_model::{PersonId, SquadId};
use bellwether_wire::envelope::{Event, EventId};
use bellwether_wire::fields::{Fields, NotPlain};
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

/// How much of a fact is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of it.
    Whole,
    /// What is folded.
    Folded,
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
        Self::read(bytes, Extent::Whole)
    }

    /// Reads what [`crate::Engine::apply`] needs of a fact: of a change of a ticket, which is what there is most of, neither
    /// what only people read nor whom it names. What this leaves out is empty, so nothing of it is to be written again.
    ///
    /// # Errors
    /// When the bytes are no fact, or its event is no message of its type, as far as it is read.
    pub fn decode_for_fold(bytes: Bytes) -> Result<Self, Error> {
        Self::read(bytes, Extent::Folded)
    }

    fn read(bytes: Bytes, extent: Extent) -> Result<Self, Error> {
        if let Ok(fact) = Self::decode_plain(&bytes, extent) {
            return fact;
        }
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

    /// Reads what the router writes, without a copy between; what is not plain is left to the generated decoder.
    fn decode_plain(bytes: &Bytes, extent: Extent) -> Result<Result<Self, Error>, NotPlain> {
        let (mut id, mut source, mut type_name, mut traceparent) = ("", "", "", "");
        let (mut time, mut data, mut tombstone) = (0, &[][..], false);
        let (mut squads, mut resolved) = (Vec::new(), Vec::new());
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => id = value.text()?,
                (2, value) => source = value.text()?,
                (3, value) => type_name = value.text()?,
                (4, value) => time = i64::try_from(value.number()?).map_err(|_| NotPlain)?,
                (5, value) => data = value.bytes()?,
                (6, value) => squads.push(SquadId::from(value.text()?)),
                // No component asks who changed a ticket or has it.
                (7, _) if extent == Extent::Folded && type_name == ticket::TYPE => {}
                (7, value) => resolved.push(Resolved::decode_plain(value.bytes()?)?),
                (8, value) => traceparent = value.text()?,
                (9, value) => tombstone = value.number()? != 0,
                _ => {}
            }
        }
        let payload = if tombstone {
            Ok(Payload::Tombstone { type_name: type_name.to_owned() })
        } else if let Some(ticket) = ticket::read(type_name, data, extent) {
            Ok(ticket.into())
        } else {
            Payload::decode(type_name, &if data.is_empty() { Bytes::new() } else { bytes.slice_ref(data) })
        };
        Ok(payload.map_err(Error::from).map(|payload| Self {
            event: Event {
                id: EventId { source: source.to_owned(), id: id.to_owned() },
                time: EventTime::from_ms(time),
                subject: None,
                traceparent: (!traceparent.is_empty()).then(|| traceparent.to_owned()),
                payload,
            },
            squads,
            resolved,
        }))
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

impl Resolved {
    fn decode_plain(bytes: &[u8]) -> Result<Self, NotPlain> {
        let (mut source, mut external_id, mut person) = ("", "", "");
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => source = value.text()?,
                (2, value) => external_id = value.text()?,
                (3, value) => person = value.text()?,
                _ => {}
            }
        }
        Ok(Self {
            source: source.to_owned(),
            external_id: external_id.to_owned(),
            person: PersonId::from(person),
        })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Facts with and without each of their parts.
    fn facts() -> impl Strategy<Value = pb::Fact> {
        let texts = || prop::collection::vec("[a-z\u{e9}]{0,5}", 6);
        let data = prop_oneof![
            Just(
                pb::TicketChanged { ticket: "t".into(), points: Some(1.5), ..Default::default() }
                    .encode_to_vec()
            ),
            prop::collection::vec(any::<u8>(), 0..6),
        ];
        let resolutions = prop::collection::vec(texts(), 0..3);
        let types = prop::sample::select(vec!["bellwether.ticket.changed.v1", "com.example.other.v1", ""]);
        (texts(), -2..2_000_000_000_000_i64, data, resolutions, types, any::<bool>()).prop_map(
            |(texts, time_ms, data, resolutions, type_name, tombstone)| pb::Fact {
                id: texts[0].clone(),
                source: texts[1].clone(),
                r#type: type_name.to_owned(),
                time_ms,
                data: data.into(),
                squads: texts[2..4].to_vec(),
                resolved: resolutions
                    .into_iter()
                    .map(|texts| pb::Resolution {
                        source: texts[0].clone(),
                        external_id: texts[1].clone(),
                        person: texts[2].clone(),
                    })
                    .collect(),
                traceparent: texts[4].clone(),
                tombstone,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_read_plainly_is_what_was_written(message in facts()) {
            let bytes = Bytes::from(message.encode_to_vec());
            let Ok(fact) = Fact::decode_plain(&bytes, Extent::Whole) else {
                prop_assert!(message.time_ms < 0, "only negative numbers are not plain");
                return Ok(());
            };
            if let Ok(fact) = fact {
                let expected = if message.tombstone {
                    pb::Fact { data: Bytes::new(), ..message }
                } else {
                    message
                };
                // What the message of the event does not know is not kept.
                let written = fact.to_message();
                prop_assert_eq!(pb::Fact { data: Bytes::new(), ..written }, pb::Fact { data: Bytes::new(), ..expected });
            }
        }

        #[test]
        fn bytes_that_are_no_fact_are_refused_or_read_as_the_generated_decoder_reads_them(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = Bytes::from(bytes);
            if let Ok(Ok(fact)) = Fact::decode_plain(&bytes, Extent::Whole) {
                let message = pb::Fact::decode(bytes).expect("what is plain can be read");
                prop_assert_eq!(fact.squads.len(), message.squads.len());
                prop_assert_eq!((fact.event.id.id, fact.event.time.ms()), (message.id, message.time_ms));
            }
        }
    }
}
