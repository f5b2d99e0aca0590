//! Reads one partition outside any group, committed records only, up to the stable end.
//!
//! Invariant: an empty answer means that the stable end, asked for during the call, was reached. The position is
//! our own: the client's is one too far after an end-of-partition event taken in a batch.

use std::time::{Duration, Instant};

use metrics::counter;
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use bellwether_log::{Error, ErrorClass, PartitionReader, Record, Result, TopicPartition};

use crate::batch::{BatchConsumer, Raw};
use crate::config;
use crate::context::{Common, PlainContext};
use crate::failure;
use crate::metric_definitions::RECORDS_READ;
use crate::options::KafkaOptions;
use crate::topics::ASK;

/// Records one call hands over at most.
const BATCH: usize = 4_096;
/// How long the log may be silent before the stable end is reached.
const SILENCE_BOUND: Duration = Duration::from_secs(30);
/// How long one wait for a message lasts before the reader looks around.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) struct KafkaReader {
    source: BatchConsumer,
    partition: TopicPartition,
    number: i32,
    next_offset: i64,
    /// Where the client last reported the end.
    end: Option<i64>,
}

impl KafkaReader {
    pub(crate) fn open(
        options: &KafkaOptions,
        common: &Common,
        partition: &TopicPartition,
        from_offset: i64,
    ) -> Result<Self> {
        let what = || format!("read {partition} from {from_offset}");
        let consumer: rdkafka::consumer::BaseConsumer<PlainContext> = config::reader(options)
            .create_with_context(PlainContext(common.clone()))
            .map_err(|error| failure::fatal(what(), error))?;
        let number = i32::try_from(partition.partition).unwrap_or(i32::MAX);
        let mut assignment = TopicPartitionList::with_capacity(1);
        assignment
            .add_partition_offset(&partition.topic, number, Offset::Offset(from_offset))
            .and_then(|()| consumer.assign(&assignment))
            .map_err(|error| failure::fatal(what(), error))?;
        let source = BatchConsumer::new(consumer, BATCH);
        Ok(Self { source, partition: partition.clone(), number, next_offset: from_offset, end: None })
    }

    /// Takes what is there, waiting for the first message up to `wait`.
    fn take(&mut self, wait: Duration) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut failed = None;
        let (partition, next_offset, end) = (&self.partition, &mut self.next_offset, &mut self.end);
        let mut each = |raw: &Raw| match raw.event() {
            None if raw.offset() >= *next_offset => {
                *next_offset = raw.offset() + 1;
                records.push(record(partition, raw));
            }
            None => {}
            Some(RDKafkaErrorCode::PartitionEOF) => {
                *end = Some(raw.offset());
                *next_offset = raw.offset().max(*next_offset);
            }
            Some(code) if failure::is_passing(code) => {}
            Some(code) => failed = Some(code),
        };
        // The call waits until it has all it may take, so it is asked for one first.
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        if self.source.take(1, wait_ms, &mut each) == 1 {
            self.source.take(BATCH, 0, &mut each);
        }
        match failed {
            Some(code) if records.is_empty() => {
                let what = format!("read {} at {}", self.partition, self.next_offset);
                Err(Error::with_source(ErrorClass::Fatal, what, code))
            }
            // An error behind records stays in the log and is met again.
            Some(_) | None => Ok(records),
        }
    }

    fn stable_end(&self) -> Result<i64> {
        let consumer = &self.source.consumer;
        let (_, stable_end) = consumer
            .fetch_watermarks(&self.partition.topic, self.number, ASK)
            .map_err(|error| failure::failure(format!("find the end of {}", self.partition), error))?;
        Ok(stable_end)
    }
}

impl PartitionReader for KafkaReader {
    fn next(&mut self, timeout: Duration) -> Result<Vec<Record>> {
        let deadline = Instant::now() + SILENCE_BOUND;
        let mut waited = false;
        let mut wait = Duration::ZERO;
        loop {
            let records = self.take(wait)?;
            if !records.is_empty() {
                let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
                counter!(RECORDS_READ).increment(count);
                return Ok(records);
            }
            let at_end = self.end == Some(self.next_offset) && self.stable_end()? <= self.next_offset;
            if at_end && (waited || timeout.is_zero()) {
                return Ok(records);
            }
            if Instant::now() >= deadline {
                let what = format!("read {} at {}: nothing comes", self.partition, self.next_offset);
                return Err(Error::new(ErrorClass::Transient, what));
            }
            (waited, wait) = if at_end { (true, timeout) } else { (waited, LOOK) };
        }
    }

    fn next_offset(&self) -> i64 {
        self.next_offset
    }
}

fn record(partition: &TopicPartition, raw: &Raw) -> Record {
    Record {
        from: partition.clone(),
        offset: raw.offset(),
        key: raw.key(),
        value: raw.value(),
        headers: raw.headers(),
        timestamp_ms: raw.timestamp_ms(),
    }
}
