//! What an object of Jira is, by its content.

use serde_json::Value;

use super::Kind;
use crate::import::expand::Object;
use crate::import::recognise::Kind as Any;
use crate::jira::sprint;

/// Kinds of boards.
const BOARD_TYPES: &[&str] = &["scrum", "kanban", "simple"];

/// Says what an object is; `None` when it is nothing of Jira.
pub(crate) fn recognise(object: &Object, hint: Option<&str>) -> Option<Any> {
    ours(object, hint).map(Any::Jira).or_else(|| not_needed(object).map(Any::NotNeeded))
}

fn ours(object: &Object, hint: Option<&str>) -> Option<Kind> {
    let has = |key: &str| object.contains_key(key);
    let is_object = |key: &str| object.get(key).is_some_and(Value::is_object);
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    let link = word("self").unwrap_or_default();
    if has("webhookEvent") && has("timestamp") {
        return Some(Kind::Webhook);
    }
    if has("id")
        && word("key").is_some_and(is_issue_key)
        && (is_object("fields") || has("changelog") || link.contains("/issue/"))
    {
        return Some(Kind::Issue);
    }
    if has("issueId") && has("changeHistories") {
        return Some(Kind::BulkHistories);
    }
    if has("items") && has("created") && has("id") && (has("author") || has("__input") || has("__page")) {
        return Some(Kind::History);
    }
    let of_sprints = hint.is_some_and(|hint| hint.contains("sprint"));
    if has("id") && has("name") && word("state").is_some_and(sprint::is_state) {
        let dated = has("startDate") || has("endDate") || has("originBoardId") || has("boardId");
        if dated || of_sprints || link.contains("/sprint/") {
            return Some(Kind::Sprint);
        }
    }
    if has("columnConfig") || (is_object("filter") && (is_object("estimation") || is_object("location"))) {
        return Some(Kind::BoardConfiguration);
    }
    if has("id") && word("type").is_some_and(|word| BOARD_TYPES.contains(&word)) {
        return Some(Kind::Board);
    }
    if has("id") && has("name") && has("custom") && (has("schema") || has("clauseNames") || has("navigable"))
    {
        return Some(Kind::Field);
    }
    if has("name") && is_object("statusCategory") || (has("untranslatedName") && is_object("statusCategory"))
    {
        return Some(Kind::Status);
    }
    if has("id") && has("name") && object.get("subtask").is_some_and(Value::is_boolean) && !has("fields") {
        return Some(Kind::IssueType);
    }
    let is_user =
        has("accountId") || (has("displayName") && (has("name") || has("key")) && !has("projectKey"));
    (is_user && !has("body") && !is_object("author") && (has("displayName") || has("emailAddress")))
        .then_some(Kind::User)
}

/// What is of Jira all the same; the name says why nothing comes of it.
fn not_needed(object: &Object) -> Option<&'static str> {
    let has = |key: &str| object.contains_key(key);
    let link = object.get("self").and_then(Value::as_str).unwrap_or_default();
    if has("errorMessages") || (has("errors") && has("self")) {
        return Some("jira error answer");
    }
    if object.get("contents").is_some_and(|contents| contents.get("completedIssues").is_some()) {
        return Some("jira sprint report: sprints and issues say it themselves");
    }
    if has("permissions") || has("permissionSchemes") {
        return Some("jira permissions");
    }
    if has("jql") || has("searchUrl") {
        return Some("jira filter");
    }
    if has("issueLinkTypes") || (has("inward") && has("outward")) {
        return Some("jira link types: each link says its own");
    }
    let is_bare = object.keys().all(|key| matches!(key.as_str(), "id" | "key" | "name" | "description"));
    let key = object.get("key").and_then(Value::as_str).unwrap_or_default();
    let is_project_key =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if has("projects") && !has("issues")
        || (has("projectTypeKey") && has("key"))
        || (is_bare && is_project_key)
    {
        return Some("jira project: its key is in every issue key");
    }
    if has("transitions") {
        return Some("jira transitions");
    }
    if has("comments") || has("worklogs") || has("watchCount") {
        return Some("jira comments, worklogs or watchers");
    }
    if has("typeName") && has("statusId")
        || has("rapidview")
        || has("sprintSupportEnabled")
        || has("sprintMarkersMigrated")
    {
        return Some("jira private board view: export /rest/agile/1.0/board");
    }
    if link.contains("/rest/") && has("id") || link.contains("/rest/webhooks/") {
        return Some("jira resource that no event needs");
    }
    if has("colorName") && has("key") {
        return Some("jira status category: every status says its own");
    }
    None
}

/// `SHOP-12`: letters, digits and underscores, a dash, digits.
fn is_issue_key(key: &str) -> bool {
    key.rsplit_once('-').is_some_and(|(project, number)| {
        project.chars().next().is_some_and(char::is_alphabetic)
            && project.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
            && !number.is_empty()
            && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}
