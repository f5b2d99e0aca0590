//! A process under test: started, watched through `/proc`, ended by its pid however the bench ends.
//!
//! CPU is user and system time of all its threads, those that ended included, in the kernel's ticks of 10 ms.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Ticks of a second: what Linux shows to programs, on every architecture.
const TICKS: f64 = 100.0;
/// What a graceful stop may take.
const STOP: Duration = Duration::from_secs(30);
/// Between two looks at something that starts or stops.
const LOOK: Duration = Duration::from_millis(1);
/// Longest wait for an answer of a local port.
const ANSWER: Duration = Duration::from_secs(5);

/// A started process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    started: Instant,
}

impl Process {
    /// Starts a command whose words go to a file.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("making {}", log.display()))?;
        let errors = file.try_clone().context("sharing the file of a process")?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {}", show(&command)))?;
        Ok(Self { child, log: log.to_owned(), started })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Since it was started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// CPU time so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(self.pid())
    }

    /// Memory now and at most.
    ///
    /// # Errors
    /// When it has ended.
    pub fn memory(&self) -> Result<Memory> {
        memory_of(self.pid())
    }

    /// Waits until something holds, and says how long after the start that was.
    ///
    /// # Errors
    /// When the process ends, or the time is up.
    pub fn until(
        &mut self,
        what: &str,
        patience: Duration,
        look: Duration,
        mut holds: impl FnMut() -> bool,
    ) -> Result<Duration> {
        let began = Instant::now();
        while !holds() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the process ended with {status} before it was {what}:\n{}", self.tail());
            }
            if began.elapsed() > patience {
                bail!("not {what} within {} s:\n{}", patience.as_secs(), self.tail());
            }
            std::thread::sleep(look);
        }
        Ok(self.age())
    }

    /// Waits until it listens on an address, and says how long after the start that was.
    ///
    /// # Errors
    /// When the process ends, or does not listen within a minute.
    pub fn until_listening(&mut self, address: SocketAddr) -> Result<Duration> {
        self.until("listening", Duration::from_secs(60), LOOK, || TcpStream::connect(address).is_ok())
    }

    /// Waits until `/readyz` of an address answers 200, and says how long after the start that was.
    ///
    /// # Errors
    /// When the process ends, or is not ready in time.
    pub fn until_ready(&mut self, http: SocketAddr, patience: Duration) -> Result<Duration> {
        self.until("ready", patience, LOOK * 2, || {
            get(http, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
        })
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    /// When it does not end in time, or ends with an error.
    pub fn stop(mut self) -> Result<()> {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().context("running kill")?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "the process ended with {status}:\n{}", self.tail());
                return Ok(());
            }
            anyhow::ensure!(began.elapsed() < STOP, "the process does not stop:\n{}", self.tail());
            std::thread::sleep(LOOK);
        }
    }

    /// Ends it at once, as a crash would.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it ends by itself; its CPU time at the last look before that.
    ///
    /// # Errors
    /// When it fails.
    pub fn wait(mut self) -> Result<Ended> {
        let (mut cpu, mut memory) = (Duration::ZERO, Memory::default());
        loop {
            cpu = self.cpu().unwrap_or(cpu);
            memory = self.memory().unwrap_or(memory);
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "the process ended with {status}:\n{}", self.tail());
                return Ok(Ended { took: self.age(), cpu, memory });
            }
            std::thread::sleep(LOOK * 5);
        }
    }

    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago: then there is nothing left to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a process that ended by itself came to.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// From start to end.
    pub took: Duration,
    /// CPU time at the last look.
    pub cpu: Duration,
    /// Memory at the last look.
    pub memory: Memory,
}

/// Resident memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Now, in megabytes of a million bytes.
    pub now_mb: f64,
    /// At most since the process began.
    pub peak_mb: f64,
}

/// CPU time of a process.
///
/// # Errors
/// When there is no such process.
pub fn cpu_of(pid: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("reading {pid}"))?;
    // The name may hold anything, a bracket too; what follows the last one is numbers. utime and stime are the
    // 14th and 15th field, the state after the name being the 3rd.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place - 3).and_then(|field| field.parse::<f64>().ok());
    let (user, system) = ticks(14).zip(ticks(15)).context("/proc/PID/stat is not as expected")?;
    Ok(Duration::from_secs_f64((user + system) / TICKS))
}

