//! DeleteRecords and OffsetForLeaderEpoch.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};

use super::storage_error;
use crate::core::Core;
use crate::journal::Entry;
use crate::sync::lock;
use crate::topics::Partition;

/// Stands for the end of the log in DeleteRecords.
const HIGH_WATERMARK: i64 = -1;

/// Deletes the records below given offsets.
pub(super) fn delete(core: &Core, request: &DeleteRecordsRequest) -> DeleteRecordsResponse {
    let topics = request.topics.iter().map(|asked| {
        let topic = core.topics.get(&asked.name);
        let rows = asked.partitions.iter().map(|row| {
            let result = DeleteRecordsPartitionResult::default().with_partition_index(row.partition_index);
            let outcome = match topic.as_ref().and_then(|topic| topic.partition(row.partition_index)) {
                Some(partition) => delete_one(core, &partition, row.offset),
                None => Err(ResponseError::UnknownTopicOrPartition),
            };
            match outcome {
                Ok(start) => result.with_low_watermark(start),
                Err(error) => result.with_low_watermark(-1).with_error_code(error.code()),
            }
        });
        DeleteRecordsTopicResult::default().with_name(asked.name.clone()).with_partitions(rows.collect())
    });
    DeleteRecordsResponse::default().with_topics(topics.collect())
}

fn delete_one(core: &Core, partition: &Partition, offset: i64) -> Result<i64, ResponseError> {
    if !partition.settings().log.delete {
        return Err(ResponseError::PolicyViolation);
    }
    let mut log = lock(&partition.log);
    let offset = if offset == HIGH_WATERMARK { log.end } else { offset };
    if offset < 0 || offset > log.end {
        return Err(ResponseError::OffsetOutOfRange);
    }
    if offset > log.start {
        let raised = Entry::StartRaised { at: partition.at.clone(), offset };
        core.record(raised).map_err(storage_error)?;
    }
    log.delete_before(offset).map_err(storage_error)
}

/// Tells where a leader epoch ends. There is one epoch, 0, and it ends at the end of the log.
pub(super) fn offset_for_leader_epoch(
    core: &Core,
    request: &OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.iter().map(|asked| {
        let topic = core.topics.get(&asked.topic);
        let rows = asked.partitions.iter().map(|row| {
            let result = EpochEndOffset::default().with_partition(row.partition);
            match topic.as_ref().and_then(|topic| topic.partition(row.partition)) {
                None => result.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                Some(_) if row.current_leader_epoch > 0 => {
                    result.with_error_code(ResponseError::UnknownLeaderEpoch.code())
                }
                Some(_) if row.leader_epoch != 0 => result,
                Some(partition) => result.with_leader_epoch(0).with_end_offset(lock(&partition.log).end),
            }
        });
        OffsetForLeaderTopicResult::default().with_topic(asked.topic.clone()).with_partitions(rows.collect())
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}
