//! Runs the conformance suite of the log port on all three implementations, each case as a test of its own:
//! `sim::case`, `embedded::case` on a broker started in this process, `apache::case` at the address in
//! `BELLWETHER_KAFKA`. Without the address those are listed as ignored, with the reason beside the name.
//!
//! `BELLWETHER_KAFKA_SETTINGS` adds client settings to that address, as `name=value` words: a cluster behind TLS and
//! SASL, another group protocol.
//!
//! One case more runs where there are processes to freeze: a member that was stopped until its partition moved.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use bellwether_broker::{Broker, BrokerOptions};
use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::sim::{Sim, SimOptions};
use bellwether_log::suite::{Case, Harness, cases};
use bellwether_log::{
    Assignor, Cleanup, EventLog, FencingToken, GroupOptions, Member, NewRecord, Polled, Position, Record,
    TimestampKind, TopicPartition, TopicSpec, Transaction,
};
use bytes::Bytes;
use libtest_mimic::{Arguments, Failed, Trial};

/// Where Apache Kafka listens.
const ADDRESS: &str = "BELLWETHER_KAFKA";
/// Client settings for it.
const SETTINGS: &str = "BELLWETHER_KAFKA_SETTINGS";
/// Set for a child process: what the frozen member is to do.
const CHILD: &str = "BELLWETHER_PORT_CHILD";
/// Cases wait more than they work.
const THREADS: usize = 6;
/// Kafka's default lower bound on sessions.
const SESSION: Duration = Duration::from_secs(6);
/// How long anything expected may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    if let Ok(orders) = std::env::var(CHILD) {
        return match frozen_member(&orders) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = answer(&format!("failed {error:#}"));
                ExitCode::FAILURE
            }
        };
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let apache = std::env::var(ADDRESS).ok();
    let embedded = Arc::new(Embedded::default());
    let mut trials = Vec::new();
    for case in cases() {
        trials.push(Trial::test(format!("sim::{}", case.name), move || run(&case, &Simulated::default())));
        if case.simulated {
            continue;
        }
        let node = Arc::clone(&embedded);
        let test = move || run(&case, &Cluster::connect(&node.address()?)?);
        trials.push(Trial::test(format!("embedded::{}", case.name), test));
        let address = apache.clone();
        trials.push(at_address(format!("apache::{}", case.name), address, move |address| {
            run(&case, &Cluster::connect(address)?)
        }));
    }
    const FROZEN: &str = "a_frozen_member_cannot_commit_what_has_moved";
    let node = Arc::clone(&embedded);
    trials.push(Trial::test(format!("embedded::{FROZEN}"), move || {
        a_frozen_member_cannot_commit_what_has_moved(&node.address()?)
            .map_err(|error| Failed::from(format!("{error:#}")))
    }));
    trials.push(at_address(format!("apache::{FROZEN}"), apache, |address| {
        a_frozen_member_cannot_commit_what_has_moved(address)
            .map_err(|error| Failed::from(format!("{error:#}")))
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    embedded.stop();
    conclusion.exit_code()
}

fn at_address(
    name: String,
    address: Option<String>,
    test: impl FnOnce(&str) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match address {
        Some(address) => Trial::test(name, move || test(&address)),
        None => {
            Trial::test(name, || Ok(())).with_kind(format!("{ADDRESS} is not set")).with_ignored_flag(true)
        }
    }
}

fn run(case: &Case, harness: &dyn Harness) -> Result<(), Failed> {
    (case.run)(harness).map_err(|failure| Failed::from(failure.to_string()))
}

/// A name no other case, run or process uses.
fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("port-{name}-{now:x}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

struct Simulated(Sim);

impl Default for Simulated {
    fn default() -> Self {
        Self(Sim::new(SimOptions::default()))
    }
}

impl Harness for Simulated {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.0.process())
    }

    fn unique(&self, name: &str) -> String {
        unique(name)
    }

    fn sim(&self) -> Option<Sim> {
        Some(self.0.clone())
    }
}

struct Cluster(KafkaLog);

impl Cluster {
    fn connect(address: &str) -> Result<Self, Failed> {
        let mut options = options(address).map_err(|error| Failed::from(format!("{error:#}")))?;
        // Rebalances are heard of at a heartbeat.
        options.heartbeat_interval = Duration::from_millis(200);
        Ok(Self(KafkaLog::connect(options)?))
    }
}

/// Options for an address; the further settings are those of Apache Kafka's.
fn options(address: &str) -> anyhow::Result<KafkaOptions> {
    let apache = std::env::var(ADDRESS).is_ok_and(|apache| apache == address);
    let words = if apache { std::env::var(SETTINGS).unwrap_or_default() } else { String::new() };
    let mut settings = BTreeMap::from([("bootstrap.servers".to_owned(), address.to_owned())]);
    for word in words.split_whitespace() {
        let (name, value) =
            word.split_once('=').with_context(|| format!("{SETTINGS}: `{word}` has no `=`"))?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    Ok(KafkaOptions::from_settings(settings)?)
}

impl Harness for Cluster {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.0.clone())
    }

    fn unique(&self, name: &str) -> String {
        unique(name)
    }
}

/// The embedded broker of the run, started by the first case that asks.
#[derive(Default)]
struct Embedded(Mutex<Option<Running>>);

struct Running {
    broker: Broker,
    runtime: tokio::runtime::Runtime,
    address: String,
    _folder: tempfile::TempDir,
}

