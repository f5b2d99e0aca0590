//! Raw exports of GitHub and GitLab: what each object is, and gathering it until all is read.
//!
//! A deployment contains the commit it is of with those before it, as far as they are in the exports, and what was merged
//! into its branch between the last successful deployment to the same environment and itself. A pull or merge request names tickets in its title and its branch, else in its
//! description.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, pb};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys;
use super::wire::{
    GithubCommit, GithubDeployment, GithubPull, GithubStatus, GitlabDeployment, GitlabListedCommit,
    GitlabMerge,
};
use crate::ids;
use crate::import::expand::Object;
use crate::import::gather::{FileIndex, Output};
use crate::import::recognise;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    GithubDeployment,
    GithubStatus,
    GithubPull,
    GithubCommit,
    GitlabDeployment,
    GitlabMerge,
    GitlabCommit,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::GithubDeployment => "github deployment",
            Kind::GithubStatus => "github deployment status",
            Kind::GithubPull => "github pull request",
            Kind::GithubCommit => "github commit",
            Kind::GitlabCommit => "gitlab commit",
            Kind::GitlabDeployment => "gitlab deployment",
            Kind::GitlabMerge => "gitlab merge request",
        }
    }

    pub(crate) fn explains(self) -> bool {
        match self {
            Kind::GithubStatus | Kind::GithubCommit | Kind::GitlabCommit => true,
            Kind::GithubDeployment | Kind::GithubPull | Kind::GitlabDeployment | Kind::GitlabMerge => false,
        }
    }
}

/// Says what an object is; `None` when it is nothing of GitHub or GitLab.
pub(crate) fn recognise(object: &Object) -> Option<recognise::Kind> {
    let has = |key: &str| object.contains_key(key);
    let is_object = |key: &str| object.get(key).is_some_and(Value::is_object);
    let is_text = |key: &str| object.get(key).is_some_and(Value::is_string);
    let ours = |kind| Some(recognise::Kind::Forge(kind));
    if has("state") && is_text("deployment_url") {
        return ours(Kind::GithubStatus);
    }
    if has("id") && is_text("sha") && is_text("ref") {
        if is_text("environment") && (has("statuses_url") || has("task")) {
            return ours(Kind::GithubDeployment);
        }
        if is_object("environment") && (has("iid") || has("deployable")) {
            return ours(Kind::GitlabDeployment);
        }
    }
    if is_text("sha") && object.get("commit").is_some_and(|commit| commit.get("message").is_some()) {
        return ours(Kind::GithubCommit);
    }
    if is_text("short_id") && is_text("message") && has("parent_ids") {
        return ours(Kind::GitlabCommit);
    }
    if has("number") && is_object("head") && is_object("base") && has("merged_at") {
        return ours(Kind::GithubPull);
    }
    if has("iid") && is_text("source_branch") && is_text("target_branch") && has("merged_at") {
        return ours(Kind::GitlabMerge);
    }
    None
}

/// A repository: source URI of its owner, and its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Repository {
    source: String,
    path: String,
}

impl Repository {
    /// By a link of the API: `https://api.github.com/repos/acme/shop/deployments/1`.
    fn of_github(link: Option<&str>) -> Self {
        let mut parts =
            link.and_then(|link| link.split_once("/repos/")).map_or("", |(_, path)| path).split('/');
        match (parts.next(), parts.next()) {
            (Some(owner), Some(name)) if !owner.is_empty() => {
                Self::new("github", owner, format!("{owner}/{name}"))
            }
            _ => Self::new("github", UNNAMED, String::new()),
        }
    }

    /// By a link of a page: `https://gitlab.com/acme/shop/-/pipelines/1`.
    fn of_gitlab(link: Option<&str>) -> Self {
        let path = link
            .and_then(|link| link.split_once("://"))
            .and_then(|(_, rest)| rest.split_once('/'))
            .and_then(|(_, path)| path.split_once("/-/").or_else(|| path.split_once("/merge_requests/")))
            .map(|(path, _)| path)
            .filter(|path| !path.is_empty());
        match path {
            Some(path) => Self::new("gitlab", path.split('/').next().unwrap_or(path), path.to_owned()),
            None => Self::new("gitlab", UNNAMED, String::new()),
        }
    }

