//! Status of a key result and why (R42). No data is never green.

use bellwether_model::{KeyResultKind, Measure, Ratio, Status};

use super::frame::Frame;
use super::inputs::UpdateRecord;
use super::judgement::Judgement;
use super::measured::Measured;
use super::pace::Pace;

/// Status and reason of a judged key result; below the floor, pace is red.
pub(crate) fn status(
    frame: &Frame<'_>,
    judgement: &Judgement,
    updates: &UpdateRecord,
    pace_floor: Ratio,
) -> (Status, String) {
    let (status, reason) = by_value(frame, judgement, pace_floor);
    if frame.measure() != Measure::Custom || status == Status::NoData {
        return (status, reason);
    }
    match (updates.silent_windows, status) {
        (0, _) => (status, reason),
        (1, Status::Green) => (Status::Amber, format!("{reason}; one update window missed")),
        (1, _) => (status, reason),
        (missed, _) => (Status::NoData, format!("{missed} update windows missed in a row")),
    }
}

fn by_value(frame: &Frame<'_>, judgement: &Judgement, pace_floor: Ratio) -> (Status, String) {
    let target = frame.show(frame.target());
    let met = judgement.present.measured.met(|value| frame.meets(value));
    let value = match judgement.present.measured {
        Measured::NoData => return (Status::NoData, no_data(frame)),
        Measured::Value(value) => frame.show(value),
        Measured::Spread(_) => {
            return (Status::Green, "nobody has enough pages to concentrate any".to_owned());
        }
        Measured::Concentrated => "a median of 0 under a top with several pages".to_owned(),
    };
    if met == Some(true) {
        return (Status::Green, format!("{value} meets the target of {target}"));
    }
    let short = format!("{value} does not meet the target of {target}");
    let Some(pace) = judgement.pace.as_ref() else { return (Status::Amber, short) };
    let shown = describe(pace);
    if pace.ratio() < pace_floor {
        return (Status::Red, format!("{short}; {shown} is below {}", pace_floor.exact()));
    }
    let on_the_way = match frame.key_result.kind {
        KeyResultKind::Accumulate | KeyResultKind::ReachLevel => pace.ratio() >= Ratio::ONE,
        KeyResultKind::HoldLevel => false,
    };
    if on_the_way { (Status::Green, shown) } else { (Status::Amber, format!("{short}; {shown}")) }
}

fn describe(pace: &Pace) -> String {
    let shown = pace.ratio().round_half_even(2);
    match pace {
        Pace::Progress { .. } => format!("pace {shown}"),
        Pace::Periods { met, periods, .. } => {
            format!("pace {shown}, {met} of {} periods met", periods.len())
        }
    }
}

/// Why there is no value.
fn no_data(frame: &Frame<'_>) -> String {
    let measure = frame.measure();
    let reason = match measure {
        Measure::Custom | Measure::O32 => "no reading yet",
        Measure::O31 => "no valid events measured this quarter",
        Measure::O23 | Measure::O33 => return format!("{measure} is not computed yet"),
        _ if frame.squad().is_none() => return format!("{measure} is computed for squads only"),
        Measure::O11 | Measure::O12 | Measure::O13 => "no closed sprint with data",
        Measure::O2 => "no pages known, or nobody in the squad",
        Measure::O21 => "too few people with pages or shifts for a median",
        Measure::O22 => "too few weekend pages this quarter",
    };
    reason.to_owned()
}
