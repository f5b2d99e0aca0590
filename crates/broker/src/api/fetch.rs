//! Fetch: whole batches as they are on the disk, waiting for more when there are too few.
//!
//! A waiting fetch registers its connection's signal with every partition it asks for, looks, and sleeps until one of
//! them wakes it or its time is up; the time of long waits is up together
//! ([`end_of_wait`](crate::clock::Monotonic::end_of_wait)). Fetch sessions are not kept: every response is a full one.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use tokio::time::Instant;

use super::Caller;
use crate::core::Core;
use crate::log::{AbortedRange, Batches, Buffers, ReadFault};
use crate::sync::lock;
use crate::topics::{Partition, Topic};

/// Most record bytes in one response, whatever the client would take: bounds memory per connection. A client parses
/// one response before it asks for the next, so small ones make both sides wait for each other.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;
/// Longest wait a client may ask for; a client that is gone frees its connection by then.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// First version that names topics by id.
const TOPIC_IDS: i16 = 13;
const READ_COMMITTED: i8 = 1;

/// Reads what is asked for.
pub(super) async fn fetch(
    core: &Core,
    caller: &mut Caller,
    version: i16,
    request: &FetchRequest,
) -> FetchResponse {
    if request.session_id != 0 && request.session_epoch > 0 {
        return FetchResponse::default().with_error_code(ResponseError::FetchSessionIdNotFound.code());
    }
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT);
    let deadline = core.clock.end_of_wait(Instant::now(), wait);
    let least = usize::try_from(request.min_bytes).unwrap_or(0).min(MAX_RESPONSE_BYTES);
    let committed_only = request.isolation_level == READ_COMMITTED;
    loop {
        let wanted = find(core, version, request);
        for (_, _, partition) in wanted.iter().flat_map(|topic| topic.partitions.iter()) {
            if let Some(partition) = partition.as_ref().filter(|_| least > 0) {
                partition.watch(&caller.signal, committed_only);
            }
        }
        let expired = Instant::now() >= deadline;
        if expired || may_suffice(&wanted, least) {
            caller.buffers.reclaim();
            let (response, ready) = read_all(&wanted, version, request, least, &mut caller.buffers);
            if ready || expired {
                return response;
            }
        }
        caller.buffers.release();
        // Woken or not, the next round looks again.
        tokio::time::timeout_at(deadline, caller.signal.notified()).await.ok();
    }
}

/// False when there are certainly too few bytes: a reader that waits for many must not read them at every append.
fn may_suffice(wanted: &[WantedTopic<'_>], least: usize) -> bool {
    let mut bytes = 0;
    for (_, asked, partition) in wanted.iter().flat_map(|topic| topic.partitions.iter()) {
        let Some(partition) = partition else { return true };
        let log = lock(&partition.log);
        if log.deleted || asked.fetch_offset < log.start || asked.fetch_offset > log.end {
            return true;
        }
        bytes += log.bytes_from(asked.fetch_offset);
    }
    bytes >= least as u64
}

struct WantedTopic<'a> {
    request: &'a FetchTopic,
    topic: Option<Arc<Topic>>,
    partitions: Vec<(i32, &'a FetchPartition, Option<Arc<Partition>>)>,
}

fn find<'a>(core: &Core, version: i16, request: &'a FetchRequest) -> Vec<WantedTopic<'a>> {
    let find_one = |wanted: &'a FetchTopic| {
        let topic = if version >= TOPIC_IDS {
            core.topics.by_id(wanted.topic_id)
        } else {
            core.topics.get(&wanted.topic)
        };
        let partition = |index| topic.as_ref().and_then(|topic| topic.partition(index));
        let partitions =
            wanted.partitions.iter().map(|asked| (asked.partition, asked, partition(asked.partition)));
        WantedTopic { request: wanted, partitions: partitions.collect(), topic: topic.clone() }
    };
    request.topics.iter().map(find_one).collect()
}

