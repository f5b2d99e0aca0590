//! Where development tasks keep their things: under the build folder, so that they survive a rebuild and go with
//! `cargo clean`.
//!
//! Invariant: found out at run time. A program that was built in one copy of the workspace serves the copy it is run in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// `target/xtask`, wherever cargo puts `target`.
pub(crate) fn scratch() -> anyhow::Result<PathBuf> {
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => PathBuf::from(target),
        None => workspace_root()?.join("target"),
    };
    Ok(target.join("xtask"))
}

/// The folder of the workspace's own Cargo.toml: above the package that cargo says it runs, else above where this is run.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => PathBuf::from(package),
        None => std::env::current_dir().context("finding the current folder")?,
    };
    let root = nearest(&start, is_workspace);
    root.with_context(|| {
        format!("no Cargo.toml of a workspace in {} or above it; run it inside", start.display())
    })
}

/// The first folder from one upwards that is it.
fn nearest(start: &Path, is_it: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    start.ancestors().find(|folder| is_it(folder)).map(Path::to_path_buf)
}

fn is_workspace(folder: &Path) -> bool {
    fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|manifest| declares_workspace(&manifest))
}

fn declares_workspace(manifest: &str) -> bool {
    manifest.lines().any(|line| line.trim() == "[workspace]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_the_nearest_folder_above_that_says_so() {
        let is_it = |folder: &Path| folder == Path::new("/a/b") || folder == Path::new("/a");
        assert_eq!(nearest(Path::new("/a/b/crates/xtask"), is_it).unwrap(), Path::new("/a/b"));
        assert_eq!(nearest(Path::new("/elsewhere"), is_it), None);
        assert!(declares_workspace("[workspace]\nmembers = []\n"));
        assert!(!declares_workspace("[package]\nversion.workspace = true\n"));
    }

    #[test]
    fn the_folder_is_that_of_the_copy_this_runs_in() {
        assert!(workspace_root().unwrap().join("crates/xtask/Cargo.toml").is_file());
    }
}
