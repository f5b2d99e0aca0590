//! Committed group offsets: commit, fetch, delete.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest,
    OffsetFetchResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{code, storage_error, text, topic_name};
use crate::core::Core;
use crate::journal::{CommittedOffset, Entry, OffsetRow, OffsetRows, PartitionRef};
use crate::sync::lock;

/// Bytes of metadata kept with an offset, as in Kafka.
const MAX_METADATA: usize = 4_096;
/// First versions of features.
const BATCHED_GROUPS: i16 = 8;
const GROUP_ERRORS: i16 = 2;

/// Checks one position to commit.
pub(super) fn offset_row(
    core: &Core,
    topic: &str,
    partition: i32,
    offset: i64,
    leader_epoch: i32,
    metadata: Option<&StrBytes>,
) -> Result<OffsetRow, ResponseError> {
    let at = PartitionRef { topic: topic.to_owned(), partition };
    if core.topics.partition(&at).is_none() {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    let metadata = metadata.map(ToString::to_string).unwrap_or_default();
    if metadata.len() > MAX_METADATA {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    Ok(OffsetRow { at, offset, leader_epoch, metadata })
}

/// Commits positions of a group.
pub(super) async fn commit(core: &Core, request: &OffsetCommitRequest) -> OffsetCommitResponse {
    let mut accepted = Vec::new();
    let mut outcomes = Vec::new();
    for topic in &request.topics {
        for row in &topic.partitions {
            let metadata = row.committed_metadata.as_ref();
            let (offset, epoch) = (row.committed_offset, row.committed_leader_epoch);
            let checked = offset_row(core, &topic.name, row.partition_index, offset, epoch, metadata);
            outcomes.push(checked.as_ref().map(|_| ()).map_err(|error| *error));
            accepted.extend(checked);
        }
    }
    let mut committed = commit_rows(core, request, accepted);
    if committed.is_ok() {
        committed = core.flusher.sync_journal().await.map_err(storage_error);
    }
    let mut outcomes = outcomes.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let rows = topic.partitions.iter().map(|row| {
            let checked = outcomes.next().unwrap_or(Ok(()));
            OffsetCommitResponsePartition::default()
                .with_partition_index(row.partition_index)
                .with_error_code(code(&committed.and(checked)))
        });
        OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(rows.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

fn commit_rows(
    core: &Core,
    request: &OffsetCommitRequest,
    rows: Vec<OffsetRow>,
) -> Result<(), ResponseError> {
    let group = request.group_id.as_str();
    if group.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    let instance = request.group_instance_id.as_ref().map(StrBytes::as_str);
    let generation = request.generation_id_or_member_epoch;
    core.groups.commit(group, &request.member_id, instance, generation, false, || {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = OffsetRows { group: group.to_owned(), rows };
        core.record(Entry::OffsetsCommitted(rows)).map_err(storage_error)
    })
}

/// One position as fetched.
type Fetched = Result<Option<CommittedOffset>, ResponseError>;

/// Fetches positions of groups.
pub(super) fn fetch(core: &Core, version: i16, request: &OffsetFetchRequest) -> OffsetFetchResponse {
    let stable = request.require_stable;
    if version >= BATCHED_GROUPS {
        let groups = request.groups.iter().map(|asked| {
            let wanted = asked.topics.as_ref().map(|topics| {
                topics.iter().map(|topic| (topic.name.to_string(), topic.partition_indexes.clone())).collect()
            });
            let topics =
                fetch_group(core, &asked.group_id, wanted, stable).into_iter().map(|(topic, rows)| {
                    let rows = rows.into_iter().map(|(index, fetched)| batched_row(index, fetched)).collect();
                    OffsetFetchResponseTopics::default().with_name(topic_name(&topic)).with_partitions(rows)
                });
            OffsetFetchResponseGroup::default()
                .with_group_id(asked.group_id.clone())
                .with_topics(topics.collect())
        });
        return OffsetFetchResponse::default().with_groups(groups.collect());
    }
    // Version 1 knows no "all topics": an absent list cannot be sent and an empty one asks for nothing.
    let wanted = request.topics.as_ref().map(|topics| {
        topics.iter().map(|topic| (topic.name.to_string(), topic.partition_indexes.clone())).collect()
    });
    let wanted = if version < GROUP_ERRORS { Some(wanted.unwrap_or_default()) } else { wanted };
    let topics = fetch_group(core, &request.group_id, wanted, stable).into_iter().map(|(topic, rows)| {
        let rows = rows.into_iter().map(|(index, fetched)| plain_row(version, index, fetched)).collect();
        OffsetFetchResponseTopic::default().with_name(topic_name(&topic)).with_partitions(rows)
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

/// Looks positions up; `None` asks for all of the group.
fn fetch_group(
    core: &Core,
    group: &str,
    wanted: Option<Vec<(String, Vec<i32>)>>,
    stable: bool,
) -> Vec<(String, Vec<(i32, Fetched)>)> {
    let wanted = wanted.unwrap_or_else(|| all_of(core, group));
    let fetch_one = |at: &PartitionRef| {
        // The order matters: a transaction moves its offsets to the journal before it lets go of them.
        if stable && core.transactions.holds_offset(group, at) {
            return Err(ResponseError::UnstableOffsetCommit);
        }
        let journal = lock(&core.journal);
        Ok(journal.image().offsets.get(group).and_then(|rows| rows.get(at)).cloned())
    };
    let fetch_topic = |(topic, partitions): (String, Vec<i32>)| {
        let rows = partitions.into_iter().map(|partition| {
            let at = PartitionRef { topic: topic.clone(), partition };
            (partition, fetch_one(&at))
        });
        let rows = rows.collect();
        (topic, rows)
    };
    wanted.into_iter().map(fetch_topic).collect()
}

fn all_of(core: &Core, group: &str) -> Vec<(String, Vec<i32>)> {
    let journal = lock(&core.journal);
    let mut topics: Vec<(String, Vec<i32>)> = Vec::new();
    for at in journal.image().offsets.get(group).into_iter().flat_map(|rows| rows.keys()) {
        match topics.last_mut().filter(|(topic, _)| *topic == at.topic) {
            Some((_, partitions)) => partitions.push(at.partition),
            None => topics.push((at.topic.clone(), vec![at.partition])),
        }
    }
    topics
}

fn batched_row(index: i32, fetched: Fetched) -> OffsetFetchResponsePartitions {
    let row = OffsetFetchResponsePartitions::default().with_partition_index(index);
    match fetched {
        Ok(Some(found)) => row
            .with_committed_offset(found.offset)
            .with_committed_leader_epoch(found.leader_epoch)
            .with_metadata(Some(text(found.metadata))),
        Ok(None) => row.with_committed_offset(-1).with_metadata(Some(text(""))),
        Err(error) => {
            row.with_committed_offset(-1).with_metadata(Some(text(""))).with_error_code(error.code())
        }
    }
}

fn plain_row(version: i16, index: i32, fetched: Fetched) -> OffsetFetchResponsePartition {
    let row = batched_row(index, fetched);
    let epoch = if version >= 5 { row.committed_leader_epoch } else { -1 };
    OffsetFetchResponsePartition::default()
        .with_partition_index(index)
        .with_committed_offset(row.committed_offset)
        .with_committed_leader_epoch(epoch)
        .with_metadata(row.metadata)
        .with_error_code(row.error_code)
}

/// Deletes positions of a group that has no members.
pub(super) fn delete(core: &Core, request: &OffsetDeleteRequest) -> OffsetDeleteResponse {
    let group = request.group_id.as_str();
    let partitions: Vec<PartitionRef> = request
        .topics
        .iter()
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|row| PartitionRef { topic: topic.name.to_string(), partition: row.partition_index })
        })
        .collect();
    let outcome = core.groups.while_empty(group, || {
        if !lock(&core.journal).image().offsets.contains_key(group) {
            return Err(ResponseError::GroupIdNotFound);
        }
        core.record(Entry::OffsetsDeleted { group: group.to_owned(), partitions }).map_err(storage_error)
    });
    if outcome.is_err() {
        return OffsetDeleteResponse::default().with_error_code(code(&outcome));
    }
    let topics = request.topics.iter().map(|topic| {
        let rows = topic
            .partitions
            .iter()
            .map(|row| OffsetDeleteResponsePartition::default().with_partition_index(row.partition_index));
        OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(rows.collect())
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}
