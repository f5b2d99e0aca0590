//! Brings one unit back to its committed positions, a slice per round, so that the loop keeps polling.
//!
//! ```text
//!   Positions -> Broadcast -> Snapshot -> Replay ----\
//!                    |                                +-> Starting -> done
//!                    \--------> Changelog -----------/
//! ```
//! - Positions: what the group committed, stable; an assignment brings them, after an abort they are read.
//! - Broadcast: the topics every unit knows whole have been read to their end.
//! - Snapshot: the newest good one at or before the positions, from the helper thread; else a fresh state.
//! - Replay: the inputs from there to the positions, through readers outside the group, effects dropped (RT-3).
//! - Changelog: the compacted topic to the end it had after the positions were known. The markers of the last
//!   owner's transaction reach the partitions one by one, so its positions may be stable here before its changelog
//!   is: the wait for that end closes the gap.
//! - Starting: the group's consumer is set to the positions.
//!
//! A record that makes the fold panic in a replay did so when it was live: the replay starts over and passes it
//! over, as was done then.

mod changelog;
mod origin;
mod replay;
mod terms;

use std::collections::BTreeSet;

use bellwether_log::{ErrorClass, TopicPartition};

use crate::backoff::Backoff;
use crate::error::{Error, chain};
use crate::guard::Panicked;
use crate::options::Restore;
use crate::snapshot::depot::{LoadError, Loaded};
use crate::snapshot::worker::LoadRequest;
use crate::status::HaltCause;
use crate::unit::{Quarantine, Skips};

use changelog::ChangelogLoad;
use origin::Origin;
use replay::{Replay, Replayed};
pub(crate) use terms::{Progress, Restored, Surroundings, Trouble};

/// Records a replay may pass over because of panics before it is taken for a fold that does not work at all; each
/// one starts the replay over.
const MAX_REPLAY_PANICS: u32 = 20;

/// Why a unit is being restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its partitions were handed over.
    Assigned,
    /// Its state was dropped by its own owner.
    Reload,
}

/// A restore under way.
#[derive(Debug)]
pub(crate) struct Restoration {
    pub(crate) cause: Cause,
    pub(crate) started_at: u64,
    ticket: u64,
    step: RestoreStep,
    quarantine: Option<Quarantine>,
    skips: Skips,
    /// Snapshots whose content did not restore.
    refused: BTreeSet<String>,
    /// The helper's answer, once it is there.
    answer: Option<Result<Loaded, LoadError>>,
    panics: u32,
    replayed: u64,
    backoff: Backoff,
    retry_at: Option<u64>,
}

#[derive(Debug)]
enum RestoreStep {
    Positions,
    Broadcast { committed: Vec<Option<i64>> },
    Snapshot { committed: Vec<Option<i64>>, asked: bool },
    Replay(Box<Replay>),
    Changelog(Box<ChangelogLoad>),
    Starting { restored: Box<Restored> },
    Finished,
}

impl Restoration {
    /// A restore from the positions an assignment brought.
    pub(crate) fn assigned(ticket: u64, elapsed_ms: u64, committed: Vec<Option<i64>>) -> Self {
        Self::new(Cause::Assigned, RestoreStep::Broadcast { committed }, ticket, elapsed_ms, Skips::new())
    }

    /// A restore from whatever is committed now. `quarantine` is passed over once the state is back.
    pub(crate) fn reload(ticket: u64, elapsed_ms: u64, skips: Skips, quarantine: Option<Quarantine>) -> Self {
        let restoration = Self::new(Cause::Reload, RestoreStep::Positions, ticket, elapsed_ms, skips);
        Self { quarantine, ..restoration }
    }

    fn new(cause: Cause, step: RestoreStep, ticket: u64, elapsed_ms: u64, skips: Skips) -> Self {
        Self {
            cause,
            started_at: elapsed_ms,
            ticket,
            step,
            quarantine: None,
            skips,
            refused: BTreeSet::new(),
            answer: None,
            panics: 0,
            replayed: 0,
            backoff: Backoff::default(),
            retry_at: None,
        }
    }

    /// The helper has answered; an answer to an earlier question is dropped.
    pub(crate) fn answer(&mut self, ticket: u64, outcome: Result<Loaded, LoadError>) {
        if ticket == self.ticket {
            self.answer = Some(outcome);
        }
    }

