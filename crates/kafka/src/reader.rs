//! Reads one partition outside any group, committed records only, up to the stable end.
//!
//! Invariants:
//! - An empty answer means that the stable end, asked for during the call, was reached.
//! - The position is our own. The client's knows of markers passed, and is one too far after an end-of-partition
//!   event taken in a batch (librdkafka #4844): it is asked only until the first such event.
//! - The stable end is asked for by another client: a broker answers one connection in order, behind a waiting fetch.
//! - Clients are kept for a while and used again: connecting takes longer than most catch-ups, and closing takes 100 ms.
//! - A reader that has not begun, or is at the end, and is not asked to wait holds no client: it asks where the end is, and goes on when
//!   that has moved. A client would fetch a hundred times a second what changes a few times a day.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::counter;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message, Offset, TopicPartitionList};

use bellwether_log::{Error, ErrorClass, PartitionReader, Record, Result, TopicPartition};

use crate::asking::Asking;
use crate::batch::{BatchConsumer, Raw};
use crate::config;
use crate::context::{Common, PlainContext};
use crate::failure;
use crate::metric_definitions::RECORDS_READ;
use crate::options::KafkaOptions;
use crate::records;
use crate::shelf::Shelf;

/// Records one call hands over at most.
const BATCH: usize = 4_096;
/// How long the log may be silent before the stable end is reached.
const SILENCE_BOUND: Duration = Duration::from_secs(30);
/// How long one wait for a message lasts before the reader looks around.
const LOOK: Duration = Duration::from_millis(50);
/// Clients kept for the next reader; restores use a few at a time, and each costs threads and connections.
const KEPT: usize = 4;

/// The readers' clients of one process.
pub(crate) struct Readers {
    options: KafkaOptions,
    common: Common,
    /// Asks for the stable end.
    asking: Arc<Asking>,
    idle: Shelf<BatchConsumer>,
}

impl Readers {
    pub(crate) fn new(options: KafkaOptions, common: Common, asking: Arc<Asking>) -> Self {
        Self { options, common, asking, idle: Shelf::new(KEPT) }
    }

    /// A reader that takes a client when it finds that there is something to read: a start on an empty log, which opens
    /// a reader for every partition of half the topics, needs none.
    pub(crate) fn open(self: &Arc<Self>, partition: &TopicPartition, from_offset: i64) -> KafkaReader {
        let number = i32::try_from(partition.partition).unwrap_or(i32::MAX);
        let cursor = Cursor { partition: partition.clone(), number, next_offset: from_offset, end: None };
        KafkaReader { readers: Arc::clone(self), source: None, cursor, failed: None, is_parked: true }
    }

    /// A client that reads where the cursor is.
    fn assign(&self, cursor: &Cursor) -> Result<BatchConsumer> {
        let Cursor { partition, number, next_offset, .. } = cursor;
        let fatal = |error| failure::fatal(format!("read {partition} from {next_offset}"), error);
        let source = match self.idle.take() {
            Some(source) => source,
            None => {
                let consumer: BaseConsumer<PlainContext> = config::reader(&self.options)
                    .create_with_context(PlainContext(self.common.clone()))
                    .map_err(fatal)?;
                BatchConsumer::new(consumer, BATCH)
            }
        };
        let mut assignment = TopicPartitionList::with_capacity(1);
        assignment
            .add_partition_offset(&partition.topic, *number, Offset::Offset(*next_offset))
            .and_then(|()| source.consumer.assign(&assignment))
            .map_err(fatal)?;
        Ok(source)
    }

    fn keep(&self, source: BatchConsumer) {
        if source.consumer.unassign().is_ok() {
            self.idle.put(source);
        }
    }
}

/// A reader of one partition.
pub(crate) struct KafkaReader {
    readers: Arc<Readers>,
    /// Absent while parked, and after a failure the client does not recover from.
    source: Option<BatchConsumer>,
    cursor: Cursor,
    /// A failure met behind records, for the next call.
    failed: Option<RDKafkaErrorCode>,
    /// Without a client: not begun, or at the end with the client given back.
    is_parked: bool,
}

/// Where a reader is.
struct Cursor {
    partition: TopicPartition,
    number: i32,
    next_offset: i64,
    /// Where the client last reported the end.
    end: Option<i64>,
}

/// What a look at the client brought.
#[derive(Default)]
struct Taken {
    records: Vec<Record>,
    failed: Option<RDKafkaErrorCode>,
}

impl Cursor {
    fn raw(&mut self, raw: &Raw, taken: &mut Taken) {
        if !raw.is_of(&self.partition.topic, self.number) {
            return;
        }
        match raw.event() {
            None => {
                if raw.offset() >= self.next_offset {
                    self.next_offset = raw.offset() + 1;
                    taken.records.push(Record {
                        from: self.partition.clone(),
                        offset: raw.offset(),
                        key: raw.key(),
                        value: raw.value(),
                        headers: raw.headers(),
                        timestamp_ms: raw.timestamp_ms(),
                    });
                }
            }
            Some(RDKafkaErrorCode::PartitionEOF) => self.reached(raw.offset()),
            Some(code) => self.fail(code, taken),
        }
    }

    fn reached(&mut self, end: i64) {
        self.end = Some(end);
        self.next_offset = end.max(self.next_offset);
    }

