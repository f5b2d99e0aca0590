//! The transaction of a batch, and every way it can end.
//!
//! | outcome    | memory                                     |
//! |------------|--------------------------------------------|
//! | committed  | is right; positions are noted              |
//! | transient  | the same call again, a bounded number of times |
//! | aborted    | the units that took part are restored      |
//! | indefinite | the committed positions decide between the two above; where they cannot, a restore knows |
//! | fenced     | every state goes                           |
//! | fatal      | the service ends                           |

use std::time::Duration;

use bellwether_log::{CommitOutcome, ErrorClass, FencingToken, Position, Transaction};

use super::Service;
use super::batch::{After, Batch};
use crate::backoff::Backoff;
use crate::decide::{AfterIndefinite, after_indefinite};
use crate::error::{Error, chain};
use crate::failpoint::Failpoint;
use crate::metric_definitions::{
    BATCHES, COMMIT_SECONDS, DEAD_LETTERS, OUTCOME, OUTPUTS, RECORDS, ROLE, STAGE, TRANSACTIONS,
};
use crate::unit::Phase;

impl Service {
    /// Commits a batch and settles with its outcome.
    pub(super) fn commit(&mut self, mut batch: Batch, token: FencingToken) -> Result<(), Error> {
        let units = || batch.touched.iter().filter_map(|id| self.units.get(id));
        let before: Vec<Position> = units().flat_map(|unit| unit.bases()).collect();
        let positions: Vec<Position> = units().flat_map(|unit| unit.positions()).collect();
        let mut records = std::mem::take(&mut batch.out).into_records();
        if batch.told.values().all(|(_, said)| said.is_empty()) {
            records = self.factory.pack(records);
        }
        #[cfg(test)]
        let records = self.sabotaged(records, &mut batch)?;
        let transaction = Transaction { records, positions, token };
        self.failpoint(Failpoint::BeforeCommit)?;

        let started = self.clock.elapsed();
        let outcome = self.send(&transaction)?;
        self.failpoint(Failpoint::AfterCommit)?;
        let took = self.clock.elapsed().saturating_sub(started);
        let role = self.options.role.clone();
        metrics::histogram!(COMMIT_SECONDS, ROLE => role).record(took);
        match outcome {
            Ok(outcome) => self.committed(batch, &transaction, &outcome),
            Err(source) => self.refused(batch, &transaction, &before, source),
        }
    }

    /// Sends a transaction, again if nothing happened. The inner result is the port's last word.
    fn send(&mut self, transaction: &Transaction) -> Result<bellwether_log::Result<CommitOutcome>, Error> {
        let mut backoff = Backoff::default();
        loop {
            let Some(member) = self.member.as_mut() else {
                let what = "commit after the group was left";
                return Ok(Err(bellwether_log::Error::new(ErrorClass::Fenced, what)));
            };
            let source = match member.commit(transaction) {
                Err(source) if source.class() == ErrorClass::Transient && !self.is_stopping() => source,
                // Whoever is stopping does not wait for better times; the batch is folded again by the next owner.
                outcome => return Ok(outcome),
            };
            self.count_transaction("retried");
            let attempts = backoff.failures() + 1;
            let Some(wait) = backoff.failed() else {
                let doing = format!("committing {} records", transaction.records.len());
                return Err(Error::Log { doing, attempts, class: ErrorClass::Transient, source });
            };
            tracing::warn!(role = self.options.role, attempts, error = %chain(&source), "commit refused, waiting");
            self.wait(wait);
        }
    }

    fn refused(
        &mut self,
        batch: Batch,
        transaction: &Transaction,
        before: &[Position],
        source: bellwether_log::Error,
    ) -> Result<(), Error> {
        let class = source.class();
        tracing::warn!(role = self.options.role, ?class, error = %chain(&source), "commit did not come through");
        match class {
            ErrorClass::Fatal => {
                self.count_transaction("fatal");
                let doing = format!("committing {} records", transaction.records.len());
                Err(Error::Log { doing, attempts: 1, class, source })
            }
            ErrorClass::Fenced => {
                self.count_transaction("fenced");
                self.fenced_off();
                Ok(())
            }
            ErrorClass::Aborted | ErrorClass::Transient => {
                self.count_transaction("aborted");
                self.undo(batch)
            }
            ErrorClass::Indefinite => {
                self.count_transaction("indefinite");
                let Some(now) = self.stable_positions(&transaction.positions)? else { return Ok(()) };
                match after_indefinite(before, &transaction.positions, &now) {
                    AfterIndefinite::Happened => {
                        let unknown = CommitOutcome { offsets: vec![None; transaction.records.len()] };
                        self.committed(batch, transaction, &unknown)
                    }
                    AfterIndefinite::NotHappened | AfterIndefinite::Unknown => self.undo(batch),
                }
            }
        }
    }

    /// What the group has committed, once no transaction can change it; `None` when we were fenced meanwhile.
    fn stable_positions(&mut self, of: &[Position]) -> Result<Option<Vec<Position>>, Error> {
        let partitions: Vec<_> = of.iter().map(|position| position.partition.clone()).collect();
        let mut backoff = Backoff::default();
        loop {
            let Some(member) = self.member.as_mut() else { return Ok(None) };
            let source = match member.committed(&partitions) {
                Ok(found) => {
                    let position = |at: bellwether_log::Assignment| {
                        Some(Position { partition: at.partition, next_offset: at.committed? })
                    };
                    return Ok(Some(found.into_iter().filter_map(position).collect()));
                }
                Err(source) => source,
            };
            let (class, attempts) = (source.class(), backoff.failures() + 1);
            let wait = match class {
                ErrorClass::Fenced => {
                    self.fenced_off();
                    return Ok(None);
                }
                ErrorClass::Fatal => None,
                ErrorClass::Transient | ErrorClass::Aborted | ErrorClass::Indefinite => backoff.failed(),
            };
            let Some(wait) = wait else {
                let doing = "reading committed positions after an indefinite commit".to_owned();
                return Err(Error::Log { doing, attempts, class, source });
            };
            self.clock.wait(wait.min(Duration::from_secs(1)));
        }
    }

