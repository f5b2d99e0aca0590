//! Measures a broker with an ordinary client: produce and consume throughput with 150-byte records, transaction
//! latency, produce-to-consume latency. Works on any Kafka-compatible broker:
//! `cargo run --release -p bellwether-broker --example load -- 127.0.0.1:9092 [broker pid]`.

use std::io::Write;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const RECORDS: usize = 3_000_000;
const RECORD_BYTES: usize = 150;
const PARTITIONS: i32 = 4;
const TRANSACTIONS: usize = 500;
const ECHOES: usize = 500;
const PATIENCE: Duration = Duration::from_secs(60);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}

fn resident_kb(pid: Option<&str>) -> String {
    let status = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok());
    let field = |name: &str| {
        let status = status.as_deref()?;
        status.lines().find(|line| line.starts_with(name))?.split_whitespace().nth(1).map(str::to_owned)
    };
    let or = |value: Option<String>| value.unwrap_or_else(|| "?".to_owned());
    format!("resident {} kB, peak {} kB", or(field("VmRSS:")), or(field("VmHWM:")))
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    format!("p50 {:?}, p95 {:?}, p99 {:?}", at(50), at(95), at(99))
}

fn drain(producer: &BaseProducer) {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
}

fn assigned(config: &ClientConfig, topic: &str, partitions: i32, from: Offset) -> Outcome<BaseConsumer> {
    let consumer: BaseConsumer = config
        .clone()
        .set("group.id", "load")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.queue.backoff.ms", "20")
        .set("queued.min.messages", "1000000")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, from)?;
    }
    consumer.assign(&list)?;
    Ok(consumer)
}

fn produce(config: &ClientConfig, topic: &str) -> Outcome<f64> {
    let producer: BaseProducer = config
        .clone()
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("batch.num.messages", "10000")
        .set("queue.buffering.max.messages", "500000")
        .create()?;
    let payload = vec![b'x'; RECORD_BYTES];
    let start = Instant::now();
    for at in 0..RECORDS {
        let partition = (at / 1_000) as i32 % PARTITIONS;
        let mut record = BaseRecord::<(), [u8]>::to(topic).payload(&payload).partition(partition);
        while let Err((error, back)) = producer.send(record) {
            match error {
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => {
                    producer.poll(Duration::from_millis(1));
                    record = back;
                }
                other => return Err(other.into()),
            }
        }
        if at % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    drain(&producer);
    Ok(RECORDS as f64 / start.elapsed().as_secs_f64())
}

fn consume(config: &ClientConfig, topic: &str) -> Outcome<f64> {
    let consumer = assigned(config, topic, PARTITIONS, Offset::Beginning)?;
    let start = Instant::now();
    let mut seen = 0;
    while seen < RECORDS {
        if let Some(message) = consumer.poll(PATIENCE) {
            message?;
            seen += 1;
        }
    }
    Ok(RECORDS as f64 / start.elapsed().as_secs_f64())
}

/// Times of whole transactions, and of the commit call alone.
fn transactions(config: &ClientConfig, topic: &str) -> Outcome<[Vec<Duration>; 2]> {
    let producer: BaseProducer = config
        .clone()
        .set("transactional.id", "load")
        .set("transaction.timeout.ms", "10000")
        .set("message.timeout.ms", "8000")
        .set("linger.ms", "0")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    let mut times = [Vec::with_capacity(TRANSACTIONS), Vec::with_capacity(TRANSACTIONS)];
    for _ in 0..TRANSACTIONS {
        let start = Instant::now();
        producer.begin_transaction()?;
        for _ in 0..10 {
            let record = BaseRecord::<(), [u8]>::to(topic).payload(&[b'y'; RECORD_BYTES]).partition(0);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        drain(&producer);
        let ready = Instant::now();
        producer.commit_transaction(PATIENCE)?;
        times[0].push(start.elapsed());
        times[1].push(ready.elapsed());
    }
    Ok(times)
}

fn echoes(config: &ClientConfig, topic: &str) -> Outcome<Vec<Duration>> {
    let consumer = assigned(config, topic, 1, Offset::End)?;
    let producer: BaseProducer = config.clone().set("linger.ms", "0").create()?;
    // The reader must be waiting at the end before the clock runs.
    consumer.poll(Duration::from_secs(1));
    let mut times = Vec::with_capacity(ECHOES);
    for _ in 0..ECHOES {
        let start = Instant::now();
        let record = BaseRecord::<(), [u8]>::to(topic).payload(b"ping").partition(0);
        producer.send(record).map_err(|(error, _)| error)?;
        producer.poll(Duration::ZERO);
        match consumer.poll(PATIENCE) {
            Some(message) => drop(message?.payload().map(<[u8]>::len)),
            None => return Err("an echo does not come".into()),
        }
        times.push(start.elapsed());
    }
    Ok(times)
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().ok_or("say where the broker listens")?;
    let pid = arguments.next();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &bootstrap);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let names = [format!("load-{}", std::process::id()), format!("load-small-{}", std::process::id())];
    let topics = [
        NewTopic::new(&names[0], PARTITIONS, TopicReplication::Fixed(1)),
        NewTopic::new(&names[1], 1, TopicReplication::Fixed(1)),
    ];
    for created in runtime.block_on(admin.create_topics(&topics, &AdminOptions::new()))? {
        created.map_err(|(name, code)| format!("cannot create {name}: {code}"))?;
    }
    say(&format!("before: {}", resident_kb(pid.as_deref())));
    say(&format!("produce: {:.0} records/s", produce(&config, &names[0])?));
    say(&format!("         {}", resident_kb(pid.as_deref())));
    say(&format!("consume: {:.0} records/s", consume(&config, &names[0])?));
    say(&format!("         {}", resident_kb(pid.as_deref())));
    let [whole, commit] = transactions(&config, &names[1])?;
    say(&format!("transaction of 10: {}", percentiles(whole)));
    say(&format!("commit alone: {}", percentiles(commit)));
    say(&format!("produce to consume: {}", percentiles(echoes(&config, &names[1])?)));
    say(&format!("after: {}", resident_kb(pid.as_deref())));
    Ok(())
}
