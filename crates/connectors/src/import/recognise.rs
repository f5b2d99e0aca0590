//! What a payload is, by its content.

use serde_json::Value;

use super::expand::Object;
use crate::{forge, jira, linear, pagerduty};

/// What a payload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something of Jira.
    Jira(jira::import::Kind),
    /// Something of Linear.
    Linear(linear::import::Kind),
    /// Something of PagerDuty.
    PagerDuty(pagerduty::import::Kind),
    /// Something of GitHub or GitLab.
    Forge(forge::import::Kind),
    /// Known, and nothing the catalogue needs.
    NotNeeded(&'static str),
    /// Known, and not usable; why.
    Unusable(&'static str),
    /// The end of a page, and how many its query has in all.
    Page {
        /// The key of its list.
        key: String,
        /// Elements in all, where it says.
        total: Option<u64>,
        /// Names of fields by id, where it was asked for them.
        names: Option<Object>,
    },
    /// Nothing known.
    Unknown,
}

/// Says what an object is. `hint` is the key or the stream it was found under, and only ever a help.
pub(crate) fn recognise(object: &Object, hint: Option<&str>) -> Kind {
    let has = |key: &str| object.contains_key(key);
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    if has("specversion") && has("source") && has("type") {
        return Kind::Unusable("these are events already: replay or publish them");
    }
    if matches!(word("type"), Some("LOG" | "STATE" | "TRACE" | "SPEC" | "CATALOG")) {
        return Kind::NotNeeded("protocol line of an extraction run");
    }
    if let Some(kind) = forge::import::recognise(object) {
        return kind;
    }
    if let Some(kind) = pagerduty::import::recognise(object, hint) {
        return kind;
    }
    if let Some(kind) = linear::import::recognise(object, hint) {
        return kind;
    }
    jira::import::recognise(object, hint).unwrap_or(Kind::Unknown)
}
