//! Judges a key result at an instant: present value, ended periods, pace and projection.

use bellwether_model::{EventTime, KeyResultKind, Measure, Millis, Ratio};
use bellwether_wire::envelope::EventId;

use super::frame::Frame;
use super::inputs::Inputs;
use super::marks::{Marks, TREND};
use super::measured::{Measured, is_of_pages, of_pages};
use super::momentum::momentum;
use super::pace::{Pace, Period};
use super::projection::{self, Projection};
use super::readings::Readings;
use super::survey::Answers;
use crate::context::Context;
use crate::slo::Named;
use crate::sprint::Closed;

/// CloudEvents type of a sprint's close.
const CLOSED_TYPE: &str = "bellwether.sprint.closed.v1";
/// CloudEvents type of a measured interval.
const MEASURED_TYPE: &str = "bellwether.sli.measured.v1";

/// What a key result is judged from besides other components.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own<'a> {
    /// Its readings.
    pub(crate) readings: &'a Readings,
    /// A page measure at week ends.
    pub(crate) weeks: &'a Marks,
    /// A page measure at closes.
    pub(crate) closes: &'a Marks,
}

/// A present value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Present {
    /// What the measure comes to.
    pub(crate) measured: Measured,
    /// The instant that is of.
    pub(crate) at: EventTime,
    /// The event it comes from, and its type, where it is one.
    pub(crate) event: Option<(EventId, String)>,
    /// The answers it comes from, of a survey.
    pub(crate) answers: Option<Answers>,
}

/// What is found about a key result at an instant.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    /// Present value.
    pub(crate) present: Present,
    /// Pace; `None` for no data.
    pub(crate) pace: Option<Pace>,
    /// Projected completion.
    pub(crate) projection: Projection,
}

impl Judgement {
    /// Judges a key result.
    pub(crate) fn of(
        context: &mut Context<'_>,
        inputs: &Inputs<'_>,
        own: Own<'_>,
        frame: &Frame<'_>,
    ) -> Self {
        let present = present(context, inputs, own, frame);
        let pace = match frame.key_result.kind {
            KeyResultKind::Accumulate | KeyResultKind::ReachLevel => {
                present.measured.value().and_then(|value| Pace::of_value(frame, value))
            }
            KeyResultKind::HoldLevel => Pace::of_periods(frame, periods(inputs, own, frame, &present)),
        };
        let projection = match &pace {
            Some(Pace::Periods { periods, pace, .. }) if frame.measure() != Measure::O22 => {
                projection::of_periods(periods.len(), *pace)
            }
            _ if projection::has_readings(frame) => {
                projection::of_readings(frame, &line(inputs, own, frame, &present))
            }
            _ => Projection::default(),
        };
        Self { present, pace, projection }
    }
}

/// The last three values and the trend in them.
pub(crate) fn trend(
    context: &Context<'_>,
    inputs: &Inputs<'_>,
    own: Own<'_>,
    frame: &Frame<'_>,
    silent_windows: u32,
    window_closes: &[EventTime],
) -> Option<bellwether_wire::pb::Measure> {
    let values: Vec<Option<Ratio>> = if frame.is_read() {
        let value = |close: &EventTime| own.readings.before(after(*close)).map(|reading| reading.value);
        window_closes.iter().rev().take(TREND).map(value).collect()
    } else {
        let series = inputs.sprints.series(frame.squad()?);
        let last = series.iter().rev().filter(|closed| closed.closed_at <= frame.now).take(TREND);
        last.map(|closed| value_at_close(context, inputs, own, frame, closed)).collect()
    };
    let newest_first: Vec<Ratio> = values.into_iter().collect::<Option<_>>()?;
    let [third, second, first] = newest_first.try_into().ok()?;
    momentum([first, second, third], frame.key_result.direction, silent_windows)
}

fn present(context: &mut Context<'_>, inputs: &Inputs<'_>, own: Own<'_>, frame: &Frame<'_>) -> Present {
    let nothing = Present { measured: Measured::NoData, at: frame.now, event: None, answers: None };
    if frame.is_read() {
        return own.readings.before(frame.until()).map_or(nothing, |reading| Present {
            measured: Measured::Value(reading.value),
            at: reading.told.at,
            event: Some((reading.told.event(), reading.type_name.clone())),
            answers: reading.answers,
        });
    }
    if frame.measure() == Measure::O31 {
        let through = frame.now.min(frame.quarter.end);
        return Present { measured: objectives(inputs, frame, frame.quarter.start, through), ..nothing };
    }
    let Some(squad) = frame.squad() else { return nothing };
    if is_of_pages(frame.measure()) {
        let at = context.at(frame.now);
        let measured = of_pages(&at, inputs.pages, frame.measure(), squad, &frame.quarter);
        return Present { measured, ..nothing };
    }
    let series = inputs.sprints.series(squad);
    let with_data = series.iter().rev().filter(|closed| closed.closed_at <= frame.now);
    let mut found = with_data.filter_map(|closed| Some((closed, frame.share(of_sprint(frame, closed)?)?)));
    found.next().map_or(nothing, |(closed, value)| Present {
        measured: Measured::Value(value),
        at: closed.closed_at,
        event: Some((closed.event.event(), CLOSED_TYPE.to_owned())),
        answers: None,
    })
}

