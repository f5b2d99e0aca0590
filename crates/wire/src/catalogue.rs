//! The catalogue: every CloudEvents type, its message and its home topic, as one table.
//!
//! Adding an event is one line here and one message in `proto/`. A type that is not in the table is kept as it
//! came, so that a newer writer never breaks an older reader.

use bytes::Bytes;
use prost::Message as _;
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

use crate::pb;
use crate::topics::Topic;

/// What can be wrong with a payload.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no such message.
    #[error("the value is not a {type_name}")]
    Decode {
        /// CloudEvents type.
        type_name: String,
        /// What the decoder said.
        #[source]
        source: prost::DecodeError,
    },
    /// The JSON is no such message.
    #[error("`data` is not a {type_name}: {source}")]
    Json {
        /// CloudEvents type.
        type_name: String,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}

macro_rules! catalogue {
    ($($type_name:literal => $message:ident on $topic:ident;)*) => {
        /// The message of an event.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Payload {
            $(
                #[doc = concat!("`", $type_name, "`")]
                $message(Box<pb::$message>),
            )*
            /// A type this version does not know; its bytes travel on unchanged.
            Unknown {
                /// CloudEvents type.
                type_name: String,
                /// The value as it came.
                data: Bytes,
            },
            /// No data: on compacted topics, the end of what the subject names.
            Tombstone {
                /// CloudEvents type.
                type_name: String,
            },
        }

        /// Every CloudEvents type, in the order of the catalogue, with its home topic.
        pub const TYPES: &[(&str, Topic)] = &[$(($type_name, Topic::$topic),)*];

        impl Payload {
            /// CloudEvents type.
            pub fn type_name(&self) -> &str {
                match self {
                    $(Self::$message(_) => $type_name,)*
                    Self::Unknown { type_name, .. } | Self::Tombstone { type_name } => type_name,
                }
            }

            /// Home topic; `None` when the type is not known.
            pub fn home_topic(&self) -> Option<Topic> {
                match self {
                    $(Self::$message(_) => Some(Topic::$topic),)*
                    Self::Unknown { type_name, .. } | Self::Tombstone { type_name } => home_topic(type_name),
                }
            }

            /// Reads the protobuf form of a type.
            ///
            /// # Errors
            /// When the bytes are not the message of a known type.
            pub fn decode(type_name: &str, data: &Bytes) -> Result<Self, Error> {
                match type_name {
                    $($type_name => pb::$message::decode(data.as_ref())
                        .map(|message| Self::$message(Box::new(message)))
                        .map_err(|source| Error::Decode { type_name: type_name.to_owned(), source }),)*
                    _ => Ok(Self::Unknown { type_name: type_name.to_owned(), data: data.clone() }),
                }
            }

            /// The protobuf form; `None` for a tombstone.
            pub fn encode(&self) -> Option<Bytes> {
                match self {
                    $(Self::$message(message) => Some(message.encode_to_vec().into()),)*
                    Self::Unknown { data, .. } => Some(data.clone()),
                    Self::Tombstone { .. } => None,
                }
            }

            /// Reads the protobuf-JSON form of a known type; `None` when the type is not known.
            ///
            /// # Errors
            /// When the JSON is not the message.
            pub fn from_json(type_name: &str, data: &str) -> Result<Option<Self>, Error> {
                match type_name {
                    $($type_name => serde_json::from_str::<pb::$message>(data)
                        .map(|message| Some(Self::$message(Box::new(message))))
                        .map_err(|source| Error::Json { type_name: type_name.to_owned(), source }),)*
                    _ => Ok(None),
                }
            }

            /// Reads the same out of a text that is being read; an error when the type is not known.
            pub(crate) fn read_json<'de, D: Deserializer<'de>>(
                type_name: &str,
                data: D,
            ) -> Result<Self, D::Error> {
                match type_name {
                    $($type_name => Box::<pb::$message>::deserialize(data).map(Self::$message),)*
                    _ => Err(serde::de::Error::custom("the type is not in the catalogue")),
                }
            }

            /// Writes the protobuf-JSON form; nothing for a tombstone and for an unknown type.
            pub(crate) fn write_json<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$message(message) => message.serialize(to),)*
                    Self::Unknown { .. } | Self::Tombstone { .. } => to.serialize_none(),
                }
            }

            /// The protobuf-JSON form; `None` for a tombstone and for an unknown type.
            pub fn to_json(&self) -> Option<serde_json::Value> {
                match self {
                    $(Self::$message(message) => Some(
                        serde_json::to_value(message).expect("messages have string keys and finite numbers"),
                    ),)*
                    Self::Unknown { .. } | Self::Tombstone { .. } => None,
                }
            }
        }

        /// Home topic of a type; `None` when the type is not known.
        pub fn home_topic(type_name: &str) -> Option<Topic> {
            match type_name {
                $($type_name => Some(Topic::$topic),)*
                _ => None,
            }
        }

        $(
            impl From<pb::$message> for Payload {
                fn from(message: pb::$message) -> Self {
                    Self::$message(Box::new(message))
                }
            }
        )*
    };
}

