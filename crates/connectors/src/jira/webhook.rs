//! Jira webhooks: verification and dispatch.
//!
//! An issue event carries the whole issue, so one delivery is one whole state. Its id is the history id of the
//! changelog, so that an import of the same change is the same event. Sprint webhooks are undocumented; what is not
//! recognised is kept.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use bellwether_model::EventTime;
use bellwether_wire::{Event, pb};

use super::category::Categories;
use super::fields::{Discovery, Fields};
use super::mapping::Mapping;
use super::sprint::{self, Sprints, Transition};
use super::ticket::{self, CREATED, Context};
use super::wire::{Changelog, Item, User, WebhookBody};
use super::{snapshot, ticket::actor_of};
use crate::lenient::Object;
use crate::webhook::{Delivery, Disposition, JiraEndpoint, Outcome, Refusal};
use crate::{ids, signature};

/// The delivery id: the same on each retry.
pub const DELIVERY_HEADER: &str = "x-atlassian-webhook-identifier";

/// WebSub form, `sha256=` and hex.
const SIGNATURE_HEADER: &str = "x-hub-signature";

/// Events known to say nothing the catalogue needs, by their beginnings.
const NOT_NEEDED: &[&str] = &[
    "comment_",
    "worklog_",
    "jira:worklog_",
    "attachment_",
    "issue_property_",
    "option_",
    "user_",
    "jira:version_",
    "project_",
    "board_",
];

/// Checks the signature; without one the delivery is refused unless the endpoint takes unsigned ones.
pub(crate) fn verify(endpoint: &JiraEndpoint, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let header = headers.get(SIGNATURE_HEADER);
    if header.is_none() && endpoint.accept_unsigned {
        return Ok(());
    }
    let header = header.map(|value| value.to_str().unwrap_or_default());
    signature::verify_jira(header, &endpoint.secrets, body).map_err(Refusal::Signature)
}

