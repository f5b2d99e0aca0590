//! Reads a line in one pass, the way this crate writes it: the type before `data`, so that the message is read where it stands.
//!
//! Invariant: it refuses whatever it is not sure of; what it takes, reading with care takes as the same event.

use std::borrow::Cow;
use std::fmt;

use bellwether_model::EventTime;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::canonical;
use crate::catalogue::Payload;
use crate::envelope::{Event, EventId};

/// The event of a line.
pub(super) struct Line(pub(super) Event);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LineVisitor)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Attribute {
    Specversion,
    Id,
    Source,
    Type,
    Time,
    Subject,
    Traceparent,
    Data,
    DataBase64,
    #[serde(other)]
    Other,
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Line;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvents object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
        let (mut id, mut source, mut time) = (None, None, None);
        let mut type_name: Option<Text<'de>> = None;
        let (mut subject, mut traceparent) = (None, None);
        let (mut payload, mut has_data) = (None, false);
        let mut has_version = false;
        while let Some(attribute) = map.next_key()? {
            let is_again = match attribute {
                Attribute::Specversion => {
                    map.next_value::<Option<Text<'_>>>()?;
                    std::mem::replace(&mut has_version, true)
                }
                Attribute::Id => id.replace(map.next_value::<String>()?).is_some(),
                Attribute::Source => source.replace(map.next_value::<String>()?).is_some(),
                Attribute::Type => type_name.replace(map.next_value()?).is_some(),
                Attribute::Time => {
                    let Text(text) = map.next_value()?;
                    let at = EventTime::parse(&text).map_err(A::Error::custom)?;
                    time.replace(at).is_some()
                }
                Attribute::Subject => subject.replace(map.next_value::<Option<String>>()?).is_some(),
                Attribute::Traceparent => traceparent.replace(map.next_value::<Option<String>>()?).is_some(),
                Attribute::Data => {
                    let Some(Text(type_name)) = &type_name else {
                        return Err(A::Error::custom("data before its type"));
                    };
                    payload = map.next_value_seed(Data(&canonical(type_name)))?;
                    std::mem::replace(&mut has_data, true)
                }
                Attribute::DataBase64 => return Err(A::Error::custom("data in base64")),
                Attribute::Other => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if is_again {
                return Err(A::Error::custom("an attribute twice"));
            }
        }
        let missing = || A::Error::custom("an attribute is missing");
        let Text(type_name) = type_name.ok_or_else(missing)?;
        Ok(Line(Event {
            id: EventId { source: source.ok_or_else(missing)?, id: id.ok_or_else(missing)? },
            time: time.ok_or_else(missing)?,
            subject: subject.flatten(),
            traceparent: traceparent.flatten(),
            payload: payload
                .unwrap_or_else(|| Payload::Tombstone { type_name: canonical(&type_name).into_owned() }),
        }))
    }
}

/// The message of a type; `None` for `null`.
struct Data<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = Option<Payload>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Data<'_> {
    type Value = Option<Payload>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Payload::read_json(self.0, deserializer).map(Some)
    }
}

/// A text, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    const START: &str = r#""id":"1","source":"s","type":"page.notified","time":"2026-01-05T00:00:00+01:00""#;

    fn at_once(line: &str) -> Option<Event> {
        serde_json::from_str(line).ok().map(|Line(event)| event)
    }

    #[test]
    fn what_is_read_at_once_is_what_is_read_with_care() {
        for rest in [
            "",
            r#","data":null"#,
            r#","data":{"incident":"i","urgency":"URGENCY_HIGH","later":[1,{"a":null}]}"#,
            r#","data":{"incident":"a\"\u00e9","urgency":2},"subject":"x\ny","traceparent":null"#,
            r#","specversion":"1.0","specversion2":{"a":1},"subject":"thing","data":{}"#,
            r#","subject":null,"specversion":null"#,
        ] {
            let line = format!("{{{START}{rest}}}");
            let event = at_once(&line).unwrap_or_else(|| panic!("read at once: {line}"));
            assert_eq!(event, json::read_with_care(&line).expect("read with care"), "{line}");
            assert_eq!(at_once(&json::write(&event)), Some(event), "its own line: {line}");
        }
    }

    #[test]
    fn what_it_is_not_sure_of_is_read_with_care_or_refused_by_that() {
        let data = r#""data":{"urgency":1}"#;
        for (line, is_event) in [
            (format!("{{{data},{START}}}"), true),
            (format!(r#"{{{START},"data":{{"urgency":"URGENCY_LATER"}}}}"#), true),
            (format!(r#"{{{START},"data_base64":""}}"#), true),
            (
                r#"["1.0","1","s","page.notified","2026-01-05T00:00:00Z",null,null,null,null]"#.to_owned(),
                true,
            ),
            (format!("{{{START},{data},{data}}}"), false),
            (format!(r#"{{{START},"id":"2"}}"#), false),
            (format!(r#"{{{START},"subject":null,"subject":"a"}}"#), false),
            (format!(r#"{{{START},"specversion":1}}"#), false),
            (format!(r#"{{{START},"data":{{"urgency":true}}}}"#), false),
            (format!("{{{START}}} {{}}"), false),
            (r#"{"id":"1","source":"s","type":"page.notified"}"#.to_owned(), false),
            (r#"{"id":"1","source":"s","type":"page.notified","time":"today"}"#.to_owned(), false),
        ] {
            assert_eq!(at_once(&line), None, "{line}");
            assert_eq!(json::read(&line).is_ok(), is_event, "{line}");
        }
    }
}
