//! The five rungs of an escalation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// An escalation level, 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Level(u8);

impl Level {
    /// Auto-nudge.
    pub const L1: Self = Self(1);
    /// Peer flag.
    pub const L2: Self = Self(2);
    /// VP brief.
    pub const L3: Self = Self(3);
    /// CTO brief.
    pub const L4: Self = Self(4);
    /// Intervention.
    pub const L5: Self = Self(5);
    /// All of them, lowest first.
    pub const ALL: [Self; 5] = [Self::L1, Self::L2, Self::L3, Self::L4, Self::L5];

    /// From its number; `None` outside 1 to 5.
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 5 { Some(Self(number)) } else { None }
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Returns the level above; `None` above the fifth.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl TryFrom<u8> for Level {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        Self::new(number).ok_or(Error::Level { number })
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("L{}", self.0))
    }
}
