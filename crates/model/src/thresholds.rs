//! Every number that configuration may change: key, default, unit, where the default comes from, what it means.
//!
//! The table is [`table`]; how a value is read and shown is [`form`]. Rules take the typed fields and never a number of
//! their own, so that `explain` can name the key and its provenance. In snapshots and on the wire only what differs from
//! the defaults is kept; a changed default is therefore a change of the rules' arithmetic and moves their versions.

mod form;
mod near;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde::{Deserialize, Serialize};

pub use table::ThresholdValues;

use crate::text_enum::text_enum;
use crate::{ClearAfter, Error, Ratio, RuleId};

text_enum! {
    /// Where a threshold comes from.
    pub enum Provenance ("provenance") {
        /// Measured across the industry.
        Benchmark = "benchmark",
        /// Part of the operating model that the triggers define.
        Threshold = "threshold",
        /// Follows from a model.
        Modeled = "modeled",
        /// Chosen here, for want of anything better.
        Ours = "ours",
        /// Set by the user.
        Custom = "custom",
    }
}

/// What is known of a threshold before anybody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ThresholdInfo {
    /// Configuration key.
    pub key: &'static str,
    /// Default value, as it would be typed.
    pub default: &'static str,
    /// Unit of the value; empty for plain ratios and counts.
    pub unit: &'static str,
    /// Where the default comes from.
    pub provenance: Provenance,
    /// What values it takes.
    pub expected: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

/// The thresholds in force: the values, read as fields, and which of them somebody set. They change only by
/// [`Thresholds::set`], so that no value is without its provenance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Thresholds {
    values: ThresholdValues,
    custom: BTreeSet<&'static str>,
}

impl Deref for Thresholds {
    type Target = ThresholdValues;

    fn deref(&self) -> &ThresholdValues {
        &self.values
    }
}

impl Thresholds {
    /// Returns what is known of every threshold, in the order of the documentation.
    pub fn describe() -> &'static [ThresholdInfo] {
        table::INFO
    }

    /// Returns what is known of one threshold.
    pub fn info(key: &str) -> Option<&'static ThresholdInfo> {
        table::INFO.iter().find(|info| info.key == key)
    }

    /// Sets a threshold from text; from then on its provenance is [`Provenance::Custom`], even at the default value.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let info = Self::info(key)
            .ok_or_else(|| Error::ThresholdKey { key: key.to_owned(), near: near::near_keys(key) })?;
        if !self.values.take(info.key, value.trim()) {
            let ThresholdInfo { key, default, expected, .. } = *info;
            return Err(Error::ThresholdValue { key, value: value.to_owned(), expected, default });
        }
        self.custom.insert(info.key);
        Ok(())
    }

    /// Returns the present value as it would be typed, and where it comes from; `None` for an unknown key.
    pub fn get(&self, key: &str) -> Option<(String, Provenance)> {
        let info = Self::info(key)?;
        let provenance = if self.custom.contains(info.key) { Provenance::Custom } else { info.provenance };
        Some((self.values.show(info.key)?, provenance))
    }

    /// Iterates the thresholds that were set, by key, with their values.
    pub fn customised(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.custom.iter().filter_map(|key| Some((*key, self.values.show(key)?)))
    }

    /// Returns the most pages in the window that do not break the page-load threshold: 16 by default (R33). `None` only
    /// for configured values beyond exact arithmetic.
    pub fn page_load_limit(&self) -> Option<Ratio> {
        let weeks = Ratio::new(i128::from(self.page_load_window_days), 7)?;
        self.page_load_pages_per_week.checked_mul(weeks)
    }

    /// Returns how triggers of a rule clear, with the configured time (R10).
    pub fn clear_after(&self, rule: RuleId) -> ClearAfter {
        match rule.clear_after() {
            ClearAfter::AtOnce => ClearAfter::AtOnce,
            ClearAfter::After(_) => ClearAfter::After(self.clear_after_hours),
        }
    }
}

impl TryFrom<BTreeMap<String, String>> for Thresholds {
    type Error = Error;

    fn try_from(set: BTreeMap<String, String>) -> Result<Self, Error> {
        let mut thresholds = Self::default();
        for (key, value) in &set {
            thresholds.set(key, value)?;
        }
        Ok(thresholds)
    }
}

impl From<Thresholds> for BTreeMap<String, String> {
    fn from(thresholds: Thresholds) -> Self {
        thresholds.customised().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

#[cfg(test)]
mod tests;
