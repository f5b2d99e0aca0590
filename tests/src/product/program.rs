//! Where programs are: ours, built from this tree with this test's own profile, and others on the path.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, ensure};

use crate::workspace_root;

/// The `bellwether` program, built once. `cargo test` builds no program of another package, and one that lies there
/// already may be of yesterday.
pub(super) fn bellwether() -> anyhow::Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = built.as_ref() {
        return Ok(program.clone());
    }
    // This program is in `target/PROFILE/deps`.
    let own = std::env::current_exe().context("finding the test program")?;
    let folder = own.ancestors().nth(2).context("a test program outside a target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The packages of the test command: with fewer, shared crates would have other features and be built again.
    command.current_dir(workspace_root()).args(["build", "--quiet", "--workspace", "--bin", "bellwether"]);
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let output = command.output().context("running cargo")?;
    ensure!(output.status.success(), "building bellwether: {}", String::from_utf8_lossy(&output.stderr));
    let program = folder.join("bellwether");
    ensure!(program.is_file(), "no program at {}", program.display());
    *built = Some(program.clone());
    Ok(program)
}

/// True when a program can be found by its name.
pub fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file())
}
