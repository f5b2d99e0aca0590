//! Exact fractions, the numbers that rules compare.
//!
//! Invariants: the denominator is positive, numerator and denominator have no common factor, and neither is beyond
//! [`LIMIT`], so that equality is equality of the fields and a shift by two decimal places never overflows. An
//! operation whose result would be beyond answers `None`; a caller that gets `None` has no data, it has not a wrong number.

mod show;

use std::cmp::Ordering;
use std::ops::Neg;

use serde::{Deserialize, Serialize};

use super::{Decimal, Points};

/// Bound of both parts: 128 bits hold 1.7 x 10^38, two places are kept free for percent and the next digit.
const LIMIT: u128 = 1_000_000_000_000_000_000_000_000_000_000_000_000;

/// An exact fraction. In snapshots and configuration it is its [`Ratio::exact`] text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ratio {
    num: i128,
    den: i128,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Self = Self { num: 0, den: 1 };

    /// One.
    pub const ONE: Self = Self { num: 1, den: 1 };

    /// A fraction in lowest terms; `None` for a denominator of 0 and beyond the bound.
    pub fn new(num: i128, den: i128) -> Option<Self> {
        if den == 0 {
            return None;
        }
        let negative = (num < 0) != (den < 0);
        let (top, bottom) = (num.unsigned_abs(), den.unsigned_abs());
        let common = gcd(top, bottom);
        let (top, bottom) = (top / common, bottom / common);
        if top > LIMIT || bottom > LIMIT {
            return None;
        }
        let (top, bottom) = (top as i128, bottom as i128);
        Some(Self { num: if negative { -top } else { top }, den: bottom })
    }

    /// A whole number.
    pub const fn int(value: i64) -> Self {
        Self { num: value as i128, den: 1 }
    }

    /// Returns the numerator, which carries the sign.
    pub const fn num(self) -> i128 {
        self.num
    }

    /// Returns the denominator, which is positive.
    pub const fn den(self) -> i128 {
        self.den
    }

    /// True for zero.
    pub const fn is_zero(self) -> bool {
        self.num == 0
    }

    /// True below zero.
    pub const fn is_negative(self) -> bool {
        self.num < 0
    }

    /// Returns the ratio without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self { num: self.num.abs(), den: self.den }
    }

    /// Sum, or `None` beyond the bound.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let common = gcd(self.den.unsigned_abs(), other.den.unsigned_abs()) as i128;
        let (left, right) = (other.den / common, self.den / common);
        let num = self.num.checked_mul(left)?.checked_add(other.num.checked_mul(right)?)?;
        Self::new(num, self.den.checked_mul(left)?)
    }

    /// Difference, or `None` beyond the bound.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(-other)
    }

    /// Product, or `None` beyond the bound.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let across = gcd(self.num.unsigned_abs(), other.den.unsigned_abs()) as i128;
        let back = gcd(other.num.unsigned_abs(), self.den.unsigned_abs()) as i128;
        let num = (self.num / across).checked_mul(other.num / back)?;
        Self::new(num, (self.den / back).checked_mul(other.den / across)?)
    }

    /// Quotient, or `None` for a divisor of zero and beyond the bound.
    pub fn checked_div(self, other: Self) -> Option<Self> {
        let sign = if other.num < 0 { -1 } else { 1 };
        let turned = Self { num: sign * other.den, den: other.num.abs() };
        if other.num == 0 { None } else { self.checked_mul(turned) }
    }

    /// For charts; no decision uses it.
    pub fn to_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

/// Greatest common divisor; that of 0 and n is n. Division of 64 bits is several times as fast as of 128, and
/// almost every number here fits.
fn gcd(a: u128, b: u128) -> u128 {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(mut a), Ok(mut b)) => {
            while b != 0 {
                (a, b) = (b, a % b);
            }
            u128::from(a)
        }
        _ => {
            let (mut a, mut b) = (a, b);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        }
    }
}

/// Compares a/b with c/d by their continued fractions: exact, and no product to overflow.
fn compare(mut a: u128, mut b: u128, mut c: u128, mut d: u128) -> Ordering {
    loop {
        let (rest_left, rest_right) = (a % b, c % d);
        let whole = (a / b).cmp(&(c / d));
        if whole != Ordering::Equal {
            return whole;
        }
        if rest_left == 0 || rest_right == 0 {
            return rest_left.cmp(&rest_right);
        }
        // r/b < s/d exactly when d/s < b/r.
        (a, b, c, d) = (d, rest_right, b, rest_left);
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Some(left), Some(right)) = (self.num.checked_mul(other.den), other.num.checked_mul(self.den))
        {
            return left.cmp(&right);
        }
        let parts = |ratio: &Self| (ratio.num.unsigned_abs(), ratio.den.unsigned_abs());
        let ((a, b), (c, d)) = (parts(self), parts(other));
        match (self.num < 0, other.num < 0) {
            (false, false) => compare(a, b, c, d),
            (true, true) => compare(c, d, a, b),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Neg for Ratio {
    type Output = Self;

    fn neg(self) -> Self {
        Self { num: -self.num, den: self.den }
    }
}

impl From<i64> for Ratio {
    fn from(value: i64) -> Self {
        Self::int(value)
    }
}

impl From<u32> for Ratio {
    fn from(value: u32) -> Self {
        Self::int(i64::from(value))
    }
}

impl From<Points> for Ratio {
    fn from(points: Points) -> Self {
        Self::new(i128::from(points.thousandths()), 1_000)
            .expect("a 64-bit number of thousandths is within the bound")
    }
}

impl From<Decimal> for Ratio {
    fn from(value: Decimal) -> Self {
        Self::new(i128::from(value.millionths()), 1_000_000)
            .expect("a 64-bit number of millionths is within the bound")
    }
}

#[cfg(test)]
mod tests;
