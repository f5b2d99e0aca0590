//! Where development tasks keep their things: under the build folder, so that they survive a rebuild and go with
//! `cargo clean`.

use std::path::{Path, PathBuf};

/// `target/xtask`, wherever cargo puts `target`.
pub(crate) fn scratch() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| workspace_root().join("target")).join("xtask")
}

/// The folder of the workspace's own Cargo.toml: two above this package's.
fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}
