//! Raw exports of GitHub and GitLab: what each object is, and gathering it until all is read.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::delivery::{Commit, Commits, Deliveries};
use super::repository::Repository;
use super::wire::{
    GithubCommit, GithubDeployment, GithubPull, GithubStatus, GitlabDeployment, GitlabListedCommit,
    GitlabMerge,
};
use super::{github, gitlab};
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
        let mut changes = Vec::new();
        changes.extend(self.pulls.iter().filter_map(|(pull, file)| github::change(pull, *file, output)));
        changes.extend(self.merges.iter().filter_map(|(merge, file)| gitlab::change(merge, *file, output)));
        let mut deployments = github::deployments(&self.github, &self.statuses, output);
        let of_gitlab = self.gitlab.iter().filter_map(|(it, file)| gitlab::deployment(it, *file, output));
        deployments.extend(of_gitlab);
        Deliveries { deployments, changes, commits: self.commits }.say(output);
    }
}

fn typed<T: DeserializeOwned>(object: Object) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}

#[cfg(test)]
mod tests;
