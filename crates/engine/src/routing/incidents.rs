//! Squads that incidents concern, for as long as somebody may still be paged for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{EventTime, SquadId};
use serde::{Deserialize, Serialize, Serializer};

use super::{DAY_MS, in_order};
use crate::id_map::IdMap;

/// Squads by incident, with the latest page of each. In snapshots a map in order.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(from = "BTreeMap<Arc<str>, (EventTime, Vec<SquadId>)>")]
pub(super) struct Incidents {
    known: IdMap<Arc<str>, (EventTime, Vec<SquadId>)>,
    /// Every incident once, under a day not later than that of its latest page, so that the old are found without a walk
    /// over all.
    by_day: BTreeMap<i64, Vec<Arc<str>>>,
}

impl Incidents {
    /// The squads of an incident somebody was paged for.
    pub(super) fn known(&self, incident: &str) -> Option<&[SquadId]> {
        self.known.get(incident).map(|(_, squads)| squads.as_slice())
    }

    /// Notes a page of an incident; all its squads.
    pub(super) fn add(&mut self, incident: &str, at: EventTime, squads: Vec<SquadId>) -> &[SquadId] {
        if !self.known.contains_key(incident) {
            let incident: Arc<str> = incident.into();
            self.by_day.entry(day(at)).or_default().push(incident.clone());
            self.known.insert(incident, (at, Vec::new()));
        }
        let Some((last, known)) = self.known.get_mut(incident) else { return &[] };
        *last = at.max(*last);
        if *known != squads {
            *known = in_order(std::mem::take(known).into_iter().chain(squads));
        }
        known
    }

    /// Forgets incidents whose latest page was before an instant.
    pub(super) fn forget_before(&mut self, first: EventTime) {
        let later = self.by_day.split_off(&(day(first) + 1));
        for incident in std::mem::replace(&mut self.by_day, later).into_values().flatten() {
            match self.known.get(&incident) {
                Some((last, _)) if *last >= first => {
                    self.by_day.entry(day(*last)).or_default().push(incident);
                }
                _ => {
                    self.known.remove(&incident);
                }
            }
        }
    }
}

/// The order in which incidents are found to be old is no part of the state.
impl PartialEq for Incidents {
    fn eq(&self, other: &Self) -> bool {
        self.known == other.known
    }
}

impl From<BTreeMap<Arc<str>, (EventTime, Vec<SquadId>)>> for Incidents {
    fn from(written: BTreeMap<Arc<str>, (EventTime, Vec<SquadId>)>) -> Self {
        let mut by_day: BTreeMap<i64, Vec<Arc<str>>> = BTreeMap::new();
        for (incident, (last, _)) in &written {
            by_day.entry(day(*last)).or_default().push(incident.clone());
        }
        Self { known: written.into_iter().collect(), by_day }
    }
}

impl Serialize for Incidents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.known.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

fn day(at: EventTime) -> i64 {
    at.ms().div_euclid(DAY_MS)
}
