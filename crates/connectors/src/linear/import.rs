//! Raw exports of Linear: what each object is, and gathering it until all is read.
//!
//! See `tickets` for the walk back through the history of an issue.

mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::pb;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Mapping;
use super::cycle::{self, OfTeam};
use super::webhook::{self, Read};
use super::wire::{Cycle, History, Issue, Node, WebhookBody};
use crate::import::expand::{CONNECTION, Object};
use crate::import::gather::{AccountIndex, Accounts, FileIndex, Output, Uris};
use crate::import::recognise;
use crate::linear::ticket::identity;
use crate::source::Source;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Webhook,
    Issue,
    History,
    Cycle,
    Team,
    User,
    State,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Webhook => "linear webhook",
            Kind::Issue => "linear issue",
            Kind::History => "linear history",
            Kind::Cycle => "linear cycle",
            Kind::Team => "linear team",
            Kind::User => "linear user",
            Kind::State => "linear workflow state",
        }
    }

    pub(crate) fn explains(self) -> bool {
        match self {
            Kind::Team | Kind::User | Kind::State => true,
            Kind::Webhook | Kind::Issue | Kind::History | Kind::Cycle => false,
        }
    }
}

/// Types of workflow states.
const STATE_TYPES: &[&str] =
    &["triage", "backlog", "unstarted", "started", "completed", "canceled", "duplicate"];

/// Says what an object is; `None` when it is nothing of Linear.
pub(crate) fn recognise(object: &Object, hint: Option<&str>) -> Option<recognise::Kind> {
    let has = |key: &str| object.contains_key(key);
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    let is_object = |key: &str| object.get(key).is_some_and(Value::is_object);
    let ours = |kind| Some(recognise::Kind::Linear(kind));
    if word("action").is_some()
        && word("type").is_some()
        && is_object("data")
        && (has("organizationId") || has("webhookTimestamp") || has("createdAt"))
    {
        return ours(Kind::Webhook);
    }
    if has("self") || has("fields") {
        return None;
    }
    let id = has("id");
    match word("__typename") {
        Some("Issue") if id => return ours(Kind::Issue),
        Some("IssueHistory") if id => return ours(Kind::History),
        Some("Cycle") if id => return ours(Kind::Cycle),
        Some("Team") if id => return ours(Kind::Team),
        Some("User") if id => return ours(Kind::User),
        Some("WorkflowState") if id => return ours(Kind::State),
        Some(_) | None => {}
    }
    if id && has("startsAt") && has("endsAt") {
        return ours(Kind::Cycle);
    }
    let of_an_issue = is_object("state") || has("stateId") || is_object("team") || has("teamId");
    if id && (has("identifier") || has("number") || has("title")) && of_an_issue {
        return ours(Kind::Issue);
    }
    let of_a_history =
        ["fromState", "toState", "fromStateId", "toStateId", "fromCycle", "toCycle", "fromEstimate"];
    if id && is_object("issue") && has("createdAt") && of_a_history.iter().any(|key| has(key)) {
        return ours(Kind::History);
    }
    let of_a_team = ["cyclesEnabled", "issueEstimationType", "cycleDuration", "cycles", "issues", "members"];
    if id && has("key") && has("name") && (of_a_team.iter().any(|key| has(key)) || hint == Some("graphql")) {
        return ours(Kind::Team);
    }
    if id && has("name") && word("type").is_some_and(|kind| STATE_TYPES.contains(&kind)) {
        return ours(Kind::State);
    }
    if id && has("name") && has("email") && hint == Some("graphql") {
        return ours(Kind::User);
    }
    None
}

/// Lists that are nested in a node, by names of their own, taken out of it with the reference back that they lack.
pub(crate) fn nested(kind: Kind, object: &mut Object) -> Vec<(String, Value)> {
    let (lists, back): (&[&str], &str) = match kind {
        Kind::Team => (&["issues", "cycles", "states", "members"], "team"),
        Kind::Cycle => (&["issues"], "cycle"),
        Kind::Webhook | Kind::Issue | Kind::History | Kind::User | Kind::State => (&[], ""),
    };
    let mut found = Vec::new();
    for list in lists {
        let Some(mut connection) = object.remove(*list) else { continue };
        let own: Object = object.iter().filter(|(_, value)| !value.is_object()).map(copied).collect();
        if let Some(nodes) = connection.get_mut("nodes").and_then(Value::as_array_mut) {
            for node in nodes.iter_mut().filter_map(Value::as_object_mut) {
                if !node.contains_key(back) {
                    node.insert(back.to_owned(), Value::Object(own.clone()));
                }
            }
        }
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        found.push((format!("{back}:{id}/{list}"), connection));
    }
    found
}

