//! When a key result is looked at because time passed: at mid-cycle and at week ends (R8).

use bellwether_model::{EventTime, KeyResultId, Quarter};

use super::KeyResults;
use super::frame::{Frame, is_owned};
use crate::context::Context;
use crate::deadlines::Deadline;

impl KeyResults {
    /// Sets the next deadline of a key result, if it is in force and judged here.
    pub(super) fn schedule(&mut self, context: &mut Context<'_>, id: &KeyResultId) {
        let now = context.now;
        let Some(key_result) = context.reference.key_result(id, now) else { return };
        if !is_owned(context, id, key_result.squad.as_ref()) {
            return;
        }
        let Some(fiscal) = context.reference.fiscal(now) else { return };
        let Some(quarter) = context.reference.quarter_at(now, now) else { return };
        self.cycle = Some((quarter.mid(), quarter.end));
        let next = next_in(&quarter, now).or_else(|| next_in(&fiscal.quarter(quarter.index + 1), now));
        if let Some(next) = next {
            context.deadlines.set(next, Deadline::KeyResult(id.clone()));
        }
    }
}

/// True when a week of the quarter ends at the instant of the frame.
pub(super) fn is_week_end(frame: &Frame<'_>) -> bool {
    week_ends(&frame.quarter).any(|end| end == frame.now)
}

fn next_in(quarter: &Quarter, now: EventTime) -> Option<EventTime> {
    week_ends(quarter).chain([quarter.mid()]).filter(|at| *at > now).min()
}

fn week_ends(quarter: &Quarter) -> impl Iterator<Item = EventTime> {
    (1..=quarter.weeks()).map(|week| quarter.week_end(week))
}
