//! What deployments contain, whichever of the two they are of.
//!
//! A deployment contains the commit it is of with those before it, as far as they are in the exports, and what was merged
//! into its branch between the last successful deployment to the same environment and itself. A pull or merge request
//! names tickets in its title and its branch, else in its description.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, pb};

use super::keys;
use super::repository::Repository;
use crate::ids;
use crate::import::gather::{FileIndex, Output};

/// How a deployment ended, and when.
pub(super) type End = (pb::Outcome, EventTime);

/// A deployment, of whichever of the two.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) repository: Repository,
    pub(super) id: String,
    pub(super) environment: String,
    pub(super) production: Option<bool>,
    pub(super) reference: String,
    pub(super) sha: Option<String>,
    pub(super) tickets: Vec<String>,
    pub(super) started: EventTime,
    pub(super) end: Option<End>,
    pub(super) file: FileIndex,
}

/// A merged change, of whichever of the two.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) repository: Repository,
    pub(super) number: String,
    pub(super) branch: String,
    pub(super) commits: Vec<String>,
    pub(super) tickets: Vec<String>,
    pub(super) merged: EventTime,
    pub(super) file: FileIndex,
}

/// A commit, of whichever of the two.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) repository: Repository,
    pub(super) message: String,
    pub(super) parents: Vec<String>,
    pub(super) at: Option<EventTime>,
    pub(super) file: FileIndex,
}

/// Commits by their hashes.
pub(super) type Commits = BTreeMap<String, Commit>;

impl Change {
    fn id(&self) -> String {
        ids::global(&self.repository.source, &format!("{}!{}", self.repository.path, self.number))
    }
}

/// All that was gathered.
#[derive(Debug)]
pub(super) struct Deliveries {
    pub(super) deployments: Vec<Deployment>,
    pub(super) changes: Vec<Change>,
    pub(super) commits: Commits,
}

impl Deliveries {
    /// Makes events of everything.
    pub(super) fn say(self, output: &mut Output) {
        let Self { mut deployments, mut changes, commits: known } = self;
        // In the order in which they began: what was merged between two successes is in the second.
        deployments.sort_by(|a, b| (a.started, &a.repository, &a.id).cmp(&(b.started, &b.repository, &b.id)));
        // Commits that a success brought to an environment already.
        let mut delivered: BTreeMap<(Repository, String), BTreeSet<&str>> = BTreeMap::new();
        let mut last: BTreeMap<(Repository, String, String), EventTime> = BTreeMap::new();
        for deployment in &deployments {
            let lane =
                (deployment.repository.clone(), deployment.environment.clone(), deployment.reference.clone());
            let after = last.get(&lane).copied().unwrap_or(EventTime::MIN);
            let is_in = |change: &&Change| {
                change.repository == deployment.repository
                    && change.branch == deployment.reference
                    && after < change.merged
                    && change.merged <= deployment.started
            };
            let place = (deployment.repository.clone(), deployment.environment.clone());
            let before = delivered.entry(place).or_default();
            let commits = contained_commits(&known, deployment.sha.as_deref(), before);
            let contained: BTreeSet<String> = changes.iter().filter(is_in).map(Change::id).collect();
            match deployment.end {
                Some(end) => {
                    output.emit(finished(deployment, end, contained, &commits), deployment.file);
                }
                None => output.pass_over(deployment.file, "deployment that has not ended"),
            }
            if matches!(deployment.end, Some((pb::Outcome::Succeeded, _))) {
                last.insert(lane, deployment.started);
                before.extend(commits);
            }
        }
        changes.extend(known.iter().filter_map(|(sha, commit)| of_commit(sha, commit)));
        changes.iter().for_each(|change| output.emit(merged(change), change.file));
    }
}

/// A commit and those before it that the exports have and an earlier success did not bring.
fn contained_commits<'a>(
    commits: &'a Commits,
    sha: Option<&str>,
    before: &BTreeSet<&str>,
) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&str> = sha.into_iter().collect();
    while let Some((sha, commit)) = waiting.pop().and_then(|sha| commits.get_key_value(sha)) {
        if !before.contains(sha.as_str()) && found.insert(sha.as_str()) {
            waiting.extend(
                commit.parents.iter().map(String::as_str).filter(|parent| commits.contains_key(*parent)),
            );
        }
    }
    found
}

/// A commit as a change of its own: its message names tickets too.
fn of_commit(sha: &str, commit: &Commit) -> Option<Change> {
    let tickets = once(keys::of_text(&commit.message));
    let merged = commit.at.filter(|_| !tickets.is_empty())?;
    Some(Change {
        repository: commit.repository.clone(),
        number: sha.to_owned(),
        branch: String::new(),
        commits: vec![sha.to_owned()],
        tickets,
        merged,
        file: commit.file,
    })
}

/// Tickets a change names. A description speaks of other tickets too, so that it counts only where nothing else does.
pub(super) fn named(title: Option<&str>, branch: &str, description: Option<&str>) -> Vec<String> {
    let mut tickets = keys::of_text(title.unwrap_or_default());
    tickets.extend(keys::of_ref(branch));
    if tickets.is_empty() {
        tickets = keys::of_text(description.unwrap_or_default());
    }
    once(tickets)
}

pub(super) fn once(tickets: Vec<String>) -> Vec<String> {
    tickets.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) fn plain_ref(reference: Option<&str>) -> String {
    let reference = reference.unwrap_or_default();
    let plain = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/tags/"));
    plain.unwrap_or(reference).to_owned()
}

fn finished(
    deployment: &Deployment,
    (outcome, ended): End,
    changes: BTreeSet<String>,
    contained: &BTreeSet<&str>,
) -> Event {
    let commits: BTreeSet<&str> =
        deployment.sha.as_deref().into_iter().chain(contained.iter().copied()).collect();
    let Repository { source, path } = &deployment.repository;
    let place = format!("{path}/{}", deployment.id);
    let id = ids::global(source, &place);
    let message = pb::DeploymentFinished {
        deployment: id.clone(),
        service: deployment.repository.service().to_owned(),
        environment: deployment.environment.clone(),
        production: deployment.production,
        outcome: outcome.into(),
        started_at: Some(timestamp(deployment.started)),
        ended_at: Some(timestamp(ended)),
        commits: commits.into_iter().map(str::to_owned).collect(),
        tickets: deployment.tickets.clone(),
        // A tag is what trackers call a release; a branch is nobody's.
        release: deployment.reference.clone(),
        changes: changes.into_iter().collect(),
        basis: pb::Basis::Import.into(),
        ..pb::DeploymentFinished::default()
    };
    Event::new(source.as_str(), format!("deployment/{place}/{}", outcome.as_str_name()), ended, message)
        .about(id)
}

fn merged(change: &Change) -> Event {
    let Repository { source, path } = &change.repository;
    let id = change.id();
    let message = pb::ChangeMerged {
        change: id.clone(),
        repository: path.clone(),
        commits: change.commits.clone(),
        tickets: change.tickets.clone(),
        first_commit_at: None,
        merged_at: Some(timestamp(change.merged)),
        basis: pb::Basis::Import.into(),
    };
    Event::new(source.as_str(), format!("change/{path}/{}/merged", change.number), change.merged, message)
        .about(id)
}