    fn fail(&self, code: RDKafkaErrorCode, taken: &mut Taken) {
        if !failure::is_passing(code) {
            taken.failed.get_or_insert(code);
        }
    }

    /// Many messages at once; the call waits until it has all it may take, so it is asked for one first.
    fn take(&mut self, source: &mut BatchConsumer, wait: Duration) -> Taken {
        let mut taken = Taken::default();
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        if source.take(1, wait_ms, |raw| self.raw(raw, &mut taken)) == 1 {
            source.take(BATCH, 0, |raw| self.raw(raw, &mut taken));
        }
        taken
    }

    /// One message at a time: the batch call would swallow requests for a bearer token.
    fn take_singly(&mut self, consumer: &BaseConsumer<PlainContext>, mut wait: Duration) -> Taken {
        let mut taken = Taken::default();
        while taken.records.len() < BATCH {
            match consumer.poll(mem::take(&mut wait)) {
                None => break,
                Some(Ok(message)) => {
                    let mine = message.partition() == self.number && message.topic() == self.partition.topic;
                    if mine && message.offset() >= self.next_offset {
                        self.next_offset = message.offset() + 1;
                        taken.records.push(records::record(self.partition.clone(), &message));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    // Polled singly, the client's position is right.
                    let position = self.position(consumer).unwrap_or(self.next_offset);
                    self.reached(position);
                    break;
                }
                Some(Err(error)) => {
                    self.fail(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail), &mut taken);
                    break;
                }
            }
        }
        taken
    }

    fn position(&self, consumer: &BaseConsumer<PlainContext>) -> Option<i64> {
        let positions = consumer.position().ok()?;
        match positions.find_partition(&self.partition.topic, self.number)?.offset() {
            Offset::Offset(next_offset) => Some(next_offset),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
                None
            }
        }
    }

    /// Passes markers the client has passed, as long as its position can be trusted.
    fn pass_markers(&mut self, consumer: &BaseConsumer<PlainContext>) {
        if self.end.is_none()
            && let Some(position) = self.position(consumer)
        {
            self.next_offset = position.max(self.next_offset);
        }
    }
}

impl KafkaReader {
    fn take(&mut self, wait: Duration) -> Result<Vec<Record>> {
        if let Some(source) = self.source.as_mut().filter(|_| self.failed.is_none()) {
            let taken = if self.readers.common.has_tokens() {
                self.cursor.take_singly(&source.consumer, wait)
            } else {
                self.cursor.take(source, wait)
            };
            self.failed = taken.failed;
            if !taken.records.is_empty() || self.failed.is_none() {
                return Ok(taken.records);
            }
        }
        self.source = None;
        let what = format!("read {} at {}", self.cursor.partition, self.cursor.next_offset);
        match self.failed {
            Some(code) => Err(Error::with_source(ErrorClass::Fatal, what, code)),
            None => Err(Error::new(ErrorClass::Fatal, what)),
        }
    }

    fn park(&mut self) {
        if let Some(source) = self.source.take() {
            self.readers.keep(source);
            self.is_parked = true;
        }
    }

    fn unpark(&mut self) -> Result<()> {
        // A client assigned anew knows its position until it reports the end.
        self.cursor.end = None;
        self.source = Some(self.readers.assign(&self.cursor)?);
        self.is_parked = false;
        Ok(())
    }

    /// Whether everything below the stable end, as it is now, was read.
    fn is_at_end(&mut self) -> Result<bool> {
        if let Some(source) = &self.source {
            self.cursor.pass_markers(&source.consumer);
        }
        let Cursor { partition, next_offset, .. } = &self.cursor;
        let asking = &self.readers.asking;
        let stable_end = asking.stable_end(partition)?;
        if *next_offset <= stable_end || *next_offset <= asking.end(partition)? {
            return Ok(*next_offset >= stable_end);
        }
        let what = format!("read {partition} at {next_offset}: the offset is beyond the end of the log");
        Err(Error::new(ErrorClass::Fatal, what))
    }
}

impl PartitionReader for KafkaReader {
    fn next(&mut self, timeout: Duration) -> Result<Vec<Record>> {
        if self.is_parked {
            if timeout.is_zero() && self.is_at_end()? {
                return Ok(Vec::new());
            }
            self.unpark()?;
        }
        let deadline = Instant::now() + SILENCE_BOUND;
        let mut waited = timeout.is_zero();
        let mut wait = Duration::ZERO;
        loop {
            let records = self.take(wait)?;
            if !records.is_empty() {
                counter!(RECORDS_READ).increment(u64::try_from(records.len()).unwrap_or(u64::MAX));
                return Ok(records);
            }
            let at_end = self.is_at_end()?;
            if at_end && waited {
                if timeout.is_zero() {
                    self.park();
                }
                return Ok(records);
            }
            if Instant::now() >= deadline {
                let what =
                    format!("read {} at {}: nothing comes", self.cursor.partition, self.cursor.next_offset);
                return Err(Error::new(ErrorClass::Transient, what));
            }
            (waited, wait) = if at_end { (true, timeout) } else { (waited, LOOK) };
        }
    }

    fn next_offset(&self) -> i64 {
        self.cursor.next_offset
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        if let Some(source) = self.source.take() {
            self.readers.keep(source);
        }
    }
}
