//! Enum values in text: by name, and by number where this version has no name for it, so that what a newer version wrote
//! is shown and passed on rather than refused.

use serde::{Serialize, Serializer};

/// A value of an enum field as the protobuf-JSON mapping writes it.
#[derive(Debug)]
pub(crate) enum Written<T> {
    /// A value this version knows.
    Named(T),
    /// One it does not.
    Number(i32),
}

impl<T: Serialize> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(value) => value.serialize(serializer),
            Self::Number(number) => serializer.serialize_i32(*number),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use crate::{Payload, pb};

    #[test]
    fn a_value_of_a_newer_version_is_written_as_its_number() {
        let message =
            pb::PageNotified { incident: "i".into(), channel: 77, urgency: 2, ..Default::default() };
        let read = Payload::decode("bellwether.page.notified.v1", &message.encode_to_vec().into());
        let text = read.expect("a message").to_json().expect("a known type");
        assert_eq!(text["channel"], 77);
        assert_eq!(text["urgency"], "URGENCY_HIGH");
    }
}
