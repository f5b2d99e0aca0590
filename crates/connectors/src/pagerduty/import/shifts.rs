//! Shifts from rendered schedules and from on-call rows.
//!
//! A shift is told at its start: the source does not say when it was scheduled. The same shift in a schedule and in
//! `/oncalls` is one. A gap in the final schedule is an unfilled slot, unless the schedule is restricted to hours.

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, pb};
use serde_json::Value;

use super::super::map::{self, Mapping};
use super::super::wire::{Oncall, RenderedEntry, Schedule};
use super::{Kept, note_person};
use crate::import::gather::{Output, Uris};

/// One turn of somebody, or of nobody.
struct Turn<'a> {
    schedule: &'a str,
    user: Option<&'a str>,
    start: EventTime,
    end: EventTime,
    is_override: bool,
}

pub(super) fn map(
    schedules: &[Kept<Schedule>],
    oncalls: &[Kept<Oncall>],
    uris: &Uris,
    mapping: &Mapping,
    output: &mut Output,
) {
    for kept in schedules {
        of_schedule(kept, uris.of(kept.account), mapping, output);
    }
    for kept in oncalls {
        of_oncall(kept, uris.of(kept.account), mapping, output);
    }
}

fn of_schedule(kept: &Kept<Schedule>, source: &str, mapping: &Mapping, output: &mut Output) {
    let record = &kept.record;
    let Some(schedule) = record.id.as_deref() else {
        return output.skip(kept.file, "schedule without an id");
    };
    let rendered = record.final_schedule.as_ref().map(|rendered| &rendered.rendered_schedule_entries);
    let Some(rendered) = rendered.filter(|entries| !entries.is_empty()) else {
        return output.skip(kept.file, "schedule without rendered entries; export it with since and until");
    };
    let overrides = record.overrides_subschedule.as_ref().map(|rendered| &rendered.rendered_schedule_entries);
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(rendered.len());
    for entry in rendered {
        if let Some(user) = &entry.user {
            note_person(output, source, user);
        }
        match turn(schedule, entry, overrides.is_some_and(|overrides| is_override(entry, overrides))) {
            Some(turn) => turns.push(turn),
            None => output.skip(kept.file, "rendered entry without start and end"),
        }
    }
    turns.sort_by_key(|turn| turn.start);
    let unrestricted = record.schedule_layers.iter().all(|layer| match &layer.restrictions {
        Value::Array(list) => list.is_empty(),
        _ => true,
    });
    let gaps = if unrestricted { gaps(schedule, &turns) } else { Vec::new() };
    turns.into_iter().chain(gaps).for_each(|turn| output.emit(scheduled(source, mapping, &turn), kept.file));
}

fn of_oncall(kept: &Kept<Oncall>, source: &str, mapping: &Mapping, output: &mut Output) {
    let record = &kept.record;
    if let Some(user) = &record.user {
        note_person(output, source, user);
    }
    let schedule = record.schedule.as_ref().or(record.escalation_policy.as_ref());
    let (Some(schedule), Some(user)) =
        (schedule.and_then(|it| it.id.as_deref()), record.user.as_ref().and_then(|it| it.id.as_deref()))
    else {
        return output.skip(kept.file, "on-call row without a user or a schedule");
    };
    let (Some(start), Some(end)) = (record.start, record.end) else {
        return output.skip(kept.file, "on-call row without start and end: a permanent target, not a shift");
    };
    let turn = Turn { schedule, user: Some(user), start, end, is_override: false };
    output.emit(scheduled(source, mapping, &turn), kept.file);
}

fn turn<'a>(schedule: &'a str, entry: &'a RenderedEntry, is_override: bool) -> Option<Turn<'a>> {
    let (start, end) = (entry.start?, entry.end?);
    let user = entry.user.as_ref().and_then(|user| user.id.as_deref());
    (start < end).then_some(Turn { schedule, user, start, end, is_override })
}

fn is_override(entry: &RenderedEntry, overrides: &[RenderedEntry]) -> bool {
    let user = |entry: &RenderedEntry| entry.user.as_ref().and_then(|user| user.id.clone());
    overrides.iter().any(|it| it.start <= entry.start && entry.end <= it.end && user(it) == user(entry))
}

/// The times between turns in which nobody is on call.
fn gaps<'a>(schedule: &'a str, turns: &[Turn<'_>]) -> Vec<Turn<'a>> {
    let mut gaps = Vec::new();
    let mut covered = turns.first().map(|turn| turn.start);
    for turn in turns {
        if let Some(until) = covered
            && until < turn.start
        {
            gaps.push(Turn { schedule, user: None, start: until, end: turn.start, is_override: false });
        }
        covered = covered.max(Some(turn.end));
    }
    gaps
}

fn scheduled(source: &str, mapping: &Mapping, turn: &Turn<'_>) -> Event {
    let slot = format!("{}/{}", turn.schedule, turn.start);
    let who = turn.user.map_or_else(|| "unfilled".to_owned(), |user| mapping.stand_in(&slot, user));
    let shift = format!("{}/{who}/{}", turn.schedule, turn.start);
    let message = pb::ShiftScheduled {
        shift: shift.clone(),
        schedule: turn.schedule.to_owned(),
        rotation: String::new(),
        squad: String::new(),
        responder: turn.user.map(|user| map::identity(source, user)),
        start: Some(timestamp(turn.start)),
        end: Some(timestamp(turn.end)),
        is_override: turn.is_override,
        basis: pb::Basis::Import.into(),
    };
    // A shift whose end moved is another state of the same shift, and an event of its own.
    let id = format!("shift/{shift}/{}", turn.end);
    Event::new(source, id, turn.start, message).about(shift)
}
