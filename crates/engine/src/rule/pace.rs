//! `velocity-drop.pace`: at or after mid-cycle, the pace of a key result is below its floor (R8, R40, R43).
//!
//! Exactly the floor does not fire. A hold-level key result needs two ended periods. Its subject is the owning squad, once
//! for each key result; a key result of no squad is its own subject.

use bellwether_model::{EventTime, KeyResultId, KeyResultKind, Measure, Millis, Ratio, RuleId};
use bellwether_wire::pb;

use super::page_load::PAGE_TYPE;
use crate::context::{Context, WITHDRAWN};
use crate::explain::{ExplainBuilder, compared};
use crate::instance::{Finding, InstanceKey, Subject, Verdict};
use crate::key_result::frame::Frame;
use crate::key_result::inputs::Inputs;
use crate::key_result::judgement::{Judgement, Own};
use crate::key_result::pace::{Pace, Period, curve};
use crate::key_result::page_events;
use crate::reference::KeyResult;

/// Running instances.
pub(crate) fn running(context: &Context<'_>) -> Vec<InstanceKey> {
    context.instances.of_rule(RuleId::VelocityDropPace)
}

/// The subject of a key result's pace.
pub(crate) fn subject(id: &KeyResultId, key_result: &KeyResult) -> Subject {
    match &key_result.squad {
        Some(squad) => Subject::Squad(squad.clone()),
        None => Subject::KeyResult(id.clone()),
    }
}

/// True when the pace of a key result is watched (R40).
pub(crate) fn is_watched(key_result: &KeyResult) -> bool {
    key_result.measure.watches_pace() || key_result.watch_pace
}

/// The key result went to another squad, in whose name it is judged from now on; `explain` says how it stands.
pub(crate) fn hand_over(context: &mut Context<'_>, key: InstanceKey, explain: ExplainBuilder) {
    context.judge(key, Verdict::no("the key result belongs to another squad", "", explain));
}

/// Looks at a judged key result; `late` is the time of the earliest fact that made it look. Returns true when nothing
/// that may still happen in the quarter can change what it found, but corrections.
pub(crate) fn look(
    context: &mut Context<'_>,
    inputs: &Inputs<'_>,
    own: Own<'_>,
    frame: &Frame<'_>,
    judgement: &Judgement,
    late: Option<EventTime>,
) -> bool {
    let key = InstanceKey {
        rule: RuleId::VelocityDropPace,
        subject: subject(frame.id, frame.key_result),
        scope: Some(frame.id.clone().into()),
    };
    let found = if is_watched(frame.key_result) {
        find(context, frame, judgement)
    } else {
        // Only a key result that was watched before can have an instance.
        Some(Found::Kept)
    };
    let verdict = match found {
        None => Verdict::NoData,
        Some(Found::Below) => Verdict::True(Box::new(finding(context, inputs, frame, judgement))),
        Some(Found::Kept) if was_never_due(context, inputs, own, frame, &key, late) => {
            let explain = explain(context, inputs, frame, judgement);
            let explain = Box::new(explain.note("facts that arrived late show that it never was due"));
            Verdict::Over { reason: WITHDRAWN, explain }
        }
        Some(Found::Kept) if !context.is_to_wane(&key, "") => Verdict::NoData,
        Some(Found::Kept) => {
            let explain = explain(context, inputs, frame, judgement);
            Verdict::no("pace is back at or above the floor, or no longer watched", "", explain)
        }
    };
    context.judge(key, verdict);
    frame.measure() == Measure::O22
        && frame.key_result.kind == KeyResultKind::HoldLevel
        && found == Some(Found::Kept)
}

/// What the pace says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Below,
    Kept,
}

/// `None` before mid-cycle, without a pace, and without enough periods (R9).
fn find(context: &Context<'_>, frame: &Frame<'_>, judgement: &Judgement) -> Option<Found> {
    let thresholds = context.thresholds();
    let pace = judgement.pace.as_ref().filter(|_| frame.now >= frame.quarter.mid())?;
    if let Pace::Periods { periods, .. } = pace
        && frame.measure() != Measure::O22
        && periods.len() < usize::try_from(thresholds.pace_minimum_periods).ok()?
    {
        return None;
    }
    Some(if pace.ratio() < thresholds.pace_floor { Found::Below } else { Found::Kept })
}

/// True when a fact of the time before an instance fired, that arrived after, shows that it should not have fired (R1).
fn was_never_due(
    context: &mut Context<'_>,
    inputs: &Inputs<'_>,
    own: Own<'_>,
    frame: &Frame<'_>,
    key: &InstanceKey,
    late: Option<EventTime>,
) -> bool {
    let Some(as_of) = context.instances.get(key).map(|instance| instance.as_of) else { return false };
    if late.is_none_or(|late| late > as_of) {
        return false;
    }
    let Some(then) = frame.at(context, as_of) else { return false };
    let judgement = Judgement::of(context, inputs, own, &then);
    find(context, &then, &judgement) == Some(Found::Kept)
}

