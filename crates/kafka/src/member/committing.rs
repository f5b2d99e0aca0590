//! The commit of a member: from what became of the transaction to what the caller is to do.

use std::time::Instant;

use metrics::{counter, histogram};
use rdkafka::Offset;
use rdkafka::consumer::Consumer;

use bellwether_log::{CommitOutcome, Error, ErrorClass, Result, Transaction};

use super::KafkaMember;
use crate::failure;
use crate::kafka_log::list;
use crate::metric_definitions::{
    COMMIT_SECONDS, LABEL_HOW, LABEL_OUTCOME, LABEL_REASON, PRODUCER_RESTARTS, RECORDS_APPENDED, TRANSACTIONS,
};
use crate::transaction::{Failed, Transactional};

/// How often in a row a member lets itself be fenced before it takes it for a twin that will not go away.
const MAX_FENCINGS: u32 = 3;

impl KafkaMember {
    pub(super) fn commit_measured(&mut self, transaction: &Transaction) -> Result<CommitOutcome> {
        let began = Instant::now();
        let records = u64::try_from(transaction.records.len()).unwrap_or(u64::MAX);
        let (outcome, result) = self.commit_once(transaction);
        counter!(TRANSACTIONS, LABEL_OUTCOME => outcome).increment(1);
        histogram!(COMMIT_SECONDS, LABEL_OUTCOME => outcome).record(began.elapsed().as_secs_f64());
        if result.is_ok() {
            counter!(RECORDS_APPENDED, LABEL_HOW => "transaction").increment(records);
        }
        result
    }

    fn commit_once(&mut self, transaction: &Transaction) -> (&'static str, Result<CommitOutcome>) {
        if let Err(stale) = self.check(transaction) {
            return ("stale", Err(stale));
        }
        if let Err(error) = self.reopen_producer() {
            return ("unavailable", Err(error));
        }
        let (Some(producer), Some(consumer)) = (&self.producer, &self.consumer) else {
            let what = "commit as a member that is joining anew: poll it first";
            return ("stale", Err(Error::new(ErrorClass::Fenced, what)));
        };
        let mut positions = list(transaction.positions.iter().map(|position| &position.partition));
        for position in &transaction.positions {
            let number = i32::try_from(position.partition.partition).unwrap_or(i32::MAX);
            let offset = Offset::Offset(position.next_offset);
            if let Err(error) = positions.set_partition_offset(&position.partition.topic, number, offset) {
                let what = format!("commit position {} of {}", position.next_offset, position.partition);
                return ("refused", Err(failure::fatal(what, error)));
            }
        }
        match producer.run(&transaction.records, &positions, consumer, &self.member_id) {
            Ok(offsets) => {
                self.fencings = 0;
                ("committed", Ok(CommitOutcome { offsets }))
            }
            Err(Failed::Aborted(cause)) => ("aborted", Err(cause)),
            Err(Failed::Refused(cause)) => ("refused", Err(cause)),
            Err(Failed::Fenced(cause)) => ("fenced", Err(self.fence(cause))),
            Err(Failed::Broken { cause, may_be_committed }) => {
                let reason = if may_be_committed { "indefinite" } else { "aborted" };
                self.restart(reason);
                (reason, Err(cause))
            }
        }
    }

    /// Refuses what is stale before the broker hears of it.
    fn check(&self, transaction: &Transaction) -> Result<()> {
        self.holdings.check(transaction)?;
        let mut partitions = transaction.positions.iter().map(|position| &position.partition);
        if self.fenced || self.consumer()?.context().has_lost(&mut partitions) {
            let what = "commit for partitions that were revoked: the next poll tells";
            return Err(Error::new(ErrorClass::Fenced, what));
        }
        Ok(())
    }

    fn fence(&mut self, cause: rdkafka::error::KafkaError) -> Error {
        self.fenced = true;
        self.fencings += 1;
        self.producer = None;
        counter!(PRODUCER_RESTARTS, LABEL_REASON => "fenced").increment(1);
        let id = &self.group.transactional_id;
        if self.fencings > MAX_FENCINGS {
            let what =
                format!("commit as {id}: fenced time and again; give every process an ordinal of its own");
            return Error::with_source(ErrorClass::Fatal, what, cause);
        }
        let what =
            format!("commit as {id}: another producer has taken over the id, or the transaction timed out");
        Error::with_source(ErrorClass::Fenced, what, cause)
    }

    /// Replaces a producer that is of no more use. When that fails, the next commit tries again.
    fn restart(&mut self, reason: &'static str) {
        self.producer = None;
        counter!(PRODUCER_RESTARTS, LABEL_REASON => reason).increment(1);
        if let Err(error) = self.reopen_producer() {
            tracing::warn!(id = %self.group.transactional_id, %error, "the producer could not be opened anew yet");
        }
    }

    fn reopen_producer(&mut self) -> Result<()> {
        if self.producer.is_none() && !self.fenced {
            let id = &self.group.transactional_id;
            self.producer = Some(Transactional::open(&self.options, &self.common, id, self.a_topic())?);
        }
        Ok(())
    }
}
