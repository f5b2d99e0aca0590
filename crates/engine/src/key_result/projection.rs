//! Projected completion at quarter end (R44).

use bellwether_model::{Direction, EventTime, KeyResultKind, Ratio};

use super::frame::Frame;

/// Ended periods that a hold-level key result needs before its share is carried on: one fewer is no trend.
const LEAST_PERIODS: usize = 3;

/// What the present line leads to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Projection {
    /// Value at quarter end; none for a hold-level key result.
    pub(crate) value: Option<Ratio>,
    /// As a share of what is to be reached; never capped.
    pub(crate) completion: Option<Ratio>,
    /// As a share of the way from the baseline to the target; none for a hold-level key result.
    pub(crate) progress: Option<Ratio>,
}

/// Of the least-squares line through (quarter start, baseline) over this quarter's readings.
pub(crate) fn of_readings(frame: &Frame<'_>, readings: &[(EventTime, Ratio)]) -> Projection {
    let value = line(frame, readings);
    Projection {
        value,
        completion: value.and_then(|value| completion(frame, value)),
        progress: value.and_then(|value| progress(frame, value)),
    }
}

/// Of a hold-level key result: the present share carried on.
pub(crate) fn of_periods(ended: usize, share: Ratio) -> Projection {
    Projection { value: None, completion: (ended >= LEAST_PERIODS).then_some(share), progress: None }
}

/// True where a key result has readings to draw a line through: typed ones, or the periods of a computed reach-level.
pub(crate) fn has_readings(frame: &Frame<'_>) -> bool {
    match frame.key_result.kind {
        KeyResultKind::Accumulate => frame.is_read(),
        KeyResultKind::ReachLevel => true,
        KeyResultKind::HoldLevel => false,
    }
}

fn line(frame: &Frame<'_>, readings: &[(EventTime, Ratio)]) -> Option<Ratio> {
    let elapsed = |at: EventTime| i128::from(at.since(frame.quarter.start).ms());
    let total = elapsed(frame.quarter.end);
    // In units of the largest span that divides every one of them, so that the sums stay small.
    let unit = readings.iter().fold(total, |unit, (at, _)| gcd(unit, elapsed(*at))).max(1);
    let (mut above, mut below) = (Ratio::ZERO, 0_i128);
    for (at, value) in readings {
        let t = elapsed(*at) / unit;
        let gain = value.checked_sub(frame.baseline())?.checked_mul(Ratio::new(t, 1)?)?;
        above = above.checked_add(gain)?;
        below += t * t;
    }
    let slope = above.checked_div(Ratio::new(below, 1)?)?;
    frame.baseline().checked_add(slope.checked_mul(Ratio::new(total / unit, 1)?)?)
}

fn completion(frame: &Frame<'_>, projected: Ratio) -> Option<Ratio> {
    let target = frame.target();
    if target <= Ratio::ZERO {
        return progress(frame, projected);
    }
    match frame.key_result.direction {
        Direction::HigherIsBetter => projected.checked_div(target),
        Direction::LowerIsBetter if projected <= Ratio::ZERO => Some(Ratio::ONE),
        Direction::LowerIsBetter => target.checked_div(projected),
    }
}

fn progress(frame: &Frame<'_>, projected: Ratio) -> Option<Ratio> {
    let (baseline, target) = (frame.baseline(), frame.target());
    projected.checked_sub(baseline)?.checked_div(target.checked_sub(baseline)?)
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}
