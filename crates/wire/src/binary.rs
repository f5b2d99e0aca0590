//! CloudEvents binary mode on Kafka: attributes in `ce_` headers, the value is the message alone.

use bellwether_model::EventTime;
use bytes::Bytes;

use crate::catalogue::{self, Payload};
use crate::envelope::{Event, EventId};

/// Headers in order, as the log port carries them.
pub type Headers = Vec<(String, Option<Bytes>)>;

/// What can be wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A header is missing or not UTF-8.
    #[error("header `{header}` is missing or not UTF-8")]
    Header {
        /// Which.
        header: &'static str,
    },
    /// The event time is not an RFC 3339 instant.
    #[error("header `ce_time` is not an RFC 3339 instant: `{value}`")]
    Time {
        /// What it says.
        value: String,
    },
    /// The value is no message of its type.
    #[error(transparent)]
    Payload(#[from] catalogue::Error),
}

/// Headers of an event.
pub fn headers(event: &Event) -> Headers {
    let mut headers = vec![
        header("ce_specversion", "1.0"),
        header("ce_id", &event.id.id),
        header("ce_source", &event.id.source),
        header("ce_type", event.type_name()),
        header("ce_time", &event.time.to_rfc3339()),
    ];
    if let Some(subject) = &event.subject {
        headers.push(header("ce_subject", subject));
    }
    if let Some(traceparent) = &event.traceparent {
        headers.push(header("ce_traceparent", traceparent));
    }
    if !matches!(event.payload, Payload::Tombstone { .. }) {
        headers.push(header("content-type", "application/protobuf"));
    }
    headers
}

/// Reads an event from its headers and value; no value is a tombstone.
///
/// # Errors
/// When an attribute is missing or the value is not the message of its type.
pub fn read(headers: &[(String, Option<Bytes>)], value: Option<&Bytes>) -> Result<Event, Error> {
    let type_name = required(headers, "ce_type")?;
    let time = required(headers, "ce_time")?;
    let payload = match value {
        Some(data) => Payload::decode(type_name, data)?,
        None => Payload::Tombstone { type_name: type_name.to_owned() },
    };
    Ok(Event {
        id: EventId {
            source: required(headers, "ce_source")?.to_owned(),
            id: required(headers, "ce_id")?.to_owned(),
        },
        time: EventTime::parse(time).map_err(|_| Error::Time { value: time.to_owned() })?,
        subject: optional(headers, "ce_subject").map(str::to_owned),
        traceparent: optional(headers, "ce_traceparent").map(str::to_owned),
        payload,
    })
}

fn header(name: &str, value: &str) -> (String, Option<Bytes>) {
    (name.to_owned(), Some(Bytes::copy_from_slice(value.as_bytes())))
}

/// The first value of a header, when it is UTF-8.
pub fn optional<'a>(headers: &'a [(String, Option<Bytes>)], name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value.as_ref()?).ok()
}

fn required<'a>(headers: &'a [(String, Option<Bytes>)], name: &'static str) -> Result<&'a str, Error> {
    optional(headers, name).ok_or(Error::Header { header: name })
}
