//! A broker of one's own, for cases that kill it.

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::cluster::unique;
use super::roles::{Child, Role};
use super::{Cluster, Kind, xtask};

/// A broker that nobody else uses, on loopback, with a folder of its own. Ends when dropped.
#[derive(Debug)]
pub struct Node {
    bootstrap: String,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    /// Apache Kafka, started by `cargo xtask kafka` under this name.
    Apache(String),
    Embedded {
        child: Child,
        dir: TempDir,
    },
}

impl Node {
    /// Starts a broker on an empty folder.
    pub fn start(kind: Kind) -> anyhow::Result<Self> {
        match kind {
            Kind::Apache => {
                let name = unique("node");
                let inner = Inner::Apache(name.clone());
                // Kept before it runs, so that a start that fails half way is stopped too.
                let mut node = Self { bootstrap: String::new(), inner };
                node.bootstrap = kafka(&["start", "--name", &name])?;
                Ok(node)
            }
            Kind::Embedded => {
                let dir = tempfile::tempdir()?;
                let (child, bootstrap) = serve("127.0.0.1:0", &dir)?;
                Ok(Self { bootstrap, inner: Inner::Embedded { child, dir } })
            }
        }
    }

    /// The way to it.
    pub fn cluster(&self) -> Cluster {
        let kind = match self.inner {
            Inner::Apache(_) => Kind::Apache,
            Inner::Embedded { .. } => Kind::Embedded,
        };
        Cluster::new(kind, &self.bootstrap)
    }

    /// SIGKILL, then a start on the same folder and address.
    pub fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        let bootstrap = match &mut self.inner {
            Inner::Apache(name) => kafka(&["restart", "--kill", "--name", name])?,
            Inner::Embedded { child, dir } => {
                child.kill()?;
                let (next, bootstrap) = serve(&self.bootstrap, dir)?;
                *child = next;
                bootstrap
            }
        };
        ensure!(bootstrap == self.bootstrap, "restarted at {bootstrap}, not {}", self.bootstrap);
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Inner::Apache(name) = &self.inner
            && let Err(error) = kafka(&["stop", "--remove", "--name", name])
        {
            eprintln!("kafka `{name}` may still run: {error:#}");
        }
    }
}

fn serve(listen: &str, dir: &TempDir) -> anyhow::Result<(Child, String)> {
    let role = Role::Broker { listen: listen.to_owned(), dir: dir.path().to_owned() };
    let mut child = Child::start(&role)?;
    let bootstrap = child.expect_line("bootstrap=")?;
    Ok((child, bootstrap))
}

/// Runs `xtask kafka`; the address it prints, if any.
fn kafka(words: &[&str]) -> anyhow::Result<String> {
    let output = xtask::kafka()?.args(words).output().context("running xtask")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "xtask kafka {words:?}: {text}{errors}");
    Ok(text.lines().find_map(|line| line.strip_prefix("bootstrap=")).unwrap_or_default().to_owned())
}
