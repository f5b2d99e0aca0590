//! What PagerDuty really sends: v3 webhooks and REST v2 objects, with fields that come and go.
//!
//! v3 webhooks say `assignees` and `number` where REST says `assignments` and `incident_number`. Only what the
//! catalogue needs is read.

use bellwether_model::EventTime;
use serde::Deserialize;
use serde_json::Value;

use crate::lenient;

/// A reference to something, or the thing itself: users come as either.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reference {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) summary: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) email: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) time_zone: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) html_url: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) agent: Option<Box<Reference>>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) teams: Vec<Reference>,
}

impl Reference {
    /// True when it is a person.
    pub(crate) fn is_user(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind == "user" || kind == "user_reference")
    }
}

/// Body of a v3 webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookBody {
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) event: Option<WebhookEvent>,
}

/// The event of a v3 webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookEvent {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) event_type: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) occurred_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) agent: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) data: Option<WebhookData>,
}

/// `data` of a v3 webhook: an incident, or something that refers to one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookData {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) service: Option<Reference>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) assignees: Vec<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) priority: Option<Reference>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) urgency: Option<String>,
    pub(crate) resolve_reason: Value,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) incident: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) user: Option<Reference>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) html_url: Option<String>,
}

/// An incident as REST v2 gives it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Incident {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) status: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) urgency: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) resolved_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) last_status_change_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) last_status_change_by: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) service: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) priority: Option<Reference>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) assignments: Vec<Assignment>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) acknowledgements: Vec<Acknowledgement>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) first_trigger_log_entry: Option<Reference>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) html_url: Option<String>,
    pub(crate) resolve_reason: Value,
}

/// Who an incident is assigned to, and since when.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Assignment {
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) assignee: Option<Reference>,
}

/// Who acknowledged an incident, and when.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Acknowledgement {
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) acknowledger: Option<Reference>,
}

/// A log entry, v2 (`notify_log_entry`) or v1 (`notify`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogEntry {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) agent: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) user: Option<Reference>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) assignees: Vec<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) channel: Option<EntryChannel>,
    /// Version 1 put it here; one version 2 entry still does.
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) notification: Option<Notification>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) service: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) incident: Option<Reference>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) html_url: Option<String>,
}

/// How a log entry came about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EntryChannel {
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) notification: Option<Notification>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) new_urgency: Option<Reference>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
}

/// How somebody was notified.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Notification {
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) status: Option<String>,
}

/// A schedule with what was rendered of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Schedule {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) html_url: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) final_schedule: Option<SubSchedule>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) overrides_subschedule: Option<SubSchedule>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) schedule_layers: Vec<Layer>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) users: Vec<Reference>,
}

/// The rendered entries of a schedule or of its overrides.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SubSchedule {
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) rendered_schedule_entries: Vec<RenderedEntry>,
}

/// One rendered turn.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RenderedEntry {
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) start: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) end: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) user: Option<Reference>,
}

/// A layer of a schedule.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Layer {
    pub(crate) restrictions: Value,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) rendered_schedule_entries: Vec<RenderedEntry>,
}

/// A service: something that pages, and by which policy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) summary: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) status: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) html_url: Option<String>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) teams: Vec<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) escalation_policy: Option<Reference>,
}

/// An escalation policy: who is paged, one level after the other.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Policy {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) teams: Vec<Reference>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) escalation_rules: Vec<PolicyRule>,
}

/// One level of an escalation policy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PolicyRule {
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) targets: Vec<Reference>,
}

/// A row of `/oncalls`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Oncall {
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) start: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) end: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) user: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) schedule: Option<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) escalation_policy: Option<Reference>,
}
