//! Instants between protobuf and the model: one precision, milliseconds, truncated at the border (R3).

use bellwether_model::EventTime;
use pbjson_types::Timestamp;

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
