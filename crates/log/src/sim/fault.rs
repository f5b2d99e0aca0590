//! Faults and when they strike. A step is a call of the port; a plan is a list of (step, fault), or a seed.

use super::random::Random;
use crate::{Error, ErrorClass};

/// Something that goes wrong in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the call has any effect.
    CrashBefore,
    /// The process dies after the call had its whole effect; nobody hears of it.
    CrashAfter,
    /// The process dies inside a commit: records appended, positions sent, the transaction left open.
    CrashInside,
    /// The call fails without effect and may be made again.
    Transient,
    /// A commit is aborted by the coordinator.
    Abort,
    /// A commit happens and its acknowledgement is lost.
    LoseAcknowledgement,
    /// A commit is lost on its way; its records end up aborted.
    LoseRequest,
    /// A commit is decided and acknowledged, and its markers come some calls later: until then its records are not
    /// visible and its positions not stable.
    SlowMarkers,
    /// The group throws the member out before the call; it hears of it at its next poll.
    Evict,
    /// Everybody is asked to join again before the call.
    Rebalance,
    /// A twin opens a producer with the member's transactional id before the call.
    Usurp,
    /// An append outside transactions is delivered twice.
    Duplicate,
}

/// The kinds of call a fault can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Anything that is none of those below.
    Other,
    Poll,
    Commit,
    Append,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 12] = [
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::CrashInside,
        Fault::Transient,
        Fault::Abort,
        Fault::LoseAcknowledgement,
        Fault::LoseRequest,
        Fault::SlowMarkers,
        Fault::Evict,
        Fault::Rebalance,
        Fault::Usurp,
        Fault::Duplicate,
    ];

    fn strikes(self, call: Call) -> bool {
        match self {
            Fault::CrashBefore | Fault::CrashAfter | Fault::Transient => true,
            Fault::CrashInside
            | Fault::Abort
            | Fault::LoseAcknowledgement
            | Fault::LoseRequest
            | Fault::SlowMarkers
            | Fault::Usurp => call == Call::Commit,
            Fault::Evict | Fault::Rebalance => matches!(call, Call::Poll | Call::Commit),
            Fault::Duplicate => call == Call::Append,
        }
    }
}

/// Which faults strike, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Sorted by step.
    due: Vec<(u64, Fault)>,
}

impl FaultPlan {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault, at the first call from the given step on that it can strike. Steps count from 1.
    pub fn at(step: u64, fault: Fault) -> Self {
        Self::none().and(step, fault)
    }

    /// Adds a fault.
    #[must_use]
    pub fn and(mut self, step: u64, fault: Fault) -> Self {
        self.due.push((step, fault));
        self.due.sort_by_key(|(step, _)| *step);
        self
    }

    /// `count` of the given faults at steps below `horizon`, all of it decided by the seed.
    pub fn from_seed(seed: u64, horizon: u64, count: usize, faults: &[Fault]) -> Self {
        let mut random = Random::new(seed ^ 0xfa17);
        let mut plan = Self::none();
        for _ in 0..count {
            let step = 1 + random.next() % horizon.max(1);
            if let Some(fault) = faults.get(random.below(faults.len())) {
                plan = plan.and(step, *fault);
            }
        }
        plan
    }

    /// Faults that have not struck yet.
    pub fn remaining(&self) -> &[(u64, Fault)] {
        &self.due
    }

    /// Takes the fault that strikes this call, if any.
    pub(super) fn take(&mut self, step: u64, call: Call) -> Option<Fault> {
        let at = self.due.iter().position(|(due, fault)| *due <= step && fault.strikes(call))?;
        Some(self.due.remove(at).1)
    }
}

/// The cause of an error returned to a process that is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the simulated process has crashed")]
pub struct Crashed;

/// True when the error means that the process of the caller is dead: drop everything it holds.
pub fn is_crash(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<Crashed>())
}

pub(super) fn crashed(what: &str) -> Error {
    Error::with_source(ErrorClass::Fatal, what, Crashed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_a_call_it_can_strike() {
        let mut plan = FaultPlan::at(3, Fault::Abort);
        assert_eq!(plan.take(2, Call::Commit), None);
        assert_eq!(plan.take(3, Call::Poll), None);
        assert_eq!(plan.take(7, Call::Commit), Some(Fault::Abort));
        assert!(plan.remaining().is_empty());
    }

    #[test]
    fn a_seed_is_a_plan() {
        let plan = |seed| FaultPlan::from_seed(seed, 100, 5, &Fault::ALL);
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
        assert_eq!(plan(7).remaining().len(), 5);
    }
}
