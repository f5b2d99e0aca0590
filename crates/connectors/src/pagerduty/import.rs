//! Raw exports of PagerDuty: what each object is, and gathering it until all is read.
//!
//! Log entries are the truth of an incident; the incident object fills what they lack. See `timeline` for incidents
//! and pages, `shifts` for schedules and on-calls, `coverage` for services and who responds for them.

mod coverage;
mod shifts;
mod timeline;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::map::{self, Origin};
use super::wire::{
    Incident, LogEntry, Oncall, Policy, Reference, Schedule, Service, WebhookBody, WebhookEvent,
};
use super::{Mapping, webhook};
use crate::import::expand::Object;
use crate::import::gather::{AccountIndex, Accounts, FileIndex, Output, host};
use crate::import::recognise;
use crate::source::Source;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Webhook,
    Incident,
    LogEntry,
    Schedule,
    Oncall,
    User,
    Team,
    Service,
    Policy,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Webhook => "pagerduty webhook",
            Kind::Incident => "pagerduty incident",
            Kind::LogEntry => "pagerduty log entry",
            Kind::Schedule => "pagerduty schedule",
            Kind::Oncall => "pagerduty on-call",
            Kind::User => "pagerduty user",
            Kind::Team => "pagerduty team",
            Kind::Service => "pagerduty service",
            Kind::Policy => "pagerduty escalation policy",
        }
    }

    pub(crate) fn explains(self) -> bool {
        match self {
            Kind::User | Kind::Team | Kind::Service | Kind::Policy => true,
            Kind::Webhook | Kind::Incident | Kind::LogEntry | Kind::Schedule | Kind::Oncall => false,
        }
    }
}

/// Types of version 1 log entries, whose names have no suffix.
const ENTRY_WORDS_V1: &[&str] = &[
    "trigger",
    "acknowledge",
    "unacknowledge",
    "assign",
    "escalate",
    "notify",
    "resolve",
    "annotate",
    "snooze",
];

/// Types with the keys of their pages, and of one alone.
const LISTS: &[(&str, &str)] = &[
    ("user", "users"),
    ("user", "user"),
    ("team", "teams"),
    ("team", "team"),
    ("service", "services"),
    ("service", "service"),
    ("schedule", "schedules"),
    ("schedule", "schedule"),
    ("escalation_policy", "escalation_policies"),
    ("escalation_policy", "escalation_policy"),
];

/// Says what an object is; `None` when it is nothing of PagerDuty.
pub(crate) fn recognise(object: &Object, hint: Option<&str>) -> Option<recognise::Kind> {
    let has = |key: &str| object.contains_key(key);
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    let ours = |kind| Some(recognise::Kind::PagerDuty(kind));
    if object.get("event").is_some_and(|event| event.get("event_type").is_some()) {
        return ours(Kind::Webhook);
    }
    if let Some(Value::Array(messages)) = object.get("messages")
        && messages.iter().any(|message| message.get("incident").is_some())
    {
        return Some(recognise::Kind::Unusable(
            "webhooks before version 3 are unsigned and past their end; export /incidents and /log_entries",
        ));
    }
    if has("escalation_policy") && has("escalation_level") && has("user") {
        return ours(Kind::Oncall);
    }
    let kind = word("type")?;
    // Its lists say what they hold: `{"teams": [{"type": "team", ..}]}`.
    let is_listed = hint.is_some_and(|list| LISTS.contains(&(kind, list)));
    let of_pagerduty =
        is_listed || has("html_url") || word("self").is_some_and(|link| link.contains("pagerduty.com"));
    if kind.ends_with("_log_entry") || (ENTRY_WORDS_V1.contains(&kind) && has("created_at") && has("id")) {
        return ours(Kind::LogEntry);
    }
    match kind {
        "incident" if has("incident_number") || has("assignments") || has("created_at") => {
            ours(Kind::Incident)
        }
        "schedule" if has("time_zone") || has("final_schedule") || of_pagerduty => ours(Kind::Schedule),
        "user" | "user_reference" if of_pagerduty => ours(Kind::User),
        "team" | "team_reference" if of_pagerduty => ours(Kind::Team),
        "service" if of_pagerduty => ours(Kind::Service),
        "escalation_policy" if of_pagerduty => ours(Kind::Policy),
        "priority" if of_pagerduty => {
            Some(recognise::Kind::NotNeeded("pagerduty priority: its name is on every incident"))
        }
        "vendor" if of_pagerduty => Some(recognise::Kind::NotNeeded("pagerduty vendor")),
        _ if kind.ends_with("_integration") && of_pagerduty => {
            Some(recognise::Kind::NotNeeded("pagerduty integration"))
        }
        _ if kind.ends_with("_reference") && of_pagerduty => {
            Some(recognise::Kind::NotNeeded("pagerduty reference"))
        }
        _ => None,
    }
}

