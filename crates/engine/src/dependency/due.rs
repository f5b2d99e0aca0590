//! When a dependency is due: at an instant, or at the close of a sprint.
//!
//! "At the close of S" is the first close, or the planned end if S is not closed by then (R25).

use std::collections::BTreeMap;

use bellwether_model::{EventTime, SprintId};
use bellwether_wire::{instant, pb};
use serde::{Deserialize, Serialize};

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Due {
    /// At an instant.
    At(EventTime),
    /// At the close of a sprint.
    CloseOf(SprintId),
}

/// First closes and planned ends of sprints.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SprintEnds(BTreeMap<SprintId, Ends>);

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Ends {
    planned: Option<EventTime>,
    first_close: Option<EventTime>,
}

impl SprintEnds {
    /// Takes over what an event says of a sprint's end; true when something is new.
    pub(crate) fn learn(
        &mut self,
        sprint: &SprintId,
        planned: Option<EventTime>,
        closed: Option<EventTime>,
    ) -> bool {
        let ends = self.0.entry(sprint.clone()).or_default();
        let before = *ends;
        if planned.is_some() && ends.first_close.is_none() {
            ends.planned = planned;
        }
        if let Some(closed) = closed {
            ends.first_close = Some(ends.first_close.map_or(closed, |first| first.min(closed)));
        }
        *ends != before
    }

    /// The due instant, as far as is known.
    pub(crate) fn due_at(&self, due: &Due) -> Option<EventTime> {
        match due {
            Due::At(at) => Some(*at),
            Due::CloseOf(sprint) => {
                let ends = self.0.get(sprint)?;
                match (ends.first_close, ends.planned) {
                    (Some(closed), Some(planned)) => Some(closed.min(planned)),
                    (closed, planned) => closed.or(planned),
                }
            }
        }
    }
}

/// The due of an agreement.
pub(super) fn agreed(message: &pb::DependencyAgreed) -> Option<Due> {
    match message.due.as_ref()? {
        pb::dependency_agreed::Due::DueAt(at) => instant::event_time(at).map(Due::At),
        pb::dependency_agreed::Due::DueAtCloseOf(sprint) => {
            Some(Due::CloseOf(SprintId::from(sprint.as_str())))
        }
    }
}

/// The due of a re-agreement.
pub(super) fn rescheduled(message: &pb::DependencyRescheduled) -> Option<Due> {
    match message.due.as_ref()? {
        pb::dependency_rescheduled::Due::DueAt(at) => instant::event_time(at).map(Due::At),
        pb::dependency_rescheduled::Due::DueAtCloseOf(sprint) => {
            Some(Due::CloseOf(SprintId::from(sprint.as_str())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> EventTime {
        EventTime::from_ms(ms)
    }

    fn due(planned: Option<i64>, closes: &[i64]) -> Option<i64> {
        let sprint = SprintId::from("s");
        let mut ends = SprintEnds::default();
        ends.learn(&sprint, planned.map(at), None);
        for close in closes {
            ends.learn(&sprint, None, Some(at(*close)));
        }
        ends.due_at(&Due::CloseOf(sprint)).map(EventTime::ms)
    }

    #[test]
    fn r25_the_first_close_or_the_planned_end_if_not_closed_by_then() {
        assert_eq!(due(Some(100), &[]), Some(100));
        assert_eq!(due(Some(100), &[90]), Some(90));
        assert_eq!(due(Some(100), &[120]), Some(100));
        assert_eq!(due(Some(100), &[90, 150]), Some(90));
        assert_eq!(due(None, &[90]), Some(90));
        assert_eq!(due(None, &[]), None);
    }
}
