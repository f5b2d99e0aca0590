//! Tests of both forms over every message of the catalogue.

use bellwether_model::EventTime;
use bytes::Bytes;
use proptest::prelude::*;

use crate::catalogue::{self, Payload, TYPES};
use crate::envelope::Event;
use crate::{binary, frame, ids, json, pb, topics};

/// Random but valid bytes for any message: a JSON object of its fields is not known here, so messages are grown from
/// random protobuf fields the decoder accepts.
fn some_payload(type_name: &'static str, seed: &[u8]) -> Payload {
    let mut data: Vec<u8> = Vec::new();
    for chunk in seed.chunks(4) {
        let field = u32::from(chunk[0] % 31) + 1;
        let mut candidate = data.clone();
        match chunk.get(1).copied().unwrap_or(0) % 3 {
            0 => {
                prost::encoding::encode_key(field, prost::encoding::WireType::Varint, &mut candidate);
                prost::encoding::encode_varint(
                    u64::from(chunk.get(2).copied().unwrap_or(1) % 3),
                    &mut candidate,
                );
            }
            1 => {
                let text = format!("t{}", chunk.get(2).copied().unwrap_or(0));
                prost::encoding::encode_key(
                    field,
                    prost::encoding::WireType::LengthDelimited,
                    &mut candidate,
                );
                prost::encoding::encode_varint(text.len() as u64, &mut candidate);
                candidate.extend_from_slice(text.as_bytes());
            }
            _ => {
                let number = f64::from(chunk.get(2).copied().unwrap_or(0)) / 8.0;
                prost::encoding::encode_key(field, prost::encoding::WireType::SixtyFourBit, &mut candidate);
                candidate.extend_from_slice(&number.to_le_bytes());
            }
        }
        if Payload::decode(type_name, &Bytes::from(candidate.clone())).is_ok() {
            data = candidate;
        }
    }
    Payload::decode(type_name, &Bytes::from(data)).expect("every prefix was accepted")
}

proptest! {
    #[test]
    fn every_message_survives_the_binary_and_the_text_form(
        index in 0..TYPES.len(),
        seed in proptest::collection::vec(any::<u8>(), 0..80),
        ms in -1_000_000_000_000i64..4_000_000_000_000,
    ) {
        let (type_name, _) = TYPES[index];
        let event = Event::new("jira://acme", "42/7", EventTime::from_ms(ms), some_payload(type_name, &seed))
            .about("thing");
        let value = event.payload.encode();
        let from_binary = binary::read(&binary::headers(&event), value.as_ref()).expect("own headers are read");
        prop_assert_eq!(&from_binary, &event);
        let line = json::write(&event);
        let from_text = json::read(&line).expect("own lines are read");
        prop_assert_eq!(&from_text, &event, "{}", line);
        prop_assert_eq!(json::write(&from_text), line);
    }

    #[test]
    fn frames_cut_into_the_facts_that_were_packed(sizes in proptest::collection::vec(0usize..60_000, 1..40)) {
        let facts: Vec<pb::Fact> = sizes
            .iter()
            .enumerate()
            .map(|(n, size)| pb::Fact { id: n.to_string(), data: vec![7; *size].into(), ..Default::default() })
            .collect();
        let frames = frame::pack(&facts);
        let back: Vec<Bytes> = frames.iter().flat_map(|frame| frame::cut(frame).expect("own frames are cut")).collect();
        prop_assert_eq!(back.len(), facts.len());
        for (bytes, fact) in back.iter().zip(&facts) {
            prop_assert_eq!(&<pb::Fact as prost::Message>::decode(bytes.clone()).expect("a fact"), fact);
        }
        prop_assert!(frames.iter().all(|frame| frame.len() <= frame::MAX_BYTES));
    }

    #[test]
    fn joined_frames_hold_the_same_facts_in_fewer_frames_within_the_bounds(
        sizes in proptest::collection::vec(0usize..60_000, 1..40),
        small in 0usize..1_200,
    ) {
        let sizes = sizes.into_iter().chain(std::iter::repeat_n(0, small));
        let facts: Vec<pb::Fact> = sizes
            .enumerate()
            .map(|(n, size)| pb::Fact { id: n.to_string(), data: vec![7; size].into(), ..Default::default() })
            .collect();
        let single: Vec<Bytes> = facts.iter().flat_map(|fact| frame::pack([fact])).collect();
        let joined = frame::join(single);
        prop_assert_eq!(&joined, &frame::pack(&facts));
        prop_assert!(joined.iter().all(|frame| frame::cut(frame).is_ok_and(|facts| facts.len() <= frame::MAX_FACTS)));
    }

    #[test]
    fn a_damaged_frame_is_refused_or_cut_but_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        bytes.truncate(300);
        let _ = frame::cut(&Bytes::from(bytes));
    }
}

#[test]
fn every_type_of_the_catalogue_is_named_like_its_message_and_has_a_home() {
    for (type_name, _) in TYPES {
        assert!(type_name.starts_with("bellwether.") && type_name.ends_with(".v1"), "{type_name}");
        assert_eq!(json::canonical_type(type_name), *type_name);
        assert!(catalogue::home_topic(type_name).is_some());
    }
}

#[test]
fn short_forms_of_types_are_understood() {
    assert_eq!(json::canonical_type("page.notified"), "bellwether.page.notified.v1");
    assert_eq!(json::canonical_type("squad"), "bellwether.squad.recorded.v1");
    assert_eq!(json::canonical_type("bellwether.key-result.v1"), "bellwether.key-result.recorded.v1");
    assert_eq!(json::canonical_type("bellwether.nothing.done.v1"), "bellwether.nothing.done.v1");
}

