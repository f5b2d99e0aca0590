//! When a unit's fold is told the clock. Pure: it is told times and answers yes or no.
//!
//! - Never before the fold's next due instant, except for the slow heartbeat while something is pending.
//! - At most once a second, so that deadlines of one second share one tick.
//! - Not again before its own tick has been read back, unless the heartbeat comes round.

/// Shortest time between two calls of the clock: deadlines inside a second are told together, and the worst-case
/// load is one tick per partition and second.
pub(crate) const COALESCE_MS: u64 = 1_000;
/// Time between two calls while something is pending and nothing due: bounds how long a pause goes unnoticed.
pub(crate) const HEARTBEAT_MS: u64 = 60_000;
/// A loop that did not come round for this long stood still: its fold is told of the gap. Longer than any restore
/// step or commit retry takes.
pub(crate) const STALL_MS: i64 = 30_000;

/// The clock as one unit knows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse {
    /// Monotonic time of the last call.
    called_at: Option<u64>,
    /// Monotonic time since which something has been pending.
    pending_since: Option<u64>,
    /// Since when nobody may have told the clock; told at the next look.
    paused_since_ms: Option<i64>,
    /// Wall clock at the last look.
    looked_at_ms: Option<i64>,
}

/// Whether to tell the clock now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// No.
    Rest,
    /// Something is due.
    Due,
    /// Nothing is due, but something is pending and the heartbeat has come.
    Heartbeat,
}

impl Pulse {
    /// The unit went live with a state that last heard of the world at `paused_since_ms`. A state reloaded by its
    /// own owner keeps its pulse: that is no pause.
    pub(crate) fn started(paused_since_ms: Option<i64>) -> Self {
        Self { paused_since_ms, ..Self::default() }
    }

    /// Looks at the wall clock, once per round of the loop; notes a gap.
    pub(crate) fn look(&mut self, now_ms: i64) {
        if let Some(last) = self.looked_at_ms.replace(now_ms)
            && now_ms.saturating_sub(last) > STALL_MS
        {
            self.paused_since_ms.get_or_insert(last);
        }
    }

    /// The pause to tell of, if there is one.
    pub(crate) fn pause(&self) -> Option<i64> {
        self.paused_since_ms
    }

    /// Whether to call now. `unread` is true while the unit's last tick has not been read back.
    pub(crate) fn beat(&mut self, due_ms: Option<i64>, now_ms: i64, elapsed_ms: u64, unread: bool) -> Beat {
        let Some(due_ms) = due_ms else {
            self.pending_since = None;
            return Beat::Rest;
        };
        let pending_since = *self.pending_since.get_or_insert(elapsed_ms);
        let quiet_since = self.called_at.map_or(pending_since, |at| at.max(pending_since));
        let heartbeat = elapsed_ms.saturating_sub(quiet_since) >= HEARTBEAT_MS;
        let coalesced = self.called_at.is_some_and(|at| elapsed_ms.saturating_sub(at) < COALESCE_MS);
        if due_ms <= now_ms && !coalesced && (!unread || heartbeat) {
            Beat::Due
        } else if due_ms > now_ms && heartbeat {
            Beat::Heartbeat
        } else {
            Beat::Rest
        }
    }

    /// The fold was told, and what it said to it is committed.
    pub(crate) fn told(&mut self, elapsed_ms: u64, beat: Beat) {
        self.paused_since_ms = None;
        if beat != Beat::Rest {
            self.called_at = Some(elapsed_ms);
        }
    }

    /// Milliseconds until the next call can be due, for the wait of the next poll.
    pub(crate) fn wait_ms(&self, due_ms: Option<i64>, now_ms: i64, elapsed_ms: u64) -> Option<u64> {
        let until_due = u64::try_from(due_ms?.saturating_sub(now_ms)).unwrap_or(0);
        let until_free = self.called_at.map_or(0, |at| (at + COALESCE_MS).saturating_sub(elapsed_ms));
        Some(until_due.max(until_free))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn nothing_pending_means_no_call_ever() {
        let mut pulse = Pulse::started(None);
        assert_eq!(pulse.beat(None, NOW, 0, false), Beat::Rest);
        assert_eq!(pulse.beat(None, NOW, 10 * HEARTBEAT_MS, false), Beat::Rest);
        assert_eq!(pulse.wait_ms(None, NOW, 0), None);
    }

    #[test]
    fn a_deadline_is_told_when_it_comes_and_never_before() {
        let mut pulse = Pulse::started(None);
        pulse.told(0, Beat::Due);
        assert_eq!(pulse.beat(Some(NOW + 1), NOW, 5_000, false), Beat::Rest);
        assert_eq!(pulse.beat(Some(NOW), NOW, 5_000, false), Beat::Due);
    }

    #[test]
    fn deadlines_inside_a_second_share_a_call() {
        let mut pulse = Pulse::started(None);
        pulse.told(10_000, Beat::Due);
        assert_eq!(pulse.beat(Some(NOW), NOW, 10_999, false), Beat::Rest);
        assert_eq!(pulse.beat(Some(NOW), NOW, 11_000, false), Beat::Due);
        assert_eq!(pulse.wait_ms(Some(NOW), NOW, 10_400), Some(600));
    }

    #[test]
    fn a_tick_not_yet_read_back_is_not_repeated_before_the_heartbeat() {
        let mut pulse = Pulse::started(None);
        assert_eq!(pulse.beat(Some(NOW), NOW, 0, false), Beat::Due);
        pulse.told(0, Beat::Due);
        assert_eq!(pulse.beat(Some(NOW), NOW, 30_000, true), Beat::Rest);
        assert_eq!(pulse.beat(Some(NOW), NOW, 30_000, false), Beat::Due);
        assert_eq!(pulse.beat(Some(NOW), NOW, HEARTBEAT_MS, true), Beat::Due);
    }

    #[test]
    fn the_heartbeat_comes_while_something_is_pending() {
        let mut pulse = Pulse::started(None);
        let far = Some(NOW + 86_400_000);
        assert_eq!(pulse.beat(None, NOW, 5_000, false), Beat::Rest);
        assert_eq!(pulse.beat(far, NOW, 6_000, false), Beat::Rest, "counted from when it became pending");
        assert_eq!(pulse.beat(far, NOW, 5_999 + HEARTBEAT_MS, false), Beat::Rest);
        assert_eq!(pulse.beat(far, NOW, 6_000 + HEARTBEAT_MS, false), Beat::Heartbeat);
        pulse.told(6_000 + HEARTBEAT_MS, Beat::Heartbeat);
        assert_eq!(pulse.beat(far, NOW, 5_999 + 2 * HEARTBEAT_MS, false), Beat::Rest);
        assert_eq!(pulse.beat(far, NOW, 6_000 + 2 * HEARTBEAT_MS, false), Beat::Heartbeat);
    }

    #[test]
    fn a_stall_is_noted_once_and_a_reload_is_none() {
        let mut pulse = Pulse::started(None);
        pulse.look(NOW);
        pulse.look(NOW + STALL_MS);
        assert_eq!(pulse.pause(), None);
        pulse.look(NOW + 3 * STALL_MS);
        pulse.look(NOW + 3 * STALL_MS + 10);
        assert_eq!(pulse.pause(), Some(NOW + STALL_MS), "told from the last sign of life");
        pulse.told(0, Beat::Due);
        assert_eq!(pulse.pause(), None);
    }

    #[test]
    fn a_clock_set_back_is_no_stall() {
        let mut pulse = Pulse::started(None);
        pulse.look(NOW);
        pulse.look(NOW - 3_600_000);
        assert_eq!(pulse.pause(), None);
    }
}
