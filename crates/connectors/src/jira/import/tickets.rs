//! The issues of a site become the sequence of their whole states.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_wire::pb;

use super::records::{self, IssueRecord};
use super::site::Site;
use super::sprints;
use crate::ids;
use crate::import::gather::Output;
use crate::jira::Mapping;
use crate::jira::fields::{Discovery, is_points_name};
use crate::jira::snapshot::Snapshot;
use crate::jira::ticket::{self, CREATED, Context, identity};
use crate::jira::undo;
use crate::jira::webhook::{self, Read};
use crate::jira::wire::{History, Item, User};
use crate::source::Source;

/// What could not be seen, counted over a site.
#[derive(Debug, Default)]
struct Unseen {
    cut: u64,
    without_changelog: u64,
    unknown_sprints: BTreeSet<String>,
}

pub(super) fn map(uri: &str, mut site: Site, mapping: &Mapping, output: &mut Output) {
    for ((file, why), count) in std::mem::take(&mut site.left_out) {
        *output.skipped.entry((file, why.to_owned())).or_default() += count;
    }
    of_webhooks(uri, &site, mapping, output);
    attach_loose_histories(&mut site, output);
    vote_for_points(&mut site);
    name_points(&mut site);
    let fields = site.discovery.conclude(mapping);
    if !site.issues.is_empty() {
        let list = fields.points_fields().join(", ");
        let list = if list.is_empty() { "no field: none was found".to_owned() } else { list };
        output.note(format!("{uri}: points are read from {list}"));
    }
    sprints::map(uri, &site, output);
    note_people(uri, &site, output);

    note_teams(uri, &site, output);
    let issues = std::mem::take(&mut site.issues);
    let walking = undo::Site { types: &site.types, mapping };
    let context = Context {
        source: uri,
        mapping,
        fields: &fields,
        categories: &site.categories,
        sprints: &site.sprints,
        ids: &site.ids,
        basis: pb::Basis::Import,
    };
    let mut unseen = Unseen::default();
    for (id, record) in issues {
        of_issue(&context, &walking, &id, record, &mut unseen, output);
    }
    tell(uri, &unseen, output);
}

fn of_webhooks(uri: &str, site: &Site, mapping: &Mapping, output: &mut Output) {
    for (body, file) in &site.webhooks {
        let what = body.webhook_event.as_deref().unwrap_or("without a type");
        match webhook::read(uri, mapping, body, pb::Basis::Import) {
            Read::Events(events) => events.into_iter().for_each(|event| output.emit(event, *file)),
            Read::NotNeeded => {
                output.pass_over(*file, format!("webhook {what}: says nothing the catalogue needs"))
            }
            Read::Unmapped => output.pass_over(*file, format!("webhook {what}: no event of the catalogue")),
        }
        for person in webhook::people(body) {
            note_person(uri, person, output);
        }
    }
}

fn attach_loose_histories(site: &mut Site, output: &mut Output) {
    for (issue, history, file) in std::mem::take(&mut site.loose) {
        let id = if site.issues.contains_key(&issue) { Some(&issue) } else { site.ids.get(&issue) };
        match id.and_then(|id| site.issues.get_mut(id)) {
            Some(record) => {
                record.has_changelog = true;
                record.add(history, file);
            }
            None => output.skip(file, "history of an issue that is not here: its state is not known"),
        }
    }
}

/// Where changes of points carry no field id, the field whose present value agrees with the last change is it.
fn vote_for_points(site: &mut Site) {
    let Site { issues, discovery, .. } = site;
    for record in issues.values() {
        let newest_first = || {
            let mut list: Vec<&History> = record.histories.values().map(|(history, _)| history).collect();
            list.sort_by_key(|history| std::cmp::Reverse(history.created));
            list
        };
        let is_nameless = |item: &&Item| item.field_id.is_none() && is_points_name(&item.name());
        let last = newest_first().into_iter().find_map(|history| history.items.iter().rfind(is_nameless));
        if let Some(value) = last.and_then(|item| item.to_string.as_ref()?.trim().parse::<f64>().ok()) {
            vote(discovery, &record.snapshot, value);
        }
    }
}

/// Gives changes of points that carry no field id the id that was found for them.
fn name_points(site: &mut Site) {
    let Some(field) = site.discovery.unnamed() else { return };
    let histories = site.issues.values_mut().flat_map(|record| record.histories.values_mut());
    for item in histories.flat_map(|(history, _)| &mut history.items) {
        if item.field_id.is_none() && is_points_name(&item.name()) {
            item.field_id = Some(field.clone());
        }
    }
}

fn vote(discovery: &mut Discovery, snapshot: &Snapshot, value: f64) {
    for (field, _) in snapshot.numbers.iter().filter(|(_, number)| **number == value) {
        discovery.vote(field);
    }
}

