//! What a page measure came to at instants of the past: at week ends, and at closes of the squad's sprints.
//!
//! A week is measured with the window of the last instant before its end (R43), a close with its own (R45). Each is
//! measured once; pages that arrive later for it make it be measured again (R1).

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, Millis};
use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::inputs::Inputs;
use super::measured::{Measured, of_pages};
use crate::context::Context;
use crate::page::Pages;

/// Closes that a trend looks back on (R45).
pub(super) const TREND: usize = 3;

/// Values by the instant they are called by, each with the instant it was measured at.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marks(BTreeMap<EventTime, (EventTime, Measured)>);

impl Marks {
    /// The value at an instant, if it was measured.
    pub(crate) fn at(&self, mark: EventTime) -> Option<Measured> {
        self.0.get(&mark).map(|(_, measured)| *measured)
    }

    /// The last instant measured.
    pub(crate) fn last(&self) -> Option<EventTime> {
        self.0.keys().next_back().copied()
    }

    /// Measures the week that ends now, and forgets those of earlier quarters.
    pub(super) fn measure_week(&mut self, context: &mut Context<'_>, pages: &Pages, frame: &Frame<'_>) {
        self.0.retain(|end, _| frame.quarter.start < *end);
        let last = frame.now.minus(Millis::from_ms(1));
        self.measure(context, pages, frame, frame.now, last);
    }

    /// Measures the last closes of the squad's sprints that were not yet, and forgets all others.
    pub(super) fn measure_closes(
        &mut self,
        context: &mut Context<'_>,
        inputs: &Inputs<'_>,
        frame: &Frame<'_>,
    ) {
        let series = frame.squad().map(|squad| inputs.sprints.series(squad)).unwrap_or_default();
        let closes = series.iter().rev().map(|closed| closed.closed_at).filter(|at| *at <= frame.now);
        let closes: BTreeSet<EventTime> = closes.take(TREND).collect();
        if closes.iter().eq(self.0.keys()) {
            return;
        }
        self.0.retain(|close, _| closes.contains(close));
        for close in closes {
            if !self.0.contains_key(&close) {
                self.measure(context, inputs.pages, frame, close, close);
            }
        }
    }

    /// Measures again what pages at or after an instant may change.
    pub(super) fn measure_again(
        &mut self,
        context: &mut Context<'_>,
        pages: &Pages,
        frame: &Frame<'_>,
        from: EventTime,
    ) {
        let stale: Vec<(EventTime, EventTime)> =
            self.0.iter().map(|(mark, (at, _))| (*mark, *at)).filter(|(_, at)| from <= *at).collect();
        for (mark, at) in stale {
            self.measure(context, pages, frame, mark, at);
        }
    }

    fn measure(
        &mut self,
        context: &mut Context<'_>,
        pages: &Pages,
        frame: &Frame<'_>,
        mark: EventTime,
        at: EventTime,
    ) {
        let quarter = context.reference.fiscal(at).map(|fiscal| fiscal.quarter_at(at));
        if let Some((squad, quarter)) = frame.squad().zip(quarter) {
            let measured = of_pages(&context.at(at), pages, frame.measure(), squad, &quarter);
            self.0.insert(mark, (at, measured));
        }
    }
}