impl Embedded {
    fn address(&self) -> Result<String, Failed> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref() {
            return Ok(running.address.clone());
        }
        let folder = tempfile::tempdir()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let options = BrokerOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)), folder.path());
        let broker = runtime.block_on(Broker::start(options))?;
        let address = broker.local_addr().to_string();
        *running = Some(Running { broker, runtime, address: address.clone(), _folder: folder });
        Ok(address)
    }

    fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { broker, runtime, .. }) = running {
            let _ = runtime.block_on(broker.stop());
        }
    }
}

/// A batch that was read before the member was frozen is not committed once another member has the partition,
/// although the frozen one heard of nothing.
fn a_frozen_member_cannot_commit_what_has_moved(address: &str) -> anyhow::Result<()> {
    let (input, output, group) = (unique("in"), unique("out"), unique("group"));
    let log = connect(address)?;
    log.create_topics(&[topic(&input), topic(&output)])?;
    log.appender()?.append((0..3).map(|number| record(&input, &format!("v{number}"))).collect())?;

    let mut frozen = Frozen::start(&[address, &input, &output, &group])?;
    frozen.expect("batch 3")?;
    frozen.signal("STOP")?;

    let mut heir = log.join(member(&group, &input))?;
    let (taken, token) = take(heir.as_mut(), 3)?;
    commit(heir.as_mut(), &output, "heir", &taken, token)?;

    frozen.signal("CONT")?;
    frozen.say("commit")?;
    let said = frozen.line()?;
    ensure!(said == "refused Aborted" || said == "refused Fenced", "the frozen member said `{said}`");

    let mut reader = log.read(&TopicPartition::new(&output, 0), 0)?;
    let read = reader.next(POLL)?;
    let values: Vec<&[u8]> = read.iter().filter_map(|record| record.value.as_deref()).collect();
    ensure!(values == [b"heir"], "the output holds {values:?}");
    let partition = TopicPartition::new(&input, 0);
    let committed = log.committed(&group, std::slice::from_ref(&partition))?;
    ensure!(committed == [Position { partition, next_offset: 3 }], "committed {committed:?}");
    heir.leave()?;
    Ok(())
}

/// The child's part: reads a batch, waits for the word, tries to commit, says what came of it.
fn frozen_member(orders: &str) -> anyhow::Result<()> {
    let orders: Vec<&str> = orders.split(' ').collect();
    let [address, input, output, group] = orders.as_slice() else { bail!("four orders, not {orders:?}") };
    let log = connect(address)?;
    let mut member = log.join(member(group, input))?;
    let (taken, token) = take(member.as_mut(), 3)?;
    answer(&format!("batch {}", taken.len()))?;
    let mut word = String::new();
    std::io::stdin().read_line(&mut word)?;
    match commit(member.as_mut(), output, "frozen", &taken, token) {
        Ok(()) => answer("committed"),
        Err(error) => answer(&format!("refused {:?}", error.class())),
    }
}

/// Says a line to the parent.
fn answer(line: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

fn connect(address: &str) -> anyhow::Result<KafkaLog> {
    let mut options = options(address)?;
    options.session_timeout = SESSION;
    Ok(KafkaLog::connect(options)?)
}

fn member(group: &str, topic: &str) -> GroupOptions {
    GroupOptions {
        group: group.to_owned(),
        topics: vec![topic.to_owned()],
        assignor: Assignor::CooperativeSticky,
        transactional_id: unique("id"),
        start_at_beginning: true,
        max_batch_bytes: 1 << 20,
        max_batch_records: 100,
    }
}

fn take(member: &mut dyn Member, count: usize) -> anyhow::Result<(Vec<Record>, FencingToken)> {
    let mut taken = Vec::new();
    for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
        match member.poll(POLL)? {
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    member.start(&assignment.partition, assignment.committed.unwrap_or(0))?;
                }
            }
            Polled::Batch { records, token } => {
                taken.extend(records);
                if taken.len() >= count {
                    return Ok((taken, token));
                }
            }
            Polled::Revoked { .. } | Polled::Idle { .. } => {}
        }
    }
    bail!("waited for {count} records, got {}", taken.len())
}

fn commit(
    member: &mut dyn Member,
    output: &str,
    value: &str,
    taken: &[Record],
    token: FencingToken,
) -> bellwether_log::Result<()> {
    let mut next: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    for record in taken {
        next.insert(record.from.clone(), record.offset + 1);
    }
    let positions =
        next.into_iter().map(|(partition, next_offset)| Position { partition, next_offset }).collect();
    member.commit(Transaction { records: vec![record(output, value)], positions, token }).map(drop)
}

fn record(topic: &str, value: &str) -> NewRecord {
    NewRecord {
        to: TopicPartition::new(topic, 0),
        key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

fn topic(name: &str) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions: 1,
        replication: 1,
        cleanup: Cleanup::Delete,
        retention_ms: -1,
        timestamps: TimestampKind::CreateTime,
        settings: Vec::new(),
    }
}

/// The child process. Killed when dropped.
struct Frozen {
    child: Child,
    lines: Receiver<String>,
}

impl Frozen {
    fn start(orders: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(CHILD, orders.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the member to freeze")?;
        let output = child.stdout.take().context("its output")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    fn line(&self) -> anyhow::Result<String> {
        self.lines.recv_timeout(PATIENCE).context("waiting for a word of the frozen member")
    }

    fn expect(&self, expected: &str) -> anyhow::Result<()> {
        let line = self.line()?;
        ensure!(line == expected, "the member to freeze said `{line}`, not `{expected}`");
        Ok(())
    }

    fn say(&mut self, word: &str) -> anyhow::Result<()> {
        let input = self.child.stdin.as_mut().context("its input")?;
        writeln!(input, "{word}")?;
        Ok(())
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status()?;
        ensure!(status.success(), "kill -s {name}: {status}");
        Ok(())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