fn of_issue(
    context: &Context<'_>,
    walking: &undo::Site<'_>,
    id: &str,
    record: IssueRecord,
    unseen: &mut Unseen,
    output: &mut Output,
) {
    let IssueRecord { snapshot, created, updated, creator, file, .. } = record;
    if !record.has_changelog {
        unseen.without_changelog += 1;
        let Some(at) = updated.or(created) else {
            return output.skip(file, "issue without created and updated");
        };
        // A pulled state has no id of its own: one of its content and time.
        let change = format!("state-{}", ids::digest(&[&format!("{snapshot:?}"), &at.ms().to_string()]));
        output.emit(ticket::changed(context, id, &change, at, &snapshot, None), file);
        return note_member(context, &snapshot, output);
    }
    unseen.cut += u64::from(record.histories_in_all > record.histories.len() as u64);
    let (histories, files): (Vec<History>, Vec<_>) = records::in_order(record.histories).into_iter().unzip();
    note_unknown_sprints(context, &histories, unseen);
    let (first, after) = undo::states(snapshot, &histories, walking);
    match created {
        Some(at) => output.emit(ticket::changed(context, id, CREATED, at, &first, creator.as_ref()), file),
        None => output.skip(file, "issue without created: its first state is not told"),
    }
    for ((history, state), file) in histories.iter().zip(&after).zip(files) {
        note_member(context, state, output);
        if history.items.iter().all(Item::is_rank) {
            output.pass_over(file, "history that changes only the rank, or nothing");
            continue;
        }
        if let (Some(change), Some(at)) = (&history.id, history.created) {
            output.emit(ticket::changed(context, id, change, at, state, history.author.as_ref()), file);
        }
    }
    if after.is_empty() {
        note_member(context, &first, output);
    }
}

fn note_unknown_sprints(context: &Context<'_>, histories: &[History], unseen: &mut Unseen) {
    let changes = histories
        .iter()
        .flat_map(|history| &history.items)
        .filter(|item| context.mapping.is_sprint_change(&item.name(), item.field_id.as_deref()));
    for id in changes.flat_map(|item| [&item.from, &item.to]).flatten().flat_map(|ids| ids.split(", ")) {
        if !context.sprints.contains_key(id) {
            unseen.unknown_sprints.insert(id.to_owned());
        }
    }
}

fn tell(uri: &str, unseen: &Unseen, output: &mut Output) {
    if unseen.cut > 0 {
        output.gap(uri, format!(
            "{uri}: the changelog of {} issues is cut; their earliest known state stands in for what came before. \
             Export /rest/api/3/issue/{{id}}/changelog for them",
            unseen.cut
        ));
    }
    if unseen.without_changelog > 0 {
        output.gap(
            uri,
            format!(
                "{uri}: {} issues came without a changelog; only their present state is known. Export with \
             expand=changelog",
                unseen.without_changelog
            ),
        );
    }
    if !unseen.unknown_sprints.is_empty() {
        output.gap(
            uri,
            format!(
                "{uri}: {} sprints are named in changelogs and are not here; export \
             /rest/agile/1.0/board/{{id}}/sprint",
                unseen.unknown_sprints.len()
            ),
        );
    }
}

fn note_people(uri: &str, site: &Site, output: &mut Output) {
    for person in site.people.values() {
        note_person(uri, person, output);
    }
}

fn note_person(uri: &str, person: &User, output: &mut Output) {
    let is_app = person.account_type.as_deref() == Some("app");
    if let Some(id) = person.id().filter(|_| !is_app) {
        let (email, zone) = (person.email_address.as_deref(), person.time_zone.as_deref());
        output.reference.person(&identity(uri, id), person.display_name.as_deref(), email, zone);
    }
}

/// Whoever a ticket of a board is assigned to belongs to the board's team.
fn note_member(context: &Context<'_>, state: &Snapshot, output: &mut Output) {
    if let Some(assignee) = &state.assignee {
        let sprint = state.sprints.last().and_then(|id| context.sprints.get(id));
        let team = sprint.and_then(|sprint| sprint.board()).unwrap_or_else(|| ticket::project(&state.key));
        output.reference.member(&identity(context.source, assignee), Source::Jira, context.source, team);
    }
}

/// Boards with sprints are teams; a project none of whose boards has sprints is one too.
fn note_teams(uri: &str, site: &Site, output: &mut Output) {
    let boards: BTreeSet<&str> = site.sprints.values().filter_map(|sprint| sprint.board()).collect();
    let boards_of = boards_of_projects(site, &boards);
    for board in &boards {
        let known = site.boards.get(*board);
        let fallback = format!("Board {board}");
        let name = known.and_then(|board| board.name.as_deref()).unwrap_or(&fallback);
        output.reference.team(Source::Jira, uri, board, name, Some(board));
        // A project that only this board has is the board's; one shared by boards is nobody's.
        for (project, _) in boards_of.iter().filter(|(_, of)| of.len() == 1 && of.contains(board)) {
            output.reference.team(Source::Jira, uri, board, name, Some(project));
        }
    }
    let projects: BTreeSet<&str> = site.ids.keys().map(|key| ticket::project(key)).collect();
    for project in projects.into_iter().filter(|project| !boards_of.contains_key(*project)) {
        output.reference.team(Source::Jira, uri, project, project, Some(project));
    }
}

/// Boards with sprints of each project: as the board says, and of a board that says nothing, as its sprints' tickets
/// show.
fn boards_of_projects<'a>(
    site: &'a Site,
    boards: &BTreeSet<&'a str>,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let says = |board: &str| site.boards.get(board).and_then(|board| board.project.as_deref());
    for board in boards {
        if let Some(project) = says(board) {
            found.entry(project).or_default().insert(board);
        }
    }
    for snapshot in site.issues.values().map(|record| &record.snapshot) {
        for board in snapshot.sprints.iter().filter_map(|id| site.sprints.get(id)?.board()) {
            if says(board).is_none() {
                found.entry(ticket::project(&snapshot.key)).or_default().insert(board);
            }
        }
    }
    found
}
