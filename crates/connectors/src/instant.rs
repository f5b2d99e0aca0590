//! Instants as the sources write them, brought to milliseconds in UTC (R3).
//!
//! Seen: `2020-06-12T08:13:13.360+0800`, `2020-06-12T00:38:51.882Z`, `2013-03-06T21:33:15-05:00`, six digits of the
//! second, epoch milliseconds as a number. A text without an offset names no instant and is none.

use bellwether_model::EventTime;
use chrono::DateTime;

/// The offset without a colon that Jira's REST API writes.
const COMPACT_OFFSET: &str = "%Y-%m-%dT%H:%M:%S%.f%z";

/// Reads an instant; `None` when the text names none.
pub(crate) fn parse(text: &str) -> Option<EventTime> {
    let text = text.trim();
    EventTime::parse(text).ok().or_else(|| {
        let read = DateTime::parse_from_str(text, COMPACT_OFFSET).ok()?;
        from_epoch_ms(read.timestamp_millis())
    })
}

/// An instant of epoch milliseconds; `None` outside the years an event can be of.
pub(crate) fn from_epoch_ms(ms: i64) -> Option<EventTime> {
    let at = EventTime::from_ms(ms);
    (at.ms() == ms).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_the_sources_write_is_the_same_instant() {
        let expected = EventTime::parse("2020-06-12T00:13:13.360Z").unwrap();
        for text in [
            "2020-06-12T08:13:13.360+0800",
            "2020-06-12T08:13:13.360+08:00",
            "2020-06-12T00:13:13.360000Z",
            "2020-06-11T19:13:13.360-05:00",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("2020-06-12 08:13:13"), None);
        assert_eq!(parse("12/Nov/20 9:25 PM"), None);
    }
}
