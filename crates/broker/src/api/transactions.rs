//! Producer ids and transactions: translation between messages and the transaction coordinator.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse, ProducerId,
    TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::code;
use super::offsets::offset_row;
use crate::core::Core;
use crate::journal::PartitionRef;
use crate::log::batch::Ending;
use crate::txn::{InitRequest, ProducerKey};

/// First versions whose clients know PRODUCER_FENCED; older ones are told INVALID_PRODUCER_EPOCH, which they
/// take as being fenced.
const INIT_KNOWS_FENCED: i16 = 4;
const OTHERS_KNOW_FENCED: i16 = 2;

fn fenced_for(version: i16, knows: i16) -> impl Fn(ResponseError) -> ResponseError {
    move |error| match error {
        ResponseError::ProducerFenced if version < knows => ResponseError::InvalidProducerEpoch,
        other => other,
    }
}

/// Gives a producer its id and epoch.
pub(super) fn init_producer(
    core: &Core,
    version: i16,
    request: &InitProducerIdRequest,
) -> InitProducerIdResponse {
    let known = (request.producer_id.0 >= 0)
        .then_some(ProducerKey { id: request.producer_id.0, epoch: request.producer_epoch });
    let init = InitRequest {
        transactional_id: request.transactional_id.as_ref().map(|id| id.as_str()),
        timeout_ms: request.transaction_timeout_ms,
        known,
    };
    let seated = core.transactions.init(core.transaction_context(), init);
    match seated.map_err(fenced_for(version, INIT_KNOWS_FENCED)) {
        Ok(producer) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch),
        Err(error) => InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1),
    }
}

/// Lets partitions join a transaction; all or none.
pub(super) fn add_partitions(
    core: &Core,
    version: i16,
    request: &AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let all: Vec<PartitionRef> = request
        .v3_and_below_topics
        .iter()
        .flat_map(|topic| {
            let at = |partition: &i32| PartitionRef { topic: topic.name.to_string(), partition: *partition };
            topic.partitions.iter().map(at).collect::<Vec<_>>()
        })
        .collect();
    let unknown: Vec<&PartitionRef> = all.iter().filter(|at| core.topics.partition(at).is_none()).collect();
    let outcome = if unknown.is_empty() {
        let producer = ProducerKey {
            id: request.v3_and_below_producer_id.0,
            epoch: request.v3_and_below_producer_epoch,
        };
        let id = request.v3_and_below_transactional_id.as_str();
        let added = core.transactions.add_partitions(core.transaction_context(), id, producer, all.clone());
        added.map_err(fenced_for(version, OTHERS_KNOW_FENCED))
    } else {
        Err(ResponseError::OperationNotAttempted)
    };
    let topics = request.v3_and_below_topics.iter().map(|topic| {
        let rows = topic.partitions.iter().map(|index| {
            let missing = unknown.iter().any(|at| at.topic == topic.name.as_str() && at.partition == *index);
            let error = if missing { ResponseError::UnknownTopicOrPartition.code() } else { code(&outcome) };
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*index)
                .with_partition_error_code(error)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(rows.collect())
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

/// Lets a group's offsets join a transaction.
pub(super) fn add_offsets(
    core: &Core,
    version: i16,
    request: &AddOffsetsToTxnRequest,
) -> AddOffsetsToTxnResponse {
    let producer = ProducerKey { id: request.producer_id.0, epoch: request.producer_epoch };
    let context = core.transaction_context();
    let added = core.transactions.add_group(context, &request.transactional_id, producer, &request.group_id);
    AddOffsetsToTxnResponse::default()
        .with_error_code(code(&added.map_err(fenced_for(version, OTHERS_KNOW_FENCED))))
}

/// Keeps a group's offsets for the end of a transaction.
pub(super) fn commit_offsets(core: &Core, request: &TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
    let mut rows = Vec::new();
    let mut outcomes = Vec::new();
    for topic in &request.topics {
        for row in &topic.partitions {
            let metadata = row.committed_metadata.as_ref();
            let (offset, epoch) = (row.committed_offset, row.committed_leader_epoch);
            let checked = offset_row(core, &topic.name, row.partition_index, offset, epoch, metadata);
            outcomes.push(checked.as_ref().map(|_| ()).map_err(|error| *error));
            rows.extend(checked);
        }
    }
    let producer = ProducerKey { id: request.producer_id.0, epoch: request.producer_epoch };
    let group = request.group_id.as_str();
    let instance = request.group_instance_id.as_ref().map(StrBytes::as_str);
    let check =
        || core.groups.commit(group, &request.member_id, instance, request.generation_id, true, || Ok(()));
    let kept = core.transactions.add_offsets(&request.transactional_id, producer, group, rows, check);
    // No version of this request knows PRODUCER_FENCED.
    let kept = kept.map_err(fenced_for(0, 1));
    let mut outcomes = outcomes.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let rows = topic.partitions.iter().map(|row| {
            let checked = outcomes.next().unwrap_or(Ok(()));
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(row.partition_index)
                .with_error_code(code(&kept.and(checked)))
        });
        TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(rows.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

/// Ends a transaction.
pub(super) async fn end(core: &Core, version: i16, request: &EndTxnRequest) -> EndTxnResponse {
    let producer = ProducerKey { id: request.producer_id.0, epoch: request.producer_epoch };
    let ending = if request.committed { Ending::Commit } else { Ending::Abort };
    let context = core.transaction_context();
    let ended = core.transactions.end(context, &request.transactional_id, producer, ending).await;
    EndTxnResponse::default().with_error_code(code(&ended.map_err(fenced_for(version, OTHERS_KNOW_FENCED))))
}
