//! Incidents and pages from log entries, and from the incident object where entries are missing.
//!
//! The page of a log entry of type `notify` is what really interrupted somebody. For an incident without any, the
//! proxies are: who was assigned, escalated to or paged again after an acknowledgement ran out
//! (`basis: assignment`), and who acknowledged without having been assigned (`basis: acknowledgement`).

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::pb;

use super::super::map::{self, IncidentState, Mapping, Origin};
use super::super::wire::{Incident, LogEntry, Reference};
use super::{Kept, note_person, origin};
use crate::import::gather::{FileIndex, Output, Uris};
use crate::source::Source;

/// Notification outcomes that reached nobody.
const UNDELIVERED: &[&str] = &["failed", "failure", "error", "undelivered", "blocked"];

/// Log entries that change nothing the catalogue carries.
const NOT_NEEDED: &[&str] = &[
    "annotate",
    "snooze",
    "unsnooze",
    "urgency_change",
    "exhaust_escalation_path",
    "repeat_escalation_path",
    "reach_ack_limit",
    "reach_trigger_limit",
    "field_value_change",
    "custom_field_value_change",
    "service_change",
];

pub(super) fn map(
    mut incidents: BTreeMap<String, Kept<Incident>>,
    entries: BTreeMap<String, Kept<LogEntry>>,
    uris: &Uris,
    mapping: &Mapping,
    output: &mut Output,
) {
    let mut timelines: BTreeMap<String, Vec<(EventTime, String, Kept<LogEntry>)>> = BTreeMap::new();
    for (id, kept) in entries {
        let incident = kept.record.incident.as_ref().and_then(|incident| incident.id.clone());
        match (incident, kept.record.created_at) {
            (Some(incident), Some(at)) => timelines.entry(incident).or_default().push((at, id, kept)),
            (None, _) => {
                output.skip(kept.file, "log entry that names no incident; export it from /log_entries")
            }
            (Some(_), None) => output.skip(kept.file, "log entry without created_at"),
        }
    }
    let mut blind = 0_u64;
    for (incident, mut timeline) in timelines {
        timeline.sort_by(|(a_at, a, _), (b_at, b, _)| (a_at, a).cmp(&(b_at, b)));
        let record = incidents.remove(&incident);
        let of = timeline.first().map(|(_, _, kept)| kept.account).unwrap_or_default();
        let mut told = Told::new(incident, record.as_ref().map(|kept| &kept.record), mapping, &timeline);
        for (at, id, kept) in &timeline {
            told.entry(origin(uris.of(of)), *at, id, kept, output);
        }
        if let Some(kept) = &record {
            told.fill(origin(uris.of(kept.account)), &kept.record, kept.file, output);
        }
    }
    for (incident, kept) in incidents {
        let record = &kept.record;
        let mut told = Told::new(incident, Some(record), mapping, &[]);
        let origin = origin(uris.of(kept.account));
        told.fill(origin, record, kept.file, output);
        told.proxies_of_record(origin, record, kept.file, output);
        if record.assignments.is_empty() && record.acknowledgements.is_empty() {
            blind += 1;
        }
    }
    if blind > 0 {
        output.gap(
            Source::PagerDuty.word(),
            format!(
                "PagerDuty: {blind} incidents came without log entries and without assignments: \
             who was paged for them is not known. Export /log_entries"
            ),
        );
    }
}

/// What has been told of one incident so far.
struct Told<'a> {
    mapping: &'a Mapping,
    state: IncidentState,
    record: Option<&'a Incident>,
    has_notification_log: bool,
    open: bool,
    opened_once: bool,
    assigned: Vec<String>,
}

impl<'a> Told<'a> {
    fn new(
        incident: String,
        record: Option<&'a Incident>,
        mapping: &'a Mapping,
        timeline: &[(EventTime, String, Kept<LogEntry>)],
    ) -> Self {
        let of_entries = || timeline.iter().find_map(|(_, _, kept)| id_of(kept.record.service.as_ref()));
        let service = record.and_then(|record| id_of(record.service.as_ref())).or_else(of_entries);
        let service = service.unwrap_or_default();
        Self {
            mapping,
            state: IncidentState {
                incident,
                test: mapping.test_services.contains(&service),
                service,
                urgency: map::urgency(record.and_then(|record| record.urgency.as_deref())),
                priority: map::priority(record.and_then(|record| record.priority.as_ref())),
            },
            record,
            has_notification_log: timeline.iter().any(|(_, _, kept)| word(&kept.record) == "notify"),
            open: false,
            opened_once: false,
            assigned: Vec::new(),
        }
    }

