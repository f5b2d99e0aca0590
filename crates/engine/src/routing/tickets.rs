//! Squads that tickets belonged to last: found by hash, because there is one for every ticket there ever was.

use std::collections::BTreeMap;

use bellwether_model::SquadId;
use serde::{Deserialize, Serialize, Serializer};

use super::in_order;
use crate::id_map::IdMap;

/// Squads by ticket, each in order. In snapshots a map in order.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct TicketSquads(IdMap<String, Vec<SquadId>>);

impl TicketSquads {
    /// The squads of a ticket; none for one that is not known.
    pub(super) fn of(&self, ticket: &str) -> &[SquadId] {
        self.0.get(ticket).map_or(&[], Vec::as_slice)
    }

    /// A change of a ticket names these squads: they are its squads from now on. Whom the change concerns: them, and those
    /// before; `None`, and nothing changes, when that is nobody.
    pub(super) fn exchange(&mut self, ticket: &str, now: Vec<SquadId>) -> Option<Vec<SquadId>> {
        let Some(before) = self.0.get_mut(ticket) else {
            if now.is_empty() {
                return None;
            }
            self.0.insert(ticket.to_owned(), now.clone());
            return Some(now);
        };
        if *before == now {
            return (!now.is_empty()).then_some(now);
        }
        let before = std::mem::replace(before, now.clone());
        Some(in_order(before.into_iter().chain(now)))
    }

    /// Forgets a ticket; the squads it had.
    pub(super) fn remove(&mut self, ticket: &str) -> Vec<SquadId> {
        self.0.remove(ticket).unwrap_or_default()
    }
}

impl Serialize for TicketSquads {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}
