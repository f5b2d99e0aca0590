//! Who is trained to respond for which system, and which systems have too few of them.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use serde::{Deserialize, Serialize};

use crate::versions::{Version, Versions};

/// Coverage of all systems.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Coverage(BTreeMap<String, BTreeMap<String, Versions<()>>>);

impl Coverage {
    /// Somebody is trained for a system.
    pub(super) fn record(&mut self, system: &str, person: &str, version: Version<()>) {
        let of_system = self.0.entry(system.to_owned()).or_default();
        of_system.entry(id(system, person)).or_default().record(version);
    }

    /// Ends what has this id: system and person.
    pub(super) fn end(&mut self, id: &str, at: EventTime) {
        if let Some(versions) = self.0.values_mut().find_map(|of_system| of_system.get_mut(id)) {
            versions.end(at);
        }
    }

    /// How many are trained for a system at an instant.
    pub(super) fn trained(&self, system: &str, at: EventTime) -> usize {
        let of_system = self.0.get(system).into_iter().flat_map(BTreeMap::values);
        of_system.filter(|versions| versions.at(at).is_some()).count()
    }
}

/// What the topic is compacted by.
fn id(system: &str, person: &str) -> String {
    format!("{system}/{person}")
}
