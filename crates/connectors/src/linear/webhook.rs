//! Linear webhooks: verification and dispatch.
//!
//! The signed body carries its own instant, `webhookTimestamp`; a delivery outside the replay window is refused.
//! The unsigned header `Linear-Timestamp` is believed only when the body has none.
//!
//! `updatedFrom` holds old values of what changed. It is used only to tell a mere change of order from a change of
//! the ticket: a delivery carries the whole issue.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use bellwether_model::{EventTime, Millis};
use bellwether_wire::{Event, pb};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Mapping;
use super::cycle::{self, OfTeam};
use super::ticket::{self, Context, State};
use super::wire::{Cycle, Issue, Node, WebhookBody};
use crate::lenient::{self, Object};
use crate::webhook::{Delivery, Disposition, LinearEndpoint, Outcome, Refusal};
use crate::{instant, signature};

/// The delivery id.
pub const DELIVERY_HEADER: &str = "linear-delivery";

/// Bare hex.
const SIGNATURE_HEADER: &str = "linear-signature";

/// Looked at only when the body has no instant.
const TIMESTAMP_HEADER: &str = "linear-timestamp";

/// Types known to say nothing the catalogue needs.
const NOT_NEEDED: &[&str] = &[
    "Comment",
    "Reaction",
    "Attachment",
    "IssueAttachment",
    "IssueLabel",
    "Project",
    "ProjectUpdate",
    "ProjectLabel",
    "Document",
    "Initiative",
    "InitiativeUpdate",
    "User",
    "Customer",
    "CustomerNeed",
];

/// Fields whose change is only a change of order.
const ORDER_FIELDS: &[&str] =
    &["updatedAt", "sortOrder", "boardOrder", "subIssueSortOrder", "prioritySortOrder", "subscriberIds"];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stamped {
    #[serde(deserialize_with = "lenient::instant")]
    webhook_timestamp: Option<EventTime>,
}

/// Checks the signature, then the replay window.
pub(crate) fn verify(
    endpoint: &LinearEndpoint,
    headers: &HeaderMap,
    delivery: &Delivery<'_>,
    window: Millis,
) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    signature::verify_linear(text(SIGNATURE_HEADER), &endpoint.secrets, delivery.body)
        .map_err(Refusal::Signature)?;
    let in_body = match serde_json::from_slice(delivery.body) {
        Ok(Object(Some(Stamped { webhook_timestamp }))) => webhook_timestamp,
        Ok(Object(None)) | Err(_) => None,
    };
    let in_header =
        || text(TIMESTAMP_HEADER).and_then(|value| instant::from_epoch_ms(value.trim().parse().ok()?));
    let sent_at = in_body.or_else(in_header).ok_or(Refusal::NoTimestamp)?;
    let apart = delivery.received_at.since(sent_at);
    if apart > window || apart < -window { Err(Refusal::Stale) } else { Ok(()) }
}

/// Maps a verified delivery.
pub fn dispatch(delivery: &Delivery<'_>, mapping: &Mapping) -> Outcome {
    let Ok(Object(Some(body))) = serde_json::from_slice::<Object<WebhookBody>>(delivery.body) else {
        return Outcome::kept("unreadable", delivery.keep(None, "unreadable"));
    };
    let what = what(&body);
    let created_at = body.created_at;
    match read(delivery.source, mapping, body, &mapping.t_shirt_teams, pb::Basis::Webhook) {
        Read::Events(events) => Outcome::mapped(what, events),
        Read::NotNeeded => Outcome::without(Disposition::NotNeeded, what),
        Read::Unmapped => Outcome::kept(what.clone(), delivery.keep(created_at, &what)),
    }
}

/// What a body is about, in Linear's words.
pub(crate) fn what(body: &WebhookBody) -> String {
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    format!("{} {}", word(&body.kind), word(&body.action))
}

