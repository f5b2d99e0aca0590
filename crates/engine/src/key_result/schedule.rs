//! When a key result is looked at because time passed: at mid-cycle and at week ends (R8).

use bellwether_model::{EventTime, KeyResultId, Quarter};

use super::KeyResults;
use super::frame::{Frame, is_owned};
use crate::context::Context;
use crate::deadlines::Deadline;

impl KeyResults {
    /// Sets the next deadline of a key result, if it is in force and judged here.
    pub(super) fn schedule(&mut self, context: &mut Context<'_>, id: &KeyResultId) {
        let (now, epoch) = (context.now, context.reference.epoch());
        let scheduled = self.books.get(id).and_then(|book| book.scheduled);
        if scheduled.is_some_and(|(of, next)| of == epoch && now < next) {
            return;
        }
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
            if let Some(book) = self.books.get_mut(id) {
                book.scheduled = Some((epoch, next));
            }
        }
    }
}

/// True when a week of the quarter ends at the instant of the frame.
pub(super) fn is_week_end(frame: &Frame<'_>) -> bool {
    let ended = weeks_ended(&frame.quarter, frame.now);
    (1..=frame.quarter.weeks()).contains(&ended) && frame.quarter.week_end(ended) == frame.now
}

/// Whole weeks between the first day of a quarter and the local day of an instant, none before it.
fn weeks_ended(quarter: &Quarter, at: EventTime) -> u32 {
    u32::try_from(quarter.zone.local_day(at).since(quarter.first_day) / 7).unwrap_or(0)
}

fn next_in(quarter: &Quarter, now: EventTime) -> Option<EventTime> {
    // A clock that goes back across midnight may show a day again whose first instant has passed: one more is looked at.
    let first = weeks_ended(quarter, now).max(1);
    let weeks = first..=(first + 2).min(quarter.weeks());
    let ends = weeks.map(|week| quarter.week_end(week));
    ends.chain([quarter.mid()]).filter(|at| *at > now).min()
}

#[cfg(test)]
mod tests {
    use bellwether_model::{FiscalCalendar, LocalDay, Millis, Zone};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_turning_point_is_the_first_of_all_week_ends_and_mid_cycle(
            zone in prop::sample::select(vec!["UTC", "America/New_York", "America/Havana", "Asia/Tokyo"]),
            first in 19_000..21_000_i32,
            days in 0..100_i64,
            ms in prop::sample::select(vec![-1_i64, 0, 1, 3_600_000]),
        ) {
            let zone = Zone::parse(zone).expect("a zone");
            let none: [(&str, LocalDay); 0] = [];
            let fiscal = FiscalCalendar::new(zone, LocalDay::from_days(first), none).expect("a calendar");
            let quarter = fiscal.quarter(0);
            let now = quarter.start.plus(Millis::days(days)).plus(Millis::from_ms(ms));
            let all = (1..=quarter.weeks()).map(|week| quarter.week_end(week)).chain([quarter.mid()]);
            prop_assert_eq!(next_in(&quarter, now), all.filter(|at| *at > now).min());
        }
    }
}
