//! From a snapshot to the catalogue's ticket: one sprint, points, a category, interrupt work or not.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, pb};

use super::category::Categories;
use super::fields::Fields;
use super::mapping::Mapping;
use super::snapshot::{IssueType, Snapshot};
use super::sprint::{self, Sprints};
use super::wire::User;
use crate::ids;

/// The change id of an issue's creation, the same by webhook and by import.
pub(crate) const CREATED: &str = "created";

/// The version of a ticket's first state: before every history id, should one be of the same instant.
const FIRST_VERSION: &str = "0";

/// What is known of a site when a snapshot becomes a ticket.
pub(crate) struct Context<'a> {
    pub(crate) source: &'a str,
    pub(crate) mapping: &'a Mapping,
    pub(crate) fields: &'a Fields,
    pub(crate) categories: &'a Categories,
    pub(crate) sprints: &'a Sprints,
    /// Ids of issues by key.
    pub(crate) ids: &'a BTreeMap<String, String>,
    pub(crate) basis: pb::Basis,
}

/// The event that a ticket changed.
pub(crate) fn changed(
    context: &Context<'_>,
    issue: &str,
    change: &str,
    at: EventTime,
    state: &Snapshot,
    actor: Option<&User>,
) -> Event {
    let ticket = ids::global(context.source, issue);
    let labels: Vec<String> = state.labels.iter().cloned().collect();
    let type_name = &state.issue_type.name;
    let interrupt_reason = context.mapping.interrupts.reason(&labels, type_name, &state.priority);
    let in_sprint = sprint::current(&state.sprints, context.sprints, at);
    let board = in_sprint
        .and_then(|id| context.sprints.get(id)?.board())
        .map_or_else(|| project(&state.key).to_owned(), str::to_owned);
    let message = pb::TicketChanged {
        ticket: ticket.clone(),
        key: state.key.clone(),
        actor: Some(actor_of(context.source, actor)),
        kind: kind(&state.issue_type).into(),
        parent: state.parent.as_ref().map(|id| ids::global(context.source, id)).unwrap_or_default(),
        sub_task: state.issue_type.sub_task,
        squad: String::new(),
        board,
        sprint: in_sprint.map(|id| ids::global(context.source, id)).unwrap_or_default(),
        points: context.fields.points(&state.numbers),
        size: context.fields.size(&state.words).unwrap_or_default().to_owned(),
        status: state.status.name.clone(),
        category: context
            .categories
            .of(context.mapping, state.status.id.as_deref(), &state.status.name, state.resolution.as_deref())
            .into(),
        assignee: state.assignee.as_ref().map(|id| identity(context.source, id)),
        labels,
        interrupt: interrupt_reason.is_some(),
        interrupt_reason: interrupt_reason.unwrap_or_default(),
        release: state.releases.first().cloned().unwrap_or_default(),
        blocked_by: blocked_by(context, state),
        version: if change == CREATED { FIRST_VERSION } else { change }.to_owned(),
        basis: context.basis.into(),
        priority: state.priority.clone(),
        type_name: type_name.clone(),
    };
    Event::new(context.source, format!("{issue}/{change}"), at, message).about(ticket)
}

fn blocked_by(context: &Context<'_>, state: &Snapshot) -> Vec<pb::BlockedBy> {
    let blocker = |(key, since): (&String, &Option<EventTime>)| pb::BlockedBy {
        ticket: ids::global(context.source, context.ids.get(key).unwrap_or(key)),
        since: since.map(timestamp),
    };
    state.blocked_by.iter().map(blocker).collect()
}

/// The project of a key.
pub(crate) fn project(key: &str) -> &str {
    key.rsplit_once('-').map_or(key, |(project, _)| project)
}

/// Somebody as Jira knows them.
pub(crate) fn identity(source: &str, user: &str) -> pb::Identity {
    pb::Identity { source: source.to_owned(), external_id: user.to_owned() }
}

/// Who did it. An app's account is automation; nobody told is unknown.
pub(crate) fn actor_of(source: &str, user: Option<&User>) -> pb::Actor {
    let kind = match user {
        Some(user) if user.account_type.as_deref() == Some("app") => pb::ActorKind::Automation,
        Some(user) if user.id().is_some() => pb::ActorKind::Human,
        Some(_) | None => pb::ActorKind::Unknown,
    };
    let identity = user.and_then(User::id).map(|id| identity(source, id));
    pb::Actor { kind: kind.into(), identity }
}

fn kind(issue_type: &IssueType) -> pb::TicketKind {
    if issue_type.sub_task || issue_type.hierarchy == Some(-1) {
        return pb::TicketKind::SubTask;
    }
    if issue_type.hierarchy.is_some_and(|level| level > 0) {
        return pb::TicketKind::Epic;
    }
    match issue_type.name.to_lowercase().as_str() {
        "story" | "user story" => pb::TicketKind::Story,
        "task" | "improvement" | "new feature" => pb::TicketKind::Task,
        "bug" | "defect" | "fault" => pb::TicketKind::Bug,
        "epic" | "initiative" => pb::TicketKind::Epic,
        _ => pb::TicketKind::Other,
    }
}
