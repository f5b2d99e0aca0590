//! From the client's messages to records.

use bytes::Bytes;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers as _};

use bellwether_log::{Headers, Record, TopicPartition};

/// A copy of a message that outlives the client's queue.
pub(crate) fn record(from: TopicPartition, message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Headers::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), header.value.map(Bytes::copy_from_slice)))
            .collect()
    });
    Record {
        from,
        offset: message.offset(),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers,
        timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
    }
}
