//! Small conversions that several components share: numbers as people and machines read them, and sleep hours.

use bellwether_model::Ratio;
use bellwether_model::Thresholds;
use bellwether_wire::pb;

/// A number in its three forms, the display with `decimals` places, half to even (R13).
pub(crate) fn measure(ratio: Ratio, decimals: u32) -> pb::Measure {
    pb::Measure { exact: ratio.exact(), display: ratio.round_half_even(decimals), value: ratio.to_f64() }
}

/// True when a minute of the local day lies in sleep hours, which may span midnight.
pub(crate) fn is_sleep(thresholds: &Thresholds, minute: u32) -> bool {
    let (from, until) = (thresholds.sleep_from.minute(), thresholds.sleep_until.minute());
    if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until }
}