/// A record with where it came from.
#[derive(Debug)]
struct Kept<T> {
    record: T,
    account: Option<AccountIndex>,
    file: FileIndex,
}

/// Everything gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    accounts: Accounts,
    webhooks: Vec<Kept<WebhookEvent>>,
    incidents: BTreeMap<String, Kept<Incident>>,
    entries: BTreeMap<String, Kept<LogEntry>>,
    schedules: Vec<Kept<Schedule>>,
    oncalls: Vec<Kept<Oncall>>,
    users: Vec<Kept<Reference>>,
    teams: Vec<Kept<Reference>>,
    services: Vec<Kept<Service>>,
    policies: Vec<Policy>,
    /// Skipped while reading, because a record has no id.
    nameless: BTreeMap<(FileIndex, &'static str), u64>,
    incidents_in_all: u64,
    entries_in_all: u64,
}

impl Gathering {
    /// Takes a recognised object.
    pub(crate) fn take(&mut self, kind: Kind, object: Object, file: FileIndex) {
        match kind {
            Kind::Webhook => {
                if let Some(WebhookBody { event: Some(event) }) = typed(object) {
                    let link = event.data.as_ref().and_then(|data| data.html_url.as_deref());
                    let account = self.account(link);
                    self.webhooks.push(Kept { record: event, account, file });
                }
            }
            Kind::Incident => self.take_incident(object, file),
            Kind::LogEntry => self.take_entry(object, file),
            Kind::Schedule => {
                if let Some(record) = typed::<Schedule>(object) {
                    let account = self.account(record.html_url.as_deref());
                    self.schedules.push(Kept { record, account, file });
                }
            }
            Kind::Oncall => {
                if let Some(record) = typed::<Oncall>(object) {
                    let link = record.user.as_ref().and_then(|user| user.html_url.as_deref());
                    let account = self.account(link);
                    self.oncalls.push(Kept { record, account, file });
                }
            }
            Kind::Service => {
                if let Some(record) = typed::<Service>(object) {
                    let account = self.account(record.html_url.as_deref());
                    self.services.push(Kept { record, account, file });
                }
            }
            Kind::Policy => self.policies.extend(typed::<Policy>(object)),
            Kind::User | Kind::Team => {
                if let Some(record) = typed::<Reference>(object) {
                    let account = self.account(record.html_url.as_deref());
                    let list = if kind == Kind::User { &mut self.users } else { &mut self.teams };
                    list.push(Kept { record, account, file });
                }
            }
        }
    }

