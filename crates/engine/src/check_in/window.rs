//! The update windows of one key result: closed ones, kept or missed, and the check-ins they are judged by.
//!
//! A window is the time after the close before it, up to and including its own close. A check-in within 48 h after a
//! missed close is late: it counts for no window. Windows are judged anew whenever a check-in arrives, so that one that
//! arrives late in the log gives the same picture as one that came in order.

use std::sync::Arc;

use bellwether_model::{EventTime, LocalDay, Millis};
use bellwether_wire::envelope::EventId;
use serde::{Deserialize, Serialize};

/// Closed windows kept: compliance looks at six, and late facts may reach two windows further back.
const KEPT: usize = 8;

/// An event's identity, shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventKey {
    /// Source.
    pub source: Arc<str>,
    /// Id.
    pub id: Arc<str>,
}

impl EventKey {
    /// The identity as events carry it.
    pub(crate) fn event(&self) -> EventId {
        EventId { source: self.source.to_string(), id: self.id.to_string() }
    }
}

impl From<EventId> for EventKey {
    fn from(id: EventId) -> Self {
        Self { source: id.source.into(), id: id.id.into() }
    }
}

/// One check-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CheckIn {
    /// When it was filed.
    pub at: EventTime,
    /// By the right person, with a report and evidence.
    pub valid: bool,
    /// The event that told of it.
    pub event: EventKey,
}

/// A closed window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    /// When it closed.
    pub at: EventTime,
    /// True when it has a valid check-in of its own.
    pub kept: bool,
}

/// The windows of a key result.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Windows {
    closed: Vec<Closed>,
    check_ins: Vec<CheckIn>,
    next_close: Option<EventTime>,
    /// Closes whose decision waits for a source (R12), in order; with no source behind, the last one for an instant.
    #[serde(deserialize_with = "one_or_several")]
    undecided: Vec<EventTime>,
    effective_day: Option<LocalDay>,
    late: Millis,
}

/// Snapshots of format 2 held one close that waits, or none.
fn one_or_several<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<EventTime>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Several(Vec<EventTime>),
        One(Option<EventTime>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Several(closes) => closes,
        Written::One(close) => close.into_iter().collect(),
    })
}

impl Windows {
    /// Takes a check-in in.
    pub(crate) fn file(&mut self, check_in: CheckIn, late: Millis) {
        self.late = late;
        let place = self.check_ins.partition_point(|known| known.at <= check_in.at);
        self.check_ins.insert(place, check_in);
        self.judge();
    }

    /// Closes the window that was to close now; it waits for a decision.
    pub(crate) fn close(&mut self, at: EventTime) {
        self.closed.push(Closed { at, kept: false });
        self.judge();
        self.undecided.push(at);
        self.forget();
    }

    /// Lets go of windows long closed. One that is not decided yet stays with what it is decided by, however long its
    /// source is away, and a row of missed ones stays whole, because it is counted, with the kept one before it, because
    /// that one's check-in is not theirs.
    fn forget(&mut self) {
        let of_the_row = usize::try_from(self.missed_in_a_row()).unwrap_or(usize::MAX);
        let before_the_row = self.closed.len().saturating_sub(of_the_row).saturating_sub(1);
        let decided = self.closed.iter().take_while(|closed| !self.undecided.contains(&closed.at)).count();
        let excess = self.closed.len().saturating_sub(KEPT).min(decided).min(before_the_row);
        let Some(first) = self.closed.get(excess).filter(|_| excess > 0) else { return };
        let keep_from = first.at.minus(Millis::days(14));
        let last_valid = self.last_valid();
        self.check_ins.retain(|check_in| check_in.at > keep_from || Some(check_in.at) == last_valid);
        self.closed.drain(..excess);
    }

    /// Closes whose decision was not made yet, in order.
    pub(crate) fn undecided(&self) -> &[EventTime] {
        &self.undecided
    }

    /// The decision about a close was made.
    pub(crate) fn decided(&mut self, close: EventTime) {
        self.undecided.retain(|at| *at != close);
    }

    /// Nobody decides any more: the key result is over.
    pub(crate) fn drop_undecided(&mut self) {
        self.undecided.clear();
    }

    /// The last close.
    pub(crate) fn last_close(&self) -> Option<EventTime> {
        self.closed.last().map(|closed| closed.at)
    }

