//! Tells folds the clock: what they answer joins the batch and its transaction (RT-1).

use bellwether_log::EventLog;

use super::Service;
use super::batch::Batch;
use super::folding::{note_panic, settle};
use crate::error::Error;
use crate::fold::UnitId;
use crate::guard::{Panicked, guarded};
use crate::options::ClockRule;
use crate::pulse::Beat;
use crate::unit::{Gate, Input, Phase, Unit};

impl Service {
    /// Tells every live unit the clock that is due for it.
    pub(super) fn tell_clock(&mut self, batch: &mut Batch) -> Result<(), Error> {
        if !self.clock.tells_folds() {
            return Ok(());
        }
        let (now_ms, elapsed_ms) = (self.clock.now_ms(), self.clock.elapsed_ms());
        let ids: Vec<UnitId> = self.units.keys().copied().collect();
        for id in ids {
            let Some(unit) = self.units.get_mut(&id) else { continue };
            let beat = match look(unit, now_ms, elapsed_ms) {
                Ok(Some(beat)) => beat,
                Ok(None) => continue,
                Err(panicked) => {
                    let after = note_panic(Some(unit), &panicked);
                    settle(unit, after, batch);
                    continue;
                }
            };
            let tell_ms = match self.options.clock_rule {
                ClockRule::WhenDue => Some(now_ms),
                ClockRule::WhenCaughtUp => match caught_up(unit, self.log.as_ref(), now_ms, elapsed_ms) {
                    Ok(tell_ms) => tell_ms,
                    Err(source) => {
                        self.tolerate("looking at the end of an input", source)?;
                        None
                    }
                },
            };
            if let (Some(tell_ms), Some(unit)) = (tell_ms, self.units.get_mut(&id)) {
                tell(unit, beat, tell_ms, elapsed_ms, batch);
            }
        }
        Ok(())
    }
}

/// What the unit must be told now, if anything; a rest with a pause to tell of is one.
fn look(unit: &mut Unit, now_ms: i64, elapsed_ms: u64) -> Result<Option<Beat>, Panicked> {
    let unread = unit.has_unread_tick();
    let Phase::Live(live) = &mut unit.phase else { return Ok(None) };
    unit.pulse.look(now_ms);
    let due_ms = guarded(|| live.fold.next_due_ms())?;
    let beat = unit.pulse.beat(due_ms, now_ms, elapsed_ms, unread);
    if beat == Beat::Rest && unit.pulse.pause().is_none() {
        live.gate = None;
        return Ok(None);
    }
    Ok(Some(beat))
}

/// The instant that may be told: the one at which the inputs ended where everything has been folded by now. Later
/// deadlines wait for later ends, or an acknowledgement before them could be overtaken.
fn caught_up(
    unit: &mut Unit,
    log: &dyn EventLog,
    now_ms: i64,
    elapsed_ms: u64,
) -> bellwether_log::Result<Option<i64>> {
    let Phase::Live(live) = &mut unit.phase else { return Ok(None) };
    let gate = match live.gate.take() {
        Some(gate) => gate,
        None => {
            let end = |input: &Input| Ok(log.bounds(&input.partition)?.stable_end);
            let ends = unit.inputs.iter().map(end).collect::<bellwether_log::Result<Vec<i64>>>()?;
            Gate { now_ms, ends }
        }
    };
    let tell_ms = gate.now_ms;
    let gate = live.gate.insert(gate);
    let mut caught_up = true;
    for (lane, (input, end)) in unit.inputs.iter_mut().zip(&gate.ends).enumerate() {
        let drained = live.lanes.held(lane).0 == 0;
        if input.next_offset >= *end || (drained && input.frontier.has_passed(*end)) {
            continue;
        }
        caught_up = false;
        if drained {
            input.frontier.look(log, &input.partition, elapsed_ms)?;
        }
    }
    Ok(caught_up.then_some(tell_ms))
}

fn tell(unit: &mut Unit, beat: Beat, now_ms: i64, elapsed_ms: u64, batch: &mut Batch) {
    let Phase::Live(live) = &mut unit.phase else { return };
    let said = batch.out.len();
    let pause = unit.pulse.pause();
    let told = guarded(|| {
        if let Some(paused_since_ms) = pause {
            live.fold.resumed(paused_since_ms, now_ms, &mut batch.out);
        }
        if beat != Beat::Rest {
            live.fold.on_clock(now_ms, &mut batch.out);
        }
    });
    live.gate = None;
    if let Err(panicked) = told {
        batch.out.truncate(said);
        let after = note_panic(Some(unit), &panicked);
        settle(unit, after, batch);
        return;
    }
    unit.panics = 0;
    if batch.out.len() == said {
        // Nothing was said, so nothing has to be committed for it to have been told.
        unit.pulse.told(elapsed_ms, beat);
        return;
    }
    batch.touched.insert(unit.id);
    batch.told.insert(unit.id, (beat, said..batch.out.len()));
}
