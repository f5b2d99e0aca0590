//! A member of a group: a consumer and a transactional producer on one thread.
//!
//! ```text
//!   poll ──> client poll ──> rebalance callback answers and writes down ──> change
//!    |            |                                                            |
//!    |         records ──> flows                        Revoked / Assigned <───┘ one per poll, oldest first
//!    └── Batch <── flows, of started partitions, under the present token
//! ```
//!
//! Invariants:
//! - Changes are reported before records that came after them; records of partitions that went are dropped.
//! - A partition is reported as assigned once its stable committed position is known, not before.
//! - After a fence both clients are given up: everything held is reported lost, and the next poll joins anew.

mod committing;
mod flows;

use std::collections::BTreeSet;
use std::mem;
use std::time::{Duration, Instant};

use metrics::counter;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use bellwether_log::{
    Assignment, CommitOutcome, Error, ErrorClass, GroupOptions, Holdings, Member, Polled, Result,
    TopicPartition, Transaction,
};

use crate::config;
use crate::context::{Change, Common, GroupContext};
use crate::failure;
use crate::identity::identity;
use crate::kafka_log::{committed_offsets, list};
use crate::metric_definitions::{LABEL_KIND, REBALANCES, RECORDS_POLLED};
use crate::options::KafkaOptions;
use crate::transaction::Transactional;

use flows::Flows;

/// How long one look for stable positions lasts; a transaction of a dead owner may hold them for longer.
const POSITIONS: Duration = Duration::from_secs(1);
/// How long a seek may take to be accepted: a partition just taken may still be starting.
const SEEK_BOUND: Duration = Duration::from_secs(10);
/// Between two tries of a seek.
const SEEK_LOOK: Duration = Duration::from_millis(2);

pub(crate) struct KafkaMember {
    options: KafkaOptions,
    common: Common,
    group: GroupOptions,
    consumer: Option<BaseConsumer<GroupContext>>,
    producer: Option<Transactional>,
    holdings: Holdings,
    /// Taken, and waiting for their positions.
    joining: BTreeSet<TopicPartition>,
    flows: Flows,
    failed: Option<Error>,
    /// Who the group took us for when it last handed something over.
    member_id: String,
    fenced: bool,
    fencings: u32,
}

impl KafkaMember {
    pub(crate) fn join(options: KafkaOptions, common: Common, group: GroupOptions) -> Result<Self> {
        let mut member = Self {
            options,
            common,
            group,
            consumer: None,
            producer: None,
            holdings: Holdings::default(),
            joining: BTreeSet::new(),
            flows: Flows::default(),
            failed: None,
            member_id: String::new(),
            fenced: false,
            fencings: 0,
        };
        member.open()?;
        Ok(member)
    }

    /// Opens what is not open: first the producer, which ends what a predecessor left, then the consumer.
    fn open(&mut self) -> Result<()> {
        if self.producer.is_none() {
            let id = &self.group.transactional_id;
            self.producer = Some(Transactional::open(&self.options, &self.common, id, self.a_topic())?);
        }
        if self.consumer.is_none() {
            let what = || format!("join {}", self.group.group);
            let consumer: BaseConsumer<GroupContext> = config::member(&self.options, &self.group)
                .create_with_context(GroupContext::new(self.common.clone()))
                .map_err(|error| failure::fatal(what(), error))?;
            let topics: Vec<&str> = self.group.topics.iter().map(String::as_str).collect();
            consumer.subscribe(&topics).map_err(|error| failure::fatal(what(), error))?;
            self.consumer = Some(consumer);
        }
        Ok(())
    }

    /// One of the topics it reads, which exist.
    fn a_topic(&self) -> &str {
        self.group.topics.first().map_or("", String::as_str)
    }

    fn consumer(&self) -> Result<&BaseConsumer<GroupContext>> {
        let closed = || Error::new(ErrorClass::Fenced, "use a member that is joining anew: poll it first");
        self.consumer.as_ref().ok_or_else(closed)
    }

    /// Gives both clients up after a fence; what was held is lost.
    fn surrender(&mut self) -> Option<Polled> {
        self.fenced = false;
        self.producer = None;
        self.consumer = None;
        let partitions: Vec<TopicPartition> = self.holdings.partitions().cloned().collect();
        self.joining.clear();
        self.forget(&partitions, true)
    }

