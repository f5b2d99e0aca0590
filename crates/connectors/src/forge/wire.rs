//! What GitHub and GitLab really send: REST objects, with fields that come and go. Only what the catalogue needs is read.

use bellwether_model::EventTime;
use serde::Deserialize;
use serde_json::Value;

use crate::lenient;

/// A deployment of GitHub. It has no state of its own: that is in its statuses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GithubDeployment {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) url: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) statuses_url: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) sha: Option<String>,
    #[serde(rename = "ref", deserialize_with = "lenient::text")]
    pub(super) reference: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) environment: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(super) production_environment: Option<bool>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) description: Option<String>,
    pub(super) payload: Value,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) created_at: Option<EventTime>,
    /// Not of the API: some exports put them here.
    #[serde(deserialize_with = "lenient::objects")]
    pub(super) statuses: Vec<GithubStatus>,
}

/// A status of a deployment of GitHub.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GithubStatus {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) state: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) deployment_url: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) created_at: Option<EventTime>,
}

/// A commit of GitHub.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GithubCommit {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) sha: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) url: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) commit: Option<GithubCommitText>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(super) parents: Vec<GithubBranch>,
}

/// What a commit of GitHub says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GithubCommitText {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) message: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) committer: Option<GithubSignature>,
}

/// When a commit was made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GithubSignature {
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) date: Option<EventTime>,
}

/// A pull request of GitHub.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GithubPull {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) number: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) url: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) html_url: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) body: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) merge_commit_sha: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) merged_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) head: Option<GithubBranch>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) base: Option<GithubBranch>,
}

/// A side of a pull request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GithubBranch {
    #[serde(rename = "ref", deserialize_with = "lenient::text")]
    pub(super) reference: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) sha: Option<String>,
}

/// A deployment of GitLab.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GitlabDeployment {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) id: Option<String>,
    #[serde(rename = "ref", deserialize_with = "lenient::text")]
    pub(super) reference: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) sha: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) updated_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) environment: Option<GitlabEnvironment>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) deployable: Option<GitlabJob>,
}

/// Where a deployment of GitLab goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GitlabEnvironment {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) tier: Option<String>,
}

/// The job that deploys.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GitlabJob {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) web_url: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) started_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) finished_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) commit: Option<GitlabCommit>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) pipeline: Option<Linked>,
}

/// The commit that is deployed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GitlabCommit {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) message: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) web_url: Option<String>,
}

/// A commit of GitLab, in a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GitlabListedCommit {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) message: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) web_url: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    pub(super) parent_ids: Vec<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) committed_date: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) created_at: Option<EventTime>,
}

/// Something with a link to its page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Linked {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) web_url: Option<String>,
}

/// A merge request of GitLab.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GitlabMerge {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) iid: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) source_branch: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) target_branch: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) sha: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) merge_commit_sha: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) squash_commit_sha: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) web_url: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(super) merged_at: Option<EventTime>,
}
