//! A place to run Bellwether: the binary, a temporary folder, one configuration file, a log.
//!
//! Keys are zeros, so that a bench can fold the same facts itself and expect the same ids. Everything listens on loopback
//! and is gone, folder included, when the bench ends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::process::{self, Process};

/// Partitions of facts: the default of the configuration.
pub const FACTS_PARTITIONS: u32 = 16;
/// Partitions of triggers and key results: the default of the configuration.
pub const FUNCTION_PARTITIONS: u32 = 4;
/// Account of the PagerDuty webhooks.
pub const ACCOUNT: &str = "bench";
/// Their signing secret.
pub const SECRET: &str = "a secret of the benchmark";
/// What `up` may take to become ready: sixty times the target.
const READY: Duration = Duration::from_secs(60);

/// Binary, folder, configuration.
#[derive(Debug)]
pub struct Site {
    binary: PathBuf,
    dir: TempDir,
    prefix: String,
}

impl Site {
    /// A fresh folder. The prefix keeps the topics of runs on one cluster apart.
    ///
    /// # Errors
    /// When the binary is not there or the folder cannot be made.
    pub fn new(binary: Option<&Path>) -> Result<Self> {
        let binary = process::binary(binary)?;
        let dir =
            tempfile::Builder::new().prefix("bellwether-bench-").tempdir().context("making a folder")?;
        // The number of the folder is as unlikely to come again as one can wish.
        let unique = dir.path().file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
        let prefix = format!("bench-{}-{}", std::process::id(), unique.rsplit('-').next().unwrap_or("0"));
        let zeros = "0".repeat(64);
        let settings = format!(
            "dir = {:?}\n[kafka]\nprefix = {prefix:?}\n[keys]\nid-key = {zeros:?}\npseudonym-key = {zeros:?}\n\
             [notify]\nterminal = false\n[[connect.pagerduty]]\naccount = {ACCOUNT:?}\nsecrets = [{SECRET:?}]\n",
            dir.path().join("data"),
        );
        std::fs::write(dir.path().join("bellwether.toml"), settings).context("writing the configuration")?;
        Ok(Self { binary, dir, prefix })
    }

    /// First part of topic names.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A file or folder of the site.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The binary with the site's configuration and some words.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.path("bellwether.toml")).args(words);
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output().context("running the binary")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`bellwether {}` failed:\n{text}{errors}", words.join(" "));
        Ok(text)
    }

    /// Starts a command that goes on.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, name: &str, words: &[&str]) -> Result<Process> {
        Process::start(self.command(words), &self.path(&format!("{name}.log")))
    }

    /// The embedded broker in a process of its own, and how long after its start it listened.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_broker(&self) -> Result<(Process, SocketAddr, Duration)> {
        let address = process::free_address()?;
        let mut broker = self.start("broker", &["broker", "--listen", &address.to_string()])?;
        let took = broker.until_listening(address)?;
        Ok((broker, address, took))
    }

    /// Every role in one process, on the embedded broker or on a cluster, ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_up(&self, cluster: Option<&str>) -> Result<Up> {
        let (listen, http) = (process::free_address()?, process::free_address()?);
        let (listen_text, http_text) = (listen.to_string(), http.to_string());
        let words = match cluster {
            Some(servers) => vec!["--bootstrap-servers", servers, "up", "--http", &http_text],
            None => vec!["up", "--listen", &listen_text, "--http", &http_text],
        };
        let mut process = self.start("up", &words)?;
        let ready_after = process.until_ready(http, READY)?;
        let servers = cluster.unwrap_or(&listen_text).to_owned();
        Ok(Up { process, http, servers, ready_after })
    }
}

/// A running `bellwether up`.
#[derive(Debug)]
pub struct Up {
    /// It.
    pub process: Process,
    /// Where metrics, health and webhooks are.
    pub http: SocketAddr,
    /// Where its log is.
    pub servers: String,
    /// From its start until `/readyz` said yes.
    pub ready_after: Duration,
}