fn copied((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// A record with where it came from.
#[derive(Debug)]
struct Kept<T> {
    record: T,
    file: FileIndex,
}

/// Everything gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    accounts: Accounts,
    webhooks: Vec<(Kept<WebhookBody>, Option<AccountIndex>)>,
    issues: BTreeMap<String, (Kept<Issue>, Option<AccountIndex>)>,
    histories: Vec<Kept<History>>,
    cycles: BTreeMap<String, Kept<Cycle>>,
    teams: BTreeMap<String, Node>,
    states: BTreeMap<String, Node>,
    users: Vec<Node>,
    members: Vec<(String, String)>,
    /// Connections that came in pages, and whether the last page of each is here.
    pages: BTreeMap<String, bool>,
}

impl Gathering {
    /// Takes a recognised object.
    pub(crate) fn take(&mut self, kind: Kind, object: Object, file: FileIndex) {
        match kind {
            Kind::Webhook => {
                if let Some(body) = typed::<WebhookBody>(object) {
                    let account = self.accounts.note(body.url.as_deref().and_then(account_of));
                    self.webhooks.push((Kept { record: body, file }, account));
                }
            }
            Kind::Issue => self.take_issue(object, file),
            Kind::History => self.histories.extend(typed(object).map(|record| Kept { record, file })),
            Kind::Cycle => {
                if let Some(cycle) = typed::<Cycle>(object) {
                    self.take_cycle(cycle, file);
                }
            }
            Kind::Team => {
                if let Some(team) = typed::<Node>(object) {
                    self.take_team(team);
                }
            }
            Kind::State => {
                if let Some(state) = typed::<Node>(object) {
                    self.states.extend(state.id.clone().map(|id| (id, state)));
                }
            }
            Kind::User => {
                let team = object.get("team").and_then(|team| team.get("id")?.as_str()).map(str::to_owned);
                if let Some(user) = typed::<Node>(object) {
                    self.members.extend(user.id.clone().zip(team));
                    self.users.push(user);
                }
            }
        }
    }

    fn take_issue(&mut self, object: Object, file: FileIndex) {
        let Some(issue) = typed::<Issue>(object) else { return };
        let Some(id) = issue.id.clone() else { return };
        let account = self.accounts.note(issue.url.as_deref().and_then(account_of));
        self.users.extend(issue.assignee.iter().chain(&issue.creator).cloned());
        self.states.extend(issue.state.iter().filter_map(|state| Some((state.id.clone()?, state.clone()))));
        if let Some(team) = &issue.team {
            self.take_team(team.clone());
        }
        if let Some(cycle) = &issue.cycle {
            let team_id = cycle.team_id.clone().or_else(|| issue.team_id().map(str::to_owned));
            self.take_cycle(Cycle { team_id, ..cycle.clone() }, file);
        }
        match self.issues.get_mut(&id) {
            Some((known, _)) => tickets::absorb(known, Kept { record: issue, file }),
            None => {
                self.issues.insert(id, (Kept { record: issue, file }, account));
            }
        }
    }

    fn take_team(&mut self, team: Node) {
        let Some(id) = team.id.clone() else { return };
        let known = self.teams.entry(id).or_default();
        known.name = known.name.take().or(team.name);
        known.key = known.key.take().or(team.key);
        known.issue_estimation_type = known.issue_estimation_type.take().or(team.issue_estimation_type);
    }

    fn take_cycle(&mut self, cycle: Cycle, file: FileIndex) {
        let Some(id) = cycle.id.clone() else { return };
        let Some(Kept { record: known, file: known_file }) = self.cycles.get_mut(&id) else {
            self.cycles.insert(id, Kept { record: cycle, file });
            return;
        };
        *known_file = file.min(*known_file);
        let newer = (cycle.updated_at, cycle.completed_at) > (known.updated_at, known.completed_at);
        let (first, second) = if newer { (cycle, known.clone()) } else { (known.clone(), cycle) };
        *known = Cycle {
            id: first.id,
            number: first.number.or(second.number),
            name: first.name.or(second.name),
            description: first.description.or(second.description),
            starts_at: first.starts_at.or(second.starts_at),
            ends_at: first.ends_at.or(second.ends_at),
            completed_at: first.completed_at.or(second.completed_at),
            created_at: first.created_at.or(second.created_at),
            updated_at: first.updated_at.or(second.updated_at),
            team_id: first.team_id.or(second.team_id),
            team: first.team.or(second.team),
        };
    }

    /// Takes what a page says: whether there is more of its connection. Every page of a whole export says so but the last.
    pub(crate) fn page(&mut self, key: &str, total: Option<u64>) {
        if let (Some(connection), Some(further)) = (key.strip_prefix(CONNECTION), total) {
            *self.pages.entry(connection.to_owned()).or_default() |= further == 0;
        }
    }

    /// The latest instant the exports show: what begins later had not begun.
    fn as_of(&self) -> EventTime {
        let issues = self.issues.values().flat_map(|(kept, _)| {
            let histories = kept.record.history.iter().flat_map(|page| &page.nodes);
            histories.map(|history| history.created_at).chain([kept.record.updated_at]).flatten()
        });
        let cycles = self
            .cycles
            .values()
            .flat_map(|kept| [kept.record.updated_at, kept.record.completed_at])
            .flatten();
        let histories = self.histories.iter().filter_map(|kept| kept.record.created_at);
        issues.chain(cycles).chain(histories).max().unwrap_or(EventTime::MIN)
    }

    /// Makes events of everything.
    pub(crate) fn map(mut self, mapping: &Mapping, account: Option<&str>, output: &mut Output) {
        let uris = self.accounts.uris(Source::Linear, account);
        if self.pages.values().any(|is_whole| !is_whole) {
            output.gap(
                Source::Linear.word(),
                "Linear: the last page of a list is missing; fetch until hasNextPage is false",
            );
        }
        let t_shirt_teams: BTreeSet<String> = self
            .teams
            .iter()
            .filter(|(_, team)| team.issue_estimation_type.as_deref() == Some("tShirt"))
            .map(|(id, _)| id.clone())
            .chain(mapping.t_shirt_teams.iter().cloned())
            .collect();
        let as_of = self.as_of();
        self.of_webhooks(&uris, mapping, &t_shirt_teams, output);
        self.note_reference(&uris, output);
        self.of_cycles(&uris, as_of, output);
        tickets::map(self.issues, self.histories, &self.states, &uris, mapping, &t_shirt_teams, output);
    }

    fn of_webhooks(
        &mut self,
        uris: &Uris,
        mapping: &Mapping,
        t_shirt_teams: &BTreeSet<String>,
        output: &mut Output,
    ) {
        for (kept, account) in std::mem::take(&mut self.webhooks) {
            let what = webhook::what(&kept.record);
            match webhook::read(uris.of(account), mapping, kept.record, t_shirt_teams, pb::Basis::Import) {
                Read::Events(events) => events.into_iter().for_each(|event| output.emit(event, kept.file)),
                Read::NotNeeded => {
                    output.pass_over(kept.file, format!("webhook {what}: says nothing the catalogue needs"));
                }
                Read::Unmapped => {
                    output.pass_over(kept.file, format!("webhook {what}: no event of the catalogue"))
                }
            }
        }
    }

    fn of_cycles(&self, uris: &Uris, as_of: EventTime, output: &mut Output) {
        for kept in self.cycles.values() {
            let team = cycle::team(&kept.record).unwrap_or_default();
            let of_team =
                OfTeam { source: uris.common(), cycle: &kept.record, team, basis: pb::Basis::Import };
            let planned = kept.record.created_at.and_then(|at| of_team.planned(at));
            let activated = of_team.activated(as_of);
            let closed = of_team.closed(as_of);
            if planned.is_none() && activated.is_none() {
                output.pass_over(kept.file, "cycle that has not begun");
            }
            planned
                .into_iter()
                .chain(activated)
                .chain(closed)
                .for_each(|event| output.emit(event, kept.file));
        }
    }

    fn note_reference(&self, uris: &Uris, output: &mut Output) {
        let source = uris.common();
        for (id, team) in &self.teams {
            let name = team.name.as_ref().or(team.key.as_ref()).unwrap_or(id);
            output.reference.team(Source::Linear, source, id, name, Some(id));
        }
        for user in &self.users {
            if let Some(id) = user.id.as_deref().filter(|_| !user.app.unwrap_or_default()) {
                let name = user.name.as_deref().or(user.display_name.as_deref());
                let (email, zone) = (user.email.as_deref(), user.timezone.as_deref());
                output.reference.person(&identity(source, id), name, email, zone);
            }
        }
        for (user, team) in &self.members {
            output.reference.member(&identity(source, user), Source::Linear, source, team);
        }
    }
}

fn typed<T: DeserializeOwned>(object: Object) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}

/// The workspace of a link: `https://linear.app/<workspace>/issue/..`.
fn account_of(link: &str) -> Option<String> {
    let rest = link.split_once("://linear.app/")?.1;
    let workspace = rest.split('/').next()?;
    let usable = !workspace.is_empty()
        && workspace.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    usable.then(|| workspace.to_owned())
}
