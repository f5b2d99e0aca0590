//! What an escalator is given once and for all.

use bellwether_model::Thresholds;
use bellwether_wire::ids::HashKey;

/// Settings of an escalator.
#[derive(Debug, Clone)]
pub struct Options {
    /// Key of ids; used only for a trigger that comes without the id of its escalation.
    pub id_key: HashKey,
    /// Key of pseudonyms: recipients leave the escalator under them.
    pub pseudonym_key: HashKey,
    /// Thresholds before any that reference data sets.
    pub thresholds: Thresholds,
}

impl Default for Options {
    fn default() -> Self {
        Self { id_key: HashKey::ZERO, pseudonym_key: HashKey::ZERO, thresholds: Thresholds::default() }
    }
}
