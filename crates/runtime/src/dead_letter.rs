//! The record that goes to the dead-letter topic: the one that failed, unchanged, with headers that say why and
//! where it came from, so that it can be put back. Only one too large to be appended again loses its value.

use bellwether_log::{NewRecord, Record, TopicPartition};
use bytes::Bytes;

use crate::fold::{Poison, UnitId};
use crate::options::DeadLetterTopic;

/// Header: what was wrong.
pub const CAUSE: &str = "bellwether-dead-letter-cause";
/// Header: at what it failed.
pub const STAGE: &str = "bellwether-dead-letter-stage";
/// Header: role that could not fold it.
pub const ROLE: &str = "bellwether-dead-letter-role";
/// Header: topic it was read from.
pub const TOPIC: &str = "bellwether-dead-letter-topic";
/// Header: partition it was read from, decimal.
pub const PARTITION: &str = "bellwether-dead-letter-partition";
/// Header: its offset there, decimal.
pub const OFFSET: &str = "bellwether-dead-letter-offset";

/// Header: bytes of the value that was left out because the record was too large to be appended with the headers
/// above; it can still be read where it came from.
pub const LEFT_OUT: &str = "bellwether-dead-letter-left-out";

/// Largest record diverted whole: what a topic takes by default, less room for our headers. A commit that the log
/// can never take would end the service, and end it again.
const MAX_RECORD_BYTES: usize = 1_040_000;
/// Longest cause in a header: what a reader of the topic looks at on one screen.
const MAX_CAUSE_BYTES: usize = 1_000;

/// The record to append.
pub(crate) fn dead_letter(
    to: &DeadLetterTopic,
    role: &str,
    unit: UnitId,
    record: &Record,
    poison: &Poison,
) -> NewRecord {
    let text = |name: &str, value: String| (name.to_owned(), Some(Bytes::from(value)));
    let mut headers = record.headers.clone();
    headers.extend([
        text(CAUSE, cut(&poison.cause)),
        text(STAGE, poison.stage.as_str().to_owned()),
        text(ROLE, role.to_owned()),
        text(TOPIC, record.from.topic.clone()),
        text(PARTITION, record.from.partition.to_string()),
        text(OFFSET, record.offset.to_string()),
    ]);
    let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    let of_headers: usize = record.headers.iter().map(|(name, value)| name.len() + length(value)).sum();
    let whole = length(&record.key) + length(&record.value) + of_headers <= MAX_RECORD_BYTES;
    if !whole {
        headers.push(text(LEFT_OUT, length(&record.value).to_string()));
    }
    NewRecord {
        to: TopicPartition::new(to.topic.clone(), unit.0 % to.partitions.max(1)),
        key: record.key.clone(),
        value: record.value.clone().filter(|_| whole),
        headers,
        timestamp_ms: Some(record.timestamp_ms),
    }
}

fn cut(cause: &str) -> String {
    let mut end = cause.len().min(MAX_CAUSE_BYTES);
    while !cause.is_char_boundary(end) {
        end -= 1;
    }
    cause[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::Stage;

    #[test]
    fn the_record_is_unchanged_and_its_origin_is_told() {
        let record = Record {
            from: TopicPartition::new("facts", 9),
            offset: 41,
            key: Some("k".into()),
            value: Some("v".into()),
            headers: vec![("id".to_owned(), Some("7".into()))],
            timestamp_ms: 5,
        };
        let to = DeadLetterTopic { topic: "dlq".to_owned(), partitions: 4 };
        let letter = dead_letter(&to, "process", UnitId(9), &record, &Poison::new(Stage::Decode, "short"));
        assert_eq!(letter.to, TopicPartition::new("dlq", 1));
        assert_eq!((letter.key, letter.value, letter.timestamp_ms), (record.key, record.value, Some(5)));
        let told: Vec<(&str, &[u8])> = letter
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or_default()))
            .collect();
        let expected: [(&str, &[u8]); 7] = [
            ("id", b"7"),
            (CAUSE, b"short"),
            (STAGE, b"decode"),
            (ROLE, b"process"),
            (TOPIC, b"facts"),
            (PARTITION, b"9"),
            (OFFSET, b"41"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_record_too_large_for_the_topic_leaves_its_value_behind() {
        let mut record = Record {
            from: TopicPartition::new("page", 0),
            offset: 1,
            key: None,
            value: Some(vec![0; MAX_RECORD_BYTES].into()),
            headers: vec![],
            timestamp_ms: 5,
        };
        let to = DeadLetterTopic { topic: "dlq".to_owned(), partitions: 1 };
        let poison = Poison::new(Stage::Decode, "large");
        let whole = dead_letter(&to, "route", UnitId(0), &record, &poison);
        assert_eq!(whole.value.map(|value| value.len()), Some(MAX_RECORD_BYTES));

        record.value = Some(vec![0; MAX_RECORD_BYTES + 1].into());
        let cut = dead_letter(&to, "route", UnitId(0), &record, &poison);
        assert_eq!(cut.value, None);
        assert_eq!(cut.headers.last(), Some(&(LEFT_OUT.to_owned(), Some(Bytes::from("1040001")))));
    }

    #[test]
    fn a_long_cause_is_cut_between_characters() {
        assert_eq!(cut(&"ä".repeat(1_000)), "ä".repeat(500));
        assert_eq!(cut(&format!("a{}", "ä".repeat(1_000))).len(), 999);
    }
}
