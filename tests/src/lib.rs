//! Tests that cross crates: conformance of brokers, the product as a whole, architecture, hygiene of the tree.
//!
//! What it is: a package of its own, because a `tests` folder beside a virtual manifest is silently never built.
//! What it is not: a place for what one crate can test by itself; prefer the lowest layer that can fail for the
//! right reason.

use std::path::{Path, PathBuf};

pub mod conformance;
pub mod product;

/// The folder of the workspace's own Cargo.toml.
pub fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}