catalogue! {
    "bellwether.sprint.planned.v1" => SprintPlanned on Sprint;
    "bellwether.sprint.activated.v1" => SprintActivated on Sprint;
    "bellwether.sprint.closed.v1" => SprintClosed on Sprint;
    "bellwether.sprint.reopened.v1" => SprintReopened on Sprint;
    "bellwether.sprint.removed.v1" => SprintRemoved on Sprint;
    "bellwether.capacity.declared.v1" => CapacityDeclared on Sprint;
    "bellwether.ticket.changed.v1" => TicketChanged on Ticket;
    "bellwether.ticket.removed.v1" => TicketRemoved on Ticket;
    "bellwether.incident.changed.v1" => IncidentChanged on Page;
    "bellwether.page.notified.v1" => PageNotified on Page;
    "bellwether.shift.scheduled.v1" => ShiftScheduled on Page;
    "bellwether.shift.removed.v1" => ShiftRemoved on Page;
    "bellwether.deployment.finished.v1" => DeploymentFinished on Delivery;
    "bellwether.change.merged.v1" => ChangeMerged on Delivery;
    "bellwether.build.finished.v1" => BuildFinished on Delivery;
    "bellwether.failure.linked.v1" => FailureLinked on Delivery;
    "bellwether.sli.measured.v1" => SliMeasured on Delivery;
    "bellwether.check-in.filed.v1" => CheckInFiled on Okr;
    "bellwether.reading.recorded.v1" => ReadingRecorded on Okr;
    "bellwether.survey.closed.v1" => SurveyClosed on Okr;
    "bellwether.dependency.agreed.v1" => DependencyAgreed on Okr;
    "bellwether.dependency.rescheduled.v1" => DependencyRescheduled on Okr;
    "bellwether.dependency.delivered.v1" => DependencyDelivered on Okr;
    "bellwether.dependency.cancelled.v1" => DependencyCancelled on Okr;
    "bellwether.blocker.raised.v1" => BlockerRaised on Okr;
    "bellwether.blocker.cleared.v1" => BlockerCleared on Okr;
    "bellwether.scope-exception.filed.v1" => ScopeExceptionFiled on Okr;
    "bellwether.scope-exception.signed.v1" => ScopeExceptionSigned on Okr;
    "bellwether.scope-exception.rejected.v1" => ScopeExceptionRejected on Okr;
    "bellwether.reallocation.requested.v1" => ReallocationRequested on Okr;
    "bellwether.reallocation.signed.v1" => ReallocationSigned on Okr;
    "bellwether.reallocation.rejected.v1" => ReallocationRejected on Okr;
    "bellwether.reallocation.started.v1" => ReallocationStarted on Okr;
    "bellwether.reallocation.ended.v1" => ReallocationEnded on Okr;
    "bellwether.leaver.recorded.v1" => LeaverRecorded on Okr;
    "bellwether.organisation.recorded.v1" => OrganisationRecorded on Reference;
    "bellwether.person.recorded.v1" => PersonRecorded on Reference;
    "bellwether.identity.recorded.v1" => IdentityRecorded on Reference;
    "bellwether.squad.recorded.v1" => SquadRecorded on Reference;
    "bellwether.membership.recorded.v1" => MembershipRecorded on Reference;
    "bellwether.system.recorded.v1" => SystemRecorded on Reference;
    "bellwether.coverage.recorded.v1" => CoverageRecorded on Reference;
    "bellwether.rotation.recorded.v1" => RotationRecorded on Reference;
    "bellwether.calendar.recorded.v1" => CalendarRecorded on Reference;
    "bellwether.absence.recorded.v1" => AbsenceRecorded on Reference;
    "bellwether.objective.recorded.v1" => ObjectiveRecorded on Reference;
    "bellwether.key-result.recorded.v1" => KeyResultRecorded on Reference;
    "bellwether.initiative.recorded.v1" => InitiativeRecorded on Reference;
    "bellwether.customer-commitment.recorded.v1" => CustomerCommitmentRecorded on Reference;
    "bellwether.escalation-policy.recorded.v1" => EscalationPolicyRecorded on Reference;
    "bellwether.thresholds.recorded.v1" => ThresholdsRecorded on Reference;
    "bellwether.cost-model.recorded.v1" => CostModelRecorded on Reference;
    "bellwether.source.progressed.v1" => SourceProgressed on Okr;
    "bellwether.process.paused.v1" => ProcessPaused on Okr;
    "bellwether.process.resumed.v1" => ProcessResumed on Okr;
    "bellwether.escalation.acknowledged.v1" => EscalationAcknowledged on Command;
    "bellwether.escalation.snoozed.v1" => EscalationSnoozed on Command;
    "bellwether.escalation.unsnoozed.v1" => EscalationUnsnoozed on Command;
    "bellwether.escalation.resolved.v1" => EscalationResolved on Command;
    "bellwether.intervention.recorded.v1" => InterventionRecorded on Command;
    "bellwether.owner.assigned.v1" => OwnerAssigned on Command;
    "bellwether.decision.locked.v1" => DecisionLocked on Command;
    "bellwether.trigger.fired.v1" => TriggerFired on Trigger;
    "bellwether.trigger.amended.v1" => TriggerAmended on Trigger;
    "bellwether.trigger.held.v1" => TriggerHeld on Trigger;
    "bellwether.trigger.suppressed.v1" => TriggerSuppressed on Trigger;
    "bellwether.trigger.cleared.v1" => TriggerCleared on Trigger;
    "bellwether.key-result.assessed.v1" => KeyResultAssessed on KeyResult;
    "bellwether.sprint.assessed.v1" => SprintAssessed on KeyResult;
    "bellwether.load.assessed.v1" => LoadAssessed on KeyResult;
    "bellwether.escalation.started.v1" => EscalationStarted on Escalation;
    "bellwether.step.armed.v1" => StepArmed on Escalation;
    "bellwether.step.fired.v1" => StepFired on Escalation;
    "bellwether.step.held.v1" => StepHeld on Escalation;
    "bellwether.step.skipped.v1" => StepSkipped on Escalation;
    "bellwether.escalation.refused.v1" => EscalationRefused on Escalation;
    "bellwether.escalation.ended.v1" => EscalationEnded on Escalation;
    "bellwether.step.pending.v1" => Step on EscalationDelay;
    "bellwether.escalator.kept.v1" => EscalatorState on EscalationDelay;
    "bellwether.delivery.succeeded.v1" => DeliverySucceeded on Receipt;
    "bellwether.delivery.failed.v1" => DeliveryFailed on Receipt;
    "bellwether.delivery.abandoned.v1" => DeliveryAbandoned on Receipt;
    "bellwether.tick.recorded.v1" => TickRecorded on Facts;
    "bellwether.fact.skipped.v1" => FactSkipped on Facts;
}
