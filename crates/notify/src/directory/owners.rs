//! Owners of key results: as recorded, or as somebody assigned them since.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::{instant, pb};

use super::Directory;

/// An owner whom a command assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Assigned {
    owner: String,
    at: EventTime,
    interim: bool,
    /// End of an interim, exclusive.
    until: Option<EventTime>,
}

/// Assigned owners by key result; the last assignment counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Owners(BTreeMap<String, Assigned>);

impl Owners {
    pub(super) fn assign(&mut self, it: &pb::OwnerAssigned, at: EventTime) {
        if it.key_result.is_empty() || it.owner.is_empty() {
            return;
        }
        let until = instant::optional(it.until.as_ref()).filter(|_| it.interim);
        let assigned = Assigned { owner: it.owner.clone(), at, interim: it.interim, until };
        self.0.insert(it.key_result.clone(), assigned);
    }
}

impl Directory {
    /// The interim owner while there is one; else whoever was named last, by assignment or by record.
    pub(crate) fn owner(&self, key_result: &str, at: EventTime) -> Option<&str> {
        let recorded = self.key_results.recorded_at_or_last(key_result, at);
        let assigned = self.owners.0.get(key_result).filter(|it| it.until.is_none_or(|until| at < until));
        let owner = match (assigned, recorded) {
            (Some(assigned), Some((recorded, it))) if !assigned.interim && recorded > assigned.at => {
                &it.owner
            }
            (Some(assigned), _) => &assigned.owner,
            (None, Some((_, it))) => &it.owner,
            (None, None) => return None,
        };
        Some(owner.as_str()).filter(|owner| !owner.is_empty())
    }
}
