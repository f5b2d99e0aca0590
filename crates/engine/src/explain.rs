//! Builds the explain block: enough for a reader to redo the decision with a pencil.

use std::cmp::Ordering;
use std::sync::Arc;

use bellwether_model::EventTime;
use bellwether_model::{Provenance, Ratio, RuleId, Thresholds};
use bellwether_wire::envelope::EventId;
use bellwether_wire::{instant, pb};
use serde::{Deserialize, Serialize};

use crate::fact::Fact;

/// Most events named in an explain block.
pub(crate) const MAX_EVENTS: usize = 10;

/// An event kept because an explain block may name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    source: Arc<str>,
    id: Arc<str>,
    type_name: Arc<str>,
}

impl Told {
    /// By a fact.
    pub(crate) fn by(fact: &Fact) -> Self {
        let id = &fact.event.id;
        let (source, id) = (id.source.as_str().into(), id.id.as_str().into());
        Self { source, id, type_name: fact.event.type_name().into() }
    }

    /// The event and its type.
    pub(crate) fn named(&self) -> (EventId, &str) {
        (EventId { source: self.source.to_string(), id: self.id.to_string() }, &self.type_name)
    }
}

/// A number beside a line it is compared with, and the sign between them: with two decimals, or as many more as it takes
/// to see which side it is on; the exact fraction where six do not show it.
pub(crate) fn beside(value: Ratio, line: Ratio) -> (String, &'static str) {
    let (side, sign) = match value.cmp(&line) {
        side @ Ordering::Less => (side, "<"),
        side @ Ordering::Equal => (side, "="),
        side @ Ordering::Greater => (side, ">"),
    };
    let tells = |shown: &String| Ratio::parse(shown).is_ok_and(|shown| shown.cmp(&line) == side);
    let shown = (2..=6).map(|decimals| value.round_half_even(decimals)).find(tells);
    (shown.unwrap_or_else(|| value.exact()), sign)
}

/// The same as one expression: `0.495 < 0.5`.
pub(crate) fn compared(value: Ratio, line: Ratio) -> String {
    let (shown, sign) = beside(value, line);
    format!("{shown} {sign} {}", line.exact())
}

/// An explain block in the making.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExplainBuilder(pb::Explain);

impl ExplainBuilder {
    /// An empty block of a rule.
    pub(crate) fn new(rule: RuleId) -> Self {
        Self(pb::Explain {
            rule: rule.as_str().to_owned(),
            rule_version: rule.version(),
            ..Default::default()
        })
    }

    /// Adds an input: exact value, value for people, unit, and the instant it is of.
    #[must_use]
    pub(crate) fn input(
        mut self,
        name: &str,
        value: impl ToString,
        display: impl ToString,
        unit: &str,
        at: EventTime,
    ) -> Self {
        self.0.inputs.push(pb::ExplainInput {
            name: name.to_owned(),
            value: value.to_string(),
            display: display.to_string(),
            unit: unit.to_owned(),
            at: Some(instant::timestamp(at)),
        });
        self
    }

    /// Adds a threshold by its configuration key, with the value and provenance in force.
    #[must_use]
    pub(crate) fn threshold(mut self, thresholds: &Thresholds, key: &str, unit: &str) -> Self {
        if let Some((value, provenance)) = thresholds.get(key) {
            self.0.thresholds.push(pb::ExplainThreshold {
                name: key.to_owned(),
                value,
                unit: unit.to_owned(),
                provenance: match provenance {
                    Provenance::Benchmark => pb::Provenance::Benchmark,
                    Provenance::Threshold => pb::Provenance::Threshold,
                    Provenance::Modeled => pb::Provenance::Modeled,
                    Provenance::Ours => pb::Provenance::Ours,
                    Provenance::Custom => pb::Provenance::Custom,
                }
                .into(),
            });
        }
        self
    }

    /// Sets the bounds of the window.
    #[must_use]
    pub(crate) fn window(mut self, from: EventTime, to: EventTime, zone: &str) -> Self {
        self.0.window = Some(pb::ExplainWindow {
            from: Some(instant::timestamp(from)),
            to: Some(instant::timestamp(to)),
            zone: zone.to_owned(),
        });
        self
    }

    /// Sets the arithmetic.
    #[must_use]
    pub(crate) fn arithmetic(mut self, expression: impl Into<String>) -> Self {
        self.0.arithmetic = expression.into();
        self
    }

    /// Adds a further step to the arithmetic.
    #[must_use]
    pub(crate) fn and_arithmetic(mut self, expression: impl AsRef<str>) -> Self {
        if !self.0.arithmetic.is_empty() {
            self.0.arithmetic.push_str("; ");
        }
        self.0.arithmetic.push_str(expression.as_ref());
        self
    }

    /// Names events that mattered; those beyond the tenth are left out, and not asked for.
    #[must_use]
    pub(crate) fn events<'a>(mut self, events: impl IntoIterator<Item = (EventId, &'a str)>) -> Self {
        let left = MAX_EVENTS.saturating_sub(self.0.events.len());
        let named = events.into_iter().take(left).map(|(EventId { source, id }, type_name)| pb::EventRef {
            source,
            id,
            r#type: type_name.to_owned(),
        });
        self.0.events.extend(named);
        self
    }

    /// Says what would clear it.
    #[must_use]
    pub(crate) fn clears_when(mut self, text: impl Into<String>) -> Self {
        self.0.clears_when = text.into();
        self
    }

    /// Adds a remark.
    #[must_use]
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.0.notes.push(text.into());
        self
    }

    /// The block.
    pub(crate) fn build(self) -> pb::Explain {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r13_a_number_is_shown_with_the_decimals_that_tell_it_from_its_line() {
        let ratio = |text: &str| Ratio::parse(text).expect("a ratio");
        for (value, line, expected) in [
            ("0.48", "0.5", "0.48 < 0.5"),
            ("0.495", "0.5", "0.495 < 0.5"),
            ("29/7", "5/2", "4.14 > 2.5"),
            ("2.5004", "2.5", "2.5004 > 2.5"),
            ("4", "4", "4.00 = 4"),
            ("4999999999/10000000000", "0.5", "0.4999999999 < 0.5"),
            ("10000000001/30000000000", "1/3", "10000000001/30000000000 > 1/3"),
        ] {
            assert_eq!(compared(ratio(value), ratio(line)), expected);
        }
    }
}