/// What a body says.
pub(crate) enum Read {
    /// Events.
    Events(Vec<Event>),
    /// Nothing the catalogue needs.
    NotNeeded,
    /// Nothing that is known.
    Unmapped,
}

/// Reads a body.
pub(crate) fn read(
    source: &str,
    mapping: &Mapping,
    body: WebhookBody,
    t_shirt_teams: &BTreeSet<String>,
    basis: pb::Basis,
) -> Read {
    let (kind, action) =
        (body.kind.as_deref().unwrap_or_default(), body.action.as_deref().unwrap_or_default());
    if NOT_NEEDED.contains(&kind) {
        return Read::NotNeeded;
    }
    let is_order =
        |from: &Map<String, Value>| from.keys().all(|field| ORDER_FIELDS.contains(&field.as_str()));
    if kind == "Issue" && action == "update" && body.updated_from.as_ref().is_some_and(is_order) {
        return Read::NotNeeded;
    }
    let (kind, action) = (kind.to_owned(), action.to_owned());
    let Some(data) = body.data else { return Read::Unmapped };
    let told_at = body.created_at;
    let events = match kind.as_str() {
        "Issue" => typed::<Issue>(data).and_then(|issue| {
            let context = Context { source, mapping, t_shirt_teams, basis };
            of_issue(&context, &issue, &action, told_at, body.actor.as_ref())
        }),
        "Cycle" => typed::<Cycle>(data).and_then(|cycle| of_cycle(source, &cycle, &action, told_at, basis)),
        _ => None,
    };
    events.map_or(Read::Unmapped, Read::Events)
}

fn of_issue(
    context: &Context<'_>,
    issue: &Issue,
    action: &str,
    told_at: Option<EventTime>,
    actor: Option<&Node>,
) -> Option<Vec<Event>> {
    let id = issue.id.as_deref()?;
    let at = told_at.or(issue.updated_at)?;
    let by = |id: Option<&str>| ticket::actor(context.source, actor, id);
    let state = State::of(issue);
    let change = match action {
        "create" => {
            let creator = if actor.is_none() { issue.creator_id() } else { None };
            ticket::changed(context, id, ticket::CREATED, issue.created_at.unwrap_or(at), &state, by(creator))
        }
        "update" => {
            let version = format!("updated-{}", issue.updated_at.unwrap_or(at).ms());
            ticket::changed(context, id, &version, at, &state, by(None))
        }
        "remove" => {
            let gone_at = issue.archived_at.unwrap_or(at);
            ticket::removed(context.source, issue, gone_at, by(None), context.basis)?
        }
        _ => return None,
    };
    // Nobody is told when a cycle begins; an issue in a cycle that has begun tells it.
    let begun = issue.cycle.as_ref().zip(issue.team_id()).and_then(|(cycle, team)| {
        OfTeam { source: context.source, cycle, team, basis: context.basis }.activated(at)
    });
    Some(begun.into_iter().chain([change]).collect())
}

fn of_cycle(
    source: &str,
    cycle: &Cycle,
    action: &str,
    told_at: Option<EventTime>,
    basis: pb::Basis,
) -> Option<Vec<Event>> {
    let at = told_at.or(cycle.updated_at)?;
    let of_team = OfTeam { source, cycle, team: cycle::team(cycle).unwrap_or_default(), basis };
    match action {
        "create" | "update" => {
            let events = [of_team.planned(at)?].into_iter();
            Some(events.chain(of_team.activated(at)).chain(of_team.closed(at)).collect())
        }
        "remove" => {
            let id = cycle.id.as_deref()?;
            let sprint = crate::ids::global(source, id);
            let message = pb::SprintRemoved {
                sprint: sprint.clone(),
                board: of_team.team.to_owned(),
                basis: basis.into(),
                ..pb::SprintRemoved::default()
            };
            Some(vec![Event::new(source, format!("cycle/{id}/removed"), at, message).about(sprint)])
        }
        _ => None,
    }
}

fn typed<T: DeserializeOwned>(object: Map<String, Value>) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}
