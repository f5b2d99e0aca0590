//! Ratios as text: rounded for people, exact for explanations and configuration.

use std::cmp::Ordering;
use std::fmt;

use super::{Ratio, gcd};
use crate::Error;
use crate::number::text::{write_fixed, write_scaled};

/// Most decimal places that [`Ratio::exact`] writes out before it prefers a fraction.
const EXACT_PLACES: u32 = 12;

impl Ratio {
    /// Shows the ratio with that many decimal places, half to even (R13): 29/4 with 1 is `7.2`, 7/4 is `1.8`.
    pub fn round_half_even(self, decimals: u32) -> String {
        let (num, den) = (self.num.unsigned_abs(), self.den.unsigned_abs());
        let scaled = 10_u64.checked_pow(decimals).zip(u64::try_from(num).ok());
        match scaled.and_then(|(scale, num)| num.checked_mul(scale)).zip(u64::try_from(den).ok()) {
            Some((scaled, den)) => {
                let (shown, rest) = (scaled / den, scaled % den);
                let up = match (u128::from(rest) * 2).cmp(&u128::from(den)) {
                    Ordering::Less => false,
                    Ordering::Equal => shown % 2 == 1,
                    Ordering::Greater => true,
                };
                write_fixed(self.num < 0, u128::from(shown) + u128::from(up), decimals as usize)
            }
            None => self.round_digit_by_digit(decimals),
        }
    }

    /// The same for parts of any size: nothing is multiplied by more than ten.
    pub(super) fn round_digit_by_digit(self, decimals: u32) -> String {
        let den = self.den.unsigned_abs();
        let whole = self.num.unsigned_abs() / den;
        let mut rest = self.num.unsigned_abs() % den;
        let mut digits = whole.to_string().into_bytes();
        for _ in 0..decimals {
            rest *= 10;
            // A digit: the rest was below the denominator.
            digits.push(b'0' + (rest / den) as u8);
            rest %= den;
        }
        let odd = digits.last().is_some_and(|digit| (digit - b'0') % 2 == 1);
        let up = match (rest * 2).cmp(&den) {
            Ordering::Less => false,
            Ordering::Equal => odd,
            Ordering::Greater => true,
        };
        if up {
            carry(&mut digits);
        }
        let negative = self.num < 0 && digits.iter().any(|digit| *digit != b'0');
        let mut text = String::with_capacity(digits.len() + 2);
        if negative {
            text.push('-');
        }
        let point = digits.len() - decimals as usize;
        for (index, digit) in digits.iter().enumerate() {
            if index == point {
                text.push('.');
            }
            text.push(char::from(*digit));
        }
        text
    }

    /// Shows a hundred times the ratio with that many decimal places, half to even, without a sign for percent.
    pub fn percent(self, decimals: u32) -> String {
        let hundred = 100 / gcd(100, self.den.unsigned_abs()) as i128;
        let den = self.den / gcd(100, self.den.unsigned_abs()) as i128;
        // The bound leaves two places free, so the product fits; it need not be within the bound to be shown.
        Self { num: self.num * hundred, den }.round_half_even(decimals)
    }

    /// Shows the ratio without losing anything: an integer or a decimal where it ends, else a fraction such as `29/7`.
    pub fn exact(self) -> String {
        let scaled = places_of(self.den)
            .and_then(|places| Some((self.num.checked_mul(10_i128.pow(places) / self.den)?, places)));
        match scaled {
            Some((scaled, places)) => write_scaled(scaled, places as usize),
            None => format!("{}/{}", self.num, self.den),
        }
    }

    /// Reads what [`Self::exact`] writes: `29/7`, `7.25` or `7`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        read(text).ok_or_else(|| Error::Number {
            what: "ratio",
            text: text.to_owned(),
            expected: "a number or a fraction, such as 7.25 or 29/7",
        })
    }
}

/// Decimal places after which a fraction with a denominator ends, where those are at most [`EXACT_PLACES`]: it ends when the
/// denominator is a product of twos and fives, after as many places as there are of the more frequent.
fn places_of(den: i128) -> Option<u32> {
    let mut rest = u64::try_from(den).ok()?;
    let twos = rest.trailing_zeros();
    rest >>= twos;
    let mut fives = 0;
    while rest.is_multiple_of(5) {
        rest /= 5;
        fives += 1;
    }
    Some(twos.max(fives)).filter(|places| rest == 1 && *places <= EXACT_PLACES)
}

/// Reads a fraction of integers or plain decimal text.
fn read(text: &str) -> Option<Ratio> {
    if let Some((num, den)) = text.split_once('/') {
        return Ratio::new(num.parse().ok()?, den.parse().ok()?);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || text.ends_with('.') {
        return None;
    }
    let den = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Ratio::new(format!("{whole}{fraction}").parse().ok()?, den)
}

/// Adds one to a row of digits.
fn carry(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

impl From<Ratio> for String {
    fn from(ratio: Ratio) -> Self {
        ratio.exact()
    }
}

impl TryFrom<String> for Ratio {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for Ratio {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// Shows the exact ratio.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.exact())
    }
}
