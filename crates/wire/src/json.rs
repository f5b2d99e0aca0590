//! The text form: one structured-mode CloudEvents object per line, `data` in the protobuf-JSON mapping.
//!
//! It is what `replay` reads and writes, what tests build and what the docs show. An unknown type keeps its
//! bytes in `data_base64`, as CloudEvents has it. A value that an enum of this version does not have - a newer writer's
//! word, or its number - is read as unspecified, and a field that is null as unset.

mod at_once;
mod unread;

use std::borrow::Cow;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bellwether_model::EventTime;
use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::catalogue::{self, Payload};
use crate::envelope::{Event, EventId};

pub use unread::unread;

/// What can be wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a structured-mode CloudEvents object.
    #[error("not a CloudEvents object: {0}")]
    Envelope(#[source] serde_json::Error),
    /// `time` is not an RFC 3339 instant.
    #[error("`time` is not an RFC 3339 instant: `{value}`")]
    Time {
        /// What it says.
        value: String,
    },
    /// `data_base64` is not base64.
    #[error("`data_base64` is not base64")]
    Base64(#[source] base64::DecodeError),
    /// `data` is no message of its type.
    #[error(transparent)]
    Payload(#[from] catalogue::Error),
    /// The type is not in the catalogue and `data` is JSON.
    #[error("type `{type_name}` is not in the catalogue; {hint}")]
    UnknownType {
        /// CloudEvents type.
        type_name: String,
        /// What to do.
        hint: String,
    },
}

#[derive(Deserialize)]
struct LineIn<'a> {
    #[serde(default)]
    specversion: Option<String>,
    id: String,
    source: String,
    #[serde(rename = "type")]
    type_name: String,
    time: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    traceparent: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    data_base64: Option<String>,
}

#[derive(Serialize)]
struct LineOut<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// A message that is written where it stands.
struct Data<'a>(&'a Payload);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write_json(serializer)
    }
}

/// Reads one line.
///
/// # Errors
/// When the line is not a CloudEvents object, or `data` is not the message of its type.
pub fn read(line: &str) -> Result<Event, Error> {
    // Nearly every line: one pass. What it does not take is read again with care, and the error is the one of that.
    serde_json::from_str(line).map(|at_once::Line(event)| event).or_else(|_| read_with_care(line))
}

/// Any order of attributes, `data_base64`, values of enums that are not known; all that can be wrong with a line.
fn read_with_care(line: &str) -> Result<Event, Error> {
    let line: LineIn<'_> = serde_json::from_str(line).map_err(Error::Envelope)?;
    let _ = line.specversion;
    let time = EventTime::parse(&line.time).map_err(|_| Error::Time { value: line.time.clone() })?;
    let type_name = canonical(&line.type_name).into_owned();
    let payload = match (line.data, line.data_base64) {
        (Some(data), _) if data.get() != "null" => match payload(&type_name, data.get())? {
            Some(payload) => payload,
            None => {
                let hint = unknown_type_hint(&type_name);
                return Err(Error::UnknownType { type_name, hint });
            }
        },
        (_, Some(text)) => {
            let data = BASE64.decode(&text).map_err(Error::Base64)?;
            Payload::decode(&type_name, &Bytes::from(data))?
        }
        _ => Payload::Tombstone { type_name },
    };
    Ok(Event {
        id: EventId { source: line.source, id: line.id },
        time,
        subject: line.subject,
        traceparent: line.traceparent,
        payload,
    })
}

/// Values of enums that one line may have too many of; nobody's message has that many enums.
const UNKNOWN_VALUES_MAX: usize = 100;

/// The message of `data`. The generated readers refuse an enum value they do not know and say where it stands; there it
/// becomes unspecified, and the rest is read again. Nor do they take null for every field, as protobuf JSON does.
fn payload(type_name: &str, data: &str) -> Result<Option<Payload>, catalogue::Error> {
    let mut text = Cow::Borrowed(data);
    for _ in 0..UNKNOWN_VALUES_MAX {
        match Payload::from_json(type_name, &text) {
            Err(catalogue::Error::Json { source, type_name }) => {
                match unspecified(&text, &source).or_else(|| without_nulls(&text)) {
                    Some(mended) => text = Cow::Owned(mended),
                    None => return Err(catalogue::Error::Json { source, type_name }),
                }
            }
            read => return read,
        }
    }
    Payload::from_json(type_name, &text)
}

