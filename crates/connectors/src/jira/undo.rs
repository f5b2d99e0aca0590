//! Undoing histories: from the present state back to the state at creation.
//!
//! Each history says what a field was before; taking them back newest first gives the whole state after every one
//! of them. A field that no history mentions was always as it is.

use std::collections::BTreeMap;

use bellwether_model::EventTime;

use super::fields::{is_points_name, named_place};
use super::mapping::Mapping;
use super::snapshot::{IssueType, Snapshot, Status};
use super::sprint;
use super::wire::{History, Item};

/// What undoing needs to know of the site.
pub(crate) struct Site<'a> {
    /// Types by id.
    pub(crate) types: &'a BTreeMap<String, IssueType>,
    /// Which links hold a ticket up, and which field holds sprints.
    pub(crate) mapping: &'a Mapping,
}

/// The states of an issue: at its creation, and after each history, in the histories' order.
pub(crate) fn states(present: Snapshot, histories: &[History], site: &Site<'_>) -> (Snapshot, Vec<Snapshot>) {
    let mut state = present;
    seed_named_points(&mut state, histories);
    let mut after = Vec::with_capacity(histories.len());
    for history in histories.iter().rev() {
        after.push(state.clone());
        for item in history.items.iter().rev() {
            undo(&mut state, item, site);
        }
    }
    after.reverse();
    date_links(histories, &mut after, site);
    (state, after)
}

/// Points whose field id nobody told begin with what the last change says.
fn seed_named_points(state: &mut Snapshot, histories: &[History]) {
    let last = histories.iter().rev().flat_map(|history| history.items.iter().rev());
    let unnamed = last.filter(|item| item.field_id.is_none() && is_points_name(&item.name()));
    for item in unnamed {
        let place = named_place(&item.name());
        if !state.numbers.contains_key(&place) {
            state.numbers.extend(number(item.to_string.as_deref()).map(|value| (place, value)));
        }
    }
}

fn undo(state: &mut Snapshot, item: &Item, site: &Site<'_>) {
    let (from, from_string) = (item.from.clone(), item.from_string.clone());
    let name = item.name();
    if site.mapping.is_sprint_change(&name, item.field_id.as_deref()) {
        return undo_sprints(state, item);
    }
    match name.as_str() {
        "status" => state.status = Status { id: from, name: from_string.unwrap_or_default() },
        "resolution" => state.resolution = from_string,
        "assignee" => state.assignee = from,
        "priority" => state.priority = from_string.unwrap_or_default(),
        "labels" => {
            state.labels = from_string.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        }
        "issuetype" => state.issue_type = issue_type(from, from_string.unwrap_or_default(), site),
        "parent" | "issueparentassociation" => state.parent = from,
        "key" => state.key = from_string.unwrap_or_else(|| state.key.clone()),
        "fix version" | "fixversions" => undo_release(state, item),
        "link" => undo_link(state, item, site),
        name => undo_custom(state, item, name),
    }
}

fn undo_sprints(state: &mut Snapshot, item: &Item) {
    // Names are no identity: a change that lists only names is left as it is.
    let named_only = item.from.is_none() && item.from_string.is_some();
    if let Some(ids) = sprint::ids_of_change(item.from.as_deref()).filter(|_| !named_only) {
        state.sprints = ids;
    }
}

fn undo_release(state: &mut Snapshot, item: &Item) {
    if let Some(added) = &item.to_string {
        state.releases.retain(|release| release != added);
    }
    state.releases.extend(item.from_string.clone().filter(|removed| !state.releases.contains(removed)));
}

fn undo_link(state: &mut Snapshot, item: &Item, site: &Site<'_>) {
    if let Some(added) = &item.to
        && item.to_string.as_deref().is_some_and(|phrase| site.mapping.is_blocking(phrase))
    {
        state.blocked_by.remove(added);
    }
    if let Some(removed) = &item.from
        && item.from_string.as_deref().is_some_and(|phrase| site.mapping.is_blocking(phrase))
    {
        state.blocked_by.insert(removed.clone(), None);
    }
}

fn undo_custom(state: &mut Snapshot, item: &Item, name: &str) {
    let place = match &item.field_id {
        Some(id) if id.starts_with("customfield_") => id.clone(),
        None if is_points_name(name) => named_place(name),
        Some(_) | None => return,
    };
    let was = item.from_string.as_deref();
    let is_number = |text: Option<&str>| text.is_none() || number(text).is_some();
    if is_number(was) && is_number(item.to_string.as_deref()) {
        match number(was) {
            Some(value) => state.numbers.insert(place.clone(), value),
            None => state.numbers.remove(&place),
        };
    }
    match was {
        Some(word) => state.words.insert(place, word.to_owned()),
        None => state.words.remove(&place),
    };
}

