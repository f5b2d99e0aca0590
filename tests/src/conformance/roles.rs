//! Parts of a case that must be processes of their own, because they are killed or frozen.
//!
//! The test program runs itself again with a role on its command line. A child says lines on standard output, ends
//! when its standard input does, and is killed when its handle is dropped, so that none outlives the run.

mod broker;
mod member;
mod worker;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::wait::{Deadline, PATIENCE};

/// The first word of a child's command line.
const FLAG: &str = "--role";

/// This program, even when a build has put another in its place since.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// What a child is to do.
#[derive(Debug, Clone)]
pub enum Role {
    /// The embedded broker on a folder.
    Broker {
        /// Address to listen on; port 0 takes a free one.
        listen: String,
        /// Its folder.
        dir: PathBuf,
    },
    /// A member of a group that reads and says `assigned N` at each change.
    Member {
        /// Broker.
        bootstrap: String,
        /// Topic it subscribes to.
        topic: String,
        /// Group.
        group: String,
        /// Session time-out in milliseconds.
        session_ms: u32,
    },
    /// A member that copies a topic to another exactly once.
    Worker(Worker),
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Broker.
    pub bootstrap: String,
    /// Topic read.
    pub input: String,
    /// Topic written, partition by partition.
    pub output: String,
    /// Group.
    pub group: String,
    /// Stable transactional id.
    pub transactional_id: String,
    /// Stops for ever inside this transaction, records and positions sent, and says `open`; 0 never.
    pub hang_in: u32,
}

impl Role {
    fn words(&self) -> Vec<String> {
        match self {
            Self::Broker { listen, dir } => vec!["broker".into(), listen.clone(), dir.display().to_string()],
            Self::Member { bootstrap, topic, group, session_ms } => {
                vec!["member".into(), bootstrap.clone(), topic.clone(), group.clone(), session_ms.to_string()]
            }
            Self::Worker(w) => vec![
                "worker".into(),
                w.bootstrap.clone(),
                w.input.clone(),
                w.output.clone(),
                w.group.clone(),
                w.transactional_id.clone(),
                w.hang_in.to_string(),
            ],
        }
    }

    fn parse(words: &[String]) -> anyhow::Result<Self> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            ["broker", listen, dir] => Self::Broker { listen: (*listen).into(), dir: (*dir).into() },
            ["member", bootstrap, topic, group, session_ms] => Self::Member {
                bootstrap: (*bootstrap).into(),
                topic: (*topic).into(),
                group: (*group).into(),
                session_ms: session_ms.parse()?,
            },
            ["worker", bootstrap, input, output, group, id, hang_in] => Self::Worker(Worker {
                bootstrap: (*bootstrap).into(),
                input: (*input).into(),
                output: (*output).into(),
                group: (*group).into(),
                transactional_id: (*id).into(),
                hang_in: hang_in.parse()?,
            }),
            other => bail!("no role {other:?}"),
        })
    }
}

/// Plays the role on this process's command line; `None` when there is none and the tests are to run.
pub fn play() -> Option<anyhow::Result<()>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().map(String::as_str) != Some(FLAG) {
        return None;
    }
    Some(Role::parse(&words[1..]).and_then(|role| match role {
        Role::Broker { listen, dir } => broker::serve(&listen, dir),
        Role::Member { bootstrap, topic, group, session_ms } => {
            end_with_parent();
            member::run(&bootstrap, &topic, &group, session_ms)
        }
        Role::Worker(worker) => {
            end_with_parent();
            worker::run(&worker)
        }
    }))
}

/// Ends this process when the parent lets go of its standard input.
fn end_with_parent() {
    thread::spawn(|| {
        wait_for_parent();
        std::process::exit(0);
    });
}

/// Returns when the parent lets go of our standard input.
fn wait_for_parent() {
    let mut rest = Vec::new();
    drop(std::io::stdin().read_to_end(&mut rest));
}

/// Tells the parent.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// A running child.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
}

impl Child {
    /// Starts a process in a role.
    pub fn start(role: &Role) -> anyhow::Result<Self> {
        let mut process = Command::new(OWN_PROGRAM)
            .arg(FLAG)
            .args(role.words())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a child")?;
        let out = process.stdout.take().context("a child without standard output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, lines })
    }

    /// The next line, or `None` when none came in time. An ended child is an error.
    pub fn line(&mut self, wait: Duration) -> anyhow::Result<Option<String>> {
        match self.lines.recv_timeout(wait) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the child ended: {:?}", self.process.wait()?),
        }
    }

    /// Waits for a line that begins so; what follows.
    pub fn expect_line(&mut self, wanted: &str) -> anyhow::Result<String> {
        let deadline = Deadline::new(format!("a child says `{wanted}`"));
        let mut last = String::new();
        loop {
            if let Some(line) = self.line(PATIENCE / 10)? {
                if let Some(rest) = line.strip_prefix(wanted) {
                    return Ok(rest.to_owned());
                }
                last = line;
            }
            deadline.check(|| format!("its last line `{last}`"))?;
        }
    }

    /// Stops the process where it is; its connections stay open.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.signal("STOP")
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.signal("CONT")
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        let line = format!("kill -{name} {}", self.process.id());
        let status = Command::new("sh").args(["-c", &line]).status()?;
        ensure!(status.success(), "`{line}` failed: {status}");
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Already gone is as good; a zombie would stay without the wait.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
