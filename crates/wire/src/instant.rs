//! Instants between protobuf and the model: one precision, milliseconds, truncated at the border (R3).

use bellwether_model::EventTime;
use chrono::{DateTime, SecondsFormat};
use pbjson_types::Timestamp;
use serde::{Serialize, Serializer};

/// Protobuf form of an instant.
pub fn timestamp(at: EventTime) -> Timestamp {
    let ms = at.ms();
    let nanos = i32::try_from(ms.rem_euclid(1000) * 1_000_000).expect("below a second");
    Timestamp { seconds: ms.div_euclid(1000), nanos }
}

/// Instant of a protobuf timestamp, truncated towards the past; `None` when it is out of range.
pub fn event_time(timestamp: &Timestamp) -> Option<EventTime> {
    let ms =
        timestamp.seconds.checked_mul(1000)?.checked_add(i64::from(timestamp.nanos).div_euclid(1_000_000))?;
    Some(EventTime::from_ms(ms))
}

/// Instant of an optional field; `None` when absent or out of range.
pub fn optional(field: Option<&Timestamp>) -> Option<EventTime> {
    field.and_then(event_time)
}

/// An instant as the protobuf-JSON mapping writes it: in UTC with `Z` and 0, 3, 6 or 9 fractional digits. One that the
/// mapping cannot hold is `null`, which reads as absent.
#[derive(Debug)]
pub(crate) struct Text<'a>(pub(crate) &'a Timestamp);

/// First and last second of the years 1 to 9999, beyond which the mapping has no instants.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Timestamp { seconds, nanos } = *self.0;
        let nanos = u32::try_from(nanos).ok().filter(|_| SECONDS.contains(&seconds));
        match nanos.and_then(|nanos| DateTime::from_timestamp(seconds, nanos)) {
            Some(at) => serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Payload, pb};

    fn text(seconds: i64, nanos: i32) -> serde_json::Value {
        serde_json::to_value(Text(&Timestamp { seconds, nanos })).expect("text or null")
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
}
