//! ListOffsets: beginnings, ends and offsets by time.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::topic_name;
use crate::core::Core;
use crate::log::Dated;
use crate::sync::lock;
use crate::topics::Partition;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const LARGEST_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
/// First version whose answers carry a leader epoch.
const LEADER_EPOCHS: i16 = 4;
const READ_COMMITTED: i8 = 1;

/// Looks offsets up.
pub(super) fn list(core: &Core, version: i16, request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let committed_only = request.isolation_level == READ_COMMITTED;
    let topics = request.topics.iter().map(|asked| {
        let topic = core.topics.get(&asked.name);
        let rows = asked.partitions.iter().map(|row| {
            let found = match topic.as_ref().and_then(|topic| topic.partition(row.partition_index)) {
                Some(partition) => look_up(&partition, row.timestamp, committed_only),
                None => Err(ResponseError::UnknownTopicOrPartition),
            };
            respond(version, row.partition_index, found)
        });
        ListOffsetsTopicResponse::default().with_name(topic_name(&asked.name)).with_partitions(rows.collect())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

fn respond(
    version: i16,
    index: i32,
    found: Result<Option<Dated>, ResponseError>,
) -> ListOffsetsPartitionResponse {
    let row = ListOffsetsPartitionResponse::default().with_partition_index(index);
    match found {
        Ok(Some(found)) => {
            let epoch = if version >= LEADER_EPOCHS { 0 } else { -1 };
            row.with_offset(found.offset).with_timestamp(found.timestamp).with_leader_epoch(epoch)
        }
        Ok(None) => row.with_offset(-1).with_timestamp(-1),
        Err(error) => row.with_offset(-1).with_timestamp(-1).with_error_code(error.code()),
    }
}

fn look_up(
    partition: &Partition,
    timestamp: i64,
    committed_only: bool,
) -> Result<Option<Dated>, ResponseError> {
    let log = lock(&partition.log);
    let bound = if committed_only { log.stable_end() } else { log.end };
    let undated = |offset| Ok(Some(Dated { offset, timestamp: -1 }));
    let found = match timestamp {
        LATEST => return undated(bound),
        EARLIEST | EARLIEST_LOCAL => return undated(log.start),
        LATEST_TIERED => return Ok(None),
        LARGEST_TIMESTAMP => log.latest_record(),
        timestamp if timestamp >= 0 => log.offset_for_time(timestamp),
        _ => return Err(ResponseError::InvalidRequest),
    };
    let found = found.map_err(|error| {
        let at = &partition.at;
        tracing::error!(topic = %at.topic, partition = at.partition, %error, "cannot look an offset up");
        ResponseError::KafkaStorageError
    })?;
    Ok(found.filter(|found| found.offset < bound))
}
