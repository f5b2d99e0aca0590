//! What the broker does with each request. One file per family; every handler turns a decoded request into a
//! response and reports failures as protocol error codes.

mod configs;
mod describe;
mod fetch;
mod groups;
mod list_offsets;
mod metadata;
mod offsets;
mod produce;
mod records;
mod topics;
mod transactions;
mod versions;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{RequestKind, ResponseKind, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::core::Core;
use crate::log::Buffers;
use crate::topics::ReaderSignal;

pub(crate) use versions::unsupported as unsupported_versions;

/// Who asks: the connection's side of a request.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    /// Wakes this connection's waiting fetch.
    pub(crate) signal: ReaderSignal,
    /// Memory that its fetches read into.
    pub(crate) buffers: Buffers,
}

/// Answers a request; `None` when it wants no answer, or is of a kind that is not served.
pub(crate) async fn answer(
    core: &Core,
    caller: &mut Caller,
    version: i16,
    request: RequestKind,
) -> Option<ResponseKind> {
    Some(match request {
        RequestKind::Produce(request) => return produce::produce(core, &request).map(ResponseKind::Produce),
        RequestKind::Fetch(request) => {
            ResponseKind::Fetch(fetch::fetch(core, caller, version, &request).await)
        }
        RequestKind::ListOffsets(request) => {
            ResponseKind::ListOffsets(list_offsets::list(core, version, &request))
        }
        RequestKind::Metadata(request) => ResponseKind::Metadata(metadata::metadata(core, version, &request)),
        RequestKind::OffsetCommit(request) => {
            ResponseKind::OffsetCommit(offsets::commit(core, &request).await)
        }
        RequestKind::OffsetFetch(request) => {
            ResponseKind::OffsetFetch(offsets::fetch(core, version, &request))
        }
        RequestKind::OffsetDelete(request) => ResponseKind::OffsetDelete(offsets::delete(core, &request)),
        RequestKind::FindCoordinator(request) => {
            ResponseKind::FindCoordinator(metadata::find_coordinator(core, version, &request))
        }
        RequestKind::JoinGroup(request) => {
            ResponseKind::JoinGroup(groups::join(core, caller, version, request).await)
        }
        RequestKind::SyncGroup(request) => {
            ResponseKind::SyncGroup(groups::sync(core, version, request).await)
        }
        RequestKind::Heartbeat(request) => ResponseKind::Heartbeat(groups::heartbeat(core, &request)),
        RequestKind::LeaveGroup(request) => ResponseKind::LeaveGroup(groups::leave(core, version, &request)),
        RequestKind::DescribeGroups(request) => {
            ResponseKind::DescribeGroups(groups::describe(core, &request))
        }
        RequestKind::ListGroups(request) => ResponseKind::ListGroups(groups::list(core, version, &request)),
        RequestKind::DeleteGroups(request) => ResponseKind::DeleteGroups(groups::delete(core, &request)),
        RequestKind::ApiVersions(_) => ResponseKind::ApiVersions(versions::supported()),
        RequestKind::CreateTopics(request) => {
            ResponseKind::CreateTopics(topics::create(core, version, &request).await)
        }
        RequestKind::DeleteTopics(request) => {
            ResponseKind::DeleteTopics(topics::delete(core, version, &request).await)
        }
        RequestKind::CreatePartitions(request) => {
            ResponseKind::CreatePartitions(topics::create_partitions(core, &request).await)
        }
        RequestKind::DeleteRecords(request) => ResponseKind::DeleteRecords(records::delete(core, &request)),
        RequestKind::OffsetForLeaderEpoch(request) => {
            ResponseKind::OffsetForLeaderEpoch(records::offset_for_leader_epoch(core, &request))
        }
        RequestKind::DescribeConfigs(request) => {
            ResponseKind::DescribeConfigs(configs::describe(core, version, &request))
        }
        RequestKind::AlterConfigs(request) => ResponseKind::AlterConfigs(configs::alter(core, &request)),
        RequestKind::IncrementalAlterConfigs(request) => {
            ResponseKind::IncrementalAlterConfigs(configs::alter_incrementally(core, &request))
        }
        RequestKind::InitProducerId(request) => {
            ResponseKind::InitProducerId(transactions::init_producer(core, version, &request))
        }
        RequestKind::AddPartitionsToTxn(request) => {
            ResponseKind::AddPartitionsToTxn(transactions::add_partitions(core, version, &request))
        }
        RequestKind::AddOffsetsToTxn(request) => {
            ResponseKind::AddOffsetsToTxn(transactions::add_offsets(core, version, &request))
        }
        RequestKind::TxnOffsetCommit(request) => {
            ResponseKind::TxnOffsetCommit(transactions::commit_offsets(core, &request))
        }
        RequestKind::EndTxn(request) => {
            ResponseKind::EndTxn(transactions::end(core, version, &request).await)
        }
        RequestKind::DescribeCluster(request) => {
            ResponseKind::DescribeCluster(describe::cluster(core, version, &request))
        }
        RequestKind::DescribeLogDirs(request) => {
            ResponseKind::DescribeLogDirs(describe::log_dirs(core, version, &request))
        }
        RequestKind::DescribeProducers(request) => {
            ResponseKind::DescribeProducers(describe::producers(core, &request))
        }
        RequestKind::DescribeTransactions(request) => {
            ResponseKind::DescribeTransactions(describe::transactions(core, &request))
        }
        RequestKind::ListTransactions(request) => {
            ResponseKind::ListTransactions(describe::list_transactions(core, &request))
        }
        _ => return None,
    })
}

/// A protocol string.
fn text(value: impl Into<String>) -> StrBytes {
    StrBytes::from_string(value.into())
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// The error code of an outcome, 0 for success.
fn code<T>(outcome: &Result<T, ResponseError>) -> i16 {
    outcome.as_ref().err().map_or(0, ResponseError::code)
}

/// A storage failure as clients are told; details are in the broker's log.
fn storage_error(error: std::io::Error) -> ResponseError {
    tracing::error!(%error, "a request failed on the disk");
    ResponseError::KafkaStorageError
}