    /// Drops partitions; the report, when the caller had been told of any of them.
    fn forget(&mut self, partitions: &[TopicPartition], lost: bool) -> Option<Polled> {
        let told: Vec<TopicPartition> =
            partitions.iter().filter(|partition| self.holdings.holds(partition)).cloned().collect();
        for partition in partitions {
            self.joining.remove(partition);
            self.flows.stop(partition);
        }
        if told.is_empty() {
            return None;
        }
        counter!(REBALANCES, LABEL_KIND => if lost { "lost" } else { "revoked" }).increment(1);
        self.holdings.lose(&told);
        Some(Polled::Revoked { partitions: told, lost })
    }

    /// Acts on what the group decided, oldest first, until something is to be reported.
    fn act(&mut self) -> Result<Option<Polled>> {
        while let Some(change) = self.consumer()?.context().next_change() {
            match change {
                Change::Gained(partitions) => {
                    if let Some(me) = identity(self.consumer()?) {
                        self.member_id = me.member_id;
                    }
                    self.joining.extend(partitions);
                }
                Change::Lost { partitions, lost } => {
                    if let Some(report) = self.forget(&partitions, lost) {
                        return Ok(Some(report));
                    }
                }
                Change::Failed(error) => {
                    return Err(failure::fatal(format!("answer a rebalance of {}", self.group.group), error));
                }
            }
        }
        Ok(None)
    }

