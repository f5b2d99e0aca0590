//! Estimates and capacities.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use super::text::{read_scaled, write_scaled};

/// Sprint points in thousandths: decimal on the wire, whole inside. Sums saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points(i64);

impl Points {
    /// No points.
    pub const ZERO: Self = Self(0);

    /// The largest estimate believed, a thousand million points: trackers that estimate in seconds stay below it,
    /// garbage does not, and nine million of them still add up without saturating.
    pub const LARGEST: Self = Self(1_000_000_000_000);

    /// From thousandths.
    pub const fn from_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// From whole points.
    pub const fn whole(points: i64) -> Self {
        Self(points.saturating_mul(1_000))
    }

    /// From a number off the wire, half to even to thousandths; `None` for what is no number or beyond
    /// [`Self::LARGEST`]. It is the decimal that was written that is rounded, not its binary neighbour.
    pub fn from_f64(points: f64) -> Option<Self> {
        if !points.is_finite() {
            return None;
        }
        // Estimates are nearly always whole, or halves or quarters of a point: exact in both forms.
        let eighths = points * 8.0;
        if eighths.fract() == 0.0 && eighths.abs() <= 8e9 {
            #[allow(clippy::cast_possible_truncation, reason = "whole and far below the limit")]
            return Some(Self(eighths as i64 * 125)).filter(|read| read.abs() <= Self::LARGEST);
        }
        let read = Self(read_scaled(&points.to_string(), 3)?);
        (read.abs() <= Self::LARGEST).then_some(read)
    }

    /// Returns the thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// For the wire and for charts; no decision uses it.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Returns the points without their sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// True for no points.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Points {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Points {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Points {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Points {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Points {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        points.fold(Self::ZERO, Add::add)
    }
}

/// Shows the points without trailing zeros: `3`, `3.5`.
impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&write_scaled(i128::from(self.0), 3))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(3.0, Some(3_000))]
    #[case(0.1, Some(100))]
    #[case(-2.5, Some(-2_500))]
    #[case(0.0005, Some(0))]
    #[case(0.0015, Some(2))]
    #[case(1.0025, Some(1_002))]
    #[case(1.002_500_1, Some(1_003))]
    #[case(1e-300, Some(0))]
    #[case(1e9, Some(1_000_000_000_000))]
    #[case(1.1e9, None)]
    #[case(-1e300, None)]
    #[case(f64::NAN, None)]
    #[case(f64::INFINITY, None)]
    fn points_off_the_wire_are_thousandths_half_to_even(#[case] wire: f64, #[case] inside: Option<i64>) {
        assert_eq!(Points::from_f64(wire).map(Points::thousandths), inside);
    }

    #[rstest]
    #[case(3_000, "3")]
    #[case(3_500, "3.5")]
    #[case(-125, "-0.125")]
    #[case(0, "0")]
    #[case(1_010, "1.01")]
    #[case(100_000, "100")]
    fn points_show_without_trailing_zeros(#[case] thousandths: i64, #[case] shown: &str) {
        assert_eq!(Points::from_thousandths(thousandths).to_string(), shown);
    }

    #[test]
    fn the_sprint_of_the_scenario_ends_at_34() {
        let changes = [30, 5, 2, -3].map(Points::whole);
        assert_eq!(changes.into_iter().sum::<Points>(), Points::whole(34));
    }

    #[test]
    fn sums_of_points_never_wrap() {
        let most = Points::from_thousandths(i64::MAX);
        assert_eq!(most + Points::whole(1), most);
        assert_eq!((-most - Points::whole(5)).abs(), most);
    }
}
