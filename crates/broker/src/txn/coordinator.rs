//! All transactional ids of the broker. Journals every transition before it counts and writes the markers.
//!
//! One lock holds all transactions. Transactional appends run under it too (`write`), so no record can slip in
//! behind a marker.
//!
//! Invariant, in this order: decision journaled, markers written, end journaled (which applies the offsets). Whatever
//! fails in between leaves the transaction decided; it is tried again until it is done.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use kafka_protocol::ResponseError;
use tokio::sync::Notify;

use super::endings::append;
use super::state::{Contents, EndStep, Phase, ProducerKey, Seating, Transaction};
use super::view::{TransactionView, view};
use crate::clock::{Monotonic, wall_ms};
use crate::durability::Flusher;
use crate::journal::{Entry, Journal, OffsetRow, PartitionRef};
use crate::log::batch::Ending;
use crate::sync::lock;
use crate::topics::Topics;

/// Longest transaction time-out a producer may ask for, as in Kafka.
const MAX_TIMEOUT_MS: i32 = 15 * 60 * 1_000;
/// How long to wait before markers that could not be written are tried again.
const RETRY_MS: u64 = 1_000;
/// How long to sleep when nothing is open.
const IDLE: Duration = Duration::from_secs(3_600);
/// Unused transactional ids are forgotten after a week, as in Kafka.
const EXPIRY_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// What the coordinator works on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) topics: &'a Topics,
    pub(crate) journal: &'a Mutex<Journal>,
    pub(crate) flusher: &'a Flusher,
}

/// A producer initialises.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InitRequest<'a> {
    pub(crate) transactional_id: Option<&'a str>,
    pub(crate) timeout_ms: i32,
    pub(crate) known: Option<ProducerKey>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) by_id: BTreeMap<String, Transaction>,
    pub(super) next_id: i64,
    pub(super) reserved_to: i64,
    /// When endings that could not be written are tried again, by the monotone clock.
    retry_at: Option<u64>,
}

/// The transaction coordinator.
#[derive(Debug)]
pub(crate) struct Transactions {
    pub(super) inner: Mutex<Inner>,
    changed: Notify,
    pub(super) clock: Monotonic,
}

impl Transactions {
    /// Takes over what the journal knows.
    pub(crate) fn new(journal: &Journal, clock: Monotonic) -> Self {
        let image = journal.image();
        let now = clock.now_ms();
        let row = |(id, row): (&String, _)| (id.clone(), Transaction::from_row(row, now));
        let inner = Inner {
            by_id: image.transactions.iter().map(row).collect(),
            next_id: image.next_producer_id,
            reserved_to: image.next_producer_id,
            retry_at: None,
        };
        Self { inner: Mutex::new(inner), changed: Notify::new(), clock }
    }

    /// Gives a producer its id and epoch, fencing its predecessor.
    pub(crate) fn init(
        &self,
        context: Context<'_>,
        request: InitRequest<'_>,
    ) -> Result<ProducerKey, ResponseError> {
        // An ending that could not be completed is taken up by the deadline task.
        self.try_init(context, request).inspect_err(|_| self.changed.notify_one())
    }

