//! From an issue's state to the catalogue's ticket.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, pb};

use super::mapping::Mapping;
use super::wire::{Issue, Node};
use crate::ids;

/// The change id of an issue's creation, the same by webhook and by import.
pub(crate) const CREATED: &str = "created";

/// The version of a ticket's first state: before every other, should one be of the same instant.
const FIRST_VERSION: &str = "0";

/// An issue at an instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) key: String,
    pub(crate) team: Option<String>,
    pub(crate) cycle: Option<String>,
    pub(crate) estimate: Option<f64>,
    pub(crate) priority: Option<f64>,
    pub(crate) status: Node,
    pub(crate) assignee: Option<String>,
    pub(crate) parent: Option<String>,
    /// Label names by id.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) release: Option<String>,
    /// What blocks it, since when.
    pub(crate) blocked_by: BTreeMap<String, Option<EventTime>>,
}

impl State {
    /// The state a payload shows.
    pub(crate) fn of(issue: &Issue) -> Self {
        let blocks = issue.inverse_relations.iter().flat_map(|relations| &relations.nodes);
        let blocks = blocks.filter(|relation| relation.kind.as_deref() == Some("blocks"));
        Self {
            key: issue.key(),
            team: issue.team_id().or_else(|| issue.team.as_ref()?.key.as_deref()).map(str::to_owned),
            cycle: issue.cycle_id().map(str::to_owned),
            estimate: issue.estimate,
            priority: issue.priority,
            status: issue
                .state
                .clone()
                .unwrap_or_else(|| Node { id: issue.state_id.clone(), ..Node::default() }),
            assignee: issue.assignee_id().map(str::to_owned),
            parent: issue.parent_id().map(str::to_owned),
            labels: issue
                .labels
                .0
                .iter()
                .filter_map(|label| Some((label.id.clone()?, label.name.clone()?)))
                .collect(),
            release: issue.releases.0.iter().find_map(|release| release.name.clone()),
            blocked_by: blocks
                .filter_map(|relation| Some((relation.issue.as_ref()?.id.clone()?, relation.created_at)))
                .collect(),
        }
    }
}

/// What is known beside an issue.
pub(crate) struct Context<'a> {
    pub(crate) source: &'a str,
    pub(crate) mapping: &'a Mapping,
    /// Teams that estimate in T-shirt sizes.
    pub(crate) t_shirt_teams: &'a BTreeSet<String>,
    pub(crate) basis: pb::Basis,
}

/// The event that a ticket changed.
pub(crate) fn changed(
    context: &Context<'_>,
    issue: &str,
    change: &str,
    at: EventTime,
    state: &State,
    actor: pb::Actor,
) -> Event {
    let ticket = ids::global(context.source, issue);
    let mut labels: Vec<String> = state.labels.values().cloned().collect();
    labels.sort();
    let priority = priority(state.priority);
    let interrupt_reason = context.mapping.interrupts.reason(&labels, "", priority);
    let sub_task = context.mapping.sub_issues_are_sub_tasks && state.parent.is_some();
    let in_t_shirts = state.team.as_ref().is_some_and(|team| context.t_shirt_teams.contains(team));
    let blocker = |(id, since): (&String, &Option<EventTime>)| pb::BlockedBy {
        ticket: ids::global(context.source, id),
        since: since.map(timestamp),
    };
    let message = pb::TicketChanged {
        ticket: ticket.clone(),
        key: state.key.clone(),
        actor: Some(actor),
        kind: kind(sub_task, &labels).into(),
        parent: state.parent.as_ref().map(|id| ids::global(context.source, id)).unwrap_or_default(),
        sub_task,
        squad: String::new(),
        board: state.team.clone().unwrap_or_default(),
        sprint: state.cycle.as_ref().map(|id| ids::global(context.source, id)).unwrap_or_default(),
        points: state.estimate,
        size: state.estimate.filter(|_| in_t_shirts).map(t_shirt).unwrap_or_default().to_owned(),
        status: state.status.name.clone().unwrap_or_default(),
        category: category(state.status.kind.as_deref()).into(),
        assignee: state.assignee.as_ref().map(|id| identity(context.source, id)),
        interrupt: interrupt_reason.is_some(),
        interrupt_reason: interrupt_reason.unwrap_or_default(),
        release: state.release.clone().unwrap_or_default(),
        blocked_by: state.blocked_by.iter().map(blocker).collect(),
        version: if change == CREATED { FIRST_VERSION } else { change }.to_owned(),
        basis: context.basis.into(),
        priority: priority.to_owned(),
        type_name: String::new(),
        labels,
    };
    Event::new(context.source, format!("{issue}/{change}"), at, message).about(ticket)
}

