//! When a folding role may be called ready.
//!
//! Not before its group has given it partitions for the first time: until then it folds nothing, and a deployment that
//! moves on because of it takes the last member that folds away. A member that stays without - there are more members
//! than partitions - is ready after a minute of waiting, by its own loop's clock: it stands by.

use std::sync::{Mutex, PoisonError};

use bellwether_runtime::Handle;

/// How long a member waits for its first assignment before it stands by: longer than a group takes to share out its
/// partitions, session time-outs of members that died included.
const STANDS_BY_AFTER_MS: i64 = 60_000;

/// One role, looked at each time somebody asks.
#[derive(Debug)]
pub(crate) struct Readiness {
    role: &'static str,
    handle: Handle,
    seen: Mutex<Seen>,
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Seen {
    is_assigned: bool,
    first_loop_ms: Option<i64>,
}

/// What a look shows.
#[derive(Debug, Clone, Copy)]
struct Look {
    has_units: bool,
    is_live: bool,
    last_loop_ms: Option<i64>,
}

impl Readiness {
    /// Of a role that was started.
    pub(crate) fn of(role: &'static str, handle: Handle) -> Self {
        Self { role, handle, seen: Mutex::default() }
    }

    /// Nothing when it is ready, else what it waits for; and a line for each unit that stands still.
    pub(crate) fn look(&self) -> (Vec<String>, bool) {
        let status = self.handle.status();
        let look = Look {
            has_units: !status.units().is_empty(),
            is_live: status.is_ready(),
            last_loop_ms: status.last_loop_ms(),
        };
        let halted =
            status.halted().into_iter().map(|(unit, cause)| format!("unit {unit} is halted: {cause}"));
        let mut lines: Vec<String> = halted.collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ready = seen.is_ready(look);
        if !is_ready && !seen.is_assigned {
            lines.push(format!("{} waits for its first assignment", self.role));
        }
        (lines, is_ready)
    }
}

impl Seen {
    fn is_ready(&mut self, look: Look) -> bool {
        let Some(last_loop_ms) = look.last_loop_ms else { return false };
        let first_loop_ms = *self.first_loop_ms.get_or_insert(last_loop_ms);
        self.is_assigned |= look.has_units;
        look.is_live && (self.is_assigned || last_loop_ms - first_loop_ms >= STANDS_BY_AFTER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(has_units: bool, is_live: bool, last_loop_ms: Option<i64>) -> Look {
        Look { has_units, is_live, last_loop_ms }
    }

    #[test]
    fn nobody_is_ready_before_the_first_assignment() {
        let mut seen = Seen::default();
        // A member without units says that none of them is in the way.
        assert!(!seen.is_ready(look(false, true, None)), "its loop has not come round");
        assert!(!seen.is_ready(look(false, true, Some(1_000))));
        assert!(!seen.is_ready(look(true, false, Some(1_100))), "its state is being brought back");
        assert!(seen.is_ready(look(true, true, Some(1_200))));
        assert!(seen.is_ready(look(false, true, Some(1_300))), "its partitions are with others now");
    }

    #[test]
    fn who_gets_no_partitions_for_a_minute_stands_by() {
        let mut seen = Seen::default();
        assert!(!seen.is_ready(look(false, true, Some(5_000))));
        assert!(!seen.is_ready(look(false, true, Some(64_999))));
        assert!(seen.is_ready(look(false, true, Some(65_000))));
    }
}
