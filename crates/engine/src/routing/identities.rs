//! Outside identities and the people behind them.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, PersonId};
use bellwether_wire::{instant, pb};
use serde::{Deserialize, Serialize};

use crate::versions::{Version, Versions};

/// All links known.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Identities(BTreeMap<String, BTreeMap<String, Versions<PersonId>>>);

impl Identities {
    /// Takes a link in.
    pub(super) fn link(&mut self, message: &pb::IdentityRecorded) {
        let from = instant::optional(message.effective_from.as_ref()).unwrap_or(EventTime::MIN);
        let version = Version {
            recorded: from,
            from,
            until: instant::optional(message.effective_until.as_ref()),
            value: PersonId::from(message.person.as_str()),
        };
        let links = self.0.entry(message.source.clone()).or_default();
        links.entry(message.external_id.clone()).or_default().record(version);
    }

    /// The person behind an identity at an instant; one without a source is a person id already.
    pub(super) fn resolve(&self, identity: &pb::Identity, at: EventTime) -> Option<PersonId> {
        if identity.source.is_empty() {
            return (!identity.external_id.is_empty()).then(|| PersonId::from(identity.external_id.as_str()));
        }
        self.0.get(&identity.source)?.get(&identity.external_id)?.at(at).cloned()
    }
}