    fn entry(
        &mut self,
        origin: Origin<'_>,
        at: EventTime,
        id: &str,
        kept: &Kept<LogEntry>,
        output: &mut Output,
    ) {
        let entry = &kept.record;
        for person in entry.user.iter().chain(&entry.agent).chain(&entry.assignees) {
            if person.is_user() {
                note_person(output, origin.source, person);
            }
        }
        let word = word(entry);
        if word == "notify" {
            return self.notified(origin, at, id, kept, output);
        }
        let Some(mut change) = map::change(word) else {
            let why =
                if NOT_NEEDED.contains(&word) { "changes nothing the catalogue carries" } else { "unknown" };
            return output.pass_over(kept.file, format!("log entry {word}: {why}"));
        };
        if change == pb::IncidentChange::Opened && self.open {
            return output.pass_over(kept.file, "log entry trigger: the incident is open already");
        }
        let first_assignment = word == "assign" && self.assigned.is_empty();
        let mut merged_into = None;
        match change {
            pb::IncidentChange::Opened | pb::IncidentChange::Reopened => {
                self.open = true;
                self.opened_once = true;
            }
            pb::IncidentChange::Resolved => {
                self.open = false;
                if let Some(target) = self.record.and_then(|record| map::merged_into(&record.resolve_reason))
                {
                    change = pb::IncidentChange::Merged;
                    merged_into = target;
                }
            }
            pb::IncidentChange::Unspecified
            | pb::IncidentChange::Acknowledged
            | pb::IncidentChange::Unacknowledged
            | pb::IncidentChange::Escalated
            | pb::IncidentChange::Reassigned
            | pb::IncidentChange::Merged
            | pb::IncidentChange::PriorityChanged => {}
        }
        let agent = entry.agent.as_ref();
        // The assignment that comes with the trigger is part of opening, not a change of hands.
        if !first_assignment {
            let event = map::incident_changed(origin, id, at, &self.state, change, agent, merged_into);
            output.emit(event, kept.file);
        }
        if !entry.assignees.is_empty() {
            self.assigned = entry.assignees.iter().filter_map(|user| user.id.clone()).collect();
        }
        if !self.has_notification_log {
            self.proxies(origin, at, id, change, agent, kept.file, output);
        }
    }

