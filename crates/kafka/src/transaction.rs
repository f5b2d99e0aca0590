//! One transactional producer: opens it, runs one transaction at a time, says what became of it.
//!
//! Invariants:
//! - A transaction sends positions, under group metadata fetched at that moment and known to be checked.
//! - After [`Failed::Broken`] and [`Failed::Fenced`] the producer is not used again.
//! - `may_be_committed` is true only from the moment a commit was asked for.

use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{Producer, PurgeConfig};

use bellwether_log::{Error, ErrorClass, NewRecord, Result};

use crate::config;
use crate::context::{Common, DeliveryContext, GroupContext};
use crate::failure::{self, Verdict};
use crate::first_broker;
use crate::identity::identity;
use crate::options::KafkaOptions;
use crate::producing::{self, Sender};

/// How long one blocking call may take before the caller looks around and makes it again.
const SLICE: Duration = Duration::from_secs(1);
/// From begin to a definite outcome: the coordinator's own time-out and the time it takes to notice it.
const TRANSACTION_BOUND: Duration = Duration::from_secs(20);
/// How long an abort may take before the producer is given up.
const ABORT_BOUND: Duration = Duration::from_secs(10);
/// How long opening may take: it waits for a predecessor's transaction to end.
const OPEN_BOUND: Duration = Duration::from_secs(20);

/// A producer with a transactional id.
pub(crate) struct Transactional {
    sender: Sender,
    id: String,
}

/// Why a transaction did not commit.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It was aborted; the producer goes on.
    Aborted(Error),
    /// It was aborted because of a record that can never be appended.
    Refused(Error),
    /// A newer producer has the id.
    Fenced(KafkaError),
    /// The producer is of no more use.
    Broken { cause: Error, may_be_committed: bool },
}

impl Transactional {
    /// Opens a producer: fences earlier ones with the id and ends what they left open. `topic` is one that exists.
    pub(crate) fn open(options: &KafkaOptions, common: &Common, id: &str, topic: &str) -> Result<Self> {
        let what = || format!("open the transactional producer {id}");
        let sender: Sender = config::transactional(options, id)
            .create_with_context(DeliveryContext::new(common.clone()))
            .map_err(|error| failure::fatal(what(), error))?;
        first_broker::meet(sender.client(), topic, || {
            sender.poll(Duration::ZERO);
        });
        let deadline = Instant::now() + OPEN_BOUND;
        loop {
            // Events wait in the queue, a request for a token among them.
            sender.poll(Duration::ZERO);
            let Err(error) = sender.init_transactions(SLICE) else { break };
            let late = Instant::now() >= deadline;
            match failure::verdict(&error) {
                Verdict::Retry if !late => {}
                Verdict::Retry => return Err(Error::with_source(ErrorClass::Transient, what(), error)),
                Verdict::Fenced => return Err(Error::with_source(ErrorClass::Fenced, what(), error)),
                Verdict::Abort | Verdict::Rebuild => return Err(failure::failure(what(), error)),
            }
        }
        Ok(Self { sender, id: id.to_owned() })
    }

    /// Appends the records and commits the positions, all of it or nothing; the offsets given.
    pub(crate) fn run(
        &self,
        records: &[NewRecord],
        positions: &TopicPartitionList,
        consumer: &BaseConsumer<GroupContext>,
        member_id: &str,
    ) -> std::result::Result<Vec<Option<i64>>, Failed> {
        let result = self.attempt(records, positions, consumer, member_id);
        let Err(Failed::Aborted(cause)) = result else { return result };
        // A record that failed makes every later step fail; it is the reason then, not the step.
        match self.sender.context().take().failed {
            Some((place, code)) if failure::is_hopeless_record(code) => {
                Err(Failed::Refused(self.undeliverable(records, place, code)))
            }
            Some(_) | None => Err(Failed::Aborted(cause)),
        }
    }

    fn attempt(
        &self,
        records: &[NewRecord],
        positions: &TopicPartitionList,
        consumer: &BaseConsumer<GroupContext>,
        member_id: &str,
    ) -> std::result::Result<Vec<Option<i64>>, Failed> {
        let deadline = Instant::now() + TRANSACTION_BOUND;
        if let Err(error) = self.sender.begin_transaction() {
            return Err(match failure::verdict(&error) {
                Verdict::Fenced => Failed::Fenced(error),
                Verdict::Retry | Verdict::Abort | Verdict::Rebuild => self.broken("begin", error, false),
            });
        }
        self.sender.context().expect(records.len());
        if let Err((place, error)) = producing::send(&self.sender, records, deadline) {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            self.sender.context().fail(place, code);
            return Err(self.abort(self.undeliverable(records, place, code)));
        }
        // The records are on their way while the positions are sent.
        self.send_positions(positions, consumer, member_id, deadline)?;
        if !producing::drain(&self.sender, deadline) {
            return Err(self.abort(self.error("wait for its records", ErrorClass::Aborted)));
        }
        if let Some((place, code)) = self.sender.context().failed() {
            return Err(self.abort(self.undeliverable(records, place, code)));
        }
        self.commit(deadline)?;
        Ok(self.sender.context().take().offsets)
    }

