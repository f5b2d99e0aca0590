//! The issues of an export become the sequence of their whole states: from the present one back through the history.
//!
//! In a history both values of a field are null where the field did not change, so a change is where either is
//! there. What history does not follow (blocking relations) is dated by the relation's own creation.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::pb;

use super::Kept;
use crate::ids;
use crate::import::gather::{AccountIndex, FileIndex, Output, Uris};
use crate::linear::Mapping;
use crate::linear::ticket::{self, Context, State, identity};
use crate::linear::wire::{History, HistoryPage, Issue, Node};
use crate::source::Source;

/// Adds another export of the same issue: the later state stays, histories are put together.
pub(super) fn absorb(known: &mut Kept<Issue>, mut other: Kept<Issue>) {
    let mut nodes = known.record.history.take().map(|page| page.nodes).unwrap_or_default();
    let had_history = !nodes.is_empty() || other.record.history.is_some();
    nodes.extend(other.record.history.take().map(|page| page.nodes).unwrap_or_default());
    if other.record.updated_at > known.record.updated_at {
        *known = other;
    }
    known.record.history = had_history.then_some(HistoryPage { nodes, page_info: None });
}

pub(super) fn map(
    mut issues: BTreeMap<String, (Kept<Issue>, Option<AccountIndex>)>,
    histories: Vec<Kept<History>>,
    states: &BTreeMap<String, Node>,
    uris: &Uris,
    mapping: &Mapping,
    t_shirt_teams: &BTreeSet<String>,
    output: &mut Output,
) {
    attach(&mut issues, histories, output);
    let (mut cut, mut without_history) = (0_u64, 0_u64);
    for (id, (kept, account)) in issues {
        let source = uris.of(account);
        let context = Context { source, mapping, t_shirt_teams, basis: pb::Basis::Import };
        let issue = kept.record;
        let mut present = State::of(&issue);
        resolve(&mut present.status, states);
        note_member(&context, &present, output);
        let more = issue.history.as_ref().and_then(|page| page.page_info.as_ref()?.has_next_page);
        cut += u64::from(more.unwrap_or_default());
        match issue.history.clone() {
            Some(page) => walk(&context, &id, &issue, present, page.nodes, states, kept.file, output),
            None => {
                without_history += 1;
                alone(&context, &id, &issue, &present, kept.file, output);
            }
        }
        if let Some(at) = issue.archived_at {
            let nobody = pb::Actor { kind: pb::ActorKind::Unknown.into(), identity: None };
            if let Some(event) = ticket::removed(source, &issue, at, nobody, pb::Basis::Import) {
                output.emit(event, kept.file);
            }
        }
    }
    if cut > 0 {
        output.gap(Source::Linear.word(), format!(
            "Linear: the history of {cut} issues is cut; their earliest known state stands in for what came before"
        ));
    }
    if without_history > 0 {
        output.gap(Source::Linear.word(), format!(
            "Linear: {without_history} issues came without history; only their present state is known. \
             Ask for history(first: 100) with from and to of state, cycle, estimate, assignee, priority, labels"
        ));
    }
}

fn attach(
    issues: &mut BTreeMap<String, (Kept<Issue>, Option<AccountIndex>)>,
    histories: Vec<Kept<History>>,
    output: &mut Output,
) {
    for kept in histories {
        let issue = kept.record.issue.as_ref().and_then(|issue| issue.id.clone());
        match issue.and_then(|id| issues.get_mut(&id)) {
            Some((known, _)) => {
                known.record.history.get_or_insert_default().nodes.push(kept.record);
            }
            None => output.skip(kept.file, "history of an issue that is not here: its state is not known"),
        }
    }
}

/// An issue without history: its present state, under an id of its content and time.
fn alone(
    context: &Context<'_>,
    id: &str,
    issue: &Issue,
    state: &State,
    file: FileIndex,
    output: &mut Output,
) {
    let Some(at) = issue.updated_at.or(issue.created_at) else {
        return output.skip(file, "issue without createdAt and updatedAt");
    };
    let change = format!("state-{}", ids::digest(&[&format!("{state:?}"), &at.ms().to_string()]));
    let nobody = pb::Actor { kind: pb::ActorKind::Unknown.into(), identity: None };
    output.emit(ticket::changed(context, id, &change, at, state, nobody), file);
}

