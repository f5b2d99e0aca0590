//! What a line says that its event does not hold: fields that its message does not have, words that its enums do not
//! have.
//!
//! Reading leaves such things out, because a newer version may have written them. Whoever types events by hand wants to
//! know: a misspelt field is a missing one.

use serde_json::{Map, Value};

use super::write;
use crate::envelope::Event;

/// Places below `data` that were left out when `line` was read as `event`, such as `responder.externalID`, in order.
/// A value that says nothing (null, 0, false, an empty text or list) counts as read.
pub fn unread(line: &str, event: &Event) -> Vec<String> {
    let data = |line: &str| serde_json::from_str::<Value>(line).ok()?.as_object_mut()?.remove("data");
    let mut found = Vec::new();
    if let (Some(Value::Object(given)), Some(Value::Object(kept))) = (data(line), data(&write(event))) {
        members(&given, &kept, "", &mut found);
    }
    found.sort_unstable();
    found
}

fn members(given: &Map<String, Value>, kept: &Map<String, Value>, path: &str, found: &mut Vec<String>) {
    for (name, value) in given {
        // Keys of a map are kept as they are; fields are written in camel case and read in both.
        let kept = kept.get(name).or_else(|| kept.get(&camel(name)));
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        compare(value, kept, path, found);
    }
}

fn compare(given: &Value, kept: Option<&Value>, path: String, found: &mut Vec<String>) {
    match (given, kept) {
        (Value::Object(given), Some(Value::Object(kept))) => members(given, kept, &path, found),
        (Value::Array(given), Some(Value::Array(kept))) if given.len() == kept.len() => {
            for (place, (given, kept)) in given.iter().zip(kept).enumerate() {
                compare(given, Some(kept), format!("{path}.{place}"), found);
            }
        }
        (_, Some(kept)) if is_unspecified(kept) && !says_nothing(given) => found.push(path),
        (_, None) if !says_nothing(given) => found.push(path),
        _ => {}
    }
}

/// The value of an enum of which nothing is known.
fn is_unspecified(value: &Value) -> bool {
    value.as_str().is_some_and(|word| word.ends_with("_UNSPECIFIED"))
}

/// True for what protobuf JSON does not write: values that are as good as none.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0" || is_unspecified(value),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
    }
}

/// `external_id` as `externalId`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
        camel
    })
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn unread_of(type_name: &str, data: &str) -> Vec<String> {
        let line = format!(
            r#"{{"id":"1","source":"s","type":"{type_name}","time":"2026-01-05T00:00:00Z","data":{data}}}"#
        );
        unread(&line, &read(&line).expect("an event"))
    }

    #[test]
    fn a_misspelt_field_or_word_is_found_wherever_it_stands() {
        let page = r#"{"incident":"i","responder":{"source":"s","external-id":"x"},"urgency":"URGENCY_HUGE","chanel":1}"#;
        assert_eq!(unread_of("page.notified", page), ["chanel", "responder.external-id", "urgency"]);
        let recorded = r#"{"squad":"a","sources":["jira"],"owner":{"name":"ann"}}"#;
        assert_eq!(unread_of("squad", recorded), ["owner"]);
    }

    #[test]
    fn what_is_read_is_no_finding_however_it_is_written() {
        for (type_name, data) in [
            ("page.notified", r#"{"incident":"i","responder":{"external_id":"x"},"urgency":"URGENCY_HIGH"}"#),
            ("page.notified", r#"{"incident":"i","responder":{"externalId":"x"},"urgency":1,"basis":0}"#),
            ("page.notified", r#"{"incident":"","responder":null,"urgency":"URGENCY_UNSPECIFIED"}"#),
            ("ticket.changed", r#"{"ticket":"t","points":0,"labels":["a"],"interrupt":false,"version":"3"}"#),
            ("sprint.activated", r#"{"sprint":"s","plannedEnd":"2026-01-05T00:00:00.123456Z"}"#),
        ] {
            assert_eq!(unread_of(type_name, data), [""; 0], "{data}");
        }
    }
}
