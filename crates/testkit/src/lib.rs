//! Builders for tests: events of the catalogue in a few words, each with only what a test cares about.
//!
//! What needs a fold stays beside the fold: a crate that its own unit tests use cannot depend on it.

use bellwether_model::EventTime;
use bellwether_wire::{instant, pb};

/// An instant of a test, RFC 3339.
///
/// # Panics
/// When it is none.
pub fn time(text: &str) -> EventTime {
    EventTime::parse(text).expect("an instant")
}

/// A person by their own id.
pub fn person(id: &str) -> Option<pb::Identity> {
    Some(pb::Identity { source: String::new(), external_id: id.to_owned() })
}

/// A human actor.
pub fn human(id: &str) -> Option<pb::Actor> {
    Some(pb::Actor { kind: pb::ActorKind::Human.into(), identity: person(id) })
}

/// A protobuf instant.
///
/// # Panics
/// When it is none.
pub fn stamp(text: &str) -> Option<instant::Timestamp> {
    Some(instant::timestamp(time(text)))
}

/// A sized ticket of squad `a`, not begun.
pub fn ticket(id: &str, sprint: &str, points: f64) -> pb::TicketChanged {
    pb::TicketChanged {
        ticket: id.into(),
        squad: "a".into(),
        sprint: sprint.into(),
        points: Some(points),
        size: "M".into(),
        category: pb::StatusCategory::Todo.into(),
        ..Default::default()
    }
}

/// The same ticket in another status category.
pub fn in_category(ticket: &pb::TicketChanged, category: pb::StatusCategory) -> pb::TicketChanged {
    pb::TicketChanged { category: category.into(), ..ticket.clone() }
}

/// A key result of squad `a`, owned by ann, without update windows.
pub fn key_result(
    id: &str,
    measure: &str,
    kind: pb::KeyResultKind,
    baseline: f64,
    target: f64,
) -> pb::KeyResultRecorded {
    pb::KeyResultRecorded {
        key_result: id.into(),
        measure: measure.into(),
        kind: kind.into(),
        baseline,
        target,
        owner: "ann".into(),
        squad: "a".into(),
        no_update_window: true,
        ..Default::default()
    }
}

/// A deployment to production that ended well.
pub fn deployed(deployment: &str) -> pb::DeploymentFinished {
    pb::DeploymentFinished {
        deployment: deployment.into(),
        environment: "production".into(),
        outcome: pb::Outcome::Succeeded.into(),
        ..Default::default()
    }
}
