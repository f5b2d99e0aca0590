//! GitHub and GitLab: deployments and merged changes, from raw exports.
//!
//! What it is not: a reader of repositories. What a deployment contains is told by its own words, by the commit it is of
//! and by the changes that were merged into its branch before it; nothing here walks a history of commits.

pub(crate) mod import;

mod delivery;
mod github;
mod gitlab;
mod keys;
mod repository;
mod wire;
