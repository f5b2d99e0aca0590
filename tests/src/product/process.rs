//! Processes: commands that end by themselves, and `up` and `broker`, which run until they are stopped or killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::program;
use super::settings::Settings;
use crate::conformance::wait::{Deadline, TURN, eventually};

/// One wait for a line.
const LINE: Duration = Duration::from_millis(500);
/// One question to `/readyz`.
const ASK: Duration = Duration::from_secs(5);
/// Settings of the surroundings, none of which is for the processes under test.
const OURS: &str = "BELLWETHER_";

/// What a command that ended said.
#[derive(Debug)]
pub struct Printed {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub errors: String,
}

impl Printed {
    /// Fails unless it ended with this code.
    pub fn expect(self, code: i32) -> anyhow::Result<Self> {
        ensure!(self.code == Some(code), "exit {:?}, not {code}: {}{}", self.code, self.out, self.errors);
        Ok(self)
    }
}

/// Runs a command of `bellwether` to its end.
pub fn run(settings: &Settings, words: &[&str]) -> anyhow::Result<Printed> {
    let mut process = Process::start(settings, words)?;
    let deadline = Deadline::new(format!("bellwether {} ends", words.join(" ")));
    let status = loop {
        match process.line() {
            Ok(Some(_)) => {}
            Ok(None) => deadline.check(|| process.printed.join("\n"))?,
            Err(status) => break status?,
        }
    };
    Ok(Printed { code: status.code(), out: process.printed.join("\n"), errors: process.errors() })
}

/// Starts `bellwether up` and waits until it is ready.
pub fn up(settings: &Settings) -> anyhow::Result<Process> {
    let mut process = launch(settings)?;
    process.ready()?;
    Ok(process)
}

/// Starts `bellwether up` and waits until it tells where its brokers are; its roles may still be on their way.
pub fn launch(settings: &Settings) -> anyhow::Result<Process> {
    let mut process = Process::start(settings, &["up"])?;
    process.servers = process.expect_word("--bootstrap-servers ")?;
    Ok(process)
}

/// Starts `bellwether broker` and waits until it listens.
pub fn broker(settings: &Settings) -> anyhow::Result<Process> {
    let mut process = Process::start(settings, &["broker"])?;
    process.servers = process.expect_word("listening on ")?;
    Ok(process)
}

/// A running process, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    printed: Vec<String>,
    /// Brokers it speaks to.
    pub servers: String,
    http: Option<String>,
    errors: PathBuf,
}

impl Process {
    /// Starts a command of `bellwether`.
    pub fn start(settings: &Settings, words: &[&str]) -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let config = settings.file(number)?;
        let errors = settings.dir.join(format!("process-{number}.log"));
        let mut command = Command::new(program::bellwether()?);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(OURS) {
                command.env_remove(name);
            }
        }
        let file = File::create(&errors).with_context(|| format!("making {}", errors.display()))?;
        command.arg("--config").arg(config).args(words);
        command.current_dir(&settings.dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().context("starting bellwether")?;
        let out = child.stdout.take().context("a process without standard output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines, printed: Vec::new(), servers: String::new(), http: None, errors })
    }

    /// The next line, `Ok(None)` when none came in time, `Err` with how it ended.
    fn line(&mut self) -> Result<Option<String>, anyhow::Result<ExitStatus>> {
        match self.lines.recv_timeout(LINE) {
            Ok(line) => {
                if let Some((_, rest)) = line.split_once("http://")
                    && let Some((address, _)) = rest.split_once("/metrics")
                {
                    self.http = Some(address.to_owned());
                }
                self.printed.push(line.clone());
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.child.wait().context("waiting for its end")),
        }
    }

    /// Waits for a line that holds these words; the word after them.
    fn expect_word(&mut self, words: &str) -> anyhow::Result<String> {
        let deadline = Deadline::new(format!("it prints `{words}`"));
        loop {
            match self.line() {
                Ok(Some(line)) => {
                    let rest = line.split_once(words).map(|(_, rest)| rest);
                    if let Some(word) = rest.and_then(|rest| rest.split_whitespace().next()) {
                        return Ok(word.to_owned());
                    }
                }
                Ok(None) => deadline.check(|| self.errors())?,
                Err(status) => bail!("it ended, {}: {}", status?, self.errors()),
            }
        }
    }

    /// Waits until `/readyz` says so.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        let http = self.http.clone().context("it has told no HTTP address")?;
        eventually("it is ready", || {
            self.check()?;
            Ok(ask(&http, "/readyz").ok().filter(|answer| answer.starts_with("HTTP/1.1 200")))
        })
        .with_context(|| self.errors())?;
        Ok(())
    }

    /// Fails when it has ended by itself. Takes a turn, so that who looks again and again leaves it the processor.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if let Ok(line) = self.lines.recv_timeout(TURN) {
            self.printed.push(line);
        }
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended, {status}: {}", self.errors()),
        }
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().context("killing it")?;
        self.child.wait().context("waiting for its end")?;
        Ok(())
    }

    /// SIGTERM; fails unless it ends in time and well.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status()?;
        ensure!(status.success(), "SIGTERM to {id} failed: {status}");
        let ended = eventually("it stops when asked to", || Ok(self.child.try_wait()?))?;
        ensure!(ended.success(), "it stopped with {ended}: {}", self.errors());
        Ok(())
    }

    /// What it wrote to standard error.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good; a zombie would stay without the wait.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks by HTTP; the whole answer.
fn ask(address: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ASK))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