    /// True when the window that closed then has a valid check-in of its own.
    pub(crate) fn kept(&self, close: EventTime) -> bool {
        self.closed.iter().any(|closed| closed.at == close && closed.kept)
    }

    /// True when a close is nothing to fire for, or not any more: kept, or followed by a valid check-in.
    pub(crate) fn settled(&self, close: EventTime) -> bool {
        self.kept(close) || self.valid_after(close)
    }

    /// Windows in a row, up to the last, without their own valid check-in.
    pub(crate) fn missed_in_a_row(&self) -> u32 {
        self.last_close().map_or(0, |last| self.missed_in_a_row_at(last))
    }

    /// Windows in a row, up to the one that closed then, without their own valid check-in.
    pub(crate) fn missed_in_a_row_at(&self, close: EventTime) -> u32 {
        let up_to = self.closed.iter().rev().skip_while(|closed| closed.at > close);
        u32::try_from(up_to.take_while(|closed| !closed.kept).count()).unwrap_or(u32::MAX)
    }

    /// Windows missed since the last valid check-in of any kind: what silence decays the status by (R42).
    pub(crate) fn missed_since_valid(&self) -> u32 {
        let last = self.last_valid();
        let silent = self.closed.iter().rev().take_while(|closed| last.is_none_or(|at| closed.at > at));
        u32::try_from(silent.filter(|closed| !closed.kept).count()).unwrap_or(u32::MAX)
    }

    /// Kept and closed among the last `of` windows (R46).
    pub(crate) fn compliance(&self, of: usize) -> (u32, u32) {
        let last = self.closed.iter().rev().take(of);
        let (kept, all) = last.fold((0, 0), |(kept, all), closed| (kept + u32::from(closed.kept), all + 1));
        (kept, all)
    }

    /// When the last valid check-in was filed.
    pub(crate) fn last_valid(&self) -> Option<EventTime> {
        self.last_valid_check_in().map(|check_in| check_in.at)
    }

    /// The last valid check-in.
    pub(crate) fn last_valid_check_in(&self) -> Option<&CheckIn> {
        self.check_ins.iter().rev().find(|check_in| check_in.valid)
    }

    /// True when a valid check-in came after an instant.
    pub(crate) fn valid_after(&self, at: EventTime) -> bool {
        self.last_valid().is_some_and(|last| last > at)
    }

    /// Closes of the last windows, newest first.
    pub(crate) fn closes(&self) -> impl Iterator<Item = EventTime> {
        self.closed.iter().rev().map(|closed| closed.at)
    }

    /// Check-ins that lie in the window that closed at `close`, valid or not, newest first.
    pub(crate) fn of_window(&self, close: EventTime) -> impl Iterator<Item = &CheckIn> {
        let before = self.closed.iter().rev().find(|closed| closed.at < close).map(|closed| closed.at);
        self.check_ins
            .iter()
            .rev()
            .filter(move |check_in| check_in.at <= close && before.is_none_or(|before| check_in.at > before))
    }

    /// When the next window closes.
    pub(crate) fn next_close(&self) -> Option<EventTime> {
        self.next_close
    }

    /// Sets when the next window closes; returns what it was.
    pub(crate) fn set_next_close(&mut self, next: Option<EventTime>) -> Option<EventTime> {
        std::mem::replace(&mut self.next_close, next)
    }

    /// The day from which the first window counts: that of the first version, whatever revisions follow.
    pub(crate) fn effective_day(&mut self, day: LocalDay) -> LocalDay {
        *self.effective_day.get_or_insert(day)
    }

