//! Pace: actual over planned progress, or compliance to date over the required compliance (R43).

use bellwether_model::{Decimal, EventTime, Ratio};
use bellwether_wire::envelope::EventId;

use super::frame::Frame;
use super::measured::Measured;

/// One period of a hold-level key result that has ended: a sprint, a week, or the quarter to date.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Period {
    /// What it is called: `sprint s-12`, `week 3`.
    pub(crate) name: String,
    /// When it ended.
    pub(crate) end: EventTime,
    /// What it came to.
    pub(crate) measured: Measured,
    /// The event that mattered most, and its type.
    pub(crate) event: Option<(EventId, String)>,
}

/// A pace, with its workings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pace {
    /// Of a value on its way from the baseline to the target.
    Progress {
        /// Present value.
        value: Ratio,
        /// Share of the way done.
        progress: Ratio,
        /// Share of the quarter elapsed.
        elapsed: Ratio,
        /// Share of the way planned by now: that share, unless the key result carries a curve.
        planned: Ratio,
        /// The one over the other.
        pace: Ratio,
    },
    /// Of periods met among those that ended with data.
    Periods {
        /// Those with data, in order.
        periods: Vec<Period>,
        /// How many were met.
        met: u32,
        /// The one over the other.
        pace: Ratio,
    },
}

impl Pace {
    /// The pace itself.
    pub(crate) fn ratio(&self) -> Ratio {
        match self {
            Self::Progress { pace, .. } | Self::Periods { pace, .. } => *pace,
        }
    }

    /// Of a value; `None` while nothing is planned, and where there is no way to go.
    pub(crate) fn of_value(frame: &Frame<'_>, value: Ratio) -> Option<Self> {
        let way = frame.target().checked_sub(frame.baseline())?;
        let progress = value.checked_sub(frame.baseline())?.checked_div(way)?;
        let elapsed = frame.quarter.elapsed(frame.now);
        let planned = planned(&frame.key_result.curve, elapsed)?;
        let pace = progress.checked_div(planned)?;
        Some(Self::Progress { value, progress, elapsed, planned, pace })
    }

    /// Of periods; `None` while none has ended with data.
    pub(crate) fn of_periods(frame: &Frame<'_>, periods: Vec<Period>) -> Option<Self> {
        let judged: Vec<(Period, bool)> = periods
            .into_iter()
            .filter_map(|period| {
                let met = period.measured.met(|value| frame.meets(value))?;
                Some((period, met))
            })
            .collect();
        let met = judged.iter().filter(|(_, met)| *met).count();
        let pace = Ratio::new(i128::try_from(met).ok()?, i128::try_from(judged.len()).ok()?)?;
        let periods = judged.into_iter().map(|(period, _)| period).collect();
        Some(Self::Periods { periods, met: u32::try_from(met).unwrap_or(u32::MAX), pace })
    }
}

/// The points of a plan in order, as a key result carries them: from nothing at the start to everything at the end where
/// they do not say otherwise.
pub(crate) fn curve(carried: &[(Decimal, Decimal)]) -> Vec<(Ratio, Ratio)> {
    let mut points: Vec<(Ratio, Ratio)> =
        carried.iter().map(|(at, share)| ((*at).into(), (*share).into())).collect();
    for (end, share) in [(Ratio::ZERO, Ratio::ZERO), (Ratio::ONE, Ratio::ONE)] {
        if !points.iter().any(|(at, _)| *at == end) {
            points.push((end, share));
        }
    }
    points.sort_by_key(|(at, _)| *at);
    points
}

/// The share planned by a share elapsed: linear between the points of the curve.
fn planned(carried: &[(Decimal, Decimal)], elapsed: Ratio) -> Option<Ratio> {
    let points = curve(carried);
    let next = points.iter().position(|(at, _)| *at >= elapsed)?;
    let (right, share) = points[next];
    let Some((left, from)) = next.checked_sub(1).map(|previous| points[previous]) else { return Some(share) };
    let along = elapsed.checked_sub(left)?.checked_div(right.checked_sub(left)?)?;
    from.checked_add(share.checked_sub(from)?.checked_mul(along)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(text: &str) -> Ratio {
        Ratio::parse(text).expect("a ratio")
    }

    #[test]
    fn r43_the_plan_is_linear_unless_the_key_result_carries_a_curve() {
        let curve = |points: &[(&str, &str)]| -> Vec<(Decimal, Decimal)> {
            let decimal = |text: &&str| Decimal::parse(text).expect("a decimal");
            points.iter().map(|(at, share)| (decimal(at), decimal(share))).collect()
        };
        let late = curve(&[("0.5", "0.2"), ("0.75", "0.4")]);
        for (curve, elapsed, expected) in [
            (curve(&[]), "3/7", "3/7"),
            (late.clone(), "0.25", "0.1"),
            (late.clone(), "0.5", "0.2"),
            (late.clone(), "0.625", "0.3"),
            (late, "0.875", "0.7"),
            (curve(&[("1", "0.9"), ("0", "0.1")]), "0.5", "0.5"),
        ] {
            assert_eq!(planned(&curve, ratio(elapsed)), Some(ratio(expected)), "{curve:?} at {elapsed}");
        }
    }
}
