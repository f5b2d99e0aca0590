//! What is gathered of one site.

use std::collections::BTreeMap;

use serde_json::Value;

use super::records::IssueRecord;
use super::typed;
use crate::import::expand::Object;
use crate::import::gather::FileIndex;
use crate::jira::category::Categories;
use crate::jira::fields::Discovery;
use crate::jira::mapping::Mapping;
use crate::jira::snapshot::{self, IssueType};
use crate::jira::sprint::{self, Sprints};
use crate::jira::wire::{Changelog, History, Issue, Sprint, User, WebhookBody};

/// A board.
#[derive(Debug, Clone, Default)]
pub(super) struct Board {
    pub(super) name: Option<String>,
    pub(super) project: Option<String>,
}

/// Everything of one site.
#[derive(Debug, Default)]
pub(super) struct Site {
    pub(super) issues: BTreeMap<String, IssueRecord>,
    pub(super) webhooks: Vec<(WebhookBody, FileIndex)>,
    /// Histories that came without their issue, by the id or key they name.
    pub(super) loose: Vec<(String, History, FileIndex)>,
    pub(super) sprints: Sprints,
    /// The file each sprint is told by: one of sprints before one of issues that mention it.
    pub(super) sprint_files: BTreeMap<String, (bool, FileIndex)>,
    pub(super) boards: BTreeMap<String, Board>,
    pub(super) types: BTreeMap<String, IssueType>,
    pub(super) categories: Categories,
    pub(super) discovery: Discovery,
    pub(super) people: BTreeMap<String, User>,
    /// Ids of issues by key.
    pub(super) ids: BTreeMap<String, String>,
    /// Left out while reading, by file and why.
    pub(super) left_out: BTreeMap<(FileIndex, &'static str), u64>,
}

impl Site {
    /// Adds what else turned out to be of the same site.
    pub(super) fn absorb(&mut self, other: Site) {
        for (id, record) in other.issues {
            match self.issues.get_mut(&id) {
                Some(known) => known.absorb(record),
                None => {
                    self.issues.insert(id, record);
                }
            }
        }
        self.webhooks.extend(other.webhooks);
        self.loose.extend(other.loose);
        other.sprints.into_values().for_each(|sprint| sprint::merge(&mut self.sprints, sprint));
        for (id, file) in other.sprint_files {
            self.sprint_file(&id, file);
        }
        self.boards.extend(other.boards);
        self.types.extend(other.types);
        self.categories.absorb(other.categories);
        self.discovery.absorb(other.discovery);
        other.people.into_values().for_each(|person| self.note_person(person));
        self.ids.extend(other.ids);
        for (place, count) in other.left_out {
            *self.left_out.entry(place).or_default() += count;
        }
    }

    /// Notes somebody once, with as much as any payload tells.
    pub(super) fn note_person(&mut self, person: User) {
        let Some(id) = person.id().map(str::to_owned) else { return };
        let told = |person: &User| {
            let fields =
                [&person.display_name, &person.email_address, &person.time_zone, &person.account_type];
            fields.into_iter().flatten().count()
        };
        if let Some(known) = self.people.get(&id) {
            let less = told(&person) < told(known);
            // Of two that tell as much one is chosen by content, so that the order of files changes nothing.
            let same = *known == person;
            if less || same || (told(&person) == told(known) && format!("{person:?}") < format!("{known:?}"))
            {
                return;
            }
        }
        self.people.insert(id, person);
    }

    fn leave_out(&mut self, file: FileIndex, why: &'static str) {
        *self.left_out.entry((file, why)).or_default() += 1;
    }

    pub(super) fn take_issue(&mut self, object: Object, file: FileIndex, mapping: &Mapping) {
        let Some(issue) = typed::<Issue>(object) else { return };
        let Some(id) = issue_id(&issue) else {
            return self.leave_out(file, "issue without an id");
        };
        let Some(fields) = issue.fields.as_ref().filter(|fields| fields.contains_key("status")) else {
            return self
                .leave_out(file, "issue without its fields: export with fields=*all&expand=changelog");
        };
        let (snapshot, beside) = snapshot::read(&issue, fields, mapping, &mut self.categories);
        if let Some(id) = &snapshot.issue_type.id {
            self.types.insert(id.clone(), snapshot.issue_type.clone());
        }
        self.ids.insert(snapshot.key.clone(), id.clone());
        self.ids.extend(beside.ids);
        for sprint in beside.sprints {
            self.note_sprint(sprint, (true, file));
        }
        let Changelog { total, histories, .. } = issue.changelog.unwrap_or_default();
        let has_changelog = total.is_some() || !histories.is_empty();
        beside.people.into_iter().for_each(|person| self.note_person(person));
        let mut record = IssueRecord {
            snapshot,
            created: beside.created,
            updated: beside.updated,
            creator: beside.creator,
            file,
            has_changelog,
            histories_in_all: total.map_or(histories.len() as u64, |total| total.max(0.0) as u64),
            histories: BTreeMap::new(),
        };
        histories.into_iter().for_each(|history| record.add(self.noted(history), file));
        match self.issues.get_mut(&id) {
            Some(known) => known.absorb(record),
            None => {
                self.issues.insert(id, record);
            }
        }
    }