    /// Reports what was taken, as soon as its stable positions are known.
    fn hand_over(&mut self) -> Result<Option<Polled>> {
        if self.joining.is_empty() {
            return Ok(None);
        }
        let partitions: Vec<TopicPartition> = self.joining.iter().cloned().collect();
        let found = match committed_offsets(self.consumer()?, &self.group.group, &partitions, POSITIONS) {
            Ok(found) => found,
            Err(error) if error.class() == ErrorClass::Transient => {
                tracing::debug!(group = %self.group.group, %error, "positions are not stable yet");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let missing = found.iter().find(|(_, committed)| committed.is_none());
        if let Some((partition, _)) = missing.filter(|_| !self.group.start_at_beginning) {
            let what = format!(
                "find where group {} is in {partition}: no committed position, and starting at the beginning was \
                 not allowed",
                self.group.group
            );
            return Err(Error::new(ErrorClass::Fatal, what));
        }
        self.joining.clear();
        self.holdings.gain(&partitions);
        counter!(REBALANCES, LABEL_KIND => "gained").increment(1);
        let assignments = found.into_iter().map(|(partition, committed)| Assignment { partition, committed });
        Ok(Some(Polled::Assigned(assignments.collect())))
    }

    /// Takes from the client until a batch is full, the client has no more, or the group changes something.
    fn collect(&mut self, mut wait: Duration) {
        let Some(consumer) = self.consumer.as_ref() else { return };
        if !self.flows.is_empty() {
            wait = Duration::ZERO;
        }
        while self.flows.has_room(self.group.max_batch_records, self.group.max_batch_bytes) {
            match consumer.poll(whole_millis(mem::take(&mut wait))) {
                None => break,
                Some(Ok(message)) => self.flows.admit(&message),
                Some(Err(error)) => self.failed = judge(&self.group.group, error),
            }
            if self.failed.is_some() || consumer.context().has_changes() {
                break;
            }
        }
    }

    fn batch(&mut self) -> Polled {
        let records = self.flows.take();
        counter!(RECORDS_POLLED).increment(u64::try_from(records.len()).unwrap_or(u64::MAX));
        Polled::Batch { records, token: self.holdings.token() }
    }

    fn one(&self, partition: &TopicPartition, what: &str) -> Result<TopicPartitionList> {
        if !self.holdings.holds(partition) {
            let what = format!("{what} {partition}: it is not assigned to this member");
            return Err(Error::new(ErrorClass::Fenced, what));
        }
        Ok(list(std::iter::once(partition)))
    }
}

impl Member for KafkaMember {
    fn poll(&mut self, timeout: Duration) -> Result<Polled> {
        if self.fenced
            && let Some(report) = self.surrender()
        {
            return Ok(report);
        }
        self.open()?;
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(report) = self.act()? {
                return Ok(report);
            }
            if let Some(report) = self.hand_over()? {
                return Ok(report);
            }
            let now = Instant::now();
            if self.failed.is_none() {
                self.collect(deadline.saturating_duration_since(now));
            }
            if self.consumer()?.context().has_changes() {
                continue;
            }
            if !self.flows.is_empty() {
                return Ok(self.batch());
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if now >= deadline {
                return Ok(Polled::Idle { token: self.holdings.token() });
            }
        }
    }

    fn start(&mut self, partition: &TopicPartition, next_offset: i64) -> Result<()> {
        let mut list = self.one(partition, "start")?;
        let what = || format!("start {partition} at {next_offset}");
        let fatal = |error| failure::fatal(what(), error);
        self.flows.stop(partition);
        list.set_all_offsets(Offset::Offset(next_offset)).map_err(fatal)?;
        let consumer = self.consumer()?;
        let deadline = Instant::now() + SEEK_BOUND;
        loop {
            let sought = consumer.seek_partitions(list.clone(), SEEK_BOUND).map_err(fatal)?;
            let result = sought.elements().first().map_or(Ok(()), |element| element.error());
            let Err(error) = result else { break };
            // A partition whose fetcher is not running yet cannot seek; it will in a moment.
            let starting = matches!(
                error.rdkafka_error_code(),
                Some(RDKafkaErrorCode::State | RDKafkaErrorCode::PreviousInProgress)
            );
            if !starting || Instant::now() >= deadline {
                return Err(failure::failure(what(), error));
            }
            std::thread::sleep(SEEK_LOOK);
        }
        consumer.resume(&list).map_err(fatal)?;
        self.flows.start(partition, next_offset);
        Ok(())
    }

    fn pause(&mut self, partition: &TopicPartition) -> Result<()> {
        let list = self.one(partition, "pause")?;
        self.flows.stop(partition);
        self.consumer()?.pause(&list).map_err(|error| failure::fatal(format!("pause {partition}"), error))
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<CommitOutcome> {
        self.commit_measured(transaction)
    }

    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Assignment>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let found = committed_offsets(self.consumer()?, &self.group.group, partitions, POSITIONS)?;
        Ok(found.into_iter().map(|(partition, committed)| Assignment { partition, committed }).collect())
    }

    fn leave(mut self: Box<Self>) -> Result<()> {
        self.producer = None;
        // Dropping the consumer closes it, which tells the group.
        self.consumer = None;
        Ok(())
    }
}

/// A wait in whole milliseconds, upwards. The client waits in those and makes up for a fraction by polling in a loop: an
/// idle member spent a millisecond of CPU on each poll.
fn whole_millis(wait: Duration) -> Duration {
    let millis = wait.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// What a failed poll means: nothing when it passes on its own, as lost connections do.
fn judge(group: &str, error: KafkaError) -> Option<Error> {
    let what = || format!("poll as a member of {group}");
    match &error {
        KafkaError::MessageConsumptionFatal(_) => Some(failure::fatal(what(), error)),
        KafkaError::MessageConsumption(code) => match code {
            // The group threw us out for not polling, or refuses a credential that was good when we connected and
            // may just be changing; the client goes on by itself.
            RDKafkaErrorCode::PollExceeded
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SSL
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::IllegalGeneration => {
                tracing::warn!(group, %error, "poll failed and is made again");
                None
            }
            code if failure::is_passing(*code) => {
                tracing::debug!(group, %error, "poll failed and is made again");
                None
            }
            _ => Some(failure::fatal(what(), error)),
        },
        _ => Some(failure::failure(what(), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_none_stays_none() {
        assert_eq!(whole_millis(Duration::ZERO), Duration::ZERO);
        assert_eq!(whole_millis(Duration::from_nanos(1)), Duration::from_millis(1));
        assert_eq!(whole_millis(Duration::from_micros(99_999)), Duration::from_millis(100));
        assert_eq!(whole_millis(Duration::from_millis(100)), Duration::from_millis(100));
    }
}