    fn send_positions(
        &self,
        positions: &TopicPartitionList,
        consumer: &BaseConsumer<GroupContext>,
        member_id: &str,
        deadline: Instant,
    ) -> std::result::Result<(), Failed> {
        loop {
            // The wrapper hides what the metadata says, so it is read before and after: a generation only grows, so
            // two equal readings mean that the metadata between them says the same.
            let before = identity(consumer);
            let metadata = consumer.group_metadata();
            let after = identity(consumer);
            let known = before.as_ref().is_some_and(|me| me.is_checked() && me.member_id == member_id);
            let Some(metadata) = metadata.filter(|_| known) else {
                let what = "send positions: the group does not know this member at present";
                return Err(self.abort(self.error(what, ErrorClass::Aborted)));
            };
            if before != after && Instant::now() < deadline {
                continue;
            }
            let Err(error) = self.sender.send_offsets_to_transaction(positions, &metadata, SLICE) else {
                return Ok(());
            };
            match failure::verdict(&error) {
                Verdict::Retry if Instant::now() < deadline => {
                    self.sender.poll(Duration::ZERO);
                }
                Verdict::Retry | Verdict::Abort => {
                    return Err(self.abort(self.caused("send positions", ErrorClass::Aborted, error)));
                }
                Verdict::Fenced => return Err(Failed::Fenced(error)),
                Verdict::Rebuild => return Err(self.broken("send positions", error, false)),
            }
        }
    }

    /// Asks for the commit until the answer is definite.
    fn commit(&self, deadline: Instant) -> std::result::Result<(), Failed> {
        loop {
            let Err(error) = self.sender.commit_transaction(SLICE) else { return Ok(()) };
            match failure::verdict(&error) {
                Verdict::Retry if Instant::now() < deadline => {
                    self.sender.poll(Duration::ZERO);
                }
                Verdict::Abort => {
                    return Err(self.abort(self.caused("commit", ErrorClass::Aborted, error)));
                }
                Verdict::Fenced => return Err(Failed::Fenced(error)),
                Verdict::Retry | Verdict::Rebuild => return Err(self.broken("commit", error, true)),
            }
        }
    }

    /// Aborts; what it returns is the failure that led here, or that of the abort when the producer is lost with it.
    fn abort(&self, cause: Error) -> Failed {
        let deadline = Instant::now() + ABORT_BOUND;
        self.sender.purge(PurgeConfig::default().queue());
        producing::drain(&self.sender, deadline);
        loop {
            let Err(error) = self.sender.abort_transaction(SLICE) else { return Failed::Aborted(cause) };
            match failure::verdict(&error) {
                Verdict::Retry if Instant::now() < deadline => {
                    self.sender.poll(Duration::ZERO);
                }
                Verdict::Fenced => return Failed::Fenced(error),
                // No commit was asked for, so the successor's opening aborts it.
                Verdict::Retry | Verdict::Abort | Verdict::Rebuild => {
                    return Failed::Broken { cause, may_be_committed: false };
                }
            }
        }
    }

    fn undeliverable(&self, records: &[NewRecord], place: usize, code: RDKafkaErrorCode) -> Error {
        let to = records.get(place).map(|record| record.to.to_string()).unwrap_or_default();
        let class = if failure::is_hopeless_record(code) { ErrorClass::Fatal } else { ErrorClass::Aborted };
        let what = format!("append record {place} to {to} in a transaction of {}", self.id);
        Error::with_source(class, what, code)
    }

    fn broken(&self, step: &str, error: KafkaError, may_be_committed: bool) -> Failed {
        let class = if may_be_committed { ErrorClass::Indefinite } else { ErrorClass::Aborted };
        Failed::Broken { cause: self.caused(step, class, error), may_be_committed }
    }

    fn error(&self, step: &str, class: ErrorClass) -> Error {
        Error::new(class, format!("{step} in a transaction of {}", self.id))
    }

    fn caused(&self, step: &str, class: ErrorClass, error: KafkaError) -> Error {
        Error::with_source(class, format!("{step} in a transaction of {}", self.id), error)
    }
}