#[test]
fn an_unknown_type_keeps_its_bytes_in_both_forms() {
    let payload = Payload::Unknown {
        type_name: "bellwether.later.invented.v1".into(),
        data: Bytes::from_static(b"\x00\xff"),
    };
    let event = Event::new("jira://acme", "1", EventTime::from_ms(0), payload);
    let value = event.payload.encode();
    assert_eq!(binary::read(&binary::headers(&event), value.as_ref()).expect("read"), event);
    assert_eq!(json::read(&json::write(&event)).expect("read"), event);
}

#[test]
fn a_line_without_data_is_a_tombstone() {
    let line = r#"{"specversion":"1.0","id":"1","source":"hr://x","type":"squad","time":"2026-01-05T00:00:00Z","subject":"a"}"#;
    let event = json::read(line).expect("read");
    assert!(
        matches!(&event.payload, Payload::Tombstone { type_name } if type_name == "bellwether.squad.recorded.v1")
    );
}

#[test]
fn an_unknown_type_with_json_data_says_what_was_meant() {
    let line = r#"{"id":"1","source":"s","type":"bellwether.page.notifed.v1","time":"2026-01-05T00:00:00Z","data":{}}"#;
    let error = json::read(line).expect_err("refused").to_string();
    assert!(error.contains("did you mean bellwether.page.notified.v1"), "{error}");
}

#[test]
fn an_enum_value_of_a_newer_version_is_read_as_unspecified_and_the_rest_as_it_stands() {
    for data in [
        r#"{"incident":"i","change":77,"urgency":"URGENCY_HIGH","basis":"BASIS_PIGEON"}"#,
        "{\"basis\":\n  \"BASIS_PIGEON\",\"urgency\":\"URGENCY_HIGH\",\"change\": -3 ,\"incident\":\"i\"}",
        r#"{"incident":"i","urgency":2,"actor":{"kind":"ACTOR_KIND_DOG"},"basis":4711}"#,
    ] {
        let line = format!(
            r#"{{"id":"1","source":"s","type":"incident.changed","time":"2026-01-05T00:00:00Z","data":{data}}}"#
        );
        let event = json::read(&line).expect("read");
        let Payload::IncidentChanged(message) = &event.payload else { panic!("{event:?}") };
        assert_eq!((message.incident.as_str(), message.urgency()), ("i", pb::Urgency::High));
        assert_eq!((message.change(), message.basis()), Default::default());
        let kind = message.actor.as_ref().map(pb::Actor::kind).unwrap_or_default();
        assert_eq!(kind, pb::ActorKind::Unspecified);
    }
}

#[test]
fn a_field_that_is_null_is_read_as_unset_whatever_its_kind() {
    let read = |data: &str| {
        let line = format!(
            r#"{{"id":"1","source":"s","type":"ticket.changed","time":"2026-01-05T00:00:00Z","data":{data}}}"#
        );
        json::read(&line).map(|event| event.payload)
    };
    let with_nulls = r#"{"ticket":"1","parent":null,"points":null,"subTask":null,"kind":null,"labels":null,"basis":"BASIS_PIGEON",
        "assignee":{"source":null,"externalId":"a"},"blockedBy":[{"ticket":"2","since":null}],"actor":null}"#;
    let without = r#"{"ticket":"1","assignee":{"externalId":"a"},"blockedBy":[{"ticket":"2"}]}"#;
    assert_eq!(read(with_nulls).expect("read"), read(without).expect("read"));
    assert!(read(r#"{"ticket":"1","labels":[null]}"#).is_err(), "a value of a list is not a field");
}

#[test]
fn what_is_wrong_beside_an_enum_is_still_refused() {
    let line = r#"{"id":"1","source":"s","type":"incident.changed","time":"2026-01-05T00:00:00Z","data":{"incident":77}}"#;
    assert!(json::read(line).is_err());
}

#[test]
fn instants_are_truncated_to_milliseconds_at_the_border() {
    let line =
        r#"{"id":"1","source":"s","type":"page.notified","time":"2026-01-05T00:00:00.123999Z","data":{}}"#;
    assert_eq!(json::read(line).expect("read").time.to_rfc3339(), "2026-01-05T00:00:00.123Z");
}

#[test]
fn r60_ids_are_sixteen_bytes_of_the_keyed_hash_over_the_joined_parts() {
    let at = EventTime::parse("2026-02-18T12:00:00Z").expect("an instant");
    let id = ids::trigger_id(&ids::HashKey::ZERO, "velocity-drop.page-load", "kr-2", "ann", at);
    assert_eq!(id.len(), 32);
    assert!(id.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()));
    assert_ne!(id, ids::escalation_id(&ids::HashKey::ZERO, "velocity-drop.page-load", "kr-2", "ann", at));
    assert_eq!(ids::step_id("abc", 3), "abc/L3");
    // printf 'velocity-drop.page-load\x1fkr-2\x1fann\x1f2026-02-18T12:00:00.000Z' |
    //   openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '00%.0s' {1..32})
    assert_eq!(id, "2068344a9efc3690bd8694d0b59ebffa");
}

#[test]
fn topics_are_named_with_their_prefix_and_version() {
    assert_eq!(topics::Topic::EscalationDelay.name("bellwether"), "bellwether.escalation.delay.v1");
    for topic in topics::Topic::ALL {
        assert_eq!(topics::Topic::parse(topic.thing()), Some(topic));
    }
}
