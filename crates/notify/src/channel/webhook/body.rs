//! The body of a webhook: a structured-mode CloudEvent whose data is the redacted step and its message.
//!
//! `data` is the step in its protobuf-JSON mapping with one more member, `message`, so that a receiver can read it with
//! the catalogue's message (unknown members are skipped) or show the text and know nothing else.

use bellwether_wire::Payload;
use serde::Serialize;
use serde_json::Value;

use crate::channel::Delivery;

/// Media type of the body.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

#[derive(Serialize)]
struct Body<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    time: String,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    datacontenttype: &'static str,
    data: Value,
}

/// The body of a delivery. Everything in it is redacted already.
pub fn of(delivery: &Delivery) -> Vec<u8> {
    let payload = Payload::from(delivery.step.clone());
    let mut data = payload.to_json().unwrap_or_default();
    if let Value::Object(members) = &mut data {
        members.insert("message".to_owned(), message(delivery));
    }
    let body = Body {
        specversion: "1.0",
        id: &delivery.envelope.id.id,
        source: &delivery.envelope.id.source,
        type_name: payload.type_name(),
        time: delivery.envelope.time.to_rfc3339(),
        subject: &delivery.id.step,
        traceparent: delivery.envelope.traceparent.as_deref(),
        datacontenttype: "application/json",
        data,
    };
    serde_json::to_vec(&body).expect("attributes are strings and data is a JSON value")
}

fn message(delivery: &Delivery) -> Value {
    let mut message =
        serde_json::to_value(&delivery.message).expect("a message is made of strings and lists of them");
    if let Value::Object(members) = &mut message {
        members.insert("text".to_owned(), delivery.message.to_text().into());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_reads_as_an_event_of_the_catalogue() {
        let delivery = crate::delivery::testing::delivery("a title");
        let body = String::from_utf8(of(&delivery)).unwrap();
        let event = bellwether_wire::json::read(&body).unwrap();
        assert_eq!(event.id, delivery.envelope.id);
        assert_eq!(event.time, delivery.envelope.time);
        assert_eq!(event.payload, Payload::from(delivery.step));
        insta::assert_snapshot!(body);
    }
}
