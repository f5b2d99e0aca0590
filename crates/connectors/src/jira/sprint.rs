//! Sprints: every form they come in, which one an issue is in, and the events of their life.
//!
//! The sprint field is a set. Closed sprints stay in it, so carry-over is an addition while the old one is kept; the
//! order of ids means nothing. Planned dates are plans: `activatedDate` (else `startDate`) and `completeDate` are
//! the facts.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, Payload, pb};
use serde_json::Value;

use super::wire::Sprint;
use crate::{ids, instant};

/// How the sprint field of old Data Center versions begins.
const LEGACY_PREFIX: &str = "com.atlassian.greenhopper.service.sprint.Sprint@";

/// A sprint field's value: `None` when the value is no list of sprints.
pub(crate) fn of_value(value: &Value) -> Option<Vec<Sprint>> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(of_element).collect()
}

fn of_element(element: &Value) -> Option<Sprint> {
    match element {
        Value::Object(object) => {
            let looks_right = object.contains_key("id")
                && object.contains_key("name")
                && object.get("state").and_then(Value::as_str).is_some_and(is_state);
            looks_right.then(|| serde_json::from_value(element.clone()).ok()).flatten()
        }
        Value::String(text) => legacy(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// True for the word of a sprint's state.
pub(crate) fn is_state(word: &str) -> bool {
    ["active", "closed", "future"].iter().any(|state| word.eq_ignore_ascii_case(state))
}

/// `...Sprint@1f[id=7,rapidViewId=2,state=CLOSED,name=A, b,startDate=...,completeDate=<null>,sequence=7]`.
///
/// A name may hold commas and brackets, so a value runs to the next `,key=` of a known key.
fn legacy(text: &str) -> Option<Sprint> {
    let inner = text.strip_prefix(LEGACY_PREFIX)?;
    let inner = inner.get(inner.find('[')? + 1..)?.strip_suffix(']')?;
    const KEYS: &[&str] = &[
        "id",
        "rapidViewId",
        "state",
        "name",
        "goal",
        "startDate",
        "endDate",
        "completeDate",
        "activatedDate",
        "sequence",
        "synced",
        "autoStartStop",
        "incompleteIssuesDestinationId",
    ];
    let mut starts: Vec<(usize, &str)> = KEYS
        .iter()
        .filter_map(|key| {
            let marker = format!("{key}=");
            let at_start = inner.starts_with(&marker).then_some(0);
            at_start
                .or_else(|| inner.find(&format!(",{marker}")).map(|place| place + 1))
                .map(|place| (place, *key))
        })
        .collect();
    starts.sort_unstable();
    let mut found = BTreeMap::new();
    for (index, (start, key)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(inner.len(), |(next, _)| next - 1);
        let value = inner.get(start + key.len() + 1..end)?;
        if value != "<null>" && !value.is_empty() {
            found.insert(*key, value.to_owned());
        }
    }
    let at = |key: &str| found.get(key).and_then(|text| instant::parse(text));
    Some(Sprint {
        id: Some(found.get("id")?.clone()),
        state: found.get("state").cloned(),
        name: found.get("name").cloned(),
        goal: found.get("goal").cloned(),
        start_date: at("startDate"),
        end_date: at("endDate"),
        complete_date: at("completeDate"),
        activated_date: at("activatedDate"),
        rapid_view_id: found.get("rapidViewId").cloned(),
        ..Sprint::default()
    })
}

/// The ids of a change of the sprint field: a list joined by commas, empty for none.
pub(crate) fn ids_of_change(ids: Option<&str>) -> Option<Vec<String>> {
    let list: Vec<String> = ids
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    list.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_digit())).then_some(list)
}

/// What is known of a site's sprints, by id.
pub(crate) type Sprints = BTreeMap<String, Sprint>;

/// Adds what another payload says of a sprint: the further state wins, gaps are filled.
pub(crate) fn merge(sprints: &mut Sprints, other: Sprint) {
    let Some(id) = other.id.clone() else { return };
    let progress = |sprint: &Sprint| match sprint.state().as_str() {
        "closed" => 2,
        "active" => 1,
        _ => 0,
    };
    let Some(known) = sprints.get_mut(&id) else {
        sprints.insert(id, other);
        return;
    };
    // Ties are broken by content so that the order of files changes nothing.
    let rank = |sprint: &Sprint| {
        (progress(sprint), sprint.complete_date, sprint.start_date, sprint.name.clone(), sprint.goal.clone())
    };
    let (mut first, second) =
        if rank(&other) > rank(known) { (other, known.clone()) } else { (known.clone(), other) };
    first.goal = first.goal.or(second.goal);
    first.start_date = first.start_date.or(second.start_date);
    first.end_date = first.end_date.or(second.end_date);
    first.complete_date = first.complete_date.or(second.complete_date);
    first.activated_date = first.activated_date.or(second.activated_date);
    first.created_date = first.created_date.or(second.created_date);
    first.origin_board_id = first.origin_board_id.or(second.origin_board_id);
    first.board_id = first.board_id.or(second.board_id);
    first.rapid_view_id = first.rapid_view_id.or(second.rapid_view_id);
    first.link = first.link.or(second.link);
    *known = first;
}

/// The sprint an issue is in at an instant, of the set it has: the one not closed then; with several, the one that
/// starts last; with none, the one that closed last.
pub(crate) fn current<'a>(set: &'a [String], sprints: &Sprints, at: EventTime) -> Option<&'a str> {
    let closed_at = |id: &String| sprints.get(id).and_then(closed_at);
    let open = set.iter().filter(|id| closed_at(id).is_none_or(|closed| closed > at));
    let start = |id: &String| sprints.get(id).and_then(|sprint| sprint.start_date).unwrap_or(EventTime::MAX);
    open.max_by_key(|id| start(id)).or_else(|| set.iter().max_by_key(|id| closed_at(id))).map(String::as_str)
}