/// The event that a ticket is gone: deleted, trashed or archived.
pub(crate) fn removed(
    source: &str,
    issue: &Issue,
    at: EventTime,
    actor: pb::Actor,
    basis: pb::Basis,
) -> Option<Event> {
    let id = issue.id.as_deref()?;
    let ticket = ids::global(source, id);
    let message = pb::TicketRemoved {
        ticket: ticket.clone(),
        actor: Some(actor),
        basis: basis.into(),
        squad: String::new(),
        board: issue.team_id().unwrap_or_default().to_owned(),
    };
    Some(Event::new(source, format!("{id}/removed/{}", at.ms()), at, message).about(ticket))
}

/// Somebody as Linear knows them.
pub(crate) fn identity(source: &str, user: &str) -> pb::Identity {
    pb::Identity { source: source.to_owned(), external_id: user.to_owned() }
}

/// Who did it, from an actor node: an application or an integration is automation.
pub(crate) fn actor(source: &str, node: Option<&Node>, id: Option<&str>) -> pb::Actor {
    let id = id.or_else(|| node?.id.as_deref());
    let is_user = node.and_then(|node| node.kind.as_deref()).is_none_or(|kind| kind == "user");
    let is_app = node.and_then(|node| node.app).unwrap_or_default();
    let kind = match id {
        Some(_) if is_user && !is_app => pb::ActorKind::Human,
        Some(_) => pb::ActorKind::Automation,
        None => pb::ActorKind::Unknown,
    };
    pb::Actor { kind: kind.into(), identity: id.map(|id| identity(source, id)) }
}

fn kind(sub_task: bool, labels: &[String]) -> pb::TicketKind {
    if sub_task {
        pb::TicketKind::SubTask
    } else if labels.iter().any(|label| label.eq_ignore_ascii_case("bug")) {
        pb::TicketKind::Bug
    } else {
        pb::TicketKind::Task
    }
}

fn category(state_type: Option<&str>) -> pb::StatusCategory {
    match state_type {
        Some("triage" | "backlog" | "unstarted") => pb::StatusCategory::Todo,
        Some("started") => pb::StatusCategory::InProgress,
        Some("completed") => pb::StatusCategory::Done,
        Some("canceled" | "cancelled" | "duplicate") => pb::StatusCategory::Cancelled,
        Some(_) | None => pb::StatusCategory::Unspecified,
    }
}

/// Name of a priority: 0 is none, 1 the most urgent.
fn priority(priority: Option<f64>) -> &'static str {
    match priority {
        Some(0.0) => "No priority",
        Some(1.0) => "Urgent",
        Some(2.0) => "High",
        Some(3.0) => "Medium",
        Some(4.0) => "Low",
        Some(_) | None => "",
    }
}

/// The size a number stands for where a team estimates in T-shirt sizes.
fn t_shirt(estimate: f64) -> &'static str {
    const SIZES: [(f64, &str); 6] =
        [(1.0, "XS"), (2.0, "S"), (3.0, "M"), (5.0, "L"), (8.0, "XL"), (13.0, "XXL")];
    SIZES.iter().find(|(number, _)| estimate <= *number).map_or("XXXL", |(_, size)| size)
}