/// Reads every partition once; the flag says that the response need not wait any longer.
fn read_all(
    wanted: &[WantedTopic<'_>],
    version: i16,
    request: &FetchRequest,
    least: usize,
    buffers: &mut Buffers,
) -> (FetchResponse, bool) {
    let limit = usize::try_from(request.max_bytes).unwrap_or(0).min(MAX_RESPONSE_BYTES);
    let committed_only = request.isolation_level == READ_COMMITTED;
    let mut room = Room { left: limit, first: true };
    let mut bytes = 0;
    let mut failed = false;
    let mut topics = Vec::with_capacity(wanted.len());
    for topic in wanted {
        let unknown = if version >= TOPIC_IDS && topic.topic.is_none() {
            ResponseError::UnknownTopicId
        } else {
            ResponseError::UnknownTopicOrPartition
        };
        let mut rows = Vec::with_capacity(topic.partitions.len());
        for (index, asked, partition) in &topic.partitions {
            let row = match partition {
                Some(partition) => read_one(partition, asked, &mut room, committed_only, buffers),
                None => refused(*index, unknown),
            };
            bytes += row.records.as_ref().map_or(0, bytes::Bytes::len);
            failed |= row.error_code != 0;
            rows.push(row);
        }
        let mut response = FetchableTopicResponse::default().with_partitions(rows);
        if version >= TOPIC_IDS {
            response.topic_id = topic.request.topic_id;
        } else {
            response.topic = topic.request.topic.clone();
        }
        topics.push(response);
    }
    let ready = failed || bytes >= least;
    (FetchResponse::default().with_responses(topics), ready)
}

/// What a response may still take.
struct Room {
    left: usize,
    /// Nothing was taken: the first batch may be of any size, or a client with small bounds would never get on.
    first: bool,
}

impl Room {
    /// Notes what was read of a partition that would have taken `most` bytes.
    fn took(&mut self, batches: &Batches, most: usize) {
        self.left = self.left.saturating_sub(batches.bytes.len());
        self.first &= batches.bytes.is_empty();
        if batches.too_small && self.left < most {
            // As good as full: to look for smaller batches in other partitions costs more than it brings.
            self.left = 0;
        }
    }
}

fn refused(index: i32, error: ResponseError) -> PartitionData {
    PartitionData::default()
        .with_partition_index(index)
        .with_error_code(error.code())
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_records(Some(bytes::Bytes::new()))
}

fn read_one(
    partition: &Partition,
    asked: &FetchPartition,
    room: &mut Room,
    committed_only: bool,
    buffers: &mut Buffers,
) -> PartitionData {
    let index = asked.partition;
    if asked.current_leader_epoch > 0 {
        return refused(index, ResponseError::UnknownLeaderEpoch);
    }
    let log = lock(&partition.log);
    if log.deleted {
        return refused(index, ResponseError::UnknownTopicOrPartition);
    }
    let stable = log.stable_end();
    let bound = if committed_only { stable } else { log.end };
    let most = usize::try_from(asked.partition_max_bytes).unwrap_or(0);
    let batches = match log.read(asked.fetch_offset, bound, most.min(room.left), room.first, buffers) {
        Ok(batches) => batches,
        Err(ReadFault::OutOfRange) => {
            return refused(index, ResponseError::OffsetOutOfRange).with_log_start_offset(log.start);
        }
        Err(error) => {
            let at = &partition.at;
            tracing::error!(topic = %at.topic, partition = at.partition, %error, "cannot read a partition");
            return refused(index, ResponseError::KafkaStorageError);
        }
    };
    room.took(&batches, most);
    let aborted = committed_only.then(|| {
        let row = |range: AbortedRange| {
            AbortedTransaction::default()
                .with_producer_id(range.producer_id.into())
                .with_first_offset(range.first_offset)
        };
        log.aborted_in(batches.from, batches.to).into_iter().map(row).collect()
    });
    PartitionData::default()
        .with_partition_index(index)
        .with_high_watermark(log.end)
        .with_last_stable_offset(stable)
        .with_log_start_offset(log.start)
        .with_aborted_transactions(aborted)
        .with_records(Some(batches.bytes))
}
