//! The body of a fetch response, without a copy of its records: the codec would put them into its own buffer, and they
//! are nearly all of the bytes a broker sends. Everything else is left to the codec; a test holds this against it.

use bytes::{BufMut, Bytes};
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};

use super::reply::Pieces;

/// First version with a log start offset.
const LOG_START: i16 = 5;
/// First version with an error of the whole response, and a session.
const SESSIONS: i16 = 7;
/// First version that may name another replica to read from.
const REPLICAS: i16 = 11;
/// First version with compact lengths and tagged fields.
const FLEXIBLE: i16 = 12;
/// First version that names topics by id.
const TOPIC_IDS: i16 = 13;

/// Encodes a response. Tagged fields are not used by this broker, so they are always absent.
pub(super) fn encode(response: &FetchResponse, version: i16, pieces: Pieces) -> Pieces {
    let mut out = Out { pieces, version };
    out.pieces.open.put_i32(response.throttle_time_ms);
    if version >= SESSIONS {
        out.pieces.open.put_i16(response.error_code);
        out.pieces.open.put_i32(response.session_id);
    }
    out.length(Some(response.responses.len()));
    response.responses.iter().for_each(|topic| out.topic(topic));
    out.tags();
    out.pieces
}

struct Out {
    pieces: Pieces,
    version: i16,
}

impl Out {
    fn topic(&mut self, topic: &FetchableTopicResponse) {
        if self.version >= TOPIC_IDS {
            self.pieces.open.put_slice(topic.topic_id.as_bytes());
        } else if self.version >= FLEXIBLE {
            self.length(Some(topic.topic.len()));
            self.pieces.open.put_slice(topic.topic.as_bytes());
        } else {
            // A topic's name has at most 249 bytes.
            self.pieces.open.put_i16(topic.topic.len() as i16);
            self.pieces.open.put_slice(topic.topic.as_bytes());
        }
        self.length(Some(topic.partitions.len()));
        topic.partitions.iter().for_each(|partition| self.partition(partition));
        self.tags();
    }

    fn partition(&mut self, partition: &PartitionData) {
        self.pieces.open.put_i32(partition.partition_index);
        self.pieces.open.put_i16(partition.error_code);
        self.pieces.open.put_i64(partition.high_watermark);
        self.pieces.open.put_i64(partition.last_stable_offset);
        if self.version >= LOG_START {
            self.pieces.open.put_i64(partition.log_start_offset);
        }
        let aborted = partition.aborted_transactions.as_ref();
        self.length(aborted.map(Vec::len));
        aborted.into_iter().flatten().for_each(|aborted| self.aborted(aborted));
        if self.version >= REPLICAS {
            self.pieces.open.put_i32(partition.preferred_read_replica.0);
        }
        self.length(partition.records.as_ref().map(Bytes::len));
        if let Some(records) = &partition.records {
            self.pieces.append(records);
        }
        self.tags();
    }

    fn aborted(&mut self, aborted: &AbortedTransaction) {
        self.pieces.open.put_i64(aborted.producer_id.0);
        self.pieces.open.put_i64(aborted.first_offset);
        self.tags();
    }

    /// The length of a list, a text or bytes; `None` where there is none.
    fn length(&mut self, length: Option<usize>) {
        if self.version >= FLEXIBLE {
            let mut rest = length.map_or(0, |length| length + 1);
            while rest >= 0x80 {
                self.pieces.open.put_u8(rest as u8 | 0x80);
                rest >>= 7;
            }
            self.pieces.open.put_u8(rest as u8);
        } else {
            // The whole response is held against the same bound when it is framed.
            let length = length.map_or(-1, |length| i32::try_from(length).unwrap_or(i32::MAX));
            self.pieces.open.put_i32(length);
        }
    }

    fn tags(&mut self) {
        if self.version >= FLEXIBLE {
            self.pieces.open.put_u8(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::messages::{ApiKey, TopicName};
    use kafka_protocol::protocol::{Encodable, StrBytes};
    use uuid::Uuid;

    use super::*;
    use crate::wire::layout::layout_of;

    fn partition(version: i16, index: i32, records: Option<usize>, aborted: Option<i64>) -> PartitionData {
        let aborted = aborted.map(|count| {
            let row = |at: i64| {
                AbortedTransaction::default().with_producer_id((at * 7).into()).with_first_offset(at + 1_000)
            };
            (0..count).map(row).collect()
        });
        let known = PartitionData::default()
            .with_partition_index(index)
            .with_error_code(index as i16 * 3)
            .with_high_watermark(1 << 40)
            .with_last_stable_offset(77)
            .with_log_start_offset(5)
            .with_aborted_transactions(aborted)
            .with_records(records.map(|length| Bytes::from(vec![index as u8; length])));
        // The codec refuses a field that its version has no place for.
        if version >= REPLICAS { known.with_preferred_read_replica(index.into()) } else { known }
    }

    #[test]
    fn every_version_is_as_the_codec_writes_it() {
        let layout = layout_of(ApiKey::Fetch as i16).unwrap();
        for version in layout.min..=layout.max {
            let topic = |name: &str, partitions| {
                let topic = FetchableTopicResponse::default().with_partitions(partitions);
                if version >= TOPIC_IDS {
                    topic.with_topic_id(Uuid::from_u128(name.len() as u128))
                } else {
                    topic.with_topic(TopicName(StrBytes::from_string(name.to_owned())))
                }
            };
            let full = vec![
                partition(version, 0, Some(0), None),
                partition(version, 1, Some(200), Some(0)),
                partition(version, 2, Some(70_000), Some(200)),
                partition(version, 3, None, Some(1)),
            ];
            let topics = vec![topic("one", full), topic(&"x".repeat(200), Vec::new())];
            let mut response = FetchResponse::default().with_throttle_time_ms(9).with_responses(topics);
            if version >= SESSIONS {
                response = response.with_error_code(3).with_session_id(11);
            }
            for response in [response, FetchResponse::default()] {
                let mut expected = BytesMut::new();
                response.encode(&mut expected, version).unwrap();
                let pieces: Vec<Bytes> = encode(&response, version, Pieces::default()).finish().into();
                assert_eq!(pieces.concat(), expected, "version {version}");
            }
        }
    }
}
