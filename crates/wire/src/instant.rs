//! Instants between protobuf and the model: one precision, milliseconds, truncated at the border (R3).
//!
//! [`Timestamp`] is `google.protobuf.Timestamp` in every message. It cuts off what is below the millisecond where it is
//! read, from bytes and from text, so that nobody behind can tell two events by it: repeats are compared by content (R6).

use std::fmt;

use bellwether_model::EventTime;
use bytes::{Buf, BufMut};
use chrono::{DateTime, SecondsFormat};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, int32, int64, skip_field};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `google.protobuf.Timestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// The rest, forwards in time.
    pub nanos: i32,
}

const SECONDS: u32 = 1;
const NANOS: u32 = 2;
const NANOS_OF_A_MILLISECOND: i32 = 1_000_000;

impl prost::Message for Timestamp {
    fn encode_raw(&self, to: &mut impl BufMut) {
        if self.seconds != 0 {
            int64::encode(SECONDS, &self.seconds, to);
        }
        if self.nanos != 0 {
            int32::encode(NANOS, &self.nanos, to);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        from: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            SECONDS => int64::merge(wire_type, &mut self.seconds, from, context),
            NANOS => {
                int32::merge(wire_type, &mut self.nanos, from, context)?;
                self.nanos = self.nanos.saturating_sub(self.nanos.rem_euclid(NANOS_OF_A_MILLISECOND));
                Ok(())
            }
            _ => skip_field(wire_type, tag, from, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let seconds = if self.seconds == 0 { 0 } else { int64::encoded_len(SECONDS, &self.seconds) };
        let nanos = if self.nanos == 0 { 0 } else { int32::encoded_len(NANOS, &self.nanos) };
        seconds + nanos
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Protobuf form of an instant.
pub fn timestamp(at: EventTime) -> Timestamp {
    let ms = at.ms();
    let nanos = i32::try_from(ms.rem_euclid(1000) * 1_000_000).expect("below a second");
    Timestamp { seconds: ms.div_euclid(1000), nanos }
}

/// Instant of a protobuf timestamp, truncated towards the past; `None` when it is out of range.
pub fn event_time(timestamp: &Timestamp) -> Option<EventTime> {
    let ms = timestamp
        .seconds
        .checked_mul(1000)?
        .checked_add(i64::from(timestamp.nanos).div_euclid(i64::from(NANOS_OF_A_MILLISECOND)))?;
    Some(EventTime::from_ms(ms))
}

/// Instant of an optional field; `None` when absent or out of range.
pub fn optional(field: Option<&Timestamp>) -> Option<EventTime> {
    field.and_then(event_time)
}

/// First and last second of the years 1 to 9999, beyond which the protobuf-JSON mapping has no instants.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// As the protobuf-JSON mapping has it: in UTC with `Z` and 0, 3, 6 or 9 fractional digits. An instant that the mapping
/// cannot hold is `null`, which reads as absent.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = u32::try_from(self.nanos).ok().filter(|_| YEARS.contains(&self.seconds));
        match nanos.and_then(|nanos| DateTime::from_timestamp(self.seconds, nanos)) {
            Some(at) => serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 instant")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                EventTime::parse(text).map(timestamp).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Payload, pb};

    fn text(seconds: i64, nanos: i32) -> serde_json::Value {
        serde_json::to_value(Timestamp { seconds, nanos }).expect("text or null")
    }

    #[test]
    fn an_instant_ends_in_z_with_no_three_six_or_nine_fractional_digits() {
        assert_eq!(text(1_768_323_600, 0), "2026-01-13T17:00:00Z");
        assert_eq!(text(1_768_323_600, 500_000_000), "2026-01-13T17:00:00.500Z");
        assert_eq!(text(1_768_323_600, 500_000), "2026-01-13T17:00:00.000500Z");
        assert_eq!(text(1_768_323_600, 5), "2026-01-13T17:00:00.000000005Z");
        assert_eq!(text(-62_135_596_800, 0), "0001-01-01T00:00:00Z");
        assert_eq!(text(253_402_300_799, 999_999_999), "9999-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn an_instant_that_the_text_form_cannot_hold_is_null() {
        for (seconds, nanos) in [(i64::MAX, 0), (253_402_300_800, 0), (0, -1), (0, i32::MAX)] {
            assert_eq!(text(seconds, nanos), serde_json::Value::Null, "{seconds} s, {nanos} ns");
        }
    }

    #[test]
    fn instants_in_data_end_in_z_in_nested_messages_and_in_choices_too() {
        let at = Some(Timestamp { seconds: 1_768_323_600, nanos: 0 });
        let window = pb::ExplainWindow { from: at, ..Default::default() };
        let explain = pb::Explain { window: Some(window), ..Default::default() };
        let fired = pb::TriggerFired { fired_at: at, explain: Some(explain), ..Default::default() };
        let data = Payload::from(fired).to_json().expect("a known type");
        assert_eq!(data["firedAt"], "2026-01-13T17:00:00Z");
        assert_eq!(data["explain"]["window"]["from"], "2026-01-13T17:00:00Z");
        let due = at.map(pb::dependency_agreed::Due::DueAt);
        let agreed = pb::DependencyAgreed { due, ..Default::default() };
        assert_eq!(Payload::from(agreed).to_json().expect("a known type")["dueAt"], "2026-01-13T17:00:00Z");
    }

    #[test]
    fn an_instant_with_any_offset_is_read() {
        let read = |text: &str| {
            let data = format!("{{\"completeThrough\":\"{text}\"}}");
            match Payload::from_json("bellwether.source.progressed.v1", &data).expect("an instant") {
                Some(Payload::SourceProgressed(message)) => message.complete_through,
                other => panic!("{other:?}"),
            }
        };
        for text in ["2026-01-13T17:00:00Z", "2026-01-13T17:00:00+00:00", "2026-01-13T18:30:00.000+01:30"] {
            assert_eq!(read(text), Some(Timestamp { seconds: 1_768_323_600, nanos: 0 }), "{text}");
        }
    }

    #[test]
    fn r03_instants_in_data_are_cut_to_milliseconds_in_both_forms() {
        let type_name = "bellwether.source.progressed.v1";
        let at = Timestamp { seconds: -1, nanos: 123_456_789 };
        let message = pb::SourceProgressed { complete_through: Some(at), ..Default::default() };
        let from_bytes = Payload::decode(type_name, &prost::Message::encode_to_vec(&message).into());
        let text = r#"{"completeThrough":"1969-12-31T23:59:59.123999Z"}"#;
        let from_text = Payload::from_json(type_name, text).expect("an instant");
        let cut = Timestamp { nanos: 123_000_000, ..at };
        let cut = pb::SourceProgressed { complete_through: Some(cut), ..Default::default() };
        assert_eq!(from_bytes.expect("a message"), Payload::from(cut.clone()));
        assert_eq!(from_text, Some(Payload::from(cut)));
    }

    #[test]
    fn nanoseconds_that_are_none_are_read_as_the_instant_they_were() {
        for nanos in [i32::MIN, -1_000_001, -1, 0, 999_999, 1_999_999_999, i32::MAX] {
            let at = Timestamp { seconds: 5, nanos };
            let read = <Timestamp as prost::Message>::decode(&*prost::Message::encode_to_vec(&at));
            let read = read.expect("a message");
            assert_eq!(event_time(&read), event_time(&at), "{nanos}");
        }
    }
}
