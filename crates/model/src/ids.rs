//! Identities: strings that are stable, never names, and cheap to copy.
//!
//! A clone shares the text. Order is that of the text, so that maps iterate the same everywhere. Nothing here hides
//! anybody: pseudonyms are made where facts leave for shared topics.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Declares id types that differ only in what they identify.
macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident; )+) => { $(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self(text)
            }
        }

        impl From<$name> for Arc<str> {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), &self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )+ };
}

ids! {
    /// A person of the organisation.
    PersonId;
    /// A squad.
    SquadId;
    /// A unit of the organisation: a function, or a parent of squads.
    OrgUnitId;
    /// An objective.
    ObjectiveId;
    /// A key result.
    KeyResultId;
    /// A sprint.
    SprintId;
    /// A board of a tracker.
    BoardId;
    /// A ticket.
    TicketId;
    /// A written exception to a sprint's scope.
    ExceptionId;
    /// A cross-squad dependency.
    DependencyId;
    /// A blocker.
    BlockerId;
    /// A commitment to a customer.
    CustomerCommitmentId;
    /// A reallocation of capacity.
    ReallocationId;
    /// An incident.
    IncidentId;
    /// A service at its source.
    ServiceId;
    /// A production system of the coverage map.
    SystemId;
    /// An on-call schedule at its source.
    ScheduleId;
    /// A rotation.
    RotationId;
    /// One scheduled turn on call.
    ShiftId;
    /// A deployment.
    DeploymentId;
    /// A change: a pull or merge request.
    ChangeId;
    /// A service-level objective.
    SloId;
    /// A calendar of weekend days and holidays.
    CalendarId;
    /// An escalation policy.
    PolicyId;
    /// A trigger instance.
    TriggerId;
    /// An escalation.
    EscalationId;
    /// One level of one escalation.
    StepId;
    /// The source of an event, such as `jira://site`.
    SourceUri;
    /// An event at its source; with the source it is the event's identity.
    EventId;
}