fn finding(context: &Context<'_>, inputs: &Inputs<'_>, frame: &Frame<'_>, judgement: &Judgement) -> Finding {
    Finding {
        key_result: Some(frame.id.clone()),
        id_suffix: None,
        as_of: context.as_of(),
        severity: pb::Severity::Critical,
        explain: explain(context, inputs, frame, judgement).build(),
        blast_radius: None,
        squads: frame.squad().map(ToString::to_string).into_iter().collect(),
        watched: String::new(),
        amend: None,
        second_window: false,
    }
}

/// The numbers of a judged key result, below the floor or not.
pub(crate) fn explain(
    context: &Context<'_>,
    inputs: &Inputs<'_>,
    frame: &Frame<'_>,
    judgement: &Judgement,
) -> ExplainBuilder {
    let thresholds = context.thresholds();
    let floor = thresholds.pace_floor;
    let (start, end) = (frame.quarter.start, frame.quarter.end);
    let target = frame.target();
    let mut explain = ExplainBuilder::new(RuleId::VelocityDropPace)
        .threshold(thresholds, "pace.floor", "")
        .window(start, end, frame.quarter.zone.name())
        .input("target", target.exact(), frame.show(target), "", frame.now)
        .clears_when("pace stays at or above the floor for seven days");
    if let Some((event, type_name)) = &judgement.present.event {
        explain = explain.events([(event.clone(), type_name.as_str())]);
    }
    let Some(pace) = judgement.pace.as_ref() else { return explain };
    let paged = page_events::latest(context.reference, inputs.pages, frame, decided_at(frame, pace));
    explain = explain.events(paged.into_iter().map(|id| (id, PAGE_TYPE)));
    let ratio = pace.ratio();
    let against_floor = |workings: String| format!("{workings} = {}", compared(ratio, floor));
    explain = explain.input("pace", ratio.exact(), ratio.round_half_even(2), "", frame.now);
    match pace {
        Pace::Progress { value, progress, elapsed, planned, .. } => {
            let baseline = frame.baseline();
            explain = explain
                .input("value", value.exact(), frame.show(*value), "", judgement.present.at)
                .input("baseline", baseline.exact(), frame.show(baseline), "", start)
                .input("progress", progress.exact(), progress.round_half_even(2), "", judgement.present.at)
                .input("elapsed", elapsed.exact(), elapsed.round_half_even(4), "of the quarter", frame.now);
            if !frame.key_result.curve.is_empty() {
                let points: Vec<String> = curve(&frame.key_result.curve)
                    .iter()
                    .map(|(at, share)| format!("({}, {})", at.exact(), share.exact()))
                    .collect();
                let points = points.join(" ");
                explain = explain
                    .input("curve", &points, &points, "(share elapsed, share planned)", start)
                    .input("planned", planned.exact(), planned.round_half_even(4), "", frame.now);
            }
            explain.arithmetic(against_floor(format!(
                "(({} - {}) / ({} - {})) / {}",
                value.exact(),
                bracket(baseline),
                target.exact(),
                bracket(baseline),
                fraction(*planned)
            )))
        }
        Pace::Periods { periods, met, .. } => {
            if frame.measure() != Measure::O22 {
                explain = explain.threshold(thresholds, "pace.minimum-periods", "periods");
            }
            for period in periods {
                let held = period.measured.met(|value| frame.meets(value)) == Some(true);
                let (value, shown) = match period.measured.value() {
                    Some(value) => (value.exact(), frame.show(value)),
                    None => ("none".to_owned(), "none".to_owned()),
                };
                let unit = if held { "met" } else { "not met" };
                explain = explain.input(&period.name, value, format!("{shown}, {unit}"), "", period.end);
            }
            explain = explain.input("periods-met", met, met, "periods", frame.now).input(
                "periods-ended",
                periods.len(),
                periods.len(),
                "periods",
                frame.now,
            );
            let latest_first = periods.iter().rev().filter_map(|period| period.event.as_ref());
            let events = latest_first
                .filter(|event| Some(*event) != judgement.present.event.as_ref())
                .map(|(id, type_name)| (id.clone(), type_name.as_str()));
            explain
                .events(events)
                .arithmetic(against_floor(format!("{met} periods met / {} ended with data", periods.len())))
        }
    }
}

/// The instant whose pages matter most: the last one of the last week that was not met, else now.
fn decided_at(frame: &Frame<'_>, pace: &Pace) -> EventTime {
    let periods = match pace {
        Pace::Periods { periods, .. } if frame.measure() != Measure::O22 => periods.as_slice(),
        Pace::Periods { .. } | Pace::Progress { .. } => &[],
    };
    let missed = |period: &&Period| period.measured.met(|value| frame.meets(value)) == Some(false);
    let last = periods.iter().rev().find(missed);
    last.map_or(frame.now, |period| period.end.minus(Millis::from_ms(1)))
}

/// A number where a sign before it would be read as an operator.
fn bracket(value: Ratio) -> String {
    if value.is_negative() { format!("({})", value.exact()) } else { value.exact() }
}

/// A fraction as one operand.
fn fraction(value: Ratio) -> String {
    format!("({}/{})", value.num(), value.den())
}

#[cfg(test)]
mod tests;