/// Periods that ended in the quarter, from the instant on from which the key result is judged (R4, R43).
fn periods(inputs: &Inputs<'_>, own: Own<'_>, frame: &Frame<'_>, present: &Present) -> Vec<Period> {
    let counts = |end: EventTime| frame.judged_from <= end && end <= frame.now;
    match frame.measure() {
        Measure::O11 | Measure::O12 | Measure::O13 => {
            let series = frame.squad().map(|squad| inputs.sprints.series(squad)).unwrap_or_default();
            let of_quarter =
                series.iter().filter(|c| counts(c.closed_at) && frame.quarter.contains(c.closed_at));
            of_quarter.map(|closed| sprint_period(frame, closed)).collect()
        }
        Measure::O2 | Measure::O21 => week_ends(frame)
            .filter(|(_, end)| counts(*end))
            .map(|(week, end)| week_period(week, end, own.weeks.at(end)))
            .collect(),
        Measure::O22 => vec![Period {
            name: "quarter to date".to_owned(),
            end: frame.now,
            measured: present.measured,
            event: None,
        }],
        Measure::O32 | Measure::Custom => week_ends(frame)
            .filter(|(_, end)| counts(*end))
            .map(|(week, end)| read_week(own, week, end))
            .collect(),
        Measure::O31 => week_ends(frame)
            .filter(|(_, end)| counts(*end))
            .map(|(week, end)| week_of_objectives(inputs, frame, week, end))
            .collect(),
        Measure::O23 | Measure::O33 => Vec::new(),
    }
}

/// O3.1: good over valid events of the intervals that end after an instant, up to and including another, on the scale of the
/// key result.
fn objectives(inputs: &Inputs<'_>, frame: &Frame<'_>, after: EventTime, through: EventTime) -> Measured {
    let events = inputs.objectives.sum(Named(&frame.key_result.slos), after, through);
    events.share().and_then(|share| frame.share(share)).map_or(Measured::NoData, Measured::Value)
}

fn week_of_objectives(inputs: &Inputs<'_>, frame: &Frame<'_>, week: u32, end: EventTime) -> Period {
    let begin = if week == 1 { frame.quarter.start } else { frame.quarter.week_end(week - 1) };
    let worst = inputs.objectives.worst(Named(&frame.key_result.slos), begin, end);
    Period {
        event: worst.map(|event| (event, MEASURED_TYPE.to_owned())),
        ..week_period(week, end, Some(objectives(inputs, frame, begin, end)))
    }
}

/// Readings of the quarter to draw a line through: typed ones, else the values of the ended periods, else the present one.
fn line(inputs: &Inputs<'_>, own: Own<'_>, frame: &Frame<'_>, present: &Present) -> Vec<(EventTime, Ratio)> {
    if frame.is_read() {
        let of_quarter = own.readings.between(frame.quarter.start, frame.until());
        return of_quarter.map(|reading| (reading.told.at, reading.value)).collect();
    }
    let periods = periods(inputs, own, frame, present);
    periods.into_iter().filter_map(|period| Some((period.end, period.measured.value()?))).collect()
}

fn week_ends(frame: &Frame<'_>) -> impl Iterator<Item = (u32, EventTime)> {
    (1..=frame.quarter.weeks()).map(|week| (week, frame.quarter.week_end(week)))
}

fn week_period(week: u32, end: EventTime, measured: Option<Measured>) -> Period {
    Period { name: format!("week {week}"), end, measured: measured.unwrap_or(Measured::NoData), event: None }
}

fn read_week(own: Own<'_>, week: u32, end: EventTime) -> Period {
    let reading = own.readings.before(end);
    Period {
        event: reading.map(|reading| (reading.told.event(), reading.type_name.clone())),
        ..week_period(week, end, reading.map(|reading| Measured::Value(reading.value)))
    }
}

fn sprint_period(frame: &Frame<'_>, closed: &Closed<'_>) -> Period {
    let value = of_sprint(frame, closed).and_then(|share| frame.share(share));
    Period {
        name: format!("sprint {}", closed.sprint),
        end: closed.closed_at,
        measured: value.map_or(Measured::NoData, Measured::Value),
        event: Some((closed.event.event(), CLOSED_TYPE.to_owned())),
    }
}

fn of_sprint(frame: &Frame<'_>, closed: &Closed<'_>) -> Option<Ratio> {
    match frame.measure() {
        Measure::O11 => closed.commit_reliability(),
        Measure::O12 => closed.scope_change(),
        Measure::O13 => closed.interrupt_share(),
        Measure::O2
        | Measure::O21
        | Measure::O22
        | Measure::O23
        | Measure::O31
        | Measure::O32
        | Measure::O33
        | Measure::Custom => None,
    }
}

/// The value of a computed measure as of the close of a sprint.
fn value_at_close(
    context: &Context<'_>,
    inputs: &Inputs<'_>,
    own: Own<'_>,
    frame: &Frame<'_>,
    closed: &Closed<'_>,
) -> Option<Ratio> {
    if frame.measure() == Measure::O31 {
        let quarter = context.reference.quarter_at(closed.closed_at, context.now)?;
        objectives(inputs, frame, quarter.start, closed.closed_at).value()
    } else if is_of_pages(frame.measure()) {
        own.closes.at(closed.closed_at)?.value()
    } else {
        frame.share(of_sprint(frame, closed)?)
    }
}

fn after(at: EventTime) -> EventTime {
    at.plus(Millis::from_ms(1))
}
