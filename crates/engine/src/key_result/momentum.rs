//! Momentum: the trend of the last three values, decayed by silence (R45, metric 3). No rule uses it.

use bellwether_model::{Direction, Ratio};
use bellwether_wire::pb;

/// Decimal places.
const PLACES: u32 = 4;

/// Windows of silence after which nothing is left of it at four places, whatever the values: the rest is rounding.
const MOST_SILENT_WINDOWS: u32 = 120;

/// The square root of two, to eighteen places: an odd number of half-lives of two windows needs it.
const SQRT_2: (i128, i128) = (1_414_213_562_373_095_049, 1_000_000_000_000_000_000);

/// (v3 - v1) / 2 in the good direction, times 2^(-w/2).
pub(crate) fn momentum(values: [Ratio; 3], direction: Direction, silent_windows: u32) -> Option<pb::Measure> {
    let [first, _, last] = values;
    let trend = match direction {
        Direction::HigherIsBetter => last.checked_sub(first)?,
        Direction::LowerIsBetter => first.checked_sub(last)?,
    };
    let windows = silent_windows.min(MOST_SILENT_WINDOWS);
    let halvings = windows.div_ceil(2);
    let mut decayed = trend.checked_div(Ratio::new(2_i128.checked_pow(halvings + 1)?, 1)?)?;
    if windows % 2 == 1 {
        decayed = decayed.checked_mul(Ratio::new(SQRT_2.0, SQRT_2.1)?)?;
    }
    let exact = decayed.round_half_even(PLACES);
    let value = Ratio::parse(&exact).ok()?.to_f64();
    Some(pb::Measure { display: exact.clone(), exact, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: [i64; 3], direction: Direction, silent: u32, expected: &str) {
        let got = momentum(values.map(Ratio::int), direction, silent);
        assert_eq!(got.map(|measure| measure.display).as_deref(), Some(expected));
    }

    #[test]
    fn r45_momentum_is_half_the_way_of_three_values_in_the_good_direction() {
        check([76, 0, 88], Direction::HigherIsBetter, 0, "6.0000");
        check([76, 0, 88], Direction::LowerIsBetter, 0, "-6.0000");
    }

    #[test]
    fn r45_silence_halves_it_every_two_windows() {
        check([0, 0, 8], Direction::HigherIsBetter, 2, "2.0000");
        check([0, 0, 8], Direction::HigherIsBetter, 1, "2.8284");
        check([0, 0, 8], Direction::HigherIsBetter, 3, "1.4142");
        check([0, 0, 8], Direction::HigherIsBetter, 4_000_000_000, "0.0000");
    }
}