    fn take_incident(&mut self, object: Object, file: FileIndex) {
        let Some(record) = typed::<Incident>(object) else { return };
        let Some(id) = record.id.clone() else {
            *self.nameless.entry((file, "incident without an id")).or_default() += 1;
            return;
        };
        let account = self.account(record.html_url.as_deref());
        let kept = Kept { record, account, file };
        match self.incidents.entry(id) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(kept);
            }
            // The same incident in a later export: its newest state counts, whatever the order of the files.
            std::collections::btree_map::Entry::Occupied(mut place) => {
                if kept.record.last_status_change_at > place.get().record.last_status_change_at {
                    place.insert(kept);
                }
            }
        }
    }

    fn take_entry(&mut self, object: Object, file: FileIndex) {
        let Some(record) = typed::<LogEntry>(object) else { return };
        let Some(id) = record.id.clone() else {
            *self.nameless.entry((file, "log entry without an id")).or_default() += 1;
            return;
        };
        let link = record.html_url.as_deref();
        let link =
            link.or_else(|| record.incident.as_ref().and_then(|incident| incident.html_url.as_deref()));
        let account = self.accounts.note(link.and_then(account_of));
        self.entries.entry(id).or_insert(Kept { record, account, file });
    }

    /// Takes what a page says about how many there are.
    pub(crate) fn page(&mut self, key: &str, total: Option<u64>) {
        let total = total.unwrap_or_default();
        match key {
            "incidents" => self.incidents_in_all = self.incidents_in_all.max(total),
            "log_entries" => self.entries_in_all = self.entries_in_all.max(total),
            _ => {}
        }
    }

    fn account(&mut self, link: Option<&str>) -> Option<AccountIndex> {
        self.accounts.note(link.and_then(account_of))
    }

    /// Makes events of everything.
    pub(crate) fn map(mut self, mapping: &Mapping, account: Option<&str>, output: &mut Output) {
        let uris = self.accounts.uris(Source::PagerDuty, account);
        for ((file, why), count) in std::mem::take(&mut self.nameless) {
            *output.skipped.entry((file, why.to_owned())).or_default() += count;
        }
        self.tell_missing_pages(output);
        for kept in &self.webhooks {
            let origin = origin(uris.of(kept.account));
            match webhook::events(origin, mapping, &kept.record) {
                Some(events) => events.into_iter().for_each(|event| output.emit(event, kept.file)),
                None => {
                    let what = kept.record.event_type.as_deref().unwrap_or("without a type");
                    output.pass_over(kept.file, format!("webhook {what}: no event of the catalogue"));
                }
            }
            for person in webhook::people(&kept.record) {
                note_person(output, uris.of(kept.account), person);
            }
        }
        for kept in &self.users {
            note_person(output, uris.of(kept.account), &kept.record);
        }
        for kept in &self.teams {
            if let Some(id) = &kept.record.id {
                let name = kept.record.name.as_ref().or(kept.record.summary.as_ref()).unwrap_or(id);
                output.reference.team(Source::PagerDuty, uris.of(kept.account), id, name, None);
            }
        }
        coverage::note(&self.services, &self.policies, &self.schedules, &self.oncalls, &uris, output);
        shifts::map(&self.schedules, &self.oncalls, &uris, mapping, output);
        timeline::map(self.incidents, self.entries, &uris, mapping, output);
    }

    fn tell_missing_pages(&self, output: &mut Output) {
        for (what, seen, in_all) in [
            ("incidents", self.incidents.len(), self.incidents_in_all),
            ("log entries", self.entries.len(), self.entries_in_all),
        ] {
            if in_all > seen as u64 {
                output.gap(
                    Source::PagerDuty.word(),
                    format!(
                        "PagerDuty: a page says there are {in_all} {what}; {seen} are here. Pages are missing"
                    ),
                );
            }
        }
    }
}

fn origin(source: &str) -> Origin<'_> {
    Origin { source, basis: bellwether_wire::pb::Basis::Import, imported: true }
}

fn typed<T: DeserializeOwned>(object: Object) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}

/// The subdomain of a link to the console.
fn account_of(link: &str) -> Option<String> {
    let subdomain = host(link)?.strip_suffix(".pagerduty.com")?;
    let subdomain = subdomain.split('.').next()?;
    (!matches!(subdomain, "www" | "api" | "app")).then(|| subdomain.to_owned())
}

/// Notes a person for inferred reference data, with the teams they say they are in.
fn note_person(output: &mut Output, source: &str, person: &Reference) {
    let Some(id) = person.id.as_deref() else { return };
    let name = person.name.as_deref().or(person.summary.as_deref());
    let identity = map::identity(source, id);
    output.reference.person(&identity, name, person.email.as_deref(), person.time_zone.as_deref());
    for team in person.teams.iter().filter_map(|team| team.id.as_deref()) {
        output.reference.member(&identity, Source::PagerDuty, source, team);
    }
}