    /// Records still to replay, where known.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match &self.step {
            RestoreStep::Replay(replay) => Some(replay.remaining()),
            RestoreStep::Positions
            | RestoreStep::Broadcast { .. }
            | RestoreStep::Snapshot { .. }
            | RestoreStep::Changelog(_)
            | RestoreStep::Starting { .. }
            | RestoreStep::Finished => None,
        }
    }

    /// Does a slice.
    pub(crate) fn advance(&mut self, around: &mut Surroundings<'_>) -> Result<Progress, Error> {
        if self.retry_at.is_some_and(|at| around.elapsed_ms < at) {
            return Ok(Progress::Waiting);
        }
        self.retry_at = None;
        match self.slice(around) {
            Ok(progress) => {
                self.backoff.reset();
                Ok(progress)
            }
            Err(Trouble::Log(source)) => self.log_trouble(source, around),
            Err(Trouble::Store(source)) => {
                tracing::warn!(unit = %around.unit, error = %chain(&source), "snapshot store did not answer");
                self.step_back();
                let (doing, attempts) = (source.doing.clone(), self.backoff.failures() + 1);
                self.wait(around.elapsed_ms).ok_or(Error::SnapshotStore { doing, attempts, source })
            }
            Err(Trouble::PanickedOn { at, offset, panic: Panicked(cause) }) => {
                self.panics += 1;
                tracing::error!(unit = %around.unit, %at, offset, cause, "fold panicked in a replay, record passed over");
                if self.panics > MAX_REPLAY_PANICS {
                    return Ok(Progress::Halted(HaltCause::Panics { times: self.panics, message: cause }));
                }
                self.skips.insert((at, offset), cause);
                self.step = RestoreStep::Positions;
                Ok(Progress::Working)
            }
            Err(Trouble::Halt(cause)) => Ok(Progress::Halted(cause)),
            Err(Trouble::Fatal(error)) => Err(error),
        }
    }

    fn slice(&mut self, around: &mut Surroundings<'_>) -> Result<Progress, Trouble> {
        match std::mem::replace(&mut self.step, RestoreStep::Positions) {
            RestoreStep::Positions => {
                let found = around.member.committed(around.inputs)?;
                let of = |input| found.iter().find(|at| &at.partition == input).and_then(|at| at.committed);
                let committed = around.inputs.iter().map(of).collect();
                self.step = RestoreStep::Broadcast { committed };
                Ok(Progress::Working)
            }
            RestoreStep::Broadcast { committed } => {
                if !around.broadcast.is_caught_up() {
                    self.step = RestoreStep::Broadcast { committed };
                    return Ok(Progress::Waiting);
                }
                self.step = match &around.options.restore {
                    Restore::Snapshots(_) => RestoreStep::Snapshot { committed, asked: false },
                    Restore::Changelog { topic } => {
                        let at = TopicPartition::new(topic.clone(), around.unit.0);
                        self.keep(RestoreStep::Broadcast { committed: committed.clone() });
                        RestoreStep::Changelog(Box::new(ChangelogLoad::begin(at, committed, around)?))
                    }
                };
                Ok(Progress::Working)
            }
            RestoreStep::Snapshot { committed, asked } => self.snapshot_slice(committed, asked, around),
            RestoreStep::Replay(mut replay) => {
                let progress = replay.slice(&self.skips);
                let retry =
                    matches!(progress, Ok(Replayed::Working | Replayed::Waiting) | Err(Trouble::Log(_)));
                if retry {
                    self.step = RestoreStep::Replay(replay);
                    return progress.map(|progress| match progress {
                        Replayed::Waiting => Progress::Waiting,
                        Replayed::Working | Replayed::Done => Progress::Working,
                    });
                }
                progress?;
                self.replayed = replay.folded();
                let restored = replay.finish();
                self.step = RestoreStep::Starting { restored: Box::new(restored) };
                Ok(Progress::Working)
            }
            RestoreStep::Changelog(mut load) => {
                let done = match load.slice() {
                    Ok(done) => done,
                    Err(trouble) => {
                        self.step = RestoreStep::Changelog(load);
                        return Err(trouble);
                    }
                };
                if !done {
                    self.step = RestoreStep::Changelog(load);
                    return Ok(Progress::Waiting);
                }
                let restored = load.finish(around)?;
                self.step = RestoreStep::Starting { restored: Box::new(restored) };
                Ok(Progress::Working)
            }
            RestoreStep::Starting { restored } => self.start(restored, around),
            RestoreStep::Finished => {
                self.step = RestoreStep::Finished;
                Ok(Progress::Waiting)
            }
        }
    }

    /// Asks the helper for a snapshot, then makes a fold of its answer and a plan for the replay.
    fn snapshot_slice(
        &mut self,
        committed: Vec<Option<i64>>,
        asked: bool,
        around: &mut Surroundings<'_>,
    ) -> Result<Progress, Trouble> {
        if !asked {
            let request = LoadRequest {
                unit: around.unit,
                ticket: self.ticket,
                committed: origin::known(around.inputs, &committed),
                refused: self.refused.clone(),
            };
            if let Some(worker) = around.worker.as_deref_mut() {
                worker.load(request);
            }
            self.step = RestoreStep::Snapshot { committed, asked: true };
            return Ok(Progress::Working);
        }
        let Some(answer) = self.answer.take() else {
            self.step = RestoreStep::Snapshot { committed, asked: true };
            return Ok(Progress::Waiting);
        };
        // Whatever goes wrong below, the next attempt asks anew.
        self.keep(RestoreStep::Snapshot { committed: committed.clone(), asked: false });
        let loaded = answer.map_err(|error| origin::load_trouble(error, around.options))?;
        match Origin::choose(loaded, committed, around)? {
            Origin::Refused { name } => {
                self.refused.insert(name);
                Ok(Progress::Working)
            }
            Origin::State(state) => {
                for (key, cause) in &state.skips {
                    self.skips.entry(key.clone()).or_insert_with(|| cause.clone());
                }
                let replay = Replay::begin(*state, around)?;
                self.step = RestoreStep::Replay(Box::new(replay));
                Ok(Progress::Working)
            }
        }
    }

    /// Sets the group's consumer to where the unit goes on. All inputs or none: what an input delivers before the
    /// unit is live is dropped, so after a failure every one is set again.
    fn start(
        &mut self,
        mut restored: Box<Restored>,
        around: &mut Surroundings<'_>,
    ) -> Result<Progress, Trouble> {
        for input in 0..around.inputs.len() {
            let quarantined = self.quarantine.as_ref().filter(|q| q.record.from == around.inputs[input]);
            let from = match quarantined {
                // The record to be passed over is at hand already, if it is still the next one.
                Some(quarantine) if quarantine.record.offset >= restored.next_offsets[input] => {
                    quarantine.record.offset + 1
                }
                Some(_) => {
                    self.quarantine = None;
                    restored.next_offsets[input]
                }
                None => restored.next_offsets[input],
            };
            if let Err(error) = around.member.start(&around.inputs[input], from) {
                self.step = RestoreStep::Starting { restored };
                return Err(error.into());
            }
        }
        restored.quarantine = self.quarantine.take();
        restored.skips = std::mem::take(&mut self.skips);
        restored.replayed = self.replayed;
        self.step = RestoreStep::Finished;
        Ok(Progress::Done(restored))
    }

    /// Where to go on if the present slice fails.
    fn keep(&mut self, step: RestoreStep) {
        self.step = step;
    }

    /// A failed question to the store is asked anew.
    fn step_back(&mut self) {
        self.answer = None;
    }

    fn log_trouble(
        &mut self,
        source: bellwether_log::Error,
        around: &Surroundings<'_>,
    ) -> Result<Progress, Error> {
        let class = source.class();
        let attempts = self.backoff.failures() + 1;
        let failed =
            |source| Error::Log { doing: format!("restoring unit {}", around.unit), attempts, class, source };
        match class {
            ErrorClass::Fatal => Err(failed(source)),
            ErrorClass::Fenced => Ok(Progress::Fenced),
            ErrorClass::Transient | ErrorClass::Aborted | ErrorClass::Indefinite => {
                tracing::warn!(unit = %around.unit, error = %chain(&source), "restore did not get on, waiting");
                self.wait(around.elapsed_ms).ok_or_else(|| failed(source))
            }
        }
    }

    fn wait(&mut self, elapsed_ms: u64) -> Option<Progress> {
        let wait = self.backoff.failed()?;
        self.retry_at = Some(elapsed_ms + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Some(Progress::Waiting)
    }
}