    /// Nothing of the batch happened, or nobody knows: the units that took part are restored.
    fn undo(&mut self, batch: Batch) -> Result<(), Error> {
        let attempts = self.rounds.failures() + 1;
        let Some(wait) = self.rounds.failed() else {
            let transactional_id = self.options.transactional_id.clone();
            return Err(Error::NoProgress { rounds: attempts, transactional_id });
        };
        #[cfg(test)]
        if self.sabotage == Some(super::tests::Sabotage::KeepStateOnAbort) {
            return self.keep_state(&batch);
        }
        for id in &batch.touched {
            self.reload(*id, None)?;
        }
        self.wait(wait);
        Ok(())
    }

    /// The batch happened.
    fn committed(
        &mut self,
        batch: Batch,
        transaction: &Transaction,
        outcome: &CommitOutcome,
    ) -> Result<(), Error> {
        self.rounds.reset();
        self.count_batch(&batch, transaction.records.len());
        let (now_ms, elapsed_ms) = (self.clock.now_ms(), self.clock.elapsed_ms());
        for id in &batch.touched {
            let Some(unit) = self.units.get_mut(id) else { continue };
            unit.last_commit_ms = Some(now_ms);
            for input in &mut unit.inputs {
                input.base = input.next_offset;
                input.committed = Some(input.next_offset);
            }
            if let Some((beat, said)) = batch.told.get(id) {
                unit.pulse.told(elapsed_ms, *beat);
                let own = |at: usize| {
                    let to = &transaction.records.get(at)?.to;
                    let lane = unit.inputs.iter().position(|input| &input.partition == to)?;
                    Some((lane, (*outcome.offsets.get(at)?)?))
                };
                if let Some(tick) = said.clone().filter_map(own).next_back() {
                    unit.own_tick = Some(tick);
                }
            }
        }
        for (id, after) in batch.after {
            match after {
                After::Quarantine(quarantine) => self.reload(id, Some(quarantine))?,
                After::Reload => self.reload(id, None)?,
                After::Halt(cause) => self.halt(id, cause)?,
            }
        }
        debug_assert!(
            self.units.values().all(|unit| !matches!(unit.phase, Phase::Settling)),
            "every unit that lost its state has been dealt with"
        );
        Ok(())
    }

    fn count_transaction(&self, outcome: &'static str) {
        let role = self.options.role.clone();
        metrics::counter!(TRANSACTIONS, ROLE => role, OUTCOME => outcome).increment(1);
    }

    fn count_batch(&self, batch: &Batch, outputs: usize) {
        let role = &self.options.role;
        self.count_transaction("committed");
        metrics::counter!(BATCHES, ROLE => role.clone()).increment(1);
        metrics::counter!(RECORDS, ROLE => role.clone()).increment(batch.records);
        metrics::counter!(OUTPUTS, ROLE => role.clone()).increment(outputs as u64);
        for (stage, count) in &batch.letters {
            metrics::counter!(DEAD_LETTERS, ROLE => role.clone(), STAGE => stage.as_str()).increment(*count);
        }
    }

    /// The mutations that strike before a commit.
    #[cfg(test)]
    fn sabotaged(
        &mut self,
        records: Vec<bellwether_log::NewRecord>,
        batch: &mut Batch,
    ) -> Result<Vec<bellwether_log::NewRecord>, Error> {
        use super::tests::Sabotage;
        match self.sabotage {
            Some(Sabotage::UnfencedClock) => {
                let said = |at: &usize| batch.told.values().any(|(_, said)| said.contains(at));
                let (loose, bound): (Vec<_>, Vec<_>) =
                    records.into_iter().enumerate().partition(|(at, _)| said(at));
                let loose = loose.into_iter().map(|(_, record)| record).collect();
                if let Ok(mut appender) = self.log.appender() {
                    let _ = appender.append(loose);
                }
                batch.told.values_mut().for_each(|(_, said)| *said = 0..0);
                Ok(bound.into_iter().map(|(_, record)| record).collect())
            }
            Some(Sabotage::SnapshotBeforeCommit) => {
                for id in batch.touched.clone() {
                    if let Some(unit) = self.units.get_mut(&id) {
                        unit.last_commit_ms = Some(0);
                    }
                    self.shelve(id)?;
                }
                Ok(records)
            }
            Some(Sabotage::KeepStateOnAbort) | None => Ok(records),
        }
    }

    /// What a loop would do that only rewinds: the mutation the tests must catch.
    #[cfg(test)]
    fn keep_state(&mut self, batch: &Batch) -> Result<(), Error> {
        let ids: Vec<crate::fold::UnitId> = batch.touched.iter().copied().collect();
        for id in ids {
            let Some(unit) = self.units.get_mut(&id) else { continue };
            let mut rewinds = Vec::new();
            for input in &mut unit.inputs {
                input.next_offset = input.base;
                input.frontier = crate::frontier::Frontier::new(input.base);
                rewinds.push((input.partition.clone(), input.base));
            }
            let lanes = crate::lanes::Lanes::new(unit.inputs.len());
            if let Phase::Live(live) = &mut unit.phase {
                live.lanes = lanes;
            }
            for (partition, from) in rewinds {
                if let Some(member) = self.member.as_mut() {
                    let _ = member.start(&partition, from);
                }
            }
        }
        Ok(())
    }
}
