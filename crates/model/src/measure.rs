//! What a key result measures, which kind it is, which way is good, and its status.

use crate::text_enum::text_enum;

text_enum! {
    /// A measure of the key-result table; how it is computed is the engine's business.
    pub enum Measure ("measure") {
        /// Committed points in production by sprint close.
        O11 = "O1.1",
        /// Mid-sprint scope change.
        O12 = "O1.2",
        /// Unplanned interrupt work.
        O13 = "O1.3",
        /// Pages a week per engineer.
        O2 = "O2",
        /// Top on-call engineer against the squad's median.
        O21 = "O2.1",
        /// Weekend pages spread over people.
        O22 = "O2.2",
        /// Regretted attrition of seniors tied to on-call.
        O23 = "O2.3",
        /// Platform service-level objectives.
        O31 = "O3.1",
        /// Internal NPS from product squads.
        O32 = "O3.2",
        /// Platform capacity protected from reallocation.
        O33 = "O3.3",
        /// Typed values; nothing is computed.
        Custom = "custom",
    }
}

impl Measure {
    /// True for the measures whose pace is watched without being asked (R40).
    pub const fn watches_pace(self) -> bool {
        match self {
            Self::O11 | Self::O2 | Self::O21 | Self::O22 | Self::O31 => true,
            Self::O12 | Self::O13 | Self::O23 | Self::O32 | Self::O33 | Self::Custom => false,
        }
    }
}

text_enum! {
    /// Kind of a key result; independent of its measure.
    pub enum KeyResultKind ("key result kind") {
        /// Progress from baseline to target.
        Accumulate = "accumulate",
        /// A level to reach by quarter end.
        ReachLevel = "reach-level",
        /// A level to keep.
        HoldLevel = "hold-level",
    }
}

text_enum! {
    /// Which way is good.
    pub enum Direction ("direction") {
        /// More is better.
        HigherIsBetter = "higher-is-better",
        /// Less is better.
        LowerIsBetter = "lower-is-better",
    }
}

impl Direction {
    /// True when a value is at the target or on the good side of it.
    pub fn meets<T: Ord>(self, value: T, target: T) -> bool {
        match self {
            Self::HigherIsBetter => value >= target,
            Self::LowerIsBetter => value <= target,
        }
    }
}

text_enum! {
    /// Status of a key result. No data is never green.
    pub enum Status ("status") {
        /// On target or on pace.
        Green = "green",
        /// Between green and red.
        Amber = "amber",
        /// Far behind.
        Red = "red",
        /// Nothing to judge by.
        NoData = "no-data",
    }
}
