//! From a JSON document to the payloads inside it: pages, arrays, wrappers, GraphQL connections, Airbyte records.
//!
//! What it is not: the judge of what a payload is; see `recognise`.

use serde_json::{Map, Value};

use super::recognise::{Kind, recognise};
use crate::linear;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Keys under which pages of the APIs keep their list.
pub(crate) const PAGE_KEYS: &[&str] = &[
    "issues",
    "values",
    "incidents",
    "log_entries",
    "oncalls",
    "schedules",
    "services",
    "users",
    "teams",
    "escalation_policies",
    "issueChangeLogs",
    "statuses",
    "sprints",
    "boards",
    "priorities",
    "vendors",
    "deployments",
    "commits",
];

/// Keys under which a single thing is wrapped.
const WRAPPERS: &[&str] = &[
    "incident",
    "log_entry",
    "schedule",
    "oncall",
    "service",
    "user",
    "team",
    "escalation_policy",
    "issue",
    "sprint",
    "board",
];

/// Visits every payload of a document with the key it was found under.
pub(crate) fn expand(value: Value, hint: Option<&str>, visit: &mut dyn FnMut(Object, Kind)) {
    match value {
        Value::Array(elements) => elements.into_iter().for_each(|element| expand(element, hint, visit)),
        Value::Object(object) => expand_object(object, hint, visit),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            visit(Object::new(), Kind::Unknown);
        }
    }
}

fn expand_object(mut object: Object, hint: Option<&str>, visit: &mut dyn FnMut(Object, Kind)) {
    if let Some(Value::Object(record)) = object.get_mut("record")
        && let Some(data) = record.remove("data")
    {
        let stream = record.remove("stream");
        let stream = stream.as_ref().and_then(Value::as_str).and_then(|name| name.rsplit("__").next());
        return expand(data, stream, visit);
    }
    let kind = recognise(&object, hint);
    if !matches!(kind, Kind::Unknown) {
        return known(object, kind, visit);
    }
    // A delivery of GitHub: the status, and what it is of.
    if object.get("deployment_status").is_some_and(Value::is_object) {
        for key in ["deployment_status", "deployment"] {
            if let Some(inner @ Value::Object(_)) = object.remove(key) {
                expand(inner, Some(key), visit);
            }
        }
        return;
    }
    if let Some(key) = PAGE_KEYS.iter().find(|key| object.get(**key).is_some_and(Value::is_array)) {
        let list = object.remove(*key).unwrap_or_default();
        return page(object, key, list, visit);
    }
    if let Some(data @ (Value::Object(_) | Value::Array(_))) = object.get_mut("data").map(Value::take) {
        return connections(data, "data", visit);
    }
    if let Some(key) = WRAPPERS.iter().find(|key| object.get(**key).is_some_and(Value::is_object)) {
        let inner = object.remove(*key).unwrap_or_default();
        return expand(inner, Some(key), visit);
    }
    let lists_only = !object.is_empty() && object.values().all(is_list_of_objects);
    if lists_only {
        return object.into_iter().for_each(|(_, list)| expand(list, None, visit));
    }
    visit(object, kind);
}

/// A payload, and the lists of others that are nested in it.
fn known(mut object: Object, kind: Kind, visit: &mut dyn FnMut(Object, Kind)) {
    let nested = match &kind {
        Kind::Linear(kind) => linear::import::nested(*kind, &mut object),
        _ => Vec::new(),
    };
    visit(object, kind);
    nested.into_iter().for_each(|(name, list)| connections(list, &name, visit));
}

/// A page: its elements, and what it says about itself.
pub(crate) fn page(mut rest: Object, key: &str, list: Value, visit: &mut dyn FnMut(Object, Kind)) {
    let Value::Array(elements) = list else { return };
    let about_issue = rest.remove("self");
    for mut element in elements {
        // A page of one issue's history names the issue only in its own link.
        if let (Value::Object(object), Some(link)) = (&mut element, &about_issue)
            && key == "values"
            && object.contains_key("items")
        {
            object.entry("__page").or_insert_with(|| link.clone());
        }
        expand(element, Some(key), visit);
    }
    page_end(rest, key, visit);
}

/// What a page says about itself once its elements are through.
pub(crate) fn page_end(mut rest: Object, key: &str, visit: &mut dyn FnMut(Object, Kind)) {
    let total = rest.get("total").and_then(Value::as_u64);
    let names = match rest.remove("names") {
        Some(Value::Object(names)) => Some(names),
        _ => None,
    };
    visit(Object::new(), Kind::Page { key: key.to_owned(), total, names });
}

/// Key of a page of a GraphQL connection, before the connection's name.
pub(crate) const CONNECTION: &str = "nodes/";

/// Finds lists in a GraphQL answer, wherever they are. `name` tells the connections of an export apart: where it stands in
/// the answer, and of what, so that pages of one connection have one name whichever answer they come in.
fn connections(value: Value, name: &str, visit: &mut dyn FnMut(Object, Kind)) {
    match value {
        Value::Array(elements) => elements.into_iter().for_each(|element| expand(element, None, visit)),
        Value::Object(mut object) => {
            let kind = recognise(&object, Some("graphql"));
            if !matches!(kind, Kind::Unknown) {
                return known(object, kind, visit);
            }
            if let Some(Value::Array(nodes)) = object.get_mut("nodes").map(Value::take) {
                nodes.into_iter().for_each(|node| connections(node, name, visit));
                let more =
                    object.get("pageInfo").and_then(|info| info.get("hasNextPage")).and_then(Value::as_bool);
                let total = more.map(|more| if more { u64::MAX } else { 0 });
                let key = format!("{CONNECTION}{name}");
                return visit(Object::new(), Kind::Page { key, total, names: None });
            }
            if let Some(Value::Array(edges)) = object.get_mut("edges").map(Value::take) {
                for mut edge in edges {
                    connections(edge.get_mut("node").map(Value::take).unwrap_or_default(), name, visit);
                }
                return;
            }
            let mut found = false;
            let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
            let name = format!("{name}:{id}");
            for (key, inner) in object {
                if inner.is_object() || is_list_of_objects(&inner) {
                    found = true;
                    connections(inner, &format!("{name}/{key}"), visit);
                }
            }
            if !found {
                visit(Object::new(), Kind::Unknown);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            visit(Object::new(), Kind::Unknown);
        }
    }
}

fn is_list_of_objects(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_object))
}
