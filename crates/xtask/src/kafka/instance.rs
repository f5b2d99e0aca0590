//! One named Kafka node: its folder, its ports, its pid; starting it and finding it again.
//!
//! Folder: `server.properties`, `ports`, `pid`, `server.log`, `data/`. Invariant: an instance is running exactly when
//! its pid file names a live process whose command line holds the folder's own `server.properties`.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::properties::{self, Ports};
use super::{jars, probe, process};
use crate::paths;

/// Measured 3-4 s on an idle two-core machine; ten times that where it is busy, and some.
const START_PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at a starting server.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Two free ports may be taken by somebody else before the server binds them.
const START_TRIES: u32 = 3;
/// Lines of the server's log shown when it does not start.
const LOG_TAIL: usize = 25;
/// Any id will do for a cluster that lives for an hour: 16 bytes in base64.
const CLUSTER_ID: &str = "YmVsbHdldGhlci10ZXN0cw";

/// A named node, running or not.
#[derive(Debug)]
pub(crate) struct Instance {
    name: String,
    folder: PathBuf,
}

/// A node that runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) bootstrap: String,
}

impl Instance {
    /// The instance of that name; the name becomes a folder.
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            bail!("an instance name is letters, digits and dashes, not `{name}`");
        }
        Ok(Self {
            name: name.to_owned(),
            folder: paths::scratch()?.join("kafka").join("instances").join(name),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// What the command line of our server holds and nobody else's does.
    pub(crate) fn marker(&self) -> String {
        self.settings().display().to_string()
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The running node, if it runs.
    pub(crate) fn running(&self) -> Option<Running> {
        let pid = fs::read_to_string(self.folder.join("pid")).ok()?.trim().parse().ok()?;
        let ports = self.ports().ok()?;
        process::is_ours(pid, &self.marker())
            .then(|| Running { pid, bootstrap: format!("127.0.0.1:{}", ports.clients) })
    }

    /// Starts on free ports with nothing in the data folder.
    pub(crate) fn start_fresh(&self, jars: &Path) -> anyhow::Result<Running> {
        for attempt in 1..=START_TRIES {
            if self.folder.exists() {
                fs::remove_dir_all(&self.folder)
                    .with_context(|| format!("emptying {}", self.folder.display()))?;
            }
            fs::create_dir_all(&self.folder)?;
            let ports = free_ports()?;
            fs::write(self.folder.join("ports"), format!("{} {}\n", ports.clients, ports.controller))?;
            fs::write(self.settings(), properties::render(ports, &self.data()))?;
            self.format(jars)?;
            match self.launch(jars, ports) {
                Ok(running) => return Ok(running),
                Err(_) if attempt < START_TRIES && self.lost_its_port() => {
                    eprintln!("a port was taken by somebody else; trying others");
                }
                Err(error) => return Err(error),
            }
        }
        bail!("no free ports in {START_TRIES} tries")
    }

    /// Starts on the ports and data of the last start.
    pub(crate) fn start_again(&self, jars: &Path) -> anyhow::Result<Running> {
        let ports = self.ports().with_context(|| format!("kafka `{}` was never started", self.name))?;
        self.launch(jars, ports)
    }

    /// Removes the pid file; data and log stay until the next start.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        match fs::remove_file(self.folder.join("pid")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes the folder of an instance that does not run.
    pub(crate) fn remove(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn ports(&self) -> anyhow::Result<Ports> {
        let text = fs::read_to_string(self.folder.join("ports"))?;
        let (clients, controller) = text.trim().split_once(' ').context("reading the file `ports`")?;
        Ok(Ports { clients: clients.parse()?, controller: controller.parse()? })
    }

    fn format(&self, jars: &Path) -> anyhow::Result<()> {
        let output = java(jars, "128m")
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
            .arg(self.settings())
            .stdin(Stdio::null())
            .output()
            .context("running java")?;
        if !output.status.success() {
            bail!("formatting {} failed: {}", self.data().display(), String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    fn launch(&self, jars: &Path, ports: Ports) -> anyhow::Result<Running> {
        let log = File::options().create(true).append(true).open(self.log())?;
        // A group of its own: Ctrl-C on the task must not reach the server half way.
        let mut child = java(jars, "768m")
            .arg("kafka.Kafka")
            .arg(self.settings())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("running java")?;
        fs::write(self.folder.join("pid"), format!("{}\n", child.id()))?;
        self.wait(&mut child, ports)?;
        Ok(Running { pid: child.id(), bootstrap: format!("127.0.0.1:{}", ports.clients) })
    }

    fn wait(&self, child: &mut Child, ports: Ports) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "kafka `{}` ended while starting ({status}); its log ends:\n{}",
                    self.name,
                    self.tail()
                );
            }
            if probe::answers(ports.clients) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                child.kill()?;
                child.wait()?;
                let seconds = START_PATIENCE.as_secs();
                bail!(
                    "kafka `{}` did not answer within {seconds} s; its log ends:\n{}",
                    self.name,
                    self.tail()
                );
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn tail(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    }

    fn lost_its_port(&self) -> bool {
        fs::read_to_string(self.log()).is_ok_and(|log| log.contains("Address already in use"))
    }
}

/// `java` with the jars on its class path and a bound on its heap.
pub(crate) fn java(jars: &Path, heap: &str) -> Command {
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap}")).arg("-Dorg.slf4j.simpleLogger.showDateTime=true");
    command.arg("-cp").arg(jars::class_path(jars));
    command
}

fn free_ports() -> anyhow::Result<Ports> {
    let clients = TcpListener::bind(("127.0.0.1", 0))?;
    let controller = TcpListener::bind(("127.0.0.1", 0))?;
    Ok(Ports { clients: clients.local_addr()?.port(), controller: controller.local_addr()?.port() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        assert!(Instance::named("../etc").is_err());
        assert!(Instance::named("").is_err());
        assert!(Instance::named("second-1").is_ok());
    }

    #[test]
    fn an_instance_never_started_does_not_run() {
        assert_eq!(Instance::named("never-started").unwrap().running(), None);
    }
}
