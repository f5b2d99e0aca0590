//! A network that loses requests and answers: a proxy in front of the embedded broker cuts connections at the worst
//! moments, and a copy made through it is exact all the same.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::ensure;
use bellwether_broker::{Broker, BrokerOptions};
use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::{EventLog, TopicPartition};

use super::client::{Copier, PATIENCE, check_copy, record, topic, unique};

const PARTITIONS: u32 = 4;
const EACH: u32 = 250;
/// One in so many of the requests below is lost, or its answer.
const ONE_IN: u32 = 31;
/// Requests a transaction depends on: Produce, OffsetFetch, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn,
/// EndTxn, TxnOffsetCommit.
const TROUBLED: [u16; 7] = [0, 9, 22, 24, 25, END_TXN, 28];
const END_TXN: u16 = 26;

pub(crate) fn a_copy_over_a_lossy_network_is_exact() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let mut copier = Copier::join(&stage.log, &stage.group, &stage.input, &stage.output)?;
    stage.network.lossy.store(true, Ordering::Relaxed);
    stage.copy(&mut copier)?;
    stage.network.lossy.store(false, Ordering::Relaxed);
    let (outcomes, lost) = (copier.outcomes.clone(), stage.network.lost.load(Ordering::Relaxed));
    copier.leave()?;
    check_copy(&stage.log, &stage.output, PARTITIONS, EACH)?;
    ensure!(lost > 10, "only {lost} requests and answers were lost");
    eprintln!("lost {lost} requests and answers; commits: {outcomes:?}");
    stage.end()
}

/// A commit that is never answered is indefinite after a bounded time; what became of it can be read back.
pub(crate) fn an_unanswered_commit_is_indefinite() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let mut copier = Copier::join(&stage.log, &stage.group, &stage.input, &stage.output)?;
    while copier.step()? == 0 {}
    stage.network.silent.store(true, Ordering::Relaxed);
    let began = Instant::now();
    while !copier.outcomes.contains_key("Indefinite") {
        copier.step()?;
        ensure!(began.elapsed() < PATIENCE, "never indefinite: {:?}", copier.outcomes);
    }
    stage.network.silent.store(false, Ordering::Relaxed);
    eprintln!("indefinite after {:.1?}", began.elapsed());
    stage.copy(&mut copier)?;
    ensure!(copier.outcomes.get("Indefinite") == Some(&1), "commits: {:?}", copier.outcomes);
    copier.leave()?;
    check_copy(&stage.log, &stage.output, PARTITIONS, EACH)?;
    stage.end()
}

/// An embedded broker behind the network, a topic full of records, one to copy them to.
struct Stage {
    network: Arc<Network>,
    log: KafkaLog,
    input: String,
    output: String,
    group: String,
    broker: Broker,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let front = listener.local_addr()?;
        let mut options = BrokerOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)), folder.path());
        options.advertised = Some((front.ip().to_string(), front.port()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let broker = runtime.block_on(Broker::start(options))?;
        let network = Arc::new(Network::new(broker.local_addr()));
        let accepting = Arc::clone(&network);
        std::thread::spawn(move || accepting.accept(&listener));

        let mut client = KafkaOptions::new(front.to_string());
        for (name, value) in [("reconnect.backoff.ms", "5"), ("reconnect.backoff.max.ms", "50")] {
            client.settings.insert(name.to_owned(), value.to_owned());
        }
        let log = KafkaLog::connect(client)?;
        let (input, output, group) = (unique("in"), unique("out"), unique("group"));
        log.create_topics(&[topic(&input, PARTITIONS), topic(&output, PARTITIONS)])?;
        let mut appender = log.appender()?;
        for partition in 0..PARTITIONS {
            let records = (0..EACH).map(|number| record(&input, partition, &format!("v{number}"))).collect();
            appender.append(records)?;
        }
        Ok(Self { network, log, input, output, group, broker, runtime, _folder: folder })
    }

    /// Copies until the group's committed positions say that all is done: an outcome nobody told counts too.
    fn copy(&self, copier: &mut Copier) -> anyhow::Result<()> {
        let inputs: Vec<_> = (0..PARTITIONS).map(|number| TopicPartition::new(&self.input, number)).collect();
        let deadline = Instant::now() + PATIENCE;
        let mut idle = 0;
        loop {
            idle = if copier.step()? == 0 { idle + 1 } else { 0 };
            if idle > 10 {
                idle = 0;
                let positions = self.log.committed(&self.group, &inputs).unwrap_or_default();
                let done: i64 = positions.iter().map(|position| position.next_offset).sum();
                if done == i64::from(PARTITIONS * EACH) {
                    return Ok(());
                }
            }
            ensure!(Instant::now() < deadline, "the copy is not done: {:?}", copier.outcomes);
        }
    }

    fn end(self) -> anyhow::Result<()> {
        drop(self.log);
        Ok(self.runtime.block_on(self.broker.stop())?)
    }
}