    fn try_init(&self, context: Context<'_>, request: InitRequest<'_>) -> Result<ProducerKey, ResponseError> {
        let mut inner = lock(&self.inner);
        let Some(transactional_id) = request.transactional_id else {
            let id = inner.fresh_id(context)?;
            return Ok(ProducerKey { id, epoch: 0 });
        };
        if transactional_id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        if request.timeout_ms <= 0 || request.timeout_ms > MAX_TIMEOUT_MS {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        let seating = match inner.by_id.get(transactional_id) {
            Some(transaction) => transaction.seat(request.known)?,
            None => Seating::Seat { id: None, epoch: 0, last_epoch: -1 },
        };
        match seating {
            Seating::Repeat => Ok(inner.by_id[transactional_id].producer),
            Seating::Seat { id, epoch, last_epoch } => {
                let id = match id {
                    Some(id) => id,
                    None => inner.fresh_id(context)?,
                };
                let producer = ProducerKey { id, epoch };
                inner.seat(context, transactional_id, producer, last_epoch, request.timeout_ms)?;
                Ok(producer)
            }
            Seating::AbortFirst => {
                inner.abort_fenced(context, transactional_id)?;
                // The abort has bumped the epoch; the new producer goes on with it unless it is used up.
                let seated = inner.by_id[transactional_id].producer;
                let used_up = seated.epoch == i16::MAX;
                let producer =
                    if used_up { ProducerKey { id: inner.fresh_id(context)?, epoch: 0 } } else { seated };
                let last_epoch = if used_up { -1 } else { request.known.map_or(-1, |known| known.epoch) };
                inner.seat(context, transactional_id, producer, last_epoch, request.timeout_ms)?;
                Ok(producer)
            }
        }
    }

    /// Lets partitions join the transaction, beginning one when none is open.
    pub(crate) fn add_partitions(
        &self,
        context: Context<'_>,
        transactional_id: &str,
        producer: ProducerKey,
        partitions: Vec<PartitionRef>,
    ) -> Result<(), ResponseError> {
        self.add(context, transactional_id, producer, |contents| contents.partitions.extend(partitions))
    }

    /// Lets a group's offsets join the transaction, beginning one when none is open.
    pub(crate) fn add_group(
        &self,
        context: Context<'_>,
        transactional_id: &str,
        producer: ProducerKey,
        group: &str,
    ) -> Result<(), ResponseError> {
        self.add(context, transactional_id, producer, |contents| {
            contents.groups.insert(group.to_owned());
        })
    }

    fn add(
        &self,
        context: Context<'_>,
        transactional_id: &str,
        producer: ProducerKey,
        add: impl FnOnce(&mut Contents),
    ) -> Result<(), ResponseError> {
        let mut inner = lock(&self.inner);
        let transaction = inner.find(transactional_id)?;
        if transaction.open(producer)?.is_none() {
            let at = wall_ms();
            let begun = Entry::TransactionBegun { transactional_id: transactional_id.to_owned(), at };
            append(context, begun)?;
            transaction.changed_at = at;
            transaction.phase = Phase::Ongoing { since: self.clock.now_ms(), contents: Contents::default() };
            self.changed.notify_one();
        }
        if let Some(contents) = transaction.open(producer)? {
            add(contents);
        }
        Ok(())
    }

    /// Keeps a group's offsets for the end of the transaction; `check` judges the group's member first.
    pub(crate) fn add_offsets(
        &self,
        transactional_id: &str,
        producer: ProducerKey,
        group: &str,
        rows: Vec<OffsetRow>,
        check: impl FnOnce() -> Result<(), ResponseError>,
    ) -> Result<(), ResponseError> {
        let mut inner = lock(&self.inner);
        let contents = inner.find(transactional_id)?.open(producer)?.ok_or(ResponseError::InvalidTxnState)?;
        if !contents.groups.contains(group) {
            return Err(ResponseError::InvalidTxnState);
        }
        check()?;
        let kept = contents.offsets.entry(group.to_owned()).or_default();
        kept.extend(rows.into_iter().map(|row| (row.at.clone(), row)));
        Ok(())
    }

    /// Runs a transactional append while the transaction cannot end.
    pub(crate) fn write<T>(
        &self,
        transactional_id: &str,
        producer: ProducerKey,
        at: &PartitionRef,
        append: impl FnOnce() -> T,
    ) -> Result<T, ResponseError> {
        let inner = lock(&self.inner);
        let transaction = inner.by_id.get(transactional_id).ok_or(ResponseError::InvalidProducerIdMapping)?;
        transaction.check_write(producer, at)?;
        Ok(append())
    }

    /// Ends the open transaction.
    pub(crate) async fn end(
        &self,
        context: Context<'_>,
        transactional_id: &str,
        producer: ProducerKey,
        ending: Ending,
    ) -> Result<(), ResponseError> {
        let ended = self.try_end(context, transactional_id, producer, ending).await;
        ended.inspect_err(|_| self.changed.notify_one())
    }

    async fn try_end(
        &self,
        context: Context<'_>,
        transactional_id: &str,
        producer: ProducerKey,
        ending: Ending,
    ) -> Result<(), ResponseError> {
        let forced = ending == Ending::Commit && context.flusher.syncs_on_commit();
        let partitions = {
            let mut inner = lock(&self.inner);
            match inner.find(transactional_id)?.end(producer, ending)? {
                EndStep::AlreadyEnded => Vec::new(),
                EndStep::Decide if forced => inner.prepare(transactional_id)?,
                EndStep::Decide => {
                    return inner.decide_and_finish(context, transactional_id, producer.epoch, ending);
                }
            }
        };
        if forced {
            self.commit_forced(context, transactional_id, partitions).await?;
        }
        Ok(())
    }

    /// Commits over the disk: records, then the decision, then the markers. A power failure at any point leaves the
    /// transaction whole or undone.
    async fn commit_forced(
        &self,
        context: Context<'_>,
        id: &str,
        partitions: Vec<PartitionRef>,
    ) -> Result<(), ResponseError> {
        let unavailable = |_| ResponseError::CoordinatorNotAvailable;
        let logs = partitions.iter().filter_map(|at| context.topics.partition(at)).collect();
        let records = context.flusher.sync_logs(logs).await.map_err(unavailable);
        let journaled = lock(&self.inner).journal_commit(context, id, records, self.clock.now_ms());
        journaled?;
        let decision = context.flusher.sync_journal().await.map_err(unavailable);
        // The decision stands even if it is not known to be on the disk; the producer is told to ask again.
        lock(&self.inner).finish_commit(context, id)?;
        decision
    }

    /// True while a transaction holds offsets of a group for a partition.
    pub(crate) fn holds_offset(&self, group: &str, at: &PartitionRef) -> bool {
        lock(&self.inner).by_id.values().any(|transaction| transaction.holds_offset(group, at))
    }

    /// Runs time-outs and unfinished endings for ever.
    pub(crate) async fn run_deadlines(&self, context: Context<'_>) {
        loop {
            let until = self.tick(context);
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Does what is due; when to come again. After a failure it tries nothing before [`RETRY_MS`] is over, however often
    /// it is called: every request that fails calls it.
    pub(super) fn tick(&self, context: Context<'_>) -> tokio::time::Instant {
        let now = self.clock.now_ms();
        let mut inner = lock(&self.inner);
        if let Some(at) = inner.retry_at.filter(|at| *at > now) {
            return self.clock.instant(at);
        }
        let mut failed = false;
        for id in inner.by_id.keys().cloned().collect::<Vec<_>>() {
            let transaction = &inner.by_id[&id];
            let overdue = transaction.deadline().is_some_and(|at| at <= now);
            let undone = matches!(transaction.phase, Phase::Decided { .. });
            if overdue {
                match inner.abort_fenced(context, &id) {
                    Ok(()) => {
                        tracing::info!(transactional_id = %id, "aborted an abandoned transaction at its time-out");
                    }
                    Err(_) => failed = true,
                }
            } else if undone {
                failed |= inner.finish(context, &id).is_err();
            }
        }
        inner.retry_at = failed.then(|| now + RETRY_MS);
        let next = inner.by_id.values().filter_map(Transaction::deadline).filter(|at| *at > now).min();
        match next.into_iter().chain(inner.retry_at).min() {
            Some(at) => self.clock.instant(at),
            None => self.clock.instant(now) + IDLE,
        }
    }

    /// Forgets transactional ids that nobody used for long.
    pub(crate) fn expire(&self, context: Context<'_>, now: i64) {
        let mut inner = lock(&self.inner);
        let old: Vec<String> = inner
            .by_id
            .iter()
            .filter(|(_, transaction)| transaction.is_idle() && now - transaction.changed_at > EXPIRY_MS)
            .map(|(id, _)| id.clone())
            .collect();
        for transactional_id in old {
            if append(context, Entry::TransactionalIdExpired { transactional_id: transactional_id.clone() })
                .is_ok()
            {
                inner.by_id.remove(&transactional_id);
            }
        }
    }

    /// All transactional ids, for administrators.
    pub(crate) fn views(&self) -> Vec<TransactionView> {
        lock(&self.inner).by_id.iter().map(|(id, transaction)| view(id, transaction)).collect()
    }
}