#[expect(clippy::too_many_arguments, reason = "one issue's parts; a struct for one caller would say less")]
fn walk(
    context: &Context<'_>,
    id: &str,
    issue: &Issue,
    present: State,
    histories: Vec<History>,
    states: &BTreeMap<String, Node>,
    file: FileIndex,
    output: &mut Output,
) {
    let histories = in_order(histories);
    let mut state = present;
    let mut after = Vec::with_capacity(histories.len());
    for (_, history) in histories.iter().rev() {
        after.push(state.clone());
        undo(&mut state, history, states);
    }
    after.reverse();
    match issue.created_at {
        Some(at) => {
            let creator = ticket::actor(context.source, issue.creator.as_ref(), issue.creator_id());
            let first = as_of(&state, at);
            output.emit(ticket::changed(context, id, ticket::CREATED, at, &first, creator), file);
        }
        None => output.skip(file, "issue without createdAt: its first state is not told"),
    }
    for ((at, history), state) in histories.iter().zip(&after) {
        let Some(change) = history.id.as_deref() else {
            output.skip(file, "history without an id");
            continue;
        };
        note_member(context, state, output);
        let actor = ticket::actor(context.source, history.actor.as_ref(), history.actor_id.as_deref());
        output.emit(ticket::changed(context, id, change, *at, &as_of(state, *at), actor), file);
    }
}

/// Histories by instant, then id; each once.
fn in_order(histories: Vec<History>) -> Vec<(EventTime, History)> {
    let dated = histories.into_iter().filter_map(|history| Some((history.created_at?, history)));
    let mut list: Vec<_> = dated.collect();
    list.sort_by(|(a_at, a), (b_at, b)| (a_at, &a.id).cmp(&(b_at, &b.id)));
    list.dedup_by(|(_, later), (_, earlier)| later.id.is_some() && later.id == earlier.id);
    list
}

/// A state with only the blocks that were there by an instant.
fn as_of(state: &State, at: EventTime) -> State {
    let mut state = state.clone();
    state.blocked_by.retain(|_, since| since.is_none_or(|since| since <= at));
    state
}

fn undo(state: &mut State, history: &History, states: &BTreeMap<String, Node>) {
    let id = |id: &Option<String>, node: &Option<Node>| id.clone().or_else(|| node.as_ref()?.id.clone());
    let from_state = id(&history.from_state_id, &history.from_state);
    if from_state.is_some() {
        state.status = history.from_state.clone().unwrap_or_default();
        state.status.id = from_state;
        resolve(&mut state.status, states);
    }
    let cycle =
        |id: &Option<String>, cycle: &Option<super::Cycle>| id.clone().or_else(|| cycle.as_ref()?.id.clone());
    let from_cycle = cycle(&history.from_cycle_id, &history.from_cycle);
    if from_cycle.is_some() || cycle(&history.to_cycle_id, &history.to_cycle).is_some() {
        state.cycle = from_cycle;
    }
    if history.from_estimate.is_some() || history.to_estimate.is_some() {
        state.estimate = history.from_estimate;
    }
    if history.from_priority.is_some() || history.to_priority.is_some() {
        state.priority = history.from_priority;
    }
    let from_assignee = id(&history.from_assignee_id, &history.from_assignee);
    if from_assignee.is_some() || id(&history.to_assignee_id, &history.to_assignee).is_some() {
        state.assignee = from_assignee;
    }
    let from_parent = id(&history.from_parent_id, &history.from_parent);
    if from_parent.is_some() || id(&history.to_parent_id, &history.to_parent).is_some() {
        state.parent = from_parent;
    }
    if let Some(team) = id(&history.from_team_id, &history.from_team) {
        state.team = Some(team);
    }
    let added =
        history.added_labels.0.iter().filter_map(|label| label.id.as_ref()).chain(&history.added_label_ids);
    added.for_each(|label| {
        state.labels.remove(label);
    });
    for label in &history.removed_labels.0 {
        state.labels.extend(label.id.clone().zip(label.name.clone()));
    }
}

/// Fills name and type of a status from what other payloads said of its id.
fn resolve(status: &mut Node, states: &BTreeMap<String, Node>) {
    if let Some(known) = status.id.as_ref().and_then(|id| states.get(id)) {
        status.name = status.name.take().or_else(|| known.name.clone());
        status.kind = status.kind.take().or_else(|| known.kind.clone());
    }
}

fn note_member(context: &Context<'_>, state: &State, output: &mut Output) {
    if let (Some(assignee), Some(team)) = (&state.assignee, &state.team) {
        output.reference.member(&identity(context.source, assignee), Source::Linear, context.source, team);
    }
}
