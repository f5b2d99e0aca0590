//! All incidents that may still be heard of, and when each is forgotten.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, IncidentId};
use serde::{Deserialize, Serialize};

use super::incident::{Incident, SILENT_FOR};
use crate::id_map::IdMap;

const DAY_MS: i64 = 86_400_000;

/// Incidents by id.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "BTreeMap<IncidentId, Incident>", into = "BTreeMap<IncidentId, Incident>")]
pub(crate) struct Incidents {
    known: IdMap<IncidentId, Incident>,
    /// Those to look at when a UTC day has been silent for long enough: each stands at a day it was heard of.
    by_day: BTreeMap<i64, Vec<IncidentId>>,
}

impl Incidents {
    /// Changes an incident, which begins with the first word of it.
    pub(crate) fn change<T>(&mut self, id: &IncidentId, change: impl FnOnce(&mut Incident) -> T) -> T {
        if let Some(known) = self.known.get_mut(id) {
            return change(known);
        }
        let mut incident = Incident::default();
        let changed = change(&mut incident);
        self.insert(id.clone(), incident);
        changed
    }

    /// Forgets those of which nothing was heard for long enough.
    pub(crate) fn prune(&mut self, now: EventTime) {
        // By whole days, so that it does not matter under which day of its own an incident stands.
        let horizon = day_of(now.minus(SILENT_FOR));
        let silent = self.by_day.split_off(&horizon);
        for id in std::mem::replace(&mut self.by_day, silent).into_values().flatten() {
            let Some(last) = self.known.get(&id).and_then(Incident::last_heard) else { continue };
            if day_of(last) < horizon {
                self.known.remove(&id);
            } else {
                self.by_day.entry(day_of(last)).or_default().push(id);
            }
        }
    }

    fn insert(&mut self, id: IncidentId, incident: Incident) {
        if let Some(last) = incident.last_heard() {
            self.by_day.entry(day_of(last)).or_default().push(id.clone());
        }
        self.known.insert(id, incident);
    }
}

impl PartialEq for Incidents {
    fn eq(&self, other: &Self) -> bool {
        self.known == other.known
    }
}

impl From<BTreeMap<IncidentId, Incident>> for Incidents {
    fn from(written: BTreeMap<IncidentId, Incident>) -> Self {
        let mut incidents = Self::default();
        for (id, incident) in written {
            incidents.insert(id, incident);
        }
        incidents
    }
}

impl From<Incidents> for BTreeMap<IncidentId, Incident> {
    fn from(incidents: Incidents) -> Self {
        incidents.known.into_iter().collect()
    }
}

fn day_of(at: EventTime) -> i64 {
    at.ms().div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_heard_of_again_is_kept_from_then_on() {
        let at = |day: i64| EventTime::from_ms(day * DAY_MS);
        let (old, again) = (IncidentId::from("old"), IncidentId::from("again"));
        let mut incidents = Incidents::default();
        for id in [&old, &again] {
            incidents.change(id, |incident| incident.break_chain(at(0)));
        }
        incidents.change(&again, |incident| incident.break_chain(at(30)));
        incidents.prune(at(41));
        assert_eq!(incidents.known.keys().collect::<Vec<_>>(), [&again]);
        incidents.prune(at(71));
        assert!(incidents.known.is_empty() && incidents.by_day.is_empty());
    }
}
