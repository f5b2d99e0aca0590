//! Randomness of the waits between attempts, injected so that a test can name it.
//!
//! It spreads load and guards nothing: never use it for a secret.

use std::hash::{BuildHasher as _, RandomState};

/// A position between two bounds: 0 is the lower one, [`u32::MAX`] is just below the upper one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll(pub u32);

impl Roll {
    /// The integer at this position of `0..bound`.
    pub fn below(self, bound: i64) -> i64 {
        let bound = u128::try_from(bound).unwrap_or(0);
        i64::try_from((bound * u128::from(self.0)) >> 32).unwrap_or(i64::MAX)
    }
}

/// A small generator of rolls (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed; the same seed gives the same rolls.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator that no other process shares: the seed is of the machine's own randomness.
    pub fn of_the_machine() -> Self {
        Self(RandomState::new().hash_one("bellwether"))
    }

    /// The next roll.
    pub fn roll(&mut self) -> Roll {
        Roll((self.next() >> 32) as u32)
    }

    /// A generator of its own for a part of the program.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rolls() {
        let (mut one, mut other) = (Random::seeded(7), Random::seeded(7));
        for _ in 0..100 {
            assert_eq!(one.roll(), other.roll());
        }
    }

    #[test]
    fn a_roll_stays_below_its_bound() {
        assert_eq!(Roll(0).below(1000), 0);
        assert_eq!(Roll(u32::MAX).below(1000), 999);
        assert_eq!(Roll(u32::MAX).below(0), 0);
        assert_eq!(Roll(u32::MAX).below(-5), 0);
    }

    #[test]
    fn rolls_are_spread_over_the_whole_range() {
        let mut random = Random::seeded(1);
        let mut seen = [0u32; 4];
        for _ in 0..4000 {
            seen[usize::try_from(random.roll().below(4)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| *count > 800), "{seen:?}");
    }
}