/// Resident memory of a process.
///
/// # Errors
/// When there is no such process.
pub fn memory_of(pid: u32) -> Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("reading {pid}"))?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    let (now, peak) = field("VmRSS:").zip(field("VmHWM:")).context("the process has ended")?;
    Ok(Memory { now_mb: now * 1024.0 / 1e6, peak_mb: peak * 1024.0 / 1e6 })
}

/// What a process uses over a while.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Of one core, in per cent.
    pub cpu_percent: f64,
    /// Times a second that one of its threads was put aside, by itself or by another. What one costs depends on what
    /// else the machine does, by a factor of two and more; their number does not.
    pub switches: f64,
}

/// What a process uses over a while.
///
/// # Errors
/// When it ends.
pub fn use_of(pid: u32, over: Duration) -> Result<Use> {
    let (cpu, switches, began) = (cpu_of(pid)?, switches_of(pid)?, Instant::now());
    std::thread::sleep(over);
    let seconds = began.elapsed().as_secs_f64();
    let used = cpu_of(pid)?.saturating_sub(cpu);
    // A thread that began since counts from nought; one that ended is not seen any more.
    let later = switches_of(pid)?;
    let more = later.iter().map(|(thread, now)| now - switches.get(thread).copied().unwrap_or(0).min(*now));
    Ok(Use {
        cpu_percent: used.as_secs_f64() / seconds * 100.0,
        switches: more.sum::<u64>() as f64 / seconds,
    })
}

/// Context switches of each thread of a process.
fn switches_of(pid: u32) -> Result<BTreeMap<OsString, u64>> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("reading {pid}"))?;
    let of = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("status")).ok()?;
        let counts = text.lines().filter(|line| line.contains("voluntary_ctxt_switches:"));
        let count = counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum();
        Some((thread.file_name(), count))
    };
    // A thread that ends meanwhile is passed over.
    Ok(threads.flatten().filter_map(of).collect())
}

/// The process of this machine that listens on a port, found through `/proc`; none when it is not ours to see.
pub fn listener_pid(port: u16) -> Option<u32> {
    let wanted = format!(":{port:04X}");
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let socket = tables.iter().flat_map(|table| table.lines()).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields.get(3) == Some(&"0A") && fields.get(1).is_some_and(|at| at.ends_with(&wanted));
        listens.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]"))).flatten()
    })?;
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        let holds =
            |file: fs::DirEntry| fs::read_link(file.path()).is_ok_and(|to| to.to_str() == Some(&*socket));
        files.any(holds).then_some(pid)
    })
}

/// A loopback address that is free now.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?)
}

/// Answer of a local HTTP server to a GET.
///
/// # Errors
/// When it does not answer.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The binary under test: as named, else `bellwether` beside this bench's own.
///
/// # Errors
/// When it is not there.
pub fn binary(named: Option<&Path>) -> Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe().context("finding the bench itself")?.with_file_name("bellwether"),
    };
    anyhow::ensure!(
        path.is_file(),
        "there is no {}: run `cargo build --release -p bellwether`, or name one with --binary",
        path.display()
    );
    Ok(path)
}

fn show(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let program = command.get_program().to_string_lossy().into_owned();
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_by_its_port_and_by_its_own_figures() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        assert_eq!(listener_pid(port), Some(std::process::id()));
        assert!(memory_of(std::process::id()).expect("alive").peak_mb > 1.0);
        cpu_of(std::process::id()).expect("alive");
        assert!(!switches_of(std::process::id()).expect("alive").is_empty());
    }

    #[test]
    fn a_process_that_ends_early_is_told_with_its_words() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", "echo cannot go on; exit 3"]);
        let mut process = Process::start(command, &dir.path().join("log")).expect("started");
        let error = process.until("ready", Duration::from_secs(30), LOOK, || false).expect_err("it ends");
        assert!(error.to_string().contains("cannot go on"), "{error}");
    }
}
