//! Readings of key results: recorded values, closed surveys and the values of valid check-ins (R41).

use std::collections::BTreeMap;

use bellwether_model::{Decimal, EventTime, KeyResultId, Ratio};
use bellwether_wire::{Payload, instant};
use serde::{Deserialize, Serialize};

use super::survey::Answers;
use crate::delivery::KEEP;
use crate::fact::Fact;
use crate::order::Order;

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// The event that told, at the instant the value is of.
    pub(crate) told: Order,
    /// Its type.
    pub(crate) type_name: String,
    /// The value.
    pub(crate) value: Ratio,
    /// The answers it comes from, of a survey.
    #[serde(default)]
    pub(crate) answers: Option<Answers>,
}

/// The readings of a key result by the instant they are of; at equal instants the last recorded replaces.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Readings(BTreeMap<EventTime, Reading>);

impl Reading {
    /// A value told by a fact.
    pub(crate) fn of(fact: &Fact, at: EventTime, value: Ratio) -> Self {
        Self { told: Order::of(fact, at), type_name: fact.event.type_name().to_owned(), value, answers: None }
    }

    /// Reads a recorded value or a closed survey; the reason when it cannot be read.
    pub(crate) fn read(fact: &Fact) -> Option<(KeyResultId, Result<Self, String>)> {
        match &fact.event.payload {
            Payload::ReadingRecorded(message) => {
                let at = instant::optional(message.at.as_ref()).unwrap_or(fact.event.time);
                let value = Decimal::from_f64(message.value)
                    .ok_or_else(|| format!("key result {}: value is out of range", message.key_result));
                let reading = value.map(|value| Self::of(fact, at, value.into()));
                Some((KeyResultId::from(message.key_result.as_str()), reading))
            }
            Payload::SurveyClosed(message) => {
                let answers = Answers::of(message);
                let value = answers
                    .net_promoters()
                    .ok_or_else(|| format!("survey {}: nobody answered", message.survey));
                let of = |value| Self { answers: Some(answers), ..Self::of(fact, fact.event.time, value) };
                let reading = value.map(of);
                Some((KeyResultId::from(message.key_result.as_str()), reading))
            }
            _ => None,
        }
    }
}

impl Readings {
    /// Adds a reading; false when a later record of the same instant is known.
    pub(crate) fn insert(&mut self, reading: Reading, now: EventTime) -> bool {
        let at = reading.told.at;
        if self.0.get(&at).is_some_and(|known| known.told >= reading.told) {
            return false;
        }
        self.0.insert(at, reading);
        let keep_from = now.minus(KEEP);
        // The last one stays, however old: it is still the value.
        while self.0.len() > 1 && self.0.first_key_value().is_some_and(|(at, _)| *at < keep_from) {
            self.0.pop_first();
        }
        true
    }

    /// The last reading before an instant.
    pub(crate) fn before(&self, end: EventTime) -> Option<&Reading> {
        self.0.range(..end).next_back().map(|(_, reading)| reading)
    }

    /// Readings from one instant to another, exclusive, in order.
    pub(crate) fn between(&self, from: EventTime, end: EventTime) -> impl Iterator<Item = &Reading> {
        self.0.range(from..end.max(from)).map(|(_, reading)| reading)
    }
}
