//! The documents of this crate, held to what the code does.
//!
//! A block of a document that begins with a line `<!-- name -->` followed by a fence is compared with what the code
//! makes; a difference prints what should be there.

use bellwether_model::{Audience, Level, RuleId};

use super::{org, steps};
use crate::channel::webhook::{Secret, body, signature};
use crate::channel::{ChannelKind, Delivery, Envelope};
use crate::delivery::DeliveryId;
use crate::redaction::{GROUP_MIN, Medium, Readership, Showing, showing, step_for, view};
use crate::render::render;

const RECEIVER: &str = include_str!("../../../../docs/guides/webhook-receiver.md");
const REDACTION: &str = include_str!("../../../../docs/concepts/redaction.md");

/// What stands between the fences after a marker.
fn block<'a>(document: &'a str, name: &str) -> &'a str {
    let marker = format!("<!-- {name} -->\n```");
    let (_, rest) = document.split_once(&marker).unwrap_or_else(|| panic!("no block `{name}`"));
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("\n```").unwrap().0
}

fn check(document: &str, name: &str, made: &str) {
    let written = block(document, name);
    assert!(written == made.trim_end(), "block `{name}` should be:\n{made}\nand is:\n{written}");
}

/// The value of a line `name: value` of a block.
fn value<'a>(block: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    block.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("no `{name}`"))
}

#[test]
fn the_signature_vector_of_the_guide_verifies() {
    let vector = block(RECEIVER, "vector");
    let secret = Secret::parse(value(vector, "secret")).unwrap();
    let (id, timestamp) = (value(vector, signature::ID), value(vector, signature::TIMESTAMP));
    let (signatures, body) = (value(vector, signature::SIGNATURE), value(vector, "body"));
    let now = timestamp.parse().unwrap();
    assert_eq!(signature::verify(&secret, (id, timestamp, signatures), body.as_bytes(), now), Ok(()));
}

#[test]
fn the_example_body_of_the_guide_is_what_a_receiver_gets() {
    let mut step = steps::step(RuleId::VelocityDropPageLoad, 2);
    step.explain.as_mut().unwrap().notes.clear();
    let readership =
        Readership { audiences: vec![Audience::AdjacentEms], medium: Medium::PrivateWebhook, person: None };
    let event = steps::event(step.clone());
    let mut directory = crate::Directory::new(bellwether_wire::ids::HashKey::ZERO);
    let kept = org::events().into_iter().filter(|event| !event.type_name().contains("squad"));
    kept.for_each(|event| directory.apply(&event));
    let mut delivery = Delivery {
        id: DeliveryId { step: step.step.clone(), channel: ChannelKind::Webhook, target: "peers".into() },
        attempt: 1,
        at: org::now(),
        message: render(&view(&step, event.time, &readership, &directory).unwrap()),
        step: step_for(&step, event.time, &readership, &directory).unwrap().into_inner(),
        envelope: Envelope { id: event.id, time: event.time, traceparent: None },
        address: None,
    };
    delivery.message.sections.truncate(1);
    let body: serde_json::Value = serde_json::from_slice(&body::of(&delivery)).unwrap();
    check(RECEIVER, "body", &serde_json::to_string_pretty(&body).unwrap());
}

#[test]
fn the_table_of_the_concept_is_the_table_of_the_code() {
    let mut made = String::from("level  read as            in private          where peers can read\n");
    for level in Level::ALL {
        for audience in Audience::ALL {
            let shown = |medium| match showing(level, &[*audience], medium) {
                Showing::Named => "name",
                Showing::RoleAndTenure => "role and tenure",
                Showing::Hidden => "hidden",
            };
            let (private, room) = (shown(Medium::Email), shown(Medium::ChatRoom));
            for medium in Medium::ALL {
                assert_eq!(shown(medium), if medium.peers_can_read() { room } else { private });
            }
            if private != "hidden" || room != "hidden" {
                made.push_str(&format!("{level}     {audience:<18} {private:<19} {room}\n"));
            }
        }
    }
    made.push_str("any    anybody else       hidden              hidden\n");
    check(REDACTION, "table", &made);
    assert!(REDACTION.contains(&format!("fewer than {GROUP_MIN} people")));
}
