//! Transactional ids as described to administrators.

use super::state::{Phase, ProducerKey, Transaction};
use crate::journal::PartitionRef;
use crate::log::batch::Ending;

/// A transactional id as described to administrators.
#[derive(Debug, Clone)]
pub(crate) struct TransactionView {
    pub(crate) transactional_id: String,
    pub(crate) producer: ProducerKey,
    pub(crate) timeout_ms: i32,
    pub(crate) state: &'static str,
    pub(crate) started_at: Option<i64>,
    pub(crate) partitions: Vec<PartitionRef>,
}

/// Describes one.
pub(super) fn view(id: &str, transaction: &Transaction) -> TransactionView {
    let (state, partitions) = match &transaction.phase {
        Phase::Empty => ("Empty", Vec::new()),
        Phase::Ongoing { contents, .. } => ("Ongoing", contents.partitions.iter().cloned().collect()),
        Phase::Preparing { contents } => ("PrepareCommit", contents.partitions.iter().cloned().collect()),
        Phase::Decided { ending: Ending::Commit, partitions, .. } => ("PrepareCommit", partitions.clone()),
        Phase::Decided { ending: Ending::Abort, partitions, .. } => ("PrepareAbort", partitions.clone()),
        Phase::Ended { ending: Ending::Commit } => ("CompleteCommit", Vec::new()),
        Phase::Ended { ending: Ending::Abort } => ("CompleteAbort", Vec::new()),
    };
    TransactionView {
        transactional_id: id.to_owned(),
        producer: transaction.producer,
        timeout_ms: transaction.timeout_ms,
        state,
        started_at: (!transaction.is_idle()).then_some(transaction.changed_at),
        partitions,
    }
}
