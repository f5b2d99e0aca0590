//! The fields of a protobuf message one by one, borrowed from its bytes: for a reader that needs a few of them and no copies.
//!
//! Only what [`crate::pb`] writes is told: varints, doubles and length-delimited fields. Everything else - fields of four
//! bytes, groups, a number too long, a cut - ends the walk with an error, and the caller leaves the message to its
//! generated decoder, which knows them all and says what is wrong.

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer, a bool or an enum.
    Varint(u64),
    /// The bits of a double.
    Double(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
}

/// The bytes are not of the plain kind told here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPlain;

/// Walks the fields of a message.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), NotPlain> {
        let key = u32::try_from(self.varint()?).map_err(|_| NotPlain)?;
        let number = Some(key >> 3).filter(|number| *number > 0).ok_or(NotPlain)?;
        match key & 7 {
            0 => Ok((number, Value::Varint(self.varint()?))),
            1 => {
                let (bits, rest) = self.rest.split_first_chunk().ok_or(NotPlain)?;
                self.rest = rest;
                Ok((number, Value::Double(u64::from_le_bytes(*bits))))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| NotPlain)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(NotPlain)?;
                self.rest = rest;
                Ok((number, Value::Bytes(bytes)))
            }
            _ => Err(NotPlain),
        }
    }

    /// At most nine bytes: longer ones are negative, or wrong.
    fn varint(&mut self) -> Result<u64, NotPlain> {
        let mut number = 0;
        for (index, byte) in self.rest.iter().enumerate().take(9) {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(number);
            }
        }
        Err(NotPlain)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), NotPlain>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Value<'a> {
    /// The text of a field.
    ///
    /// # Errors
    /// For what is no UTF-8.
    pub fn text(self) -> Result<&'a str, NotPlain> {
        std::str::from_utf8(self.bytes()?).map_err(|_| NotPlain)
    }

    /// The bytes of a field.
    ///
    /// # Errors
    /// For a number.
    pub fn bytes(self) -> Result<&'a [u8], NotPlain> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Double(_) => Err(NotPlain),
        }
    }

    /// The number of a field.
    ///
    /// # Errors
    /// For bytes.
    pub fn number(self) -> Result<u64, NotPlain> {
        match self {
            Self::Varint(number) => Ok(number),
            Self::Bytes(_) | Self::Double(_) => Err(NotPlain),
        }
    }

    /// The double of a field.
    ///
    /// # Errors
    /// For anything else.
    pub fn double(self) -> Result<f64, NotPlain> {
        match self {
            Self::Double(bits) => Ok(f64::from_bits(bits)),
            Self::Varint(_) | Self::Bytes(_) => Err(NotPlain),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::pb;

    #[test]
    fn fields_are_told_in_the_order_they_are_written() {
        let message =
            pb::Resolution { source: "jira://a".into(), person: "ann".into(), ..Default::default() };
        let bytes = message.encode_to_vec();
        let told: Result<Vec<_>, _> = Fields::of(&bytes).collect();
        assert_eq!(told, Ok(vec![(1, Value::Bytes(b"jira://a")), (3, Value::Bytes(b"ann"))]));
    }

    #[test]
    fn doubles_are_told_by_their_bits() {
        let message = pb::TicketChanged { points: Some(1.5), version: "7".into(), ..Default::default() };
        let bytes = message.encode_to_vec();
        let told: Result<Vec<_>, _> = Fields::of(&bytes).collect();
        assert_eq!(told, Ok(vec![(10, Value::Double(1.5_f64.to_bits())), (20, Value::Bytes(b"7"))]));
        assert_eq!(Value::Double(1.5_f64.to_bits()).double(), Ok(1.5));
    }

    #[test]
    fn what_is_cut_or_of_another_kind_is_not_plain_and_ends_the_walk() {
        for bytes in [
            &[0x0a, 5, b'a'][..],
            &[0x08],
            &[0x09, 0, 0, 0],
            &[0x0d, 0, 0, 0, 0],
            &[0x02, 1, 0],
            // A number of more than 29 bits.
            &[0x80, 0x80, 0x80, 0x80, 0x10, 0],
            &[0xff; 12],
        ] {
            assert_eq!(Fields::of(bytes).collect::<Vec<_>>(), [Err(NotPlain)], "{bytes:?}");
        }
        assert!(Value::Bytes(&[0xff]).text().is_err());
        assert!(Value::Varint(1).bytes().is_err() && Value::Bytes(b"").number().is_err());
        assert!(Value::Varint(1).double().is_err() && Value::Double(0).number().is_err());
    }
}