/// Maps a verified delivery.
pub fn dispatch(delivery: &Delivery<'_>, mapping: &Mapping) -> Outcome {
    let Ok(Object(Some(body))) = serde_json::from_slice::<Object<WebhookBody>>(delivery.body) else {
        return Outcome::kept("unreadable", delivery.keep(None, "unreadable"));
    };
    let what = body.webhook_event.clone().unwrap_or_else(|| "no webhookEvent".to_owned());
    match read(delivery.source, mapping, &body, pb::Basis::Webhook) {
        Read::Events(events) => Outcome::mapped(what, events),
        Read::NotNeeded => Outcome::without(Disposition::NotNeeded, what),
        Read::Unmapped => Outcome::kept(what.clone(), delivery.keep(body.timestamp, &what)),
    }
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
pub(crate) fn read(source: &str, mapping: &Mapping, body: &WebhookBody, basis: pb::Basis) -> Read {
    let what = body.webhook_event.as_deref().unwrap_or_default();
    let events = match what {
        "jira:issue_created" => of_issue(source, mapping, body, basis, &|_| Some(CREATED.to_owned())),
        "jira:issue_updated" => {
            let Some(changelog) = body.changelog.as_ref().filter(|changelog| !changelog.items.is_empty())
            else {
                return Read::NotNeeded;
            };
            if changelog.items.iter().all(Item::is_rank) {
                return Read::NotNeeded;
            }
            of_issue(source, mapping, body, basis, &|at| Some(history_id(changelog, at)))
        }
        "jira:issue_deleted" => removed(source, body, basis),
        "sprint_created" => of_sprint(source, body, basis, Transition::Planned),
        "sprint_started" => {
            // A sprint that has been completed and starts goes on: its outcome gets a revision.
            let again = body.sprint.as_ref().is_some_and(|sprint| sprint.complete_date.is_some());
            of_sprint(source, body, basis, if again { Transition::Reopened } else { Transition::Activated })
        }
        "sprint_updated" => {
            let state = |sprint: Option<&super::wire::Sprint>| sprint.map(|sprint| sprint.state());
            let was_closed = state(body.old_value.as_ref()).as_deref() == Some("closed");
            let is_active = state(body.sprint.as_ref()).as_deref() == Some("active");
            let transition = if was_closed && is_active { Transition::Reopened } else { Transition::Planned };
            of_sprint(source, body, basis, transition)
        }
        "sprint_closed" => of_sprint(source, body, basis, Transition::Closed),
        "sprint_deleted" => of_sprint(source, body, basis, Transition::Removed),
        _ if NOT_NEEDED.iter().any(|beginning| what.starts_with(beginning)) => return Read::NotNeeded,
        _ => None,
    };
    events.map_or(Read::Unmapped, Read::Events)
}

/// The id of the change: the history's own, else of its content and time.
fn history_id(changelog: &Changelog, at: EventTime) -> String {
    changelog.id.clone().unwrap_or_else(|| {
        let content = format!("{:?}", changelog.items);
        format!("change-{}-{}", at.ms(), ids::digest(&[&content]))
    })
}

fn of_issue(
    source: &str,
    mapping: &Mapping,
    body: &WebhookBody,
    basis: pb::Basis,
    change: &dyn Fn(EventTime) -> Option<String>,
) -> Option<Vec<Event>> {
    let issue = body.issue.as_ref()?;
    let id = issue.id.as_deref()?;
    let issue_fields = issue.fields.as_ref()?;
    let mut categories = Categories::default();
    let (mut state, beside) = snapshot::read(issue, issue_fields, mapping, &mut categories);
    let is_creation = body.webhook_event.as_deref() == Some("jira:issue_created");
    let at = if is_creation { beside.created.or(body.timestamp) } else { body.timestamp.or(beside.updated) }?;
    let items = body.changelog.iter().flat_map(|changelog| &changelog.items);
    for item in items.clone().filter(|item| item.name() == "link") {
        if let (Some(key), Some(phrase)) = (&item.to, &item.to_string)
            && mapping.is_blocking(phrase)
        {
            state.blocked_by.insert(key.clone(), Some(at));
        }
    }
    let mut sprints = Sprints::new();
    beside.sprints.into_iter().for_each(|sprint| sprint::merge(&mut sprints, sprint));
    let known_ids: BTreeMap<String, String> = beside.ids.into_iter().collect();
    let context = Context {
        source,
        mapping,
        fields: &fields_of(mapping, items),
        categories: &categories,
        sprints: &sprints,
        ids: &known_ids,
        basis,
    };
    let actor = body.user.as_ref().or(if is_creation { beside.creator.as_ref() } else { None });
    Some(vec![ticket::changed(&context, id, &change(at)?, at, &state, actor)])
}

/// The fields a webhook knows: the configured ones, and before them what the change itself names.
fn fields_of<'a>(mapping: &Mapping, items: impl Iterator<Item = &'a Item>) -> Fields {
    let mut discovery = Discovery::default();
    let mut named = false;
    for item in items {
        if let (Some(name), Some(id)) = (&item.field, &item.field_id) {
            discovery.named(id, name);
            named = true;
        }
    }
    if named { discovery.conclude(mapping) } else { Fields::configured(mapping) }
}

fn removed(source: &str, body: &WebhookBody, basis: pb::Basis) -> Option<Vec<Event>> {
    let issue = body.issue.as_ref()?;
    let id = issue.id.as_deref()?;
    let ticket = ids::global(source, id);
    let message = pb::TicketRemoved {
        ticket: ticket.clone(),
        actor: Some(actor_of(source, body.user.as_ref())),
        basis: basis.into(),
        squad: String::new(),
        board: issue.key.as_deref().map(ticket::project).unwrap_or_default().to_owned(),
    };
    Some(vec![Event::new(source, format!("{id}/removed"), body.timestamp?, message).about(ticket)])
}

fn of_sprint(
    source: &str,
    body: &WebhookBody,
    basis: pb::Basis,
    transition: Transition,
) -> Option<Vec<Event>> {
    let sprint = body.sprint.as_ref()?;
    // Completing is a fact with an instant of its own; everything else happened when it was told.
    let fact = if transition == Transition::Closed { sprint.complete_date } else { None };
    let at = fact.or(body.timestamp)?;
    let actor = body.user.as_ref().map(|user| actor_of(source, Some(user)));
    Some(vec![sprint::event(source, sprint, transition, at, actor, basis)?])
}

/// Everybody a body names, for inferred reference data.
pub(crate) fn people(body: &WebhookBody) -> impl Iterator<Item = &User> {
    body.user.iter()
}
