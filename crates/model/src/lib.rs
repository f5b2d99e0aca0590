//! Ids, values, time and calendars of Bellwether.
//!
//! What every fold agrees on before it decides anything: instants and days, exact numbers, work weeks and quarters,
//! the names of rules, measures, levels and audiences, which escalation policy is for what, and the configurable
//! thresholds. Nothing here decides that a
//! trigger fires, reads a topic or knows a wire format.
//!
//! Invariants of the whole crate: no I/O and no clock; no floating point where a comparison decides; the same input
//! gives the same output on any machine; arithmetic saturates or answers `None`, it never wraps or panics; every
//! value is serialisable, because values lie in snapshots.

mod text_enum;

mod audience;
mod calendar;
mod day;
mod error;
mod ids;
mod level;
mod measure;
mod number;
mod policy;
mod quarter;
mod rule;
mod thresholds;
mod time;
mod zone;
mod zone_memo;

pub use audience::Audience;
pub use calendar::WorkCalendar;
pub use day::{LocalDay, MinuteOfDay};
pub use error::Error;
pub use ids::{
    BlockerId, BoardId, CalendarId, ChangeId, CustomerCommitmentId, DependencyId, DeploymentId, EscalationId,
    EventId, ExceptionId, IncidentId, KeyResultId, ObjectiveId, OrgUnitId, PersonId, PolicyId,
    ReallocationId, RotationId, ScheduleId, ServiceId, ShiftId, SloId, SourceUri, SprintId, SquadId, StepId,
    SystemId, TicketId, TriggerId,
};
pub use level::Level;
pub use measure::{Direction, KeyResultKind, Measure, Status};
pub use number::{Decimal, Points, Ratio};
pub use policy::{BUILT_IN_POLICY, BUILT_IN_POLICY_VERSION, PolicyCandidate, PolicyCase, PolicyScope};
pub use quarter::{FiscalCalendar, Quarter};
pub use rule::{ClearAfter, RuleId};
pub use thresholds::{Provenance, ThresholdInfo, ThresholdValues, Thresholds};
pub use time::{EventTime, Millis};
pub use zone::Zone;

/// Trained responders of a production system below which its coverage is a gap.
pub const COVERAGE_MIN: usize = 3;
