//! Exactly-once across kills: a worker consumes, transforms and produces in transactions while the broker is killed again
//! and again. Every input must come out once.
//!
//! The client follows the rules that make this hold anywhere: offsets in every transaction, group metadata fetched right
//! before, and after any failure that is not plainly an abort a new producer with the same id, which starts from the
//! committed offsets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;

use crate::harness::{OwnProcess, config, consumer, create_topic, drain, read_all, transactional};

const ROUNDS: usize = 8;
const INPUTS: usize = 6_000;
const PARTITIONS: i32 = 2;
const BATCH: usize = 25;
/// Transactions between two kills, so that kills fall into live work however fast the machine is.
const WORK_PER_ROUND: usize = 12;
const CALL: Duration = Duration::from_secs(5);
/// The whole test; a healthy run takes a small part of it.
const LIMIT: Duration = Duration::from_secs(240);

struct Worker {
    config: ClientConfig,
    done: Arc<AtomicBool>,
    committed: Arc<AtomicUsize>,
}

impl Worker {
    fn run(self) {
        while !self.done.load(Ordering::Relaxed) {
            // Whatever goes wrong, begin anew from what is committed.
            self.session().ok();
        }
    }

    /// Works until something fails.
    fn session(&self) -> Result<(), rdkafka::error::KafkaError> {
        let producer = transactional(&self.config, "kill-worker");
        let consumer = consumer(&self.config, "kill-group", "read_committed");
        producer.init_transactions(CALL)?;
        consumer.subscribe(&["in"])?;
        while !self.done.load(Ordering::Relaxed) {
            let batch = collect(&consumer)?;
            if !batch.is_empty() {
                self.transact(&producer, &consumer, &batch)?;
                self.committed.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn transact(
        &self,
        producer: &BaseProducer,
        consumer: &BaseConsumer,
        batch: &[(i32, i64, String)],
    ) -> Result<(), rdkafka::error::KafkaError> {
        producer.begin_transaction()?;
        let mut next: BTreeMap<i32, i64> = BTreeMap::new();
        for (partition, offset, value) in batch {
            next.insert(*partition, offset + 1);
            let record = BaseRecord::<str, str>::to("out").payload(value).partition(*partition);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        let mut positions = TopicPartitionList::new();
        for (partition, offset) in next {
            positions.add_partition_offset("in", partition, Offset::Offset(offset))?;
        }
        let metadata = consumer.group_metadata().ok_or(rdkafka::error::KafkaError::Canceled)?;
        producer.send_offsets_to_transaction(&positions, &metadata, CALL)?;
        producer.commit_transaction(CALL)
    }
}

fn collect(consumer: &BaseConsumer) -> Result<Vec<(i32, i64, String)>, rdkafka::error::KafkaError> {
    let mut batch = Vec::new();
    let deadline = Instant::now() + Duration::from_millis(50);
    while batch.len() < BATCH && Instant::now() < deadline {
        let Some(message) = consumer.poll(Duration::from_millis(10)) else { continue };
        let message = match message {
            Ok(message) => message,
            // Connections come and go here; the client reconnects by itself.
            Err(error) if is_transport(&error) => continue,
            Err(error) => return Err(error),
        };
        let value = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
        batch.push((message.partition(), message.offset(), value));
    }
    Ok(batch)
}

fn is_transport(error: &rdkafka::error::KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure};

    matches!(error.rdkafka_error_code(), Some(AllBrokersDown | BrokerTransportFailure))
}

fn feed(config: &ClientConfig) {
    let producer: BaseProducer = config.clone().set("enable.idempotence", "true").create().unwrap();
    for at in 0..INPUTS {
        let value = at.to_string();
        let partition = at as i32 % PARTITIONS;
        producer.send(BaseRecord::<str, str>::to("in").payload(&value).partition(partition)).unwrap();
    }
    drain(&producer);
}

/// A free port that stays the same over restarts.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn wait_for(what: &str, limit: Instant, mut reached: impl FnMut() -> bool) {
    while !reached() {
        assert!(Instant::now() < limit, "{what} is not reached");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn kills_under_transactional_load_neither_lose_nor_duplicate() {
    let limit = Instant::now() + LIMIT;
    let dir = TempDir::new().unwrap();
    let address = free_port();
    let mut broker = OwnProcess::start(dir.path(), address);
    let config = config(address);
    create_topic(&config, "in", PARTITIONS, &[]);
    create_topic(&config, "out", PARTITIONS, &[]);
    feed(&config);

    let (done, committed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let worker =
        Worker { config: config.clone(), done: Arc::clone(&done), committed: Arc::clone(&committed) };
    let working = std::thread::spawn(move || worker.run());
    for round in 0..ROUNDS {
        let target = committed.load(Ordering::Relaxed) + WORK_PER_ROUND + round;
        wait_for("work between two kills", limit, || committed.load(Ordering::Relaxed) >= target);
        broker.kill();
        broker = OwnProcess::start(dir.path(), address);
    }
    wait_for("the last input", limit, || position(&config) >= INPUTS as i64);
    done.store(true, Ordering::Relaxed);
    working.join().unwrap();

    let mut values: Vec<usize> =
        read_all(&config, "out", PARTITIONS).iter().map(|value| value.parse().unwrap()).collect();
    values.sort_unstable();
    let expected: Vec<usize> = (0..INPUTS).collect();
    assert_eq!(values.len(), expected.len(), "lost or duplicated over {ROUNDS} kills");
    assert_eq!(values, expected);
    drop(broker);
}

/// Sum of the group's committed positions.
fn position(config: &ClientConfig) -> i64 {
    let reader = consumer(config, "kill-group", "read_committed");
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition("in", partition);
    }
    let Ok(found) = reader.committed_offsets(list, CALL) else { return 0 };
    let offset = |row: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match row.offset() {
        Offset::Offset(offset) => offset,
        _ => 0,
    };
    found.elements().iter().map(offset).sum()
}
