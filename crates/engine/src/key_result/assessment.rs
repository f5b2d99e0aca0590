//! The message of an assessed key result: status and the five metrics.

use bellwether_model::{Ratio, Status};
use bellwether_wire::{instant, pb};

use super::frame::Frame;
use super::inputs::Inputs;
use super::judgement::{Judgement, Own, trend};
use super::pace::Pace;
use super::status::status;
use super::survey::Answers;
use crate::context::Context;
use crate::measures::measure;

/// The assessment now, without what only says when it was made: its instant, and how old the sources are.
pub(crate) fn assess(
    context: &Context<'_>,
    inputs: &Inputs<'_>,
    own: Own<'_>,
    frame: &Frame<'_>,
    judgement: &Judgement,
) -> pb::KeyResultAssessed {
    let updates = inputs.updates.of(context, frame.id);
    let inbound = inputs.dependencies.inbound(context, frame.id);
    let momentum = trend(context, inputs, own, frame, updates.silent_windows, &updates.last_closes);
    let (status, reason) = status(frame, judgement, &updates, context.thresholds().pace_floor);
    let in_scale = |value: Ratio| pb::Measure { display: frame.show(value), ..measure(value, 0) };
    let share = |share: Ratio| pb::Measure { display: share.percent(0), ..measure(share, 0) };
    let confidence = updates.confidence.and_then(|percent| Ratio::new(percent.into(), 100));
    let answers = judgement.present.answers;
    let interval = answers.and_then(Answers::interval);
    let gap = judgement.projection.completion.zip(confidence);
    pb::KeyResultAssessed {
        key_result: frame.id.to_string(),
        status: wire(status).into(),
        reason,
        current: judgement.present.measured.value().map(in_scale),
        baseline: frame.key_result.baseline.to_f64(),
        target: frame.key_result.target.to_f64(),
        update_compliance: Ratio::new(updates.kept.into(), updates.closed.into()).map(share),
        windows_missed_in_a_row: updates.missed_in_a_row,
        pace: judgement.pace.as_ref().map(Pace::ratio).map(|pace| measure(pace, 2)),
        momentum,
        oldest_overdue_dependency_days: inbound.oldest_overdue_days,
        overdue_dependencies: inbound.overdue,
        projected: judgement.projection.value.map(in_scale),
        projected_completion: judgement.projection.completion.map(share),
        last_valid_update: updates.last_valid.map(instant::timestamp),
        sources: Vec::new(),
        assessed_at: None,
        squad: frame.squad().map(ToString::to_string).unwrap_or_default(),
        measure: frame.measure().as_str().to_owned(),
        projected_progress: judgement.projection.progress.map(share),
        confidence: confidence.map(share),
        answers: answers.map_or(0, Answers::count),
        interval_low: interval.map(|(low, _)| in_scale(low)),
        interval_high: interval.map(|(_, high)| in_scale(high)),
        confidence_gap: gap.and_then(|(completion, stated)| completion.checked_sub(stated)).map(share),
    }
}

/// How far each source is complete that the key result's squad names; every source, where it names none.
pub(crate) fn source_ages(context: &Context<'_>, frame: &Frame<'_>) -> Vec<pb::SourceAge> {
    let named = frame.squad().and_then(|squad| context.reference.squad(squad, frame.now));
    let named = named.map_or(&[][..], |squad| &squad.sources);
    let counts = |source: &String| named.is_empty() || named.contains(source);
    let known = context.sources.iter().filter(|(source, _)| counts(source));
    known
        .map(|(source, through)| pb::SourceAge {
            source: source.clone(),
            complete_through: Some(instant::timestamp(through)),
        })
        .collect()
}

fn wire(status: Status) -> pb::Status {
    match status {
        Status::Green => pb::Status::Green,
        Status::Amber => pb::Status::Amber,
        Status::Red => pb::Status::Red,
        Status::NoData => pb::Status::NoData,
    }
}
