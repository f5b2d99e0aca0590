//! What objects of GitLab say of deployments and changes.

use bellwether_wire::pb;

use super::delivery::{Change, Deployment, named, once, plain_ref};
use super::keys;
use super::repository::Repository;
use super::wire::{GitlabDeployment, GitlabMerge};
use crate::import::gather::{FileIndex, Output};

/// A deployment with how it ended.
pub(super) fn deployment(
    record: &GitlabDeployment,
    file: FileIndex,
    output: &mut Output,
) -> Option<Deployment> {
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

/// A merge request that was merged.
pub(super) fn change(merge: &GitlabMerge, file: FileIndex, output: &mut Output) -> Option<Change> {
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
