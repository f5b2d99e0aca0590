//! Documents one after the other. The elements of an array, and of the list of a page, are handed over one by one.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::unpack::Budget;
use super::{Document, Visit, json_problem};
use crate::import::report::Problem;

/// Lists long enough to be worth handing over element by element.
const STREAMED: &[&str] = &["issues", "incidents", "log_entries", "oncalls"];

pub(crate) fn read(reader: impl Read, budget: &Budget, visit: &mut Visit<'_>) -> Vec<Problem> {
    let mut documents = serde_json::Deserializer::from_reader(reader);
    loop {
        budget.renew();
        if documents.end().is_ok() {
            return Vec::new();
        }
        if let Err(error) = (Top { budget, visit }).deserialize(&mut documents) {
            return vec![json_problem(&error, 1)];
        }
    }
}

struct Top<'a, 'v> {
    budget: &'a Budget,
    visit: &'a mut Visit<'v>,
}

impl<'de> DeserializeSeed<'de> for Top<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        Elements { budget: self.budget, visit: self.visit, key: None }.visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rest = Map::new();
        let mut streamed = None;
        while let Some(key) = map.next_key::<String>()? {
            match STREAMED.iter().find(|name| **name == key) {
                Some(name) => {
                    map.next_value_seed(Elements {
                        budget: self.budget,
                        visit: self.visit,
                        key: Some(name),
                    })?;
                    streamed = Some(*name);
                }
                None => {
                    rest.insert(key, map.next_value()?);
                }
            }
        }
        (self.visit)(match streamed {
            Some(key) => Document::PageEnd(rest, key),
            None => Document::Value(Value::Object(rest), None),
        });
        Ok(())
    }
}

struct Elements<'a, 'v> {
    budget: &'a Budget,
    visit: &'a mut Visit<'v>,
    key: Option<&'static str>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element::<Value>()? {
            (self.visit)(Document::Value(element, self.key));
            self.budget.renew();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        while let Some((key, value)) = map.next_entry()? {
            object.insert(key, value);
        }
        (self.visit)(Document::Value(Value::Object(object), self.key));
        Ok(())
    }
}