fn issue_type(id: Option<String>, name: String, site: &Site<'_>) -> IssueType {
    if let Some(known) = id.as_ref().and_then(|id| site.types.get(id)) {
        return known.clone();
    }
    let lower = name.to_lowercase();
    let sub_task = lower.contains("sub-task") || lower.contains("subtask");
    IssueType { id, name, sub_task, hierarchy: None }
}

/// Since when each blocking link holds: the latest history that added it.
fn date_links(histories: &[History], after: &mut [Snapshot], site: &Site<'_>) {
    let mut since: BTreeMap<String, EventTime> = BTreeMap::new();
    for (history, state) in histories.iter().zip(after) {
        for item in history.items.iter().filter(|item| item.name() == "link") {
            if let (Some(added), Some(phrase), Some(at)) = (&item.to, &item.to_string, history.created)
                && site.mapping.is_blocking(phrase)
            {
                since.insert(added.clone(), at);
            }
        }
        for (key, held_since) in &mut state.blocked_by {
            *held_since = since.get(key).copied();
        }
    }
}

fn number(text: Option<&str>) -> Option<f64> {
    text?.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(field: &str, field_id: Option<&str>, change: [Option<&str>; 4]) -> Item {
        let [from, from_string, to, to_string] = change.map(|text| text.map(str::to_owned));
        Item {
            field: Some(field.to_owned()),
            field_id: field_id.map(str::to_owned),
            from,
            from_string,
            to,
            to_string,
        }
    }

    fn history(id: &str, ms: i64, items: Vec<Item>) -> History {
        History { id: Some(id.to_owned()), created: Some(EventTime::from_ms(ms)), author: None, items }
    }

    fn walk(present: Snapshot, histories: &[History]) -> (Snapshot, Vec<Snapshot>) {
        let types = BTreeMap::new();
        states(present, histories, &Site { types: &types, mapping: &Mapping::default() })
    }

    #[test]
    fn the_states_between_the_histories_come_out_whole() {
        let present = Snapshot {
            key: "SHOP-1".to_owned(),
            status: Status { id: Some("3".to_owned()), name: "Done".to_owned() },
            sprints: vec!["7".to_owned(), "9".to_owned()],
            numbers: BTreeMap::from([("customfield_1".to_owned(), 5.0)]),
            ..Snapshot::default()
        };
        let histories = [
            history(
                "1",
                10,
                vec![item("Sprint", Some("customfield_2"), [Some(""), Some(""), Some("7"), Some("A, b")])],
            ),
            history(
                "2",
                20,
                vec![
                    item("Story Points", Some("customfield_1"), [None, None, None, Some("3")]),
                    item("Rank", Some("customfield_9"), [None, None, None, Some("Ranked higher")]),
                ],
            ),
            history(
                "3",
                30,
                vec![
                    item("Story Points", Some("customfield_1"), [None, Some("3"), None, Some("5")]),
                    item("status", Some("status"), [Some("1"), Some("To Do"), Some("3"), Some("Done")]),
                ],
            ),
            history(
                "4",
                40,
                vec![item("Sprint", None, [Some("7"), Some("A, b"), Some("7, 9"), Some("A, b, C")])],
            ),
        ];
        let (created, after) = walk(present.clone(), &histories);
        assert_eq!(created.sprints, [""; 0]);
        assert_eq!(created.status.name, "To Do");
        assert!(created.numbers.is_empty());
        assert_eq!(after[0].sprints, ["7"]);
        assert_eq!(after[1].numbers["customfield_1"], 3.0);
        assert_eq!(after[1].status.name, "To Do");
        assert_eq!(after[2].numbers["customfield_1"], 5.0);
        assert_eq!(after[2].sprints, ["7"]);
        assert_eq!(after[3].sprints, present.sprints);
    }

    #[test]
    fn a_block_is_dated_by_its_link_and_gone_before_it() {
        let present =
            Snapshot { blocked_by: BTreeMap::from([("SHOP-2".to_owned(), None)]), ..Snapshot::default() };
        let links = [
            history(
                "1",
                10,
                vec![item("Link", None, [None, None, Some("SHOP-2"), Some("is blocked by SHOP-2")])],
            ),
            history(
                "2",
                20,
                vec![item("Link", None, [None, None, Some("SHOP-3"), Some("is cloned by SHOP-3")])],
            ),
        ];
        let (created, after) = walk(present, &links);
        assert!(created.blocked_by.is_empty());
        assert_eq!(after[1].blocked_by["SHOP-2"], Some(EventTime::from_ms(10)));
    }

    #[test]
    fn points_without_a_field_id_are_followed_by_name() {
        let changes = [
            history("1", 10, vec![item("Story Points", None, [None, None, None, Some("3")])]),
            history("2", 20, vec![item("Story Points", None, [None, Some("3"), None, Some("8")])]),
        ];
        let (created, after) = walk(Snapshot::default(), &changes);
        let points = |state: &Snapshot| state.numbers.get("named:story points").copied();
        assert_eq!([points(&created), points(&after[0]), points(&after[1])], [None, Some(3.0), Some(8.0)]);
    }
}