    fn new(kind: &str, owner: &str, path: String) -> Self {
        Self { source: format!("{kind}://{owner}"), path }
    }

    /// The name of what it deploys.
    fn service(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The owner of what names none.
const UNNAMED: &str = "default";

/// How a deployment ended, and when.
type End = (pb::Outcome, EventTime);

/// A deployment, of whichever of the two.
#[derive(Debug)]
struct Deployment {
    repository: Repository,
    id: String,
    environment: String,
    production: Option<bool>,
    reference: String,
    sha: Option<String>,
    tickets: Vec<String>,
    started: EventTime,
    end: Option<End>,
    file: FileIndex,
}

/// A merged change, of whichever of the two.
#[derive(Debug)]
struct Change {
    repository: Repository,
    number: String,
    branch: String,
    commits: Vec<String>,
    tickets: Vec<String>,
    merged: EventTime,
    file: FileIndex,
}

/// A commit, of whichever of the two.
#[derive(Debug)]
struct Commit {
    repository: Repository,
    message: String,
    parents: Vec<String>,
    at: Option<EventTime>,
    file: FileIndex,
}

/// Commits by their hashes.
type Commits = BTreeMap<String, Commit>;

impl Change {
    fn id(&self) -> String {
        ids::global(&self.repository.source, &format!("{}!{}", self.repository.path, self.number))
    }
}

/// Everything gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    github: Vec<(GithubDeployment, FileIndex)>,
    statuses: Vec<GithubStatus>,
    pulls: Vec<(GithubPull, FileIndex)>,
    gitlab: Vec<(GitlabDeployment, FileIndex)>,
    merges: Vec<(GitlabMerge, FileIndex)>,
    commits: Commits,
}

impl Gathering {
    /// Takes a recognised object.
    pub(crate) fn take(&mut self, kind: Kind, object: Object, file: FileIndex) {
        match kind {
            Kind::GithubDeployment => {
                if let Some(mut record) = typed::<GithubDeployment>(object) {
                    let link = record.url.clone();
                    let statuses = std::mem::take(&mut record.statuses).into_iter();
                    self.statuses
                        .extend(statuses.map(|it| GithubStatus { deployment_url: link.clone(), ..it }));
                    self.github.push((record, file));
                }
            }
            Kind::GithubCommit => {
                if let Some(record) = typed::<GithubCommit>(object) {
                    let text = record.commit.unwrap_or_default();
                    let commit = Commit {
                        repository: Repository::of_github(record.url.as_deref()),
                        message: text.message.unwrap_or_default(),
                        parents: record.parents.into_iter().filter_map(|parent| parent.sha).collect(),
                        at: text.committer.and_then(|committer| committer.date),
                        file,
                    };
                    self.commits.extend(record.sha.map(|sha| (sha, commit)));
                }
            }
            Kind::GitlabCommit => {
                if let Some(record) = typed::<GitlabListedCommit>(object) {
                    let commit = Commit {
                        repository: Repository::of_gitlab(record.web_url.as_deref()),
                        message: record.message.unwrap_or_default(),
                        parents: record.parent_ids,
                        at: record.committed_date.or(record.created_at),
                        file,
                    };
                    self.commits.extend(record.id.map(|sha| (sha, commit)));
                }
            }
            Kind::GithubStatus => self.statuses.extend(typed::<GithubStatus>(object)),
            Kind::GithubPull => self.pulls.extend(typed(object).map(|it| (it, file))),
            Kind::GitlabDeployment => self.gitlab.extend(typed(object).map(|it| (it, file))),
            Kind::GitlabMerge => self.merges.extend(typed(object).map(|it| (it, file))),
        }
    }