/// The text with 0 for the enum value that an error is about; `None` when it is about anything else.
fn unspecified(text: &str, error: &serde_json::Error) -> Option<String> {
    let told = error.to_string();
    let quoted = |rest: &str| rest.split_once('`').map(|(value, _)| value.to_owned());
    let value = if let Some(rest) = told.strip_prefix("unknown variant `") {
        format!("\"{}\"", quoted(rest)?)
    } else {
        let rest = told.strip_prefix("invalid value: integer `").filter(|rest| rest.contains("one of: ["));
        quoted(rest?)?
    };
    let lines = text.split_inclusive('\n').map(str::len);
    let end = lines.take(error.line().checked_sub(1)?).sum::<usize>() + error.column();
    let (before, after) = text.split_at_checked(end)?;
    Some(format!("{}0{after}", before.strip_suffix(&value)?))
}

/// The text without its members that are null: they are unset. `None` when it has none.
fn without_nulls(text: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    drop_nulls(&mut value).then(|| value.to_string())
}

/// Drops members that are null, at any depth; true when there were any.
fn drop_nulls(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => {
            let all = members.len();
            members.retain(|_, member| !member.is_null());
            let dropped = members.len() < all;
            members.values_mut().fold(dropped, |dropped, member| drop_nulls(member) | dropped)
        }
        Value::Array(items) => items.iter_mut().fold(false, |dropped, item| drop_nulls(item) | dropped),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Writes one line, without its line feed. The same event always gives the same bytes.
pub fn write(event: &Event) -> String {
    with_line(event, |line| serde_json::to_string(line))
        .expect("attributes are strings and data has string keys")
}

/// Writes the same into a writer.
///
/// # Errors
/// When the writer fails.
pub fn write_to(out: &mut impl io::Write, event: &Event) -> io::Result<()> {
    with_line(event, |line| serde_json::to_writer(out, line)).map_err(io::Error::from)
}

fn with_line<T>(event: &Event, then: impl FnOnce(&LineOut<'_>) -> T) -> T {
    let data_base64 = match &event.payload {
        Payload::Unknown { data, .. } => Some(BASE64.encode(data)),
        _ => None,
    };
    let is_known = !matches!(event.payload, Payload::Unknown { .. } | Payload::Tombstone { .. });
    then(&LineOut {
        specversion: "1.0",
        id: &event.id.id,
        source: &event.id.source,
        type_name: event.type_name(),
        time: event.time.to_rfc3339(),
        subject: event.subject.as_deref(),
        traceparent: event.traceparent.as_deref(),
        datacontenttype: is_known.then_some("application/json"),
        data: is_known.then_some(Data(&event.payload)),
        data_base64,
    })
}

/// The catalogue's name of a type: short forms (`page.notified`, `squad`) stand for the full ones.
pub fn canonical_type(type_name: &str) -> String {
    canonical(type_name).into_owned()
}

fn canonical(type_name: &str) -> Cow<'_, str> {
    let known = |name: &str| catalogue::home_topic(name).is_some();
    if known(type_name) {
        return Cow::Borrowed(type_name);
    }
    let thing = type_name.strip_prefix("bellwether.").unwrap_or(type_name);
    let thing = thing.strip_suffix(".v1").unwrap_or(thing);
    [format!("bellwether.{thing}.v1"), format!("bellwether.{thing}.recorded.v1")]
        .into_iter()
        .find(|name| known(name))
        .map_or(Cow::Borrowed(type_name), Cow::Owned)
}

fn unknown_type_hint(type_name: &str) -> String {
    let thing = type_name.strip_prefix("bellwether.").unwrap_or(type_name);
    let stem = thing.split('.').next().unwrap_or(thing);
    let near: Vec<&str> = catalogue::TYPES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| name.strip_prefix("bellwether.").is_some_and(|rest| rest.starts_with(stem)))
        .collect();
    if near.is_empty() {
        "see docs/reference/events.md for the catalogue".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    }
}
