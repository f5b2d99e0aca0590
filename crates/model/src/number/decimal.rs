//! Values of key results.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::{read_scaled, write_scaled};
use crate::Error;

/// A value, baseline or target, in millionths: 14.57 is exactly 14.57. Its range is about plus and minus nine million
/// million, enough for money in cents of any company. Arithmetic happens in [`super::Ratio`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(i64);

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// From millionths.
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// From a number off the wire: the shortest decimal that stands for it, half to even to millionths. `None` for
    /// what is no number or does not fit.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        read_scaled(&value.to_string(), 6).map(Self)
    }

    /// Reads plain decimal text, half to even to millionths.
    pub fn parse(text: &str) -> Result<Self, Error> {
        read_scaled(text, 6).map(Self).ok_or_else(|| Error::Number {
            what: "decimal",
            text: text.to_owned(),
            expected: "digits with an optional sign and fraction, such as 14.57",
        })
    }

    /// Returns the millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// For the wire and for charts; no decision uses it.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }
}

impl From<i32> for Decimal {
    fn from(value: i32) -> Self {
        Self(i64::from(value) * 1_000_000)
    }
}

/// Shows the value without trailing zeros.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&write_scaled(i128::from(self.0), 6))
    }
}

impl std::str::FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(14.57, "14.57")]
    #[case(0.1 + 0.2, "0.3")]
    #[case(99.5, "99.5")]
    #[case(-0.0, "0")]
    #[case(40_000_000.0, "40000000")]
    #[case(1e-7, "0")]
    #[case(1.000_000_5, "1")]
    #[case(1.000_001_5, "1.000002")]
    fn a_float_is_the_shortest_decimal_that_stands_for_it(#[case] wire: f64, #[case] shown: &str) {
        assert_eq!(Decimal::from_f64(wire).unwrap().to_string(), shown);
    }

    #[rstest]
    #[case(f64::NAN)]
    #[case(f64::NEG_INFINITY)]
    #[case(1e13)]
    #[case(1e300)]
    fn a_float_beyond_millionths_is_none(#[case] wire: f64) {
        assert_eq!(Decimal::from_f64(wire), None);
    }

    #[rstest]
    #[case("14.57", Some(14_570_000))]
    #[case("+.5", Some(500_000))]
    #[case("-3", Some(-3_000_000))]
    #[case("0.00000050000001", Some(1))]
    #[case("0.0000005", Some(0))]
    #[case("", None)]
    #[case("-", None)]
    #[case(".", None)]
    #[case("5.", None)]
    #[case("1,5", None)]
    #[case("1e3", None)]
    #[case("--1", None)]
    #[case("٣", None)]
    #[case("9999999999999", None)]
    fn plain_decimal_text_is_read_and_nothing_else(#[case] text: &str, #[case] millionths: Option<i64>) {
        assert_eq!(Decimal::parse(text).ok().map(Decimal::millionths), millionths);
    }
}