    /// Notes what a history tells about fields and people.
    fn noted(&mut self, history: History) -> History {
        for item in &history.items {
            if let (Some(name), Some(id)) = (&item.field, &item.field_id) {
                self.discovery.named(id, name);
            }
        }
        history.author.clone().into_iter().for_each(|person| self.note_person(person));
        history
    }

    pub(super) fn take_history(&mut self, object: Object, file: FileIndex) {
        let of_page = object.get("__page").and_then(Value::as_str).and_then(issue_of_link).map(str::to_owned);
        let of_input = object.get("__input").and_then(|input| {
            snapshot::text_of(input.get("issue_id")).or_else(|| snapshot::text_of(input.get("IssueId")))
        });
        let of_itself = snapshot::text_of(object.get("issueId"));
        let Some(issue) = of_page.or(of_input).or(of_itself) else {
            return self.leave_out(file, "history that names no issue: export issues with expand=changelog");
        };
        if let Some(history) = typed::<History>(object) {
            let history = self.noted(history);
            self.loose.push((issue, history, file));
        }
    }

    pub(super) fn take_bulk(&mut self, object: Object, file: FileIndex) {
        let Some(issue) = snapshot::text_of(object.get("issueId")) else { return };
        let histories = object.get("changeHistories").and_then(Value::as_array).cloned().unwrap_or_default();
        for history in histories {
            if let Ok(history) = serde_json::from_value::<History>(history) {
                let history = self.noted(history);
                self.loose.push((issue.clone(), history, file));
            }
        }
    }

    pub(super) fn take_sprint(&mut self, object: Object, file: FileIndex) {
        if let Some(sprint) = typed::<Sprint>(object) {
            self.note_sprint(sprint, (false, file));
        }
    }

    fn note_sprint(&mut self, sprint: Sprint, file: (bool, FileIndex)) {
        if let Some(id) = sprint.id.clone() {
            self.sprint_file(&id, file);
            sprint::merge(&mut self.sprints, sprint);
        }
    }

    fn sprint_file(&mut self, id: &str, file: (bool, FileIndex)) {
        let first = self.sprint_files.entry(id.to_owned()).or_insert(file);
        *first = file.min(*first);
    }

    pub(super) fn take_board(&mut self, object: &Object) {
        let Some(id) = snapshot::text_of(object.get("id")) else { return };
        let location = object.get("location").unwrap_or(&Value::Null);
        let project =
            snapshot::text_of(location.get("projectKey")).or_else(|| snapshot::text_of(location.get("key")));
        self.boards.insert(id, Board { name: snapshot::text_of(object.get("name")), project });
    }

    pub(super) fn take_board_configuration(&mut self, object: &Object) {
        if let Some(field) = object.get("estimation").and_then(|it| it.pointer("/field/fieldId")?.as_str()) {
            self.discovery.estimation(field);
        }
        self.take_board(object);
    }

    pub(super) fn take_field(&mut self, object: &Object) {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let custom =
            object.get("schema").and_then(|schema| schema.get("custom")?.as_str()).unwrap_or_default();
        self.discovery.listed(text("id"), text("name"), custom);
    }

    pub(super) fn take_status(&mut self, object: Object) {
        let mut status = Value::Object(object);
        if status.get("name").is_none() {
            let name = status.get("untranslatedName").cloned().unwrap_or_default();
            status["name"] = name;
        }
        snapshot::status_of(&status, &mut self.categories);
    }

    pub(super) fn take_type(&mut self, object: Object) {
        let issue_type = snapshot::type_of(&Value::Object(object));
        if let Some(id) = &issue_type.id {
            self.types.entry(id.clone()).or_insert(issue_type);
        }
    }
}

/// The id of an issue: its own when it is a number, else the one in its link.
fn issue_id(issue: &Issue) -> Option<String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_link =
        || issue.link.as_deref().and_then(issue_of_link).filter(|id| is_number(id)).map(str::to_owned);
    issue.id.clone().filter(|id| is_number(id)).or_else(of_link).or_else(|| issue.id.clone())
}

/// The id or key in a link to an issue or to its changelog.
fn issue_of_link(link: &str) -> Option<&str> {
    let (_, rest) = link.split_once("/issue/")?;
    rest.split(['/', '?']).next().filter(|part| !part.is_empty())
}