    /// Says of each closed window whether it has a valid check-in of its own.
    fn judge(&mut self) {
        let mut before: Option<Closed> = None;
        for closed in &mut self.closed {
            let own_from = match before {
                // After a missed close the first 48 hours belong to nobody.
                Some(missed) if !missed.kept => missed.at.plus(self.late),
                Some(kept) => kept.at,
                None => EventTime::MIN,
            };
            closed.kept = self
                .check_ins
                .iter()
                .any(|check_in| check_in.valid && check_in.at > own_from && check_in.at <= closed.at);
            before = Some(*closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_with_one_close_that_waits_is_read() {
        #[derive(Serialize)]
        struct Before {
            closed: Vec<Closed>,
            check_ins: Vec<CheckIn>,
            next_close: Option<EventTime>,
            undecided: Option<EventTime>,
            effective_day: Option<LocalDay>,
            late: Millis,
        }
        let read = |undecided| {
            let before = Before {
                closed: Vec::new(),
                check_ins: Vec::new(),
                next_close: None,
                undecided,
                effective_day: None,
                late: Millis::hours(48),
            };
            let bytes = rmp_serde::to_vec_named(&before).expect("it is written");
            rmp_serde::from_slice::<Windows>(&bytes).expect("it is read").undecided
        };
        assert_eq!(read(None), []);
        assert_eq!(read(Some(EventTime::from_ms(7))), [EventTime::from_ms(7)]);
    }

    const WEEK: i64 = 7 * 24;

    fn at(hours: i64) -> EventTime {
        EventTime::from_ms(hours * 3_600_000)
    }

    /// Windows that close every week, with check-ins at the hours given.
    fn windows(closes: i64, check_ins: &[(i64, bool)]) -> Windows {
        let mut windows = Windows { late: Millis::hours(48), ..Windows::default() };
        for n in 1..=closes {
            windows.close(at(n * WEEK));
        }
        for (hours, valid) in check_ins {
            let event = EventKey { source: "f".into(), id: hours.to_string().into() };
            windows.file(CheckIn { at: at(*hours), valid: *valid, event }, Millis::hours(48));
        }
        windows
    }

    #[test]
    fn r51_a_check_in_at_exactly_the_close_is_in_time() {
        assert!(windows(1, &[(WEEK, true)]).kept(at(WEEK)));
        assert!(!windows(1, &[(WEEK + 1, true)]).kept(at(WEEK)));
    }

    #[test]
    fn r51_within_48_hours_after_a_missed_close_it_counts_for_no_window() {
        assert_eq!(windows(2, &[(WEEK + 48, true)]).missed_in_a_row(), 2);
        assert_eq!(windows(2, &[(WEEK + 49, true)]).missed_in_a_row(), 0);
    }

    #[test]
    fn r51_after_a_kept_close_it_counts_at_once() {
        assert_eq!(windows(2, &[(WEEK, true), (WEEK + 1, true)]).missed_in_a_row(), 0);
    }

    #[test]
    fn r42_a_late_update_ends_the_silence() {
        let late = windows(2, &[(WEEK + 1, true)]);
        assert_eq!((late.missed_in_a_row(), late.missed_since_valid()), (2, 1));
    }

    #[test]
    fn r46_compliance_is_of_the_windows_there_are() {
        assert_eq!(windows(3, &[(WEEK, true), (3 * WEEK, true)]).compliance(6), (2, 3));
        assert_eq!(windows(0, &[]).compliance(6), (0, 0));
    }

    #[test]
    fn an_invalid_check_in_keeps_no_window() {
        assert!(!windows(1, &[(WEEK - 1, false)]).kept(at(WEEK)));
    }

    #[test]
    fn r12_a_close_that_waits_is_kept_with_what_it_is_decided_by() {
        let mut stalled = windows(12, &[]);
        assert_eq!(stalled.closed.len(), 12, "none of them is decided");
        assert_eq!((stalled.missed_in_a_row_at(at(WEEK)), stalled.missed_in_a_row()), (1, 12));
        for n in 1..=12 {
            stalled.decided(at(n * WEEK));
        }
        let event = EventKey { source: "f".into(), id: "kept".into() };
        stalled.file(CheckIn { at: at(13 * WEEK), valid: true, event }, Millis::hours(48));
        stalled.close(at(13 * WEEK));
        assert_eq!((stalled.closed.len(), stalled.undecided()), (KEPT, &[at(13 * WEEK)][..]));
    }

    #[test]
    fn r51_a_long_row_of_missed_windows_is_counted_whole() {
        let mut silent = windows(1, &[(WEEK, true)]);
        silent.decided(at(WEEK));
        for n in 2..=14 {
            silent.close(at(n * WEEK));
            silent.decided(at(n * WEEK));
        }
        assert_eq!((silent.missed_in_a_row(), silent.missed_since_valid()), (13, 13));
        assert_eq!(silent.last_valid(), Some(at(WEEK)));
    }
}
