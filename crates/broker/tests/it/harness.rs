//! A broker in this process or in its own, and clients with the settings the tests share.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bellwether_broker::{Broker, BrokerOptions};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, Producer};
use tempfile::TempDir;

/// Longest wait for anything; generous, since the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A broker in this process, with a runtime of its own.
pub(crate) struct InProcess {
    pub(crate) dir: TempDir,
    runtime: tokio::runtime::Runtime,
    broker: Option<Broker>,
    change: fn(&mut BrokerOptions),
}

impl InProcess {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub(crate) fn start_with(change: fn(&mut BrokerOptions)) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let dir = TempDir::new().unwrap();
        let mut started = Self { dir, runtime, broker: None, change };
        started.open();
        started
    }

    fn open(&mut self) {
        let mut options = BrokerOptions::new(([127, 0, 0, 1], 0).into(), self.dir.path());
        (self.change)(&mut options);
        self.broker = Some(self.runtime.block_on(Broker::start(options)).unwrap());
    }

    pub(crate) fn restart(&mut self) {
        let broker = self.broker.take().unwrap();
        self.runtime.block_on(broker.stop()).unwrap();
        self.open();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.broker.as_ref().unwrap().local_addr()
    }

    pub(crate) fn config(&self) -> ClientConfig {
        config(self.address())
    }
}

/// A broker in a process of its own, which can be killed.
pub(crate) struct OwnProcess {
    child: Child,
}

impl OwnProcess {
    pub(crate) fn start(dir: &Path, listen: SocketAddr) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bellwether-broker"))
            .args(["--listen", &listen.to_string(), "--dir"])
            .arg(dir)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "the broker does not start");
        Self { child }
    }

    /// Kills the process without any warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn config(address: SocketAddr) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address.to_string()).set("reconnect.backoff.max.ms", "200");
    config
}

pub(crate) fn transactional(config: &ClientConfig, id: &str) -> BaseProducer {
    let mut config = config.clone();
    config
        .set("transactional.id", id)
        .set("transaction.timeout.ms", "10000")
        .set("message.timeout.ms", "8000")
        .set("linger.ms", "0");
    config.create().unwrap()
}

pub(crate) fn consumer(config: &ClientConfig, group: &str, isolation: &str) -> BaseConsumer {
    let mut config = config.clone();
    config
        .set("group.id", group)
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.queue.backoff.ms", "20")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "300")
        .set("enable.partition.eof", "false");
    config.create().unwrap()
}

/// Runs an admin call to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) fn admin(config: &ClientConfig) -> AdminClient<DefaultClientContext> {
    config.create().unwrap()
}

pub(crate) fn create_topic(config: &ClientConfig, name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let created = block_on(admin(config).create_topics([&topic], &options)).unwrap();
    created.into_iter().for_each(|outcome| drop(outcome.unwrap()));
}

/// Polls until nothing is in flight.
pub(crate) fn drain(producer: &BaseProducer) {
    let deadline = Instant::now() + PATIENCE;
    while producer.in_flight_count() > 0 {
        assert!(Instant::now() < deadline, "deliveries do not end");
        producer.poll(Duration::from_millis(20));
    }
}

/// Polls until `count` records have come, or fails; returns their values.
pub(crate) fn take(consumer: &BaseConsumer, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut values = Vec::new();
    while values.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} records came", values.len());
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let message = message.unwrap();
            values.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
        }
    }
    values
}

/// The values of a topic from its beginning to its stable end, in partition order.
pub(crate) fn read_all(config: &ClientConfig, topic: &str, partitions: i32) -> Vec<String> {
    use rdkafka::{Offset, TopicPartitionList};

    let reader = consumer(config, "reader-of-all", "read_committed");
    let mut values = Vec::new();
    for partition in 0..partitions {
        let (low, high) = reader.fetch_watermarks(topic, partition, PATIENCE).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(low)).unwrap();
        reader.assign(&list).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "the end of {topic}-{partition} at {high} is not reached");
            if let Some(message) = reader.poll(Duration::from_millis(20)) {
                values.push(String::from_utf8(message.unwrap().payload().unwrap().to_vec()).unwrap());
                continue;
            }
            let position = reader.position().unwrap();
            let at = position.find_partition(topic, partition).map(|row| row.offset());
            if high == low || matches!(at, Some(Offset::Offset(at)) if at >= high) {
                break;
            }
        }
    }
    values
}
