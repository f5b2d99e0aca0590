//! Reads one simulated partition.

use std::sync::Arc;
use std::time::Duration;

use super::fault::Call;
use super::partition::Limit;
use super::{Shared, Weakness, lock};
use crate::{Error, ErrorClass, PartitionReader, Record, Result, TopicPartition};

/// What one call hands over at most; small, so that tests see several batches.
const MAX_RECORDS: usize = 500;

#[derive(Debug)]
pub(super) struct SimReader {
    shared: Shared,
    process: u64,
    partition: TopicPartition,
    next_offset: i64,
}

impl SimReader {
    pub(super) fn new(shared: &Shared, process: u64, partition: TopicPartition, next_offset: i64) -> Self {
        Self { shared: Arc::clone(shared), process, partition, next_offset }
    }
}

impl PartitionReader for SimReader {
    fn next(&mut self, _timeout: Duration) -> Result<Vec<Record>> {
        let mut world = lock(&self.shared);
        let fault = world.step(self.process, Call::Other, "read a partition")?;
        let show_aborted = world.weakness == Some(Weakness::ShowAborted);
        let records = 1 + world.random.below(MAX_RECORDS);
        let limit = Limit { records, bytes: usize::MAX };
        let read = world.partition(&self.partition)?.read(self.next_offset, limit, show_aborted);
        let result = read.ok_or_else(|| out_of_range(&self.partition, self.next_offset));
        let (records, next_offset) = world.done(self.process, fault, "read a partition", result)?;
        self.next_offset = next_offset;
        Ok(records)
    }

    fn next_offset(&self) -> i64 {
        self.next_offset
    }
}

pub(super) fn out_of_range(partition: &TopicPartition, offset: i64) -> Error {
    Error::new(
        ErrorClass::Fatal,
        format!("read {partition} at {offset}: the offset is outside what the log keeps"),
    )
}
