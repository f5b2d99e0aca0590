//! Started partitions and what was fetched of them: filled message by message, taken as one batch.
//!
//! Invariants: a record is admitted when its partition is started and its offset is the next or a later one; what
//! is taken is in partition order, and in offset order within a partition.

use bellwether_log::{Record, TopicPartition};
use bytes::Bytes;
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;

use crate::records::record;

#[derive(Debug, Default)]
pub(super) struct Flows {
    /// Sorted by partition.
    flows: Vec<Flow>,
    /// Messages come in runs of one partition: where the last one went.
    last: usize,
    records: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Flow {
    from: TopicPartition,
    number: i32,
    next_offset: i64,
    stash: Vec<Record>,
}

impl Flows {
    /// Starts a partition, or starts it anew: what was fetched is forgotten.
    pub(super) fn start(&mut self, partition: &TopicPartition, next_offset: i64) {
        self.stop(partition);
        let place = self.flows.partition_point(|flow| flow.from < *partition);
        let number = i32::try_from(partition.partition).unwrap_or(i32::MAX);
        self.flows.insert(place, Flow { from: partition.clone(), number, next_offset, stash: Vec::new() });
    }

    /// Stops a partition and forgets what was fetched of it.
    pub(super) fn stop(&mut self, partition: &TopicPartition) {
        self.flows.retain(|flow| flow.from != *partition);
        self.records = self.flows.iter().map(|flow| flow.stash.len()).sum();
        self.bytes = self.flows.iter().flat_map(|flow| &flow.stash).map(size).sum();
    }

    /// Keeps a message that is due; drops any other.
    pub(super) fn admit(&mut self, message: &BorrowedMessage<'_>) {
        let (topic, number) = (message.topic(), message.partition());
        if !self.flows.get(self.last).is_some_and(|flow| flow.number == number && flow.from.topic == topic) {
            let found = self.flows.binary_search_by(|flow| {
                flow.from.topic.as_str().cmp(topic).then_with(|| flow.number.cmp(&number))
            });
            let Ok(place) = found else { return };
            self.last = place;
        }
        let Some(flow) = self.flows.get_mut(self.last) else { return };
        if message.offset() >= flow.next_offset {
            flow.next_offset = message.offset() + 1;
            let record = record(flow.from.clone(), message);
            self.records += 1;
            self.bytes += size(&record);
            flow.stash.push(record);
        }
    }

    /// True while neither bound is reached.
    pub(super) fn has_room(&self, records: usize, bytes: usize) -> bool {
        self.records < records.max(1) && self.bytes < bytes.max(1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(super) fn take(&mut self) -> Vec<Record> {
        let mut taken = Vec::with_capacity(self.records);
        for flow in &mut self.flows {
            taken.append(&mut flow.stash);
        }
        (self.records, self.bytes) = (0, 0);
        taken
    }
}

/// Bytes a record counts for.
fn size(record: &Record) -> usize {
    let headers =
        record.headers.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Bytes::len));
    record.key.as_ref().map_or(0, Bytes::len)
        + record.value.as_ref().map_or(0, Bytes::len)
        + headers.sum::<usize>()
}
