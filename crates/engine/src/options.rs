//! What a fold is given once and for all: keys, thresholds, and which squads it judges.

use bellwether_model::Thresholds;
use bellwether_wire::ids::HashKey;
use bellwether_wire::topics;

/// Settings of an engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Key of trigger ids; never rotated.
    pub id_key: HashKey,
    /// Key of pseudonyms.
    pub pseudonym_key: HashKey,
    /// Thresholds before any that reference data sets.
    pub thresholds: Thresholds,
    /// Which squads are judged here.
    pub ownership: Ownership,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            id_key: HashKey::ZERO,
            pseudonym_key: HashKey::ZERO,
            thresholds: Thresholds::default(),
            ownership: Ownership::All,
        }
    }
}

/// Which squads an engine judges. Partition-wide facts reach every engine; only the owner speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// All of them: a replay of files.
    All,
    /// Those of one partition of `facts`.
    Partition {
        /// Partition.
        index: u32,
        /// Partition count.
        count: u32,
    },
}

impl Ownership {
    /// True when a squad is judged here.
    pub fn owns(self, squad: &str) -> bool {
        match self {
            Self::All => true,
            Self::Partition { index, count } => topics::squad_partition(squad, count) == index,
        }
    }
}
