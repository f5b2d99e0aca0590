//! Outages of the roles that decide: between pause and resumption steps are held and repeats dropped (R71).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The escalator's own role.
pub(crate) const ESCALATE: &str = "escalate";

/// The role that fires triggers: while it is away, what is known may be stale.
pub(crate) const PROCESS: &str = "process";

/// Who is away: role and partition, no partition for the whole role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pauses(BTreeSet<(String, Option<u32>)>);

impl Pauses {
    /// True while anybody who matters is away.
    pub(crate) fn is_paused(&self) -> bool {
        !self.0.is_empty()
    }

    /// A role went away; true when it matters and was there before.
    pub(crate) fn pause(&mut self, role: &str, partitions: &[u32]) -> bool {
        let mut changed = false;
        if role == ESCALATE || role == PROCESS {
            if partitions.is_empty() {
                changed = self.0.insert((role.to_owned(), None));
            }
            for partition in partitions {
                changed |= self.0.insert((role.to_owned(), Some(*partition)));
            }
        }
        changed
    }

    /// A role came back; true when it was away. A role that went away as a whole is back with its first partition, so
    /// that members coming back one by one cannot hold steps for ever.
    pub(crate) fn resume(&mut self, role: &str, partitions: &[u32]) -> bool {
        let before = self.0.len();
        self.0.retain(|(away, partition)| {
            away != role
                || (!partitions.is_empty()
                    && partition.is_some_and(|partition| !partitions.contains(&partition)))
        });
        self.0.len() != before
    }
}
