//! Bringing transactions into order at start: decided ones are finished as decided, open ones are aborted
//! under a bumped epoch, which fences the producers that had them.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use super::coordinator::{Context, Transactions};
use super::state::{Contents, Phase, ProducerKey, fencing_epoch};
use crate::clock::wall_ms;
use crate::journal::PartitionRef;
use crate::log::batch::Ending;
use crate::sync::lock;

impl Transactions {
    /// Runs once, before the first connection is accepted.
    pub(crate) fn recover(&self, context: Context<'_>) -> Result<(), ResponseError> {
        let mut inner = lock(&self.inner);
        let mut open = open_in_logs(context);
        for id in inner.by_id.keys().cloned().collect::<Vec<_>>() {
            let Some(transaction) = inner.by_id.get_mut(&id) else { continue };
            match &transaction.phase {
                Phase::Decided { .. } => {
                    inner.finish(context, &id)?;
                }
                Phase::Ongoing { since, .. } => {
                    let partitions = open.get(&transaction.producer.id).cloned().unwrap_or_default();
                    let contents =
                        Contents { partitions: partitions.into_keys().collect(), ..Contents::default() };
                    transaction.phase = Phase::Ongoing { since: *since, contents };
                    tracing::info!(transactional_id = %id, "aborting a transaction that was open at the last stop");
                    inner.abort_fenced(context, &id)?;
                }
                Phase::Empty | Phase::Preparing { .. } | Phase::Ended { .. } => {}
            }
        }
        open = open_in_logs(context);
        abort_orphans(context, &open)
    }
}

type OpenPartitions = BTreeMap<PartitionRef, i16>;

/// Partitions with open transactions by producer id, with the producers' epochs there.
fn open_in_logs(context: Context<'_>) -> BTreeMap<i64, OpenPartitions> {
    let mut open: BTreeMap<i64, OpenPartitions> = BTreeMap::new();
    for partition in context.topics.all_partitions() {
        for (id, producer) in lock(&partition.log).producers.open() {
            open.entry(id).or_default().insert(partition.at.clone(), producer.epoch);
        }
    }
    open
}

/// Ends what no transactional id claims: its beginning was never journaled or its id is forgotten.
fn abort_orphans(context: Context<'_>, open: &BTreeMap<i64, OpenPartitions>) -> Result<(), ResponseError> {
    let mut seen = BTreeSet::new();
    for (id, partitions) in open {
        for (at, epoch) in partitions {
            let Some(partition) = context.topics.partition(at) else { continue };
            if seen.insert(*id) {
                tracing::warn!(producer_id = id, "aborting records of a transaction nobody claims");
            }
            let producer = ProducerKey { id: *id, epoch: fencing_epoch(*epoch) };
            partition.end_transaction(producer, Ending::Abort, wall_ms()).map_err(|error| {
                tracing::error!(%error, "cannot write a marker");
                ResponseError::KafkaStorageError
            })?;
        }
    }
    Ok(())
}
