//! How transactions begin and end under the coordinator's lock: seating producers, deciding, writing markers.
//!
//! Invariant, in this order: decision journaled, markers written, end journaled (which applies the offsets). Whatever
//! fails in between leaves the transaction decided; it is tried again until it is done.

use kafka_protocol::ResponseError;

use super::coordinator::{Context, Inner};
use super::state::{Contents, Phase, ProducerKey, Transaction, fencing_epoch};
use crate::clock::wall_ms;
use crate::journal::{Entry, OffsetRows, PartitionRef};
use crate::log::batch::Ending;
use crate::sync::lock;

/// Producer ids taken from the journal at a time, so that not every new producer costs a write.
const ID_BLOCK: i64 = 1_000;

impl Inner {
    pub(super) fn find(&mut self, transactional_id: &str) -> Result<&mut Transaction, ResponseError> {
        self.by_id.get_mut(transactional_id).ok_or(ResponseError::InvalidProducerIdMapping)
    }

    pub(super) fn fresh_id(&mut self, context: Context<'_>) -> Result<i64, ResponseError> {
        if self.next_id >= self.reserved_to {
            let next = self.next_id + ID_BLOCK;
            append(context, Entry::ProducerIdsReserved { next })?;
            self.reserved_to = next;
        }
        self.next_id += 1;
        Ok(self.next_id - 1)
    }

    pub(super) fn seat(
        &mut self,
        context: Context<'_>,
        transactional_id: &str,
        producer: ProducerKey,
        last_epoch: i16,
        timeout_ms: i32,
    ) -> Result<(), ResponseError> {
        let at = wall_ms();
        let seated = Entry::ProducerSeated {
            transactional_id: transactional_id.to_owned(),
            producer_id: producer.id,
            epoch: producer.epoch,
            last_epoch,
            timeout_ms,
            at,
        };
        append(context, seated)?;
        let transaction =
            Transaction { producer, last_epoch, timeout_ms, phase: Phase::Empty, changed_at: at };
        self.by_id.insert(transactional_id.to_owned(), transaction);
        Ok(())
    }

    /// Aborts the open transaction under a bumped epoch, which fences its producer at the partitions too.
    pub(super) fn abort_fenced(&mut self, context: Context<'_>, id: &str) -> Result<(), ResponseError> {
        let epoch = fencing_epoch(self.find(id)?.producer.epoch);
        self.decide_and_finish(context, id, epoch, Ending::Abort)
    }

    /// Closes the transaction for additions while its records are forced to the disk.
    pub(super) fn prepare(&mut self, id: &str) -> Result<Vec<PartitionRef>, ResponseError> {
        let transaction = self.find(id)?;
        let Phase::Ongoing { contents, .. } = &mut transaction.phase else {
            return Err(ResponseError::InvalidTxnState);
        };
        let contents = std::mem::take(contents);
        let partitions = contents.partitions.iter().cloned().collect();
        transaction.phase = Phase::Preparing { contents };
        Ok(partitions)
    }

    /// Journals the commit of a prepared transaction. Opens it again if its records or the decision cannot be written.
    pub(super) fn journal_commit(
        &mut self,
        context: Context<'_>,
        id: &str,
        records: Result<(), ResponseError>,
        now: u64,
    ) -> Result<(), ResponseError> {
        let transaction = self.find(id)?;
        let Phase::Preparing { contents } = &mut transaction.phase else {
            return Err(ResponseError::InvalidTxnState);
        };
        let contents = std::mem::take(contents);
        let journaled = records.and_then(|()| {
            append(context, decision(id, transaction.producer.epoch, Ending::Commit, &contents))
        });
        transaction.phase = match journaled {
            Ok(()) => Phase::Preparing { contents },
            Err(_) => Phase::Ongoing { since: now, contents },
        };
        journaled
    }

    /// Finishes a prepared transaction whose commit is journaled.
    pub(super) fn finish_commit(&mut self, context: Context<'_>, id: &str) -> Result<(), ResponseError> {
        let transaction = self.find(id)?;
        if let Phase::Preparing { contents } = &transaction.phase {
            transaction.phase = decided(Ending::Commit, contents);
            transaction.changed_at = wall_ms();
        }
        self.finish(context, id)
    }

    /// Decides how the open transaction ends, and ends it.
    pub(super) fn decide_and_finish(
        &mut self,
        context: Context<'_>,
        id: &str,
        epoch: i16,
        ending: Ending,
    ) -> Result<(), ResponseError> {
        let transaction = self.find(id)?;
        let Phase::Ongoing { contents, .. } = &transaction.phase else {
            return Err(ResponseError::InvalidTxnState);
        };
        append(context, decision(id, epoch, ending, contents))?;
        let phase = decided(ending, contents);
        transaction.phase = phase;
        transaction.producer.epoch = epoch;
        transaction.changed_at = wall_ms();
        self.finish(context, id)
    }

    /// Writes the missing markers of a decided transaction and ends it.
    pub(super) fn finish(&mut self, context: Context<'_>, id: &str) -> Result<(), ResponseError> {
        let transaction = self.find(id)?;
        let Phase::Decided { ending, partitions, .. } = &transaction.phase else { return Ok(()) };
        let at = wall_ms();
        for partition in partitions {
            let Some(found) = context.topics.partition(partition) else { continue };
            if let Err(error) = found.end_transaction(transaction.producer, *ending, at) {
                let partition = format_args!("{}-{}", partition.topic, partition.partition);
                tracing::error!(transactional_id = %id, %partition, %error, "cannot write a marker; trying again");
                return Err(ResponseError::CoordinatorNotAvailable);
            }
        }
        let ending = *ending;
        append(context, Entry::TransactionEnded { transactional_id: id.to_owned(), at })?;
        transaction.phase = Phase::Ended { ending };
        transaction.changed_at = at;
        Ok(())
    }
}

/// Offsets count only with a commit.
fn offsets(ending: Ending, contents: &Contents) -> Vec<OffsetRows> {
    match ending {
        Ending::Commit => contents.offset_rows(),
        Ending::Abort => Vec::new(),
    }
}

fn decision(id: &str, epoch: i16, ending: Ending, contents: &Contents) -> Entry {
    Entry::TransactionDecided {
        transactional_id: id.to_owned(),
        epoch,
        ending,
        partitions: contents.partitions.iter().cloned().collect(),
        offsets: offsets(ending, contents),
        at: wall_ms(),
    }
}

fn decided(ending: Ending, contents: &Contents) -> Phase {
    let partitions = contents.partitions.iter().cloned().collect();
    Phase::Decided { ending, partitions, offsets: offsets(ending, contents) }
}

/// Appends to the journal.
pub(super) fn append(context: Context<'_>, entry: Entry) -> Result<(), ResponseError> {
    lock(context.journal).append(vec![entry]).map_err(|_| ResponseError::CoordinatorNotAvailable)
}
