//! Events to records and back: which partition, which key, which time.

use bellwether_log::{NewRecord, Record, TopicPartition};
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::{self, Topic};
use bellwether_wire::{Payload, binary, frame, murmur2, pb};
use bytes::Bytes;

use crate::topic_set::TopicSet;

/// An event as a record of a topic. `partition` is explicit for what is partitioned by function.
pub(crate) fn of_event(event: &Event, topics: &TopicSet, topic: Topic, partition: u32) -> NewRecord {
    NewRecord {
        to: TopicPartition::new(topics.name(topic), partition),
        key: Some(Bytes::from(key(event, topic))),
        value: event.payload.encode(),
        headers: binary::headers(event),
        timestamp_ms: Some(event.time.ms()),
    }
}

/// Partition of an event by its key, for topics that have no order of their own to keep.
pub(crate) fn partition_of(event: &Event, topics: &TopicSet, topic: Topic) -> u32 {
    murmur2::partition(key(event, topic).as_bytes(), topics.partitions(topic))
}

/// Partition of a function's topics.
pub(crate) fn function_partition(function: &str, topics: &TopicSet) -> u32 {
    topics::function_partition(function, topics.functions)
}

/// Reads the event of a record.
///
/// # Errors
/// When a header is missing or the value is not the message of its type.
pub(crate) fn to_event(record: &Record) -> Result<Event, binary::Error> {
    binary::read(&record.headers, record.value.as_ref())
}

/// Facts as frames of one partition.
pub(crate) fn of_facts(
    facts: &[pb::Fact],
    topics: &TopicSet,
    partition: u32,
    at_ms: Option<i64>,
) -> Vec<NewRecord> {
    frame::pack(facts)
        .into_iter()
        .map(|value| NewRecord {
            to: TopicPartition::new(topics.name(Topic::Facts), partition),
            key: None,
            value: Some(value),
            headers: Vec::new(),
            timestamp_ms: at_ms,
        })
        .collect()
}

/// Key of an event: what compaction keeps one of, else what it is about.
fn key(event: &Event, topic: Topic) -> String {
    if topic == Topic::Reference {
        return reference_key(event);
    }
    event.subject.clone().unwrap_or_else(|| format!("{}/{}", event.id.source, event.id.id))
}

/// Key of a reference datum: its kind and id, so that a later version replaces it and a tombstone ends it.
pub(crate) fn reference_key(event: &Event) -> String {
    let id = match &event.payload {
        Payload::OrganisationRecorded(m) => m.organisation.clone(),
        Payload::PersonRecorded(m) => m.person.clone(),
        Payload::IdentityRecorded(m) => format!("{}/{}", m.source, m.external_id),
        Payload::SquadRecorded(m) => m.squad.clone(),
        Payload::MembershipRecorded(m) if m.membership.is_empty() => format!("{}/{}", m.person, m.squad),
        Payload::MembershipRecorded(m) => m.membership.clone(),
        Payload::SystemRecorded(m) => m.system.clone(),
        Payload::CoverageRecorded(m) => format!("{}/{}", m.system, m.person),
        Payload::RotationRecorded(m) => m.rotation.clone(),
        Payload::CalendarRecorded(m) => m.calendar.clone(),
        Payload::AbsenceRecorded(m) => m.absence.clone(),
        Payload::ObjectiveRecorded(m) => m.objective.clone(),
        Payload::KeyResultRecorded(m) => m.key_result.clone(),
        Payload::InitiativeRecorded(m) => m.initiative.clone(),
        Payload::CustomerCommitmentRecorded(m) => m.customer_commitment.clone(),
        Payload::EscalationPolicyRecorded(m) => m.escalation_policy.clone(),
        Payload::ThresholdsRecorded(m) => m.thresholds.clone(),
        Payload::CostModelRecorded(m) => m.cost_model.clone(),
        _ => event.subject.clone().unwrap_or_else(|| event.id.id.clone()),
    };
    let thing = event.type_name().split('.').nth(1).unwrap_or_default();
    format!("{thing}/{id}")
}
