//! What objects of GitHub say of deployments and changes.
//!
//! A deployment has no state of its own: its statuses say how it ended.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_wire::pb;

use super::delivery::{Change, Deployment, End, named, once, plain_ref};
use super::keys;
use super::repository::Repository;
use super::wire::{GithubBranch, GithubDeployment, GithubPull, GithubStatus};
use crate::import::gather::{FileIndex, Output};

/// Deployments with how they ended, as far as statuses tell.
pub(super) fn deployments(
    records: &[(GithubDeployment, FileIndex)],
    statuses: &[GithubStatus],
    output: &mut Output,
) -> Vec<Deployment> {
    let mut ends: BTreeMap<(Repository, &str), End> = BTreeMap::new();
    let mut with_statuses: BTreeSet<String> = BTreeSet::new();
    for status in statuses {
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
    for (record, file) in records {
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

/// A pull request that was merged.
pub(super) fn change(pull: &GithubPull, file: FileIndex, output: &mut Output) -> Option<Change> {
    let Some(merged) = pull.merged_at else {
        output.pass_over(file, "pull request that was not merged");
        return None;
    };
    let Some(number) = pull.number.clone() else {
        output.skip(file, "pull request without a number");
        return None;
    };
    let branch = |side: &Option<GithubBranch>| {
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
