//! v3 webhooks: verification and dispatch.
//!
//! A delivery carries no notification log, so its pages are proxies: whoever is assigned after a change that pages
//! was interrupted (`basis: assignment`), and whoever acknowledges without being assigned (`basis:
//! acknowledgement`). An incident of low urgency notifies nobody by assignment. When the notification log of the
//! incident is imported later, its pages replace the proxies (R30).

use axum::http::HeaderMap;
use bellwether_model::EventTime;
use bellwether_wire::{Event, pb};

use super::map::{self, IncidentState, Mapping, Origin};
use super::wire::{Reference, WebhookBody, WebhookData, WebhookEvent};
use crate::lenient::Object;
use crate::signature;
use crate::webhook::{Delivery, Disposition, Outcome, PagerDutyEndpoint, Refusal};

/// The delivery id: the same on each retry.
pub const DELIVERY_HEADER: &str = "x-webhook-id";

/// One signature per active secret.
const SIGNATURE_HEADER: &str = "x-pagerduty-signature";

/// What the console sends to try a subscription.
const TEST_EVENT: &str = "pagey.ping";

/// Checks the signature. A proxy may have split the list into several header lines.
pub(crate) fn verify(endpoint: &PagerDutyEndpoint, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let mut lines = headers.get_all(SIGNATURE_HEADER).iter().filter_map(|line| line.to_str().ok());
    let first = lines.next();
    let joined = lines.next().map(|second| {
        let mut all = vec![first.unwrap_or_default(), second];
        all.extend(lines);
        all.join(",")
    });
    signature::verify_pagerduty(joined.as_deref().or(first), &endpoint.secrets, body)
        .map_err(Refusal::Signature)
}

/// Maps a verified delivery.
pub fn dispatch(delivery: &Delivery<'_>, mapping: &Mapping) -> Outcome {
    let Ok(Object(Some(WebhookBody { event: Some(event) }))) = serde_json::from_slice(delivery.body) else {
        return Outcome::kept("unreadable", delivery.keep(None, "unreadable"));
    };
    let what = event.event_type.clone().unwrap_or_else(|| "no event_type".to_owned());
    if what == TEST_EVENT {
        return Outcome::without(Disposition::Test, what);
    }
    let origin = Origin { source: delivery.source, basis: pb::Basis::Webhook, imported: false };
    match events(origin, mapping, &event) {
        Some(events) => Outcome::mapped(what, events),
        None => Outcome::kept(what.clone(), keep(delivery, &event, &what)),
    }
}

fn keep(delivery: &Delivery<'_>, event: &WebhookEvent, what: &str) -> Event {
    let mut kept = delivery.keep(event.occurred_at, what);
    if let Some(id) = &event.id {
        kept.id.id.clone_from(id);
    }
    kept
}

/// The events of one v3 event; `None` when there is no mapping for it.
pub(crate) fn events(origin: Origin<'_>, mapping: &Mapping, event: &WebhookEvent) -> Option<Vec<Event>> {
    let (id, at) = (event.id.as_deref()?, event.occurred_at?);
    let word = event.event_type.as_deref()?.strip_prefix("incident.")?;
    let data = event.data.as_ref()?;
    if word == "responder.added" {
        return responder_added(origin, mapping, id, at, data);
    }
    if data.kind.as_deref().is_some_and(|kind| kind != "incident") {
        return None;
    }
    let state = incident_state(mapping, data.id.as_deref()?, data);
    let mut change = map::change(word)?;
    let mut merged_into = None;
    if change == pb::IncidentChange::Resolved
        && let Some(target) = map::merged_into(&data.resolve_reason)
    {
        change = pb::IncidentChange::Merged;
        merged_into = target;
    }
    let agent = event.agent.as_ref();
    let mut events = vec![map::incident_changed(origin, id, at, &state, change, agent, merged_into)];
    let mut page = |user: &str, basis| {
        let id = mapping.proxy_page_id(id, user);
        let channel = map::PROXY_CHANNEL;
        events.push(map::page_notified(origin, id, at, &state, user, channel, basis));
    };
    let assigned = || data.assignees.iter().filter_map(|user| user.id.as_deref());
    if state.urgency != pb::Urgency::Low && map::pages_assignees(change) {
        assigned().for_each(|user| page(user, pb::Basis::Assignment));
    }
    if change == pb::IncidentChange::Acknowledged
        && let Some(user) = agent.filter(|agent| agent.is_user()).and_then(|agent| agent.id.as_deref())
        && !assigned().any(|assignee| assignee == user)
        && state.urgency != pb::Urgency::Low
    {
        page(user, pb::Basis::Acknowledgement);
    }
    Some(events)
}

/// Somebody was asked to help: that interrupts them, whatever the incident's own assignment.
fn responder_added(
    origin: Origin<'_>,
    mapping: &Mapping,
    id: &str,
    at: EventTime,
    data: &WebhookData,
) -> Option<Vec<Event>> {
    let incident = data.incident.as_ref()?.id.as_deref()?;
    let user = data.user.as_ref()?.id.as_deref()?;
    let state = incident_state(mapping, incident, data);
    let channel = map::PROXY_CHANNEL;
    Some(vec![map::page_notified(origin, id, at, &state, user, channel, pb::Basis::Assignment)])
}

fn incident_state(mapping: &Mapping, incident: &str, data: &WebhookData) -> IncidentState {
    let service = data.service.as_ref().and_then(|service| service.id.clone()).unwrap_or_default();
    IncidentState {
        incident: incident.to_owned(),
        test: mapping.test_services.contains(&service),
        service,
        urgency: map::urgency(data.urgency.as_deref()),
        priority: map::priority(data.priority.as_ref()),
    }
}

/// The people a v3 event names, for inferred reference data.
pub(crate) fn people(event: &WebhookEvent) -> impl Iterator<Item = &Reference> {
    let of_data = event.data.iter().flat_map(|data| data.assignees.iter().chain(&data.user));
    event.agent.iter().chain(of_data).filter(|person| person.is_user())
}