    fn notified(
        &self,
        origin: Origin<'_>,
        at: EventTime,
        id: &str,
        kept: &Kept<LogEntry>,
        output: &mut Output,
    ) {
        let entry = &kept.record;
        let Some(user) = entry.user.as_ref().and_then(|user| user.id.as_deref()) else {
            return output.skip(kept.file, "log entry notify: it names no user");
        };
        let of_channel = entry.channel.as_ref().and_then(|channel| channel.notification.as_ref());
        let Some(notification) = of_channel.or(entry.notification.as_ref()) else {
            return output.skip(kept.file, "log entry notify: it names no channel");
        };
        if notification.status.as_deref().is_some_and(|status| UNDELIVERED.contains(&status)) {
            return output.pass_over(kept.file, "log entry notify: it reached nobody");
        }
        let kind = notification.kind.as_deref().unwrap_or_default();
        let Some(channel) = map::channel(kind) else {
            return output.skip(kept.file, format!("log entry notify: unknown channel {kind}"));
        };
        let basis = pb::Basis::NotificationLog;
        output.emit(map::page_notified(origin, id, at, &self.state, user, channel, basis), kept.file);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one entry's parts; a struct for one caller would say less"
    )]
    fn proxies(
        &self,
        origin: Origin<'_>,
        at: EventTime,
        id: &str,
        change: pb::IncidentChange,
        agent: Option<&Reference>,
        file: FileIndex,
        output: &mut Output,
    ) {
        let mut page = |user: &str, basis| {
            if self.state.urgency == pb::Urgency::Low {
                return output.pass_over(file, "low urgency without a notification log: no page");
            }
            let channel = map::PROXY_CHANNEL;
            let id = self.mapping.proxy_page_id(id, user);
            output.emit(map::page_notified(origin, id, at, &self.state, user, channel, basis), file);
        };
        if map::pages_assignees(change) {
            self.assigned.iter().for_each(|user| page(user, pb::Basis::Assignment));
        } else if change == pb::IncidentChange::Acknowledged
            && let Some(user) = agent.filter(|agent| agent.is_user()).and_then(|agent| agent.id.as_ref())
            && !self.assigned.contains(user)
        {
            page(user, pb::Basis::Acknowledgement);
        }
    }

    /// Tells what the incident object knows and no entry told: that it was opened, acknowledged, resolved.
    fn fill(&mut self, origin: Origin<'_>, record: &Incident, file: FileIndex, output: &mut Output) {
        let incident = self.state.incident.clone();
        let without_entries = !self.opened_once && self.assigned.is_empty();
        if !self.opened_once {
            let trigger = record.first_trigger_log_entry.as_ref();
            let at = record.created_at.or_else(|| trigger.and_then(|trigger| trigger.created_at));
            let Some(at) = at else {
                return output.skip(file, "incident without created_at");
            };
            let id = id_of(trigger).unwrap_or_else(|| format!("incident/{incident}/opened"));
            let agent = trigger.and_then(|trigger| trigger.agent.as_deref());
            let change = pb::IncidentChange::Opened;
            output.emit(map::incident_changed(origin, id, at, &self.state, change, agent, None), file);
            self.open = true;
        }
        for acknowledgement in record.acknowledgements.iter().filter(|_| without_entries) {
            if let (Some(at), Some(by)) = (acknowledgement.at, &acknowledgement.acknowledger) {
                let told_by = format!("incident/{incident}/acknowledged/{}", at.ms());
                let user = self.mapping.stand_in(&told_by, by.id.as_deref().unwrap_or_default());
                let id = format!("{told_by}/{user}");
                let change = pb::IncidentChange::Acknowledged;
                output.emit(map::incident_changed(origin, id, at, &self.state, change, Some(by), None), file);
            }
        }
        if record.status.as_deref() == Some("resolved") && self.open {
            let Some(at) = record.resolved_at.or(record.last_status_change_at) else {
                return output.skip(file, "resolved incident without resolved_at");
            };
            let (change, target) = match map::merged_into(&record.resolve_reason) {
                Some(target) => (pb::IncidentChange::Merged, target),
                None => (pb::IncidentChange::Resolved, None),
            };
            let id = format!("incident/{incident}/resolved/{}", at.ms());
            let agent = record.last_status_change_by.as_ref();
            output.emit(map::incident_changed(origin, id, at, &self.state, change, agent, target), file);
            self.open = false;
        }
    }

    /// Pages of an incident that came without a single log entry.
    fn proxies_of_record(&self, origin: Origin<'_>, record: &Incident, file: FileIndex, output: &mut Output) {
        let assigned = record.assignments.iter().filter_map(|it| Some((it.at?, it.assignee.as_ref()?)));
        let acknowledged =
            record.acknowledgements.iter().filter_map(|it| Some((it.at?, it.acknowledger.as_ref()?)));
        let mut seen: Vec<&str> = Vec::new();
        let pages = assigned
            .map(|(at, user)| (at, user, pb::Basis::Assignment, "assigned"))
            .chain(acknowledged.map(|(at, user)| (at, user, pb::Basis::Acknowledgement, "acknowledged")));
        for (at, person, basis, word) in pages {
            let Some(user) = person.id.as_deref().filter(|_| person.is_user()) else { continue };
            note_person(output, origin.source, person);
            if seen.contains(&user) {
                continue;
            }
            seen.push(user);
            if self.state.urgency == pb::Urgency::Low {
                output.pass_over(file, "low urgency without a notification log: no page");
                continue;
            }
            let told_by = format!("incident/{}/{word}/{}", self.state.incident, at.ms());
            let id = self.mapping.proxy_page_id(&told_by, user);
            let channel = map::PROXY_CHANNEL;
            output.emit(map::page_notified(origin, id, at, &self.state, user, channel, basis), file);
        }
    }
}

fn word(entry: &LogEntry) -> &str {
    let kind = entry.kind.as_deref().unwrap_or_default();
    kind.strip_suffix("_log_entry").unwrap_or(kind)
}

fn id_of(reference: Option<&Reference>) -> Option<String> {
    reference.and_then(|reference| reference.id.clone())
}