/// The proxy.
#[derive(Debug)]
struct Network {
    broker: SocketAddr,
    /// Whether requests and answers are lost.
    lossy: AtomicBool,
    /// Whether a commit's answer, and all that would follow it, stays out without the connection ending.
    silent: AtomicBool,
    requests: AtomicU32,
    lost: AtomicU32,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    Lost,
    AnswerLost,
    NothingAnswered,
}

impl Network {
    fn new(broker: SocketAddr) -> Self {
        Self {
            broker,
            lossy: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            lost: AtomicU32::new(0),
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(broker) = TcpStream::connect(self.broker) else { continue };
            let _ = (client.set_nodelay(true), broker.set_nodelay(true));
            let fates = Arc::new(Mutex::new(VecDeque::new()));
            let (Ok(client_end), Ok(broker_end)) = (client.try_clone(), broker.try_clone()) else { continue };
            let (network, sent) = (Arc::clone(self), Arc::clone(&fates));
            std::thread::spawn(move || network.requests(client_end, broker_end, &sent));
            std::thread::spawn(move || answers(broker, client, &fates));
        }
    }

    fn requests(&self, mut client: TcpStream, mut broker: TcpStream, fates: &Mutex<VecDeque<Fate>>) {
        while let Some(frame) = frame(&mut client) {
            let key = frame.get(4..6).map_or(u16::MAX, |key| u16::from_be_bytes([key[0], key[1]]));
            let fate = self.fate(key);
            if fate == Fate::Lost {
                break;
            }
            fates.lock().unwrap_or_else(PoisonError::into_inner).push_back(fate);
            if broker.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = (client.shutdown(Shutdown::Both), broker.shutdown(Shutdown::Both));
    }

    fn fate(&self, key: u16) -> Fate {
        if key == END_TXN && self.silent.load(Ordering::Relaxed) {
            return Fate::NothingAnswered;
        }
        if !TROUBLED.contains(&key) || !self.lossy.load(Ordering::Relaxed) {
            return Fate::Arrives;
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        // A prime, so that every kind of request has its turn.
        if number % ONE_IN != ONE_IN - 1 {
            return Fate::Arrives;
        }
        let lost = self.lost.fetch_add(1, Ordering::Relaxed);
        if lost.is_multiple_of(3) { Fate::Lost } else { Fate::AnswerLost }
    }
}

fn answers(mut broker: TcpStream, mut client: TcpStream, fates: &Mutex<VecDeque<Fate>>) {
    let mut silent = false;
    while let Some(frame) = frame(&mut broker) {
        match fates.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            Some(Fate::AnswerLost) => break,
            Some(Fate::NothingAnswered) => silent = true,
            Some(Fate::Arrives | Fate::Lost) | None => {}
        }
        if !silent && client.write_all(&frame).is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), broker.shutdown(Shutdown::Both));
}

/// One length-prefixed frame, prefix included; nothing once the stream has ended.
fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()? + 4];
    frame[..4].copy_from_slice(&length);
    stream.read_exact(&mut frame[4..]).ok()?;
    Some(frame)
}
