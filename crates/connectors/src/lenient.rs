//! Reading JSON that does not keep to its shape.
//!
//! Vendors send ids as numbers, drop fields, put `null` where an object was and change types between versions. A
//! field read with these functions is `None` (or empty) when it is not what was expected; it never fails the
//! document around it.

use std::fmt;
use std::marker::PhantomData;

use bellwether_model::EventTime;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::instant;

/// A scalar as it came.
enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    Other,
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(value).map_or_else(|_| Scalar::Text(value.to_string()), Scalar::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// A text, or a number as text; `None` for anything else and for an empty text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Text(text) if !text.is_empty() => Some(text),
        Scalar::Integer(number) => Some(number.to_string()),
        Scalar::Float(number) if number.is_finite() => Some(number.to_string()),
        Scalar::Text(_) | Scalar::Float(_) | Scalar::Flag(_) | Scalar::Other => None,
    })
}

/// A finite number, or a text that is one.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Scalar::Integer(number) => Some(number as f64),
        Scalar::Float(number) if number.is_finite() => Some(number),
        Scalar::Float(_) | Scalar::Flag(_) | Scalar::Other => None,
    })
}

/// A flag; `None` when it is not one.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Flag(flag) => Some(flag),
        Scalar::Text(_) | Scalar::Integer(_) | Scalar::Float(_) | Scalar::Other => None,
    })
}

/// An instant in any of the forms of [`instant::parse`], or epoch milliseconds.
pub(crate) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EventTime>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Text(text) => instant::parse(&text),
        Scalar::Integer(ms) => instant::from_epoch_ms(ms),
        Scalar::Float(_) | Scalar::Flag(_) | Scalar::Other => None,
    })
}

/// An object read as `T`; `None` when it is no object.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Object::deserialize(deserializer)?.0)
}

/// The objects of an array, each read as `T`; what is no object is left out. Empty when it is no array.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Objects::deserialize(deserializer)?.0)
}

/// The texts of an array; what is no text is left out. Empty when it is no array.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(TextsVisitor)
}

/// An object read as `T`, or nothing.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Object<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|read| Object(Some(read)))
    }
}

struct Objects<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectsVisitor(PhantomData))
    }
}

struct ObjectsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectsVisitor<T> {
    type Value = Objects<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Objects<T>, E> {
        Ok(Objects(Vec::new()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Objects<T>, E> {
        Ok(Objects(Vec::new()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Objects<T>, E> {
        Ok(Objects(Vec::new()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Objects<T>, E> {
        Ok(Objects(Vec::new()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Objects<T>, E> {
        Ok(Objects(Vec::new()))
    }

    fn visit_unit<E>(self) -> Result<Objects<T>, E> {
        Ok(Objects(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Objects<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Object(element)) = seq.next_element()? {
            list.extend(element);
        }
        Ok(Objects(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Objects<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Objects(Vec::new()))
    }
}

struct OptionalText(Option<String>);

impl<'de> Deserialize<'de> for OptionalText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(OptionalText)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_str<E>(self, _: &str) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E>(self) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
        let mut list = Vec::new();
        while let Some(OptionalText(element)) = seq.next_element()? {
            list.extend(element);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        #[serde(deserialize_with = "text")]
        id: Option<String>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Outer {
        #[serde(deserialize_with = "object")]
        inner: Option<Inner>,
        #[serde(deserialize_with = "objects")]
        list: Vec<Inner>,
        #[serde(deserialize_with = "texts")]
        words: Vec<String>,
        #[serde(deserialize_with = "number")]
        points: Option<f64>,
        #[serde(deserialize_with = "flag")]
        done: Option<bool>,
        #[serde(deserialize_with = "instant")]
        at: Option<EventTime>,
    }

    #[test]
    fn any_type_in_any_place_fails_nothing() {
        for odd in ["null", "true", "-1", "1.5", "18446744073709551615", "\"x\"", "[1,{},[]]", "{\"a\":{}}"] {
            let fields = ["inner", "list", "words", "points", "done", "at"];
            let body = fields.map(|field| format!("\"{field}\":{odd}")).join(",");
            serde_json::from_str::<Outer>(&format!("{{{body}}}")).unwrap();
        }
    }

    #[test]
    fn numbers_are_ids_and_texts_are_numbers_where_they_can_be() {
        let read: Outer = serde_json::from_str(
            r#"{"inner":{"id":7},"list":[{"id":"a"},null,{}],"words":["x",1,null],"points":"2.5","at":1550286113023}"#,
        )
        .unwrap();
        assert_eq!(read.inner, Some(Inner { id: Some("7".to_owned()) }));
        assert_eq!(read.list.len(), 2);
        assert_eq!(read.words, ["x", "1"]);
        assert_eq!(read.points, Some(2.5));
        assert_eq!(read.at, Some(EventTime::from_ms(1_550_286_113_023)));
    }
}
