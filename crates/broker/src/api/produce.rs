//! Produce: checks each batch without looking at its records and appends it verbatim.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ProduceRequest;
use kafka_protocol::messages::ProduceResponse;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};

use super::{text, topic_name};
use crate::core::Core;
use crate::log::batch::{BatchFault, BatchHeader};
use crate::log::partition::{AppendFault, Appended};
use crate::log::producers::ProducerFault;
use crate::log::records::all_keyed;
use crate::log::settings::LogSettings;
use crate::topics::Partition;
use crate::txn::ProducerKey;

/// Appends what a producer sends; `None` when it wants no acknowledgement.
pub(super) fn produce(core: &Core, request: &ProduceRequest) -> Option<ProduceResponse> {
    let transactional_id = request.transactional_id.as_ref().map(|id| id.as_str());
    let mut responses = Vec::with_capacity(request.topic_data.len());
    for data in &request.topic_data {
        let topic = core.topics.get(&data.name);
        let rows = data.partition_data.iter().map(|data| {
            let partition = topic.as_ref().and_then(|topic| topic.partition(data.index));
            let outcome = match (request.acks, partition) {
                (-1..=1, Some(partition)) => append(core, &partition, transactional_id, data),
                (-1..=1, None) => Err(Refusal::plain(ResponseError::UnknownTopicOrPartition)),
                _ => Err(Refusal::plain(ResponseError::InvalidRequiredAcks)),
            };
            row(data.index, outcome)
        });
        let rows = rows.collect();
        responses.push(
            TopicProduceResponse::default().with_name(topic_name(&data.name)).with_partition_responses(rows),
        );
    }
    (request.acks != 0).then(|| ProduceResponse::default().with_responses(responses))
}

/// Why a batch is not accepted, with words where the code alone does not tell.
struct Refusal {
    error: ResponseError,
    message: Option<String>,
}

impl Refusal {
    fn plain(error: ResponseError) -> Self {
        Self { error, message: None }
    }

    fn with(error: ResponseError, message: impl ToString) -> Self {
        Self { error, message: Some(message.to_string()) }
    }
}

fn row(index: i32, outcome: Result<(Appended, i64), Refusal>) -> PartitionProduceResponse {
    let row = PartitionProduceResponse::default().with_index(index);
    match outcome {
        Ok((appended, start)) => row
            .with_base_offset(appended.base_offset)
            .with_log_append_time_ms(appended.append_time.unwrap_or(-1))
            .with_log_start_offset(start),
        Err(refusal) => row
            .with_error_code(refusal.error.code())
            .with_base_offset(-1)
            .with_log_start_offset(-1)
            .with_error_message(refusal.message.map(text)),
    }
}

fn append(
    core: &Core,
    partition: &Partition,
    transactional_id: Option<&str>,
    data: &PartitionProduceData,
) -> Result<(Appended, i64), Refusal> {
    let records = data.records.as_deref().unwrap_or_default();
    let header = check(records, &partition.settings().log)?;
    let appended = if header.is_transactional() {
        let id = transactional_id.ok_or_else(|| Refusal::plain(ResponseError::InvalidTxnState))?;
        let producer = ProducerKey { id: header.producer_id, epoch: header.producer_epoch };
        core.transactions
            .write(id, producer, &partition.at, || partition.append(records, &header))
            .map_err(|error| Refusal::plain(zombie_error(error)))?
    } else {
        partition.append(records, &header)
    };
    appended.map_err(|fault| refuse(partition, &fault))
}

/// Checks the shape of what should be exactly one batch of format 2.
fn check(records: &[u8], settings: &LogSettings) -> Result<BatchHeader, Refusal> {
    let header = BatchHeader::parse_whole(records).map_err(|fault| match fault {
        BatchFault::Magic(_) => Refusal::with(ResponseError::UnsupportedForMessageFormat, fault),
        BatchFault::Short | BatchFault::Shape | BatchFault::Checksum => {
            Refusal::with(ResponseError::CorruptMessage, fault)
        }
    })?;
    if header.size > settings.max_message_bytes {
        return Err(Refusal::plain(ResponseError::MessageTooLarge));
    }
    let whole = header.size == records.len();
    let counted = header.record_count > 0 && header.record_count - 1 == header.last_offset_delta;
    let numbered = !header.has_producer() || (header.producer_epoch >= 0 && header.base_sequence >= 0);
    let named = !header.is_transactional() || header.has_producer();
    let known_codec = (0..=4).contains(&header.compression());
    if !whole || !counted || !numbered || !named || !known_codec || header.is_control() {
        return Err(Refusal::with(
            ResponseError::InvalidRecord,
            "a produce request holds exactly one data batch per partition, with dense offsets",
        ));
    }
    if settings.compact {
        match all_keyed(records, &header) {
            Ok(true) => {}
            Ok(false) => {
                return Err(Refusal::with(
                    ResponseError::InvalidRecord,
                    "records of a compacted topic need a key",
                ));
            }
            Err(fault) => return Err(Refusal::with(ResponseError::InvalidRecord, fault)),
        }
    }
    Ok(header)
}

/// Producers are told about fencing with the code that all clients know in this place.
fn zombie_error(error: ResponseError) -> ResponseError {
    if error == ResponseError::ProducerFenced { ResponseError::InvalidProducerEpoch } else { error }
}

fn refuse(partition: &Partition, fault: &AppendFault) -> Refusal {
    let at = &partition.at;
    match fault {
        AppendFault::Producer(ProducerFault::Fenced) => Refusal::plain(ResponseError::InvalidProducerEpoch),
        AppendFault::Producer(ProducerFault::OutOfOrder) => {
            Refusal::plain(ResponseError::OutOfOrderSequenceNumber)
        }
        AppendFault::Producer(ProducerFault::TransactionOpen) => {
            Refusal::plain(ResponseError::InvalidTxnState)
        }
        AppendFault::Deleted => Refusal::plain(ResponseError::UnknownTopicOrPartition),
        AppendFault::Io(error) => {
            tracing::error!(topic = %at.topic, partition = at.partition, %error, "cannot append a batch");
            Refusal::with(ResponseError::KafkaStorageError, error)
        }
        AppendFault::Broken => Refusal::with(ResponseError::KafkaStorageError, fault),
    }
}

#[cfg(test)]
#[path = "produce/tests.rs"]
mod tests;
