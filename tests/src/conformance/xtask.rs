//! `cargo xtask kafka`, for cases that need an Apache Kafka of their own or its Java clients.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, ensure};

use crate::workspace_root;

/// A command line that begins with `xtask kafka`.
pub fn kafka() -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    command.arg("kafka");
    Ok(command)
}

/// The program itself, built once: `cargo run` would wait for whatever else cargo is building, each time.
fn program() -> anyhow::Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = built.as_ref() {
        return Ok(program.clone());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace_root())
        .args(["build", "--quiet", "--package", "xtask"])
        .output()
        .context("running cargo")?;
    ensure!(output.status.success(), "building xtask: {}", String::from_utf8_lossy(&output.stderr));
    // This program is in `target/PROFILE/deps`.
    let own = std::env::current_exe().context("finding the test program")?;
    let target = own.ancestors().nth(3).context("a test program outside a target folder")?;
    let program = target.join("debug").join("xtask");
    ensure!(program.is_file(), "no xtask at {}", program.display());
    *built = Some(program.clone());
    Ok(program)
}
