//! Answers of a survey (O3.2): the net promoter score, how many it rests on, and how far it may be from what everybody
//! would have answered.
//!
//! The interval is the adjusted Wald interval at 95 % (Rocks, "Interval Estimation for the Net Promoter Score", The
//! American Statistician 2016; arXiv 1601.07235): an answer is +1, 0 or -1, three more are taken for granted - 3/4 of a
//! promoter, 3/2 of a passive, 3/4 of a detractor - and with p, d, n of those
//!
//! ```text
//! (p - d) / n  -+  1.96 x sqrt(((p + d) / n - ((p - d) / n)^2) / n)
//! ```
//! The plain interval has no width when all answers agree, which ten people often do. It is for people: nothing is
//! compared with it. Whole numbers only, rounded outwards to hundredths of a point.

use bellwether_model::Ratio;
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

/// The normal quantile of 95 %, in hundredths.
const QUANTILE_PERCENT: u128 = 196;

/// Hundredths of a point of the whole scale, to either side of 0.
const SCALE: i128 = 100 * 100;

/// Answers by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answers {
    promoters: u32,
    passives: u32,
    detractors: u32,
}

impl Answers {
    /// Of a closed survey.
    pub(crate) fn of(survey: &pb::SurveyClosed) -> Self {
        Self { promoters: survey.promoters, passives: survey.passives, detractors: survey.detractors }
    }

    /// How many there are; more than a message can say are as many as it can.
    pub(crate) fn count(self) -> u32 {
        self.promoters.saturating_add(self.passives).saturating_add(self.detractors)
    }

    /// Percentage points of promoters less detractors, of all who answered; `None` of nobody.
    pub(crate) fn net_promoters(self) -> Option<Ratio> {
        let (good, bad) = (i128::from(self.promoters), i128::from(self.detractors));
        Ratio::new(100 * (good - bad), good + bad + i128::from(self.passives))
    }

    /// Where the score of everybody lies, in percentage points, with 95 % confidence.
    pub(crate) fn interval(self) -> Option<(Ratio, Ratio)> {
        // In quarters of an answer.
        let (good, bad) = (4 * i128::from(self.promoters) + 3, 4 * i128::from(self.detractors) + 3);
        let all = good + bad + 4 * i128::from(self.passives) + 6;
        let spread = ((good + bad) * all - (good - bad) * (good - bad)).unsigned_abs();
        // Hundredths of a point times `all`: 100 x 1.96 x sqrt(spread / all^2 / (all / 4)) x all.
        let square = (QUANTILE_PERCENT * 100).pow(2) * 4 * spread;
        let half = i128::try_from(root_up(square.div_ceil(all.unsigned_abs()))).ok()?;
        let middle = SCALE * (good - bad);
        let (low, high) = ((middle - half).div_euclid(all), -(-middle - half).div_euclid(all));
        Some((Ratio::new(low.max(-SCALE), 100)?, Ratio::new(high.min(SCALE), 100)?))
    }
}

/// The least whole number whose square is at least this.
fn root_up(square: u128) -> u128 {
    let root = square.isqrt();
    if root * root < square { root + 1 } else { root }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answers: (u32, u32, u32), low: &str, high: &str) {
        let (promoters, passives, detractors) = answers;
        let interval = Answers { promoters, passives, detractors }.interval();
        let shown = interval.map(|(low, high)| (low.exact(), high.exact()));
        assert_eq!(shown, Some((low.to_owned(), high.to_owned())));
    }

    #[test]
    fn o32_the_interval_is_the_adjusted_wald_one_rounded_outwards() {
        // 18/103 -+ 1.96 x sqrt((51.5/103 - (18/103)^2) / 103) = 0.174757 -+ 0.132322
        check((34, 50, 16), "4.24", "30.71");
        // The more answers, the narrower.
        check((3_400, 5_000, 1_600), "16.65", "19.34");
    }

    #[test]
    fn o32_answers_that_all_agree_leave_some_doubt_and_the_interval_stays_on_the_scale() {
        check((10, 0, 0), "47.5", "100");
        check((0, 0, 10), "-100", "-47.5");
        check((0, 1, 0), "-60.02", "60.02");
    }

    #[test]
    fn counts_as_large_as_a_message_holds_do_not_overflow() {
        let most = Answers { promoters: u32::MAX, passives: u32::MAX, detractors: u32::MAX };
        assert_eq!(most.count(), u32::MAX);
        assert!(most.interval().is_some_and(|(low, high)| low < Ratio::ZERO && high > Ratio::ZERO));
    }
}