/// When a sprint closed: only a closed one has.
pub(crate) fn closed_at(sprint: &Sprint) -> Option<EventTime> {
    (sprint.state() == "closed").then(|| sprint.complete_date.or(sprint.end_date)).flatten()
}

/// When a sprint began: only one that is not future has.
pub(crate) fn activated_at(sprint: &Sprint) -> Option<EventTime> {
    (sprint.state() != "future").then(|| sprint.activated_date.or(sprint.start_date)).flatten()
}

/// What happened to a sprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transition {
    Planned,
    Activated,
    Closed,
    Reopened,
    Removed,
}

/// The event of a transition. The ids of activation and close are the same by webhook and by import.
pub(crate) fn event(
    source: &str,
    sprint: &Sprint,
    transition: Transition,
    at: EventTime,
    actor: Option<pb::Actor>,
    basis: pb::Basis,
) -> Option<Event> {
    let id = sprint.id.as_deref()?;
    let name = sprint.name.clone().unwrap_or_default();
    let goal = sprint.goal.clone().unwrap_or_default();
    let board = sprint.board().unwrap_or_default().to_owned();
    let event_id = match transition {
        Transition::Planned => {
            let dates = format!("{:?}/{:?}", sprint.start_date, sprint.end_date);
            let content = ids::digest(&[&name, &goal, &board, &dates]);
            format!("sprint/{id}/planned/{}/{content}", at.ms())
        }
        Transition::Activated => format!("sprint/{id}/activated"),
        Transition::Closed => {
            format!("sprint/{id}/closed/{}", sprint.complete_date.or(sprint.end_date).unwrap_or(at).ms())
        }
        Transition::Reopened => format!("sprint/{id}/reopened/{}", at.ms()),
        Transition::Removed => format!("sprint/{id}/removed"),
    };
    macro_rules! message {
        ($message:ident) => {
            Payload::from(pb::$message {
                sprint: ids::global(source, id),
                squad: String::new(),
                board,
                name,
                goal,
                planned_start: sprint.start_date.map(timestamp),
                planned_end: sprint.end_date.map(timestamp),
                at: Some(timestamp(at)),
                actor,
                basis: basis.into(),
            })
        };
    }
    let payload = match transition {
        Transition::Planned => message!(SprintPlanned),
        Transition::Activated => message!(SprintActivated),
        Transition::Closed => message!(SprintClosed),
        Transition::Reopened => message!(SprintReopened),
        Transition::Removed => message!(SprintRemoved),
    };
    Some(Event::new(source, event_id, at, payload).about(ids::global(source, id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> EventTime {
        EventTime::parse(text).unwrap()
    }

    fn sprint(id: &str, state: &str, start: &str, complete: Option<&str>) -> Sprint {
        Sprint {
            id: Some(id.to_owned()),
            state: Some(state.to_owned()),
            start_date: Some(at(start)),
            complete_date: complete.map(at),
            ..Sprint::default()
        }
    }

    #[test]
    fn the_legacy_form_is_read_though_a_name_holds_commas_and_brackets() {
        let text = "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=7,rapidViewId=2,state=CLOSED,\
                    name=Checkout, round [2],startDate=2020-06-01T09:00:00.000+02:00,\
                    endDate=2020-06-12T09:00:00.000+02:00,completeDate=<null>,sequence=7,goal=]";
        let read = legacy(text).unwrap();
        assert_eq!(read.id.as_deref(), Some("7"));
        assert_eq!(read.name.as_deref(), Some("Checkout, round [2]"));
        assert_eq!(read.board(), Some("2"));
        assert_eq!(read.state(), "closed");
        assert_eq!(read.start_date, Some(at("2020-06-01T07:00:00Z")));
        assert_eq!(read.complete_date, None);
    }

    #[test]
    fn a_carried_over_issue_is_in_the_sprint_that_is_open_at_that_instant() {
        let mut sprints = Sprints::new();
        merge(&mut sprints, sprint("7", "closed", "2020-06-01T00:00:00Z", Some("2020-06-12T10:00:00Z")));
        merge(&mut sprints, sprint("9", "active", "2020-06-12T12:00:00Z", None));
        let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let both = set(&["9", "7"]);
        assert_eq!(current(&set(&["7"]), &sprints, at("2020-06-05T00:00:00Z")), Some("7"));
        assert_eq!(current(&both, &sprints, at("2020-06-12T09:59:59Z")), Some("9"));
        assert_eq!(current(&both, &sprints, at("2020-06-20T00:00:00Z")), Some("9"));
        assert_eq!(current(&set(&["7"]), &sprints, at("2020-06-20T00:00:00Z")), Some("7"));
        assert_eq!(current(&[], &sprints, at("2020-06-20T00:00:00Z")), None);
    }

    #[test]
    fn a_change_lists_ids_and_anything_else_is_no_list_of_ids() {
        assert_eq!(ids_of_change(Some("38, 40, 41")), Some(vec!["38".into(), "40".into(), "41".into()]));
        assert_eq!(ids_of_change(None), Some(Vec::new()));
        assert_eq!(ids_of_change(Some("Sprint 1")), None);
    }

    #[test]
    fn what_several_payloads_say_of_a_sprint_is_put_together_in_any_order() {
        let closed = sprint("7", "closed", "2020-06-01T00:00:00Z", Some("2020-06-12T10:00:00Z"));
        let active =
            Sprint { goal: Some("ship".to_owned()), ..sprint("7", "active", "2020-06-01T00:00:00Z", None) };
        let (mut one, mut other) = (Sprints::new(), Sprints::new());
        merge(&mut one, closed.clone());
        merge(&mut one, active.clone());
        merge(&mut other, active);
        merge(&mut other, closed);
        assert_eq!(one, other);
        assert_eq!(one["7"].goal.as_deref(), Some("ship"));
        assert_eq!(one["7"].state(), "closed");
    }
}
