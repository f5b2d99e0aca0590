//! Ending a process by its pid, and only when it is ours.
//!
//! Invariant: a signal is sent only to a pid whose command line names the instance's own settings file, so that a
//! pid taken over by a stranger after a reboot is never touched.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Kafka flushes its logs on SIGTERM; on a busy machine that takes seconds.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// A killed process is gone at once, but for its last page of dirty memory.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at a process.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// True when `pid` runs with `marker` in its command line.
pub(crate) fn is_ours(pid: u32, marker: &str) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    line.split(|byte| *byte == 0).any(|word| word == marker.as_bytes())
}

/// Asks a process to end; insists when it does not in time.
pub(crate) fn terminate(pid: u32, marker: &str) -> anyhow::Result<()> {
    signal(pid, marker, "TERM")?;
    if gone(pid, marker, STOP_PATIENCE) {
        return Ok(());
    }
    eprintln!("pid {pid} did not end within {} s of SIGTERM: killing it", STOP_PATIENCE.as_secs());
    kill(pid, marker)
}

/// Ends a process without a chance to tidy up.
pub(crate) fn kill(pid: u32, marker: &str) -> anyhow::Result<()> {
    signal(pid, marker, "KILL")?;
    if !gone(pid, marker, KILL_PATIENCE) {
        bail!("pid {pid} still runs {} s after SIGKILL", KILL_PATIENCE.as_secs());
    }
    Ok(())
}

fn signal(pid: u32, marker: &str, name: &str) -> anyhow::Result<()> {
    if !is_ours(pid, marker) {
        return Ok(());
    }
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status()
        .with_context(|| format!("sending SIG{name} to {pid}"))?;
    if !status.success() && is_ours(pid, marker) {
        bail!("sending SIG{name} to {pid} failed ({status})");
    }
    Ok(())
}

fn gone(pid: u32, marker: &str, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while is_ours(pid, marker) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ours_only_when_its_command_line_says_so() {
        let marker = "/nowhere/server.properties";
        let mut child = Command::new("sh")
            .args(["-c", "read line", marker])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // The child shows its parent's command line until it has called exec.
        let deadline = Instant::now() + KILL_PATIENCE;
        while !is_ours(child.id(), marker) && Instant::now() < deadline {
            thread::yield_now();
        }
        assert!(is_ours(child.id(), marker));
        assert!(!is_ours(child.id(), "/nowhere/other.properties"));
        terminate(child.id(), "/nowhere/other.properties").unwrap();
        assert!(is_ours(child.id(), marker), "a stranger's process is left alone");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_ours(child.id(), marker));
    }
}
