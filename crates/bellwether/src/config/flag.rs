//! Flags as the last layer of the configuration, so that what they say is checked, located and shown like everything else.

use figment::providers::Serialized;
use figment::value::{Dict, Map};
use figment::{Error, Metadata, Profile, Provider};

/// Start of the name of the layer, in front of the flag as it is typed.
const LAYER: &str = "flag ";

/// A setting given as a flag.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    /// As it is typed: `--prefix`.
    pub flag: &'static str,
    /// The setting it is: `kafka.prefix`.
    pub key: &'static str,
    /// What it says.
    pub value: String,
}

impl Provider for Flag {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("{LAYER}{}", self.flag))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Serialized::default(self.key, &self.value).data()
    }
}

/// The flag of a layer's name, if it is one.
pub(super) fn typed(layer: &str) -> Option<&str> {
    layer.strip_prefix(LAYER)
}
