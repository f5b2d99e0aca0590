//! The configuration file of a process under test.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Settings a process is given; whatever is not here is the product's default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Data folder; its configuration file lies beside the data.
    pub dir: PathBuf,
    /// Brokers; `None` for the embedded one.
    pub servers: Option<String>,
    /// First part of all names.
    pub prefix: String,
    /// Partitions of facts.
    pub facts: u32,
    /// Partitions of what is partitioned by function.
    pub functions: u32,
    /// True where time comes from marks between the events.
    pub warped: bool,
}

impl Settings {
    /// One partition of each, time from the events: one order, which two runs can be compared by.
    pub fn warped(dir: &Path, prefix: &str) -> Self {
        let (dir, prefix) = (dir.to_owned(), prefix.to_owned());
        Self { dir, servers: None, prefix, facts: 1, functions: 1, warped: true }
    }

    /// Several partitions, time from the clock: as in production.
    pub fn live(dir: &Path, prefix: &str) -> Self {
        let (dir, prefix) = (dir.to_owned(), prefix.to_owned());
        Self { dir, servers: None, prefix, facts: 4, functions: 2, warped: false }
    }

    /// The same in another folder.
    pub fn at(&self, dir: &Path) -> Self {
        Self { dir: dir.to_owned(), ..self.clone() }
    }

    /// Full name of a topic.
    pub fn topic(&self, topic: bellwether_wire::topics::Topic) -> String {
        topic.name(&self.prefix)
    }

    /// Writes the configuration file of one process; its path. The keys are zero, so that ids are those of a replay and
    /// of the demo. A dead member is missed as soon as a cluster lets it be.
    pub(super) fn file(&self, process: u32) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(format!("process-{process}.toml"));
        let key = "0".repeat(64);
        let time = if self.warped { "warped" } else { "live" };
        let text = format!(
            "dir = {dir:?}\n\
             [kafka]\nbootstrap-servers = {servers:?}\nprefix = {prefix:?}\n\
             settings = {{ \"session.timeout.ms\" = 6000 }}\n\
             [topics]\nfacts-partitions = {facts}\nfunction-partitions = {functions}\ntime = {time:?}\n\
             [broker]\nlisten = \"127.0.0.1:0\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\n\
             [keys]\nid-key = {key:?}\npseudonym-key = {key:?}\n\
             [notify]\nterminal = false\n",
            dir = self.dir.display().to_string(),
            servers = self.servers.as_deref().unwrap_or_default(),
            prefix = self.prefix,
            facts = self.facts,
            functions = self.functions,
        );
        std::fs::create_dir_all(&self.dir).with_context(|| format!("making {}", self.dir.display()))?;
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}