    /// Makes events of everything.
    pub(crate) fn map(self, output: &mut Output) {
        let mut changes: Vec<Change> = Vec::new();
        changes.extend(self.pulls.iter().filter_map(|(pull, file)| of_pull(pull, *file, output)));
        changes.extend(self.merges.iter().filter_map(|(merge, file)| of_merge(merge, *file, output)));
        let mut deployments = self.of_github(output);
        deployments.extend(self.gitlab.iter().filter_map(|(it, file)| of_gitlab(it, *file, output)));
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
            let commits = contained_commits(&self.commits, deployment.sha.as_deref(), before);
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
        changes.extend(self.commits.iter().filter_map(|(sha, commit)| of_commit(sha, commit)));
        changes.iter().for_each(|change| output.emit(merged(change), change.file));
    }

    fn of_github(&self, output: &mut Output) -> Vec<Deployment> {
        let mut ends: BTreeMap<(Repository, &str), End> = BTreeMap::new();
        let mut with_statuses: BTreeSet<String> = BTreeSet::new();
        for status in &self.statuses {
            let Some(link) = status.deployment_url.as_deref() else { continue };
            let repository = Repository::of_github(Some(link));
            with_statuses.insert(repository.source.clone());
            let outcome = match status.state.as_deref() {
                Some("success") => pb::Outcome::Succeeded,
                Some("failure" | "error") => pb::Outcome::Failed,
                Some(_) | None => continue,
            };
            let Some(at) = status.created_at else { continue };
            let id = link.rsplit('/').next().unwrap_or_default();
            let end = ends.entry((repository, id)).or_insert((outcome, at));
            // The first success decides; without one, the last failure.
            *end = match (end.0 == pb::Outcome::Succeeded, outcome == pb::Outcome::Succeeded) {
                (true, true) => (outcome, end.1.min(at)),
                (true, false) => *end,
                (false, true) => (outcome, at),
                (false, false) => (outcome, end.1.max(at)),
            };
        }
        let mut taken_for_successful: BTreeMap<String, u64> = BTreeMap::new();
        let mut deployments = Vec::new();
        for (record, file) in &self.github {
            let link = record.url.as_deref().or(record.statuses_url.as_deref());
            let repository = Repository::of_github(link);
            let (Some(id), Some(started)) = (record.id.clone(), record.created_at) else {
                output.skip(*file, "deployment without an id or an instant");
                continue;
            };
            let mut end = ends.get(&(repository.clone(), id.as_str())).copied();
            if end.is_none() && !with_statuses.contains(&repository.source) {
                *taken_for_successful.entry(repository.source.clone()).or_default() += 1;
                end = Some((pb::Outcome::Succeeded, started));
            }
            let mut tickets = keys::of_ref(record.reference.as_deref().unwrap_or_default());
            tickets.extend(keys::of_text(record.description.as_deref().unwrap_or_default()));
            tickets.extend(keys::of_text(&record.payload.to_string()));
            deployments.push(Deployment {
                repository,
                id,
                environment: record.environment.clone().unwrap_or_default(),
                // GitHub says true of an environment called production only; others are judged by their names.
                production: record.production_environment.filter(|production| *production),
                reference: plain_ref(record.reference.as_deref()),
                sha: record.sha.clone(),
                tickets: once(tickets),
                started,
                end,
                file: *file,
            });
        }
        for (source, count) in taken_for_successful {
            output.note(format!(
                "{source}: {count} deployments come without their statuses and are taken for successful when they were \
                 created; fetch /repos/../deployments/{{id}}/statuses"
            ));
        }
        deployments
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

fn of_gitlab(record: &GitlabDeployment, file: FileIndex, output: &mut Output) -> Option<Deployment> {
    let (Some(id), Some(started)) = (record.id.clone(), record.created_at) else {
        output.skip(file, "deployment without an id or an instant");
        return None;
    };
    let job = record.deployable.as_ref();
    let commit = job.and_then(|job| job.commit.as_ref());
    let link = job
        .and_then(|job| job.pipeline.as_ref().and_then(|pipeline| pipeline.web_url.as_deref()))
        .or_else(|| job.and_then(|job| job.web_url.as_deref()))
        .or_else(|| commit.and_then(|commit| commit.web_url.as_deref()));
    let ended = job.and_then(|job| job.finished_at).or(record.updated_at).unwrap_or(started);
    let status = record.status.as_deref().or_else(|| job.and_then(|job| job.status.as_deref()));
    let end = match status {
        Some("success") => Some((pb::Outcome::Succeeded, ended)),
        Some("failed") => Some((pb::Outcome::Failed, ended)),
        Some("canceled" | "cancelled") => Some((pb::Outcome::Cancelled, ended)),
        Some(_) | None => None,
    };
    let environment = record.environment.as_ref();
    let mut tickets = keys::of_ref(record.reference.as_deref().unwrap_or_default());
    for text in commit.iter().flat_map(|commit| [&commit.title, &commit.message]) {
        tickets.extend(keys::of_text(text.as_deref().unwrap_or_default()));
    }
    Some(Deployment {
        repository: Repository::of_gitlab(link),
        id,
        environment: environment.and_then(|it| it.name.clone()).unwrap_or_default(),
        production: environment.and_then(|it| it.tier.as_deref()).map(|tier| tier == "production"),
        reference: plain_ref(record.reference.as_deref()),
        sha: record.sha.clone(),
        tickets: once(tickets),
        started: job.and_then(|job| job.started_at).unwrap_or(started),
        end,
        file,
    })
}

fn of_pull(pull: &GithubPull, file: FileIndex, output: &mut Output) -> Option<Change> {
    let Some(merged) = pull.merged_at else {
        output.pass_over(file, "pull request that was not merged");
        return None;
    };
    let Some(number) = pull.number.clone() else {
        output.skip(file, "pull request without a number");
        return None;
    };
    let branch = |side: &Option<super::wire::GithubBranch>| {
        side.as_ref().and_then(|side| side.reference.clone()).unwrap_or_default()
    };
    let link = pull.url.clone().or_else(|| {
        let page = pull.html_url.as_deref()?.split_once("://")?.1.split_once('/')?.1;
        Some(format!("/repos/{page}"))
    });
    let head = pull.head.as_ref().and_then(|head| head.sha.clone());
    Some(Change {
        repository: Repository::of_github(link.as_deref()),
        number,
        branch: branch(&pull.base),
        commits: pull.merge_commit_sha.iter().cloned().chain(head).collect(),
        tickets: named(pull.title.as_deref(), &branch(&pull.head), pull.body.as_deref()),
        merged,
        file,
    })
}

fn of_merge(merge: &GitlabMerge, file: FileIndex, output: &mut Output) -> Option<Change> {
    let Some(merged) = merge.merged_at else {
        output.pass_over(file, "merge request that was not merged");
        return None;
    };
    let Some(number) = merge.iid.clone() else {
        output.skip(file, "merge request without a number");
        return None;
    };
    let commits = [&merge.merge_commit_sha, &merge.squash_commit_sha, &merge.sha];
    Some(Change {
        repository: Repository::of_gitlab(merge.web_url.as_deref()),
        number,
        branch: merge.target_branch.clone().unwrap_or_default(),
        commits: commits.into_iter().flatten().cloned().collect(),
        tickets: named(
            merge.title.as_deref(),
            merge.source_branch.as_deref().unwrap_or_default(),
            merge.description.as_deref(),
        ),
        merged,
        file,
    })
}

/// Tickets a change names. A description speaks of other tickets too, so that it counts only where nothing else does.
fn named(title: Option<&str>, branch: &str, description: Option<&str>) -> Vec<String> {
    let mut tickets = keys::of_text(title.unwrap_or_default());
    tickets.extend(keys::of_ref(branch));
    if tickets.is_empty() {
        tickets = keys::of_text(description.unwrap_or_default());
    }
    once(tickets)
}

fn once(tickets: Vec<String>) -> Vec<String> {
    tickets.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

fn plain_ref(reference: Option<&str>) -> String {
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

fn typed<T: DeserializeOwned>(object: Object) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}

#[cfg(test)]
mod tests {
    use bellwether_wire::Payload;
    use serde_json::json;

    use super::*;
    use crate::import::expand::expand;

    fn events(documents: &[Value]) -> (Vec<Event>, Output) {
        let mut gathering = Gathering::default();
        for document in documents {
            expand(document.clone(), None, &mut |object, kind| match kind {
                recognise::Kind::Forge(kind) => gathering.take(kind, object, 0),
                other => panic!("{other:?}: {object:?}"),
            });
        }
        let mut output = Output::default();
        gathering.map(&mut output);
        let events = std::mem::take(&mut output.events).into_iter().map(|(event, _)| event).collect();
        (events, output)
    }

    fn deployments(events: &[Event]) -> Vec<&pb::DeploymentFinished> {
        events
            .iter()
            .filter_map(|event| match &event.payload {
                Payload::DeploymentFinished(message) => Some(message.as_ref()),
                _ => None,
            })
            .collect()
    }

    fn deployment(id: u64, environment: &str, created_at: &str) -> Value {
        let url = format!("https://api.github.com/repos/acme/shop/deployments/{id}");
        json!({"id": id, "url": url, "sha": format!("sha{id}"), "ref": "main", "task": "deploy", "payload": {},
            "environment": environment, "description": null, "created_at": created_at,
            "statuses_url": format!("{url}/statuses")})
    }

    fn status(id: u64, state: &str, created_at: &str) -> Value {
        let url = format!("https://api.github.com/repos/acme/shop/deployments/{id}");
        json!({"id": 1, "state": state, "deployment_url": url, "environment": "production", "created_at": created_at})
    }

    fn pull(number: u64, title: &str, merged_at: Option<&str>) -> Value {
        json!({"number": number, "url": format!("https://api.github.com/repos/acme/shop/pulls/{number}"),
            "title": title, "body": "see PAY-99", "merged_at": merged_at, "merge_commit_sha": format!("m{number}"),
            "head": {"ref": "x", "sha": format!("h{number}")}, "base": {"ref": "main", "sha": "b"}})
    }

    #[test]
    fn the_first_success_ends_a_deployment_whatever_comes_after() {
        let (events, output) = events(&[
            json!([deployment(1, "production", "2026-01-05T10:00:00Z")]),
            json!([
                status(1, "inactive", "2026-01-06T10:00:00Z"),
                status(1, "success", "2026-01-05T10:05:00Z"),
                status(1, "failure", "2026-01-05T10:02:00Z"),
                status(1, "in_progress", "2026-01-05T10:01:00Z"),
            ]),
        ]);
        let [told] = deployments(&events)[..] else { panic!("{events:?}") };
        assert_eq!(told.outcome(), pb::Outcome::Succeeded);
        assert_eq!(
            (events[0].time.to_rfc3339().as_str(), told.service.as_str()),
            ("2026-01-05T10:05:00.000Z", "shop")
        );
        assert_eq!(events[0].id.source, "github://acme");
        assert!(output.notes.is_empty());
    }

    #[test]
    fn without_any_status_a_deployment_is_taken_for_successful_and_a_note_says_so() {
        let (events, output) = events(&[json!([deployment(1, "production", "2026-01-05T10:00:00Z")])]);
        assert_eq!(deployments(&events)[0].outcome(), pb::Outcome::Succeeded);
        assert!(output.notes.iter().any(|note| note.contains("taken for successful")), "{:?}", output.notes);
    }

    #[test]
    fn one_that_has_not_ended_is_no_event() {
        let (events, output) = events(&[
            json!([deployment(1, "production", "2026-01-05T10:00:00Z")]),
            json!([status(2, "success", "2026-01-05T10:05:00Z")]),
        ]);
        assert!(events.is_empty() && !output.passed_over.is_empty());
    }

    #[test]
    fn what_was_merged_between_two_successes_is_in_the_second() {
        let (events, _) = events(&[
            json!([
                deployment(1, "production", "2026-01-05T10:00:00Z"),
                deployment(2, "production", "2026-01-07T10:00:00Z")
            ]),
            json!([
                status(1, "success", "2026-01-05T10:05:00Z"),
                status(2, "success", "2026-01-07T10:05:00Z")
            ]),
            json!([
                pull(7, "PAY-7: first", Some("2026-01-05T09:00:00Z")),
                pull(8, "PAY-8: second", Some("2026-01-05T10:30:00Z")),
                pull(9, "PAY-9: after", Some("2026-01-07T10:00:01Z")),
                pull(10, "PAY-10: open", None),
            ]),
        ]);
        let told = deployments(&events);
        assert_eq!(told[0].changes, ["github:acme:acme/shop!7"]);
        assert_eq!(told[1].changes, ["github:acme:acme/shop!8"]);
        let changes: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.payload {
                Payload::ChangeMerged(message) => Some(message.tickets.join(",")),
                _ => None,
            })
            .collect();
        assert_eq!(changes, ["PAY-7", "PAY-8", "PAY-9"], "the description of another ticket does not count");
    }

    #[test]
    fn a_deployment_contains_its_commit_with_those_before_it_once() {
        let commit = |sha: &str, parents: &[&str], message: &str| {
            let parents: Vec<_> = parents.iter().map(|sha| json!({"sha": sha})).collect();
            json!({"sha": sha, "url": format!("https://api.github.com/repos/acme/shop/commits/{sha}"), "parents": parents,
                "commit": {"message": message, "committer": {"date": "2026-01-05T08:00:00Z"}}})
        };
        let (events, _) = events(&[
            json!([
                commit("sha2", &["m", "c"], "PAY-3"),
                commit("c", &["sha1"], "PAY-2 x"),
                commit("m", &["sha1"], "merge"),
                commit("sha1", &["elsewhere"], "PAY-1")
            ]),
            json!([
                deployment(1, "production", "2026-01-05T10:00:00Z"),
                deployment(2, "production", "2026-01-07T10:00:00Z")
            ]),
        ]);
        let told = deployments(&events);
        assert_eq!(told[0].commits, ["sha1"]);
        assert_eq!(told[1].commits, ["c", "m", "sha2"]);
        let changes = events.iter().filter(|event| matches!(event.payload, Payload::ChangeMerged(_))).count();
        assert_eq!(changes, 3, "one names no ticket");
    }

    #[test]
    fn a_recorded_delivery_and_statuses_inside_a_deployment_are_read() {
        let mut with_statuses = deployment(2, "production", "2026-01-07T10:00:00Z");
        with_statuses["statuses"] = json!([{"state": "failure", "created_at": "2026-01-07T10:01:00Z"}]);
        let (events, _) = events(&[
            json!({"action": "created", "deployment_status": status(1, "success", "2026-01-05T10:05:00Z"),
                "deployment": deployment(1, "production", "2026-01-05T10:00:00Z"), "repository": {"id": 1}}),
            json!([with_statuses]),
        ]);
        let outcomes: Vec<_> = deployments(&events).iter().map(|told| told.outcome()).collect();
        assert_eq!(outcomes, [pb::Outcome::Succeeded, pb::Outcome::Failed]);
    }

    #[test]
    fn a_deployment_of_gitlab_names_tickets_in_its_commit_and_says_its_tier() {
        let (events, _) = events(&[json!([{
            "id": 42, "iid": 2, "ref": "main", "sha": "abc", "status": "success",
            "created_at": "2026-01-05T10:00:00Z", "updated_at": "2026-01-05T12:00:00Z",
            "environment": {"id": 1, "name": "eu", "tier": "production"},
            "deployable": {"status": "success", "finished_at": "2026-01-05T10:09:00Z",
                "commit": {"title": "PAY-3 refunds", "message": "PAY-3 refunds\n\ncloses PAY-4"},
                "pipeline": {"web_url": "https://gitlab.com/acme/pay/api/-/pipelines/301"}}
        }])]);
        let told = deployments(&events)[0];
        assert_eq!(
            (told.tickets.as_slice(), told.production),
            (["PAY-3".to_owned(), "PAY-4".to_owned()].as_slice(), Some(true))
        );
        assert_eq!((events[0].id.source.as_str(), told.service.as_str()), ("gitlab://acme", "api"));
        assert_eq!(events[0].time.to_rfc3339(), "2026-01-05T10:09:00.000Z");
    }
}
