//! An issue at an instant, as Jira means it: a set of sprints, numbers by field, links by key.
//!
//! What it is not: a ticket of the catalogue. Which number is the points and which sprint is the present one is
//! decided later, when all is known.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::category::Categories;
use super::mapping::Mapping;
use super::sprint;
use super::wire::{Issue, Sprint, User};
use crate::instant;

/// A status, by id and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
}

/// The type of an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IssueType {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) sub_task: bool,
    /// Above 0 for epics and what lies above them; absent on Data Center.
    pub(crate) hierarchy: Option<i64>,
}

/// An issue at an instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) key: String,
    pub(crate) issue_type: IssueType,
    pub(crate) parent: Option<String>,
    pub(crate) sprints: Vec<String>,
    /// Numbers in custom fields, by field id.
    pub(crate) numbers: BTreeMap<String, f64>,
    /// Short words in custom fields, by field id.
    pub(crate) words: BTreeMap<String, String>,
    pub(crate) status: Status,
    pub(crate) resolution: Option<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) priority: String,
    pub(crate) releases: Vec<String>,
    /// Keys of what holds it up, with since when where that is known.
    pub(crate) blocked_by: BTreeMap<String, Option<EventTime>>,
}

/// What an issue's fields say beside its state.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) created: Option<EventTime>,
    pub(crate) updated: Option<EventTime>,
    pub(crate) creator: Option<User>,
    pub(crate) sprints: Vec<Sprint>,
    /// Ids of other issues by key.
    pub(crate) ids: Vec<(String, String)>,
    /// Everybody it names.
    pub(crate) people: Vec<User>,
}

/// Longest word of a custom field that may be a size.
const WORD_BYTES_MAX: usize = 16;

/// Reads an issue's fields.
pub(crate) fn read(
    issue: &Issue,
    fields: &Map<String, Value>,
    mapping: &Mapping,
    categories: &mut Categories,
) -> (Snapshot, Beside) {
    let mut snapshot = Snapshot { key: issue.key.clone().unwrap_or_default(), ..Snapshot::default() };
    let mut beside = Beside {
        created: instant_of(fields, "created"),
        updated: instant_of(fields, "updated"),
        ..Beside::default()
    };
    let status = &fields.get("status").unwrap_or(&Value::Null);
    snapshot.status = status_of(status, categories);
    snapshot.issue_type = type_of(fields.get("issuetype").unwrap_or(&Value::Null));
    snapshot.resolution = name_of(fields.get("resolution"));
    snapshot.priority = name_of(fields.get("priority")).unwrap_or_default();
    let assignee = user_of(fields.get("assignee"));
    snapshot.assignee = assignee.as_ref().and_then(|user| user.id().map(str::to_owned));
    beside.creator = user_of(fields.get("creator")).or_else(|| user_of(fields.get("reporter")));
    beside.people.extend(assignee.into_iter().chain(beside.creator.clone()));
    snapshot.labels = texts_of(fields.get("labels")).collect();
    snapshot.releases =
        elements(fields.get("fixVersions")).filter_map(|version| name_of(Some(version))).collect();
    if let Some(parent) = fields.get("parent") {
        snapshot.parent = text_of(parent.get("id"));
        beside.ids.extend(text_of(parent.get("key")).zip(snapshot.parent.clone()));
    }
    read_links(fields, mapping, categories, &mut snapshot, &mut beside);
    read_custom(fields, mapping, &mut snapshot, &mut beside);
    (snapshot, beside)
}

fn read_links(
    fields: &Map<String, Value>,
    mapping: &Mapping,
    categories: &mut Categories,
    snapshot: &mut Snapshot,
    beside: &mut Beside,
) {
    for link in elements(fields.get("issuelinks")) {
        for (side, phrase) in [("inwardIssue", "/type/inward"), ("outwardIssue", "/type/outward")] {
            let Some(other) = link.get(side) else { continue };
            let Some(key) = text_of(other.get("key")) else { continue };
            beside.ids.extend(text_of(other.get("id")).map(|id| (key.clone(), id)));
            if let Some(status) = other.pointer("/fields/status") {
                status_of(status, categories);
            }
            if link.pointer(phrase).and_then(Value::as_str).is_some_and(|phrase| mapping.is_blocking(phrase))
            {
                snapshot.blocked_by.insert(key, None);
            }
        }
    }
}

fn read_custom(fields: &Map<String, Value>, mapping: &Mapping, snapshot: &mut Snapshot, beside: &mut Beside) {
    for (id, value) in fields {
        if id == "sprint" || id == "closedSprints" {
            let list = match value {
                Value::Object(_) => Value::Array(vec![value.clone()]),
                _ => value.clone(),
            };
            beside.sprints.extend(sprint::of_value(&list).unwrap_or_default());
        } else if id.starts_with("customfield_") {
            match value {
                Value::Number(number) => {
                    snapshot.numbers.extend(number.as_f64().map(|number| (id.clone(), number)));
                }
                Value::Array(_) if mapping.is_sprint_field(id) => {
                    beside.sprints.extend(sprint::of_value(value).unwrap_or_default())
                }
                Value::String(word) => note_word(snapshot, id, word),
                Value::Object(option) => {
                    if let Some(word) = option.get("value").and_then(Value::as_str) {
                        note_word(snapshot, id, word);
                    }
                }
                Value::Array(_) | Value::Null | Value::Bool(_) => {}
            }
        }
    }
    for sprint in &beside.sprints {
        if let Some(id) = &sprint.id
            && !snapshot.sprints.contains(id)
        {
            snapshot.sprints.push(id.clone());
        }
    }
}

fn note_word(snapshot: &mut Snapshot, id: &str, word: &str) {
    if !word.is_empty() && word.len() <= WORD_BYTES_MAX {
        snapshot.words.insert(id.to_owned(), word.to_owned());
    }
}

/// A status object; what it says about its category is noted.
pub(crate) fn status_of(status: &Value, categories: &mut Categories) -> Status {
    let id = text_of(status.get("id"));
    let name = name_of(Some(status));
    if let Some(key) = status.pointer("/statusCategory/key").and_then(Value::as_str) {
        categories.note(id.as_deref(), name.as_deref(), key);
    }
    Status { id, name: name.unwrap_or_default() }
}

/// A type object.
pub(crate) fn type_of(value: &Value) -> IssueType {
    IssueType {
        id: text_of(value.get("id")),
        name: name_of(Some(value)).unwrap_or_default(),
        sub_task: value.get("subtask").and_then(Value::as_bool).unwrap_or_default(),
        hierarchy: value.get("hierarchyLevel").and_then(Value::as_i64),
    }
}

/// A text, or a number as text.
pub(crate) fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn name_of(value: Option<&Value>) -> Option<String> {
    text_of(value?.get("name"))
}

fn user_of(value: Option<&Value>) -> Option<User> {
    let user = User::deserialize(value.filter(|value| value.is_object())?).ok()?;
    user.id().is_some().then_some(user)
}

fn instant_of(fields: &Map<String, Value>, name: &str) -> Option<EventTime> {
    match fields.get(name)? {
        Value::String(text) => instant::parse(text),
        Value::Number(ms) => ms.as_i64().filter(|ms| *ms > 0).and_then(instant::from_epoch_ms),
        _ => None,
    }
}

fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn texts_of(value: Option<&Value>) -> impl Iterator<Item = String> {
    elements(value).filter_map(|element| text_of(Some(element)))
}
