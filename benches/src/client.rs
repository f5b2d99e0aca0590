//! An ordinary client, rdkafka as it is, for loading a broker: produce, consume, transactions, echoes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// Longest wait for anything a broker does.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Records between two looks at what was acknowledged.
const POLL_EVERY: u64 = 1_000;
/// Records of one transaction.
const PER_TRANSACTION: usize = 10;

/// Settings that reach a broker.
pub fn config(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers);
    config
}

/// Makes a topic.
///
/// # Errors
/// When the broker refuses.
pub fn create_topic(servers: &str, name: &str, partitions: i32, settings: &[(&str, &str)]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = config(servers).create()?;
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for created in runtime.block_on(admin.create_topics([&topic], &AdminOptions::new()))? {
        created.map_err(|(name, code)| anyhow!("cannot create {name}: {code}"))?;
    }
    Ok(())
}

/// A producer for throughput.
///
/// # Errors
/// When it cannot be made.
pub fn bulk_producer(servers: &str) -> Result<BaseProducer> {
    Ok(config(servers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("batch.num.messages", "10000")
        .set("queue.buffering.max.messages", "500000")
        .create()?)
}

/// Sends a record; waits while the producer's queue is full.
///
/// # Errors
/// When the producer refuses it.
pub fn send(producer: &BaseProducer, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<()> {
    while let Err((error, back)) = producer.send(record) {
        match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => {
                producer.poll(Duration::from_millis(1));
                record = back;
            }
            other => return Err(other.into()),
        }
    }
    Ok(())
}

/// Waits until everything sent was acknowledged.
///
/// # Errors
/// When that takes too long.
pub fn drain(producer: &BaseProducer) -> Result<()> {
    let began = Instant::now();
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
        if began.elapsed() > PATIENCE {
            bail!("{} records are not acknowledged", producer.in_flight_count());
        }
    }
    Ok(())
}

/// A consumer of all partitions of a topic from an offset on, committed records only.
///
/// # Errors
/// When it cannot be made.
pub fn assigned(servers: &str, topic: &str, partitions: i32, from: Offset) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = config(servers)
        .set("group.id", "bench")
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

/// Sends records over the partitions in turns of a thousand; records a second until all are acknowledged. The clock
/// runs once every partition has taken a record: until then a new client looks for leaders and for its producer id.
///
/// # Errors
/// When a record is refused.
pub fn produce(servers: &str, topic: &str, partitions: i32, records: u64, bytes: usize) -> Result<f64> {
    let producer = bulk_producer(servers)?;
    let payload = vec![b'x'; bytes];
    for partition in 0..partitions {
        send(&producer, BaseRecord::to(topic).payload(&payload[..]).partition(partition))?;
    }
    drain(&producer)?;
    let began = Instant::now();
    for at in 0..records {
        let partition = i32::try_from(at / POLL_EVERY).unwrap_or(0) % partitions;
        send(&producer, BaseRecord::to(topic).payload(&payload[..]).partition(partition))?;
        if at % POLL_EVERY == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    drain(&producer)?;
    Ok(records as f64 / began.elapsed().as_secs_f64())
}

/// Reads a topic from its beginning; records a second, from the first one on. A new client needs half a second before
/// it: it asks where a partition begins before it knows whom to ask, and asks again 500 ms later.
///
/// # Errors
/// When a record does not come.
pub fn consume(servers: &str, topic: &str, partitions: i32, records: u64) -> Result<f64> {
    let consumer = assigned(servers, topic, partitions, Offset::Beginning)?;
    let next = |seen: u64| -> Result<()> {
        consumer.poll(PATIENCE).with_context(|| format!("record {seen} of {records} does not come"))??;
        Ok(())
    };
    next(0)?;
    let began = Instant::now();
    (1..records).try_for_each(next)?;
    Ok((records - 1) as f64 / began.elapsed().as_secs_f64())
}

/// Times of transactions of ten records, from begin to committed, and of their commit calls alone.
///
/// # Errors
/// When one fails.
pub fn transactions(servers: &str, topic: &str, count: usize) -> Result<[Vec<Duration>; 2]> {
    let producer: BaseProducer = config(servers)
        .set("transactional.id", format!("bench-{}", std::process::id()))
        // A crowded machine may hold either broker up for seconds: that is a slow figure, not a failure.
        .set("transaction.timeout.ms", "60000")
        .set("message.timeout.ms", "50000")
        .set("linger.ms", "0")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    let mut times = [Vec::with_capacity(count), Vec::with_capacity(count)];
    for _ in 0..count {
        let began = Instant::now();
        producer.begin_transaction()?;
        for _ in 0..PER_TRANSACTION {
            send(&producer, BaseRecord::to(topic).payload(&[b'y'; 150][..]).partition(0))?;
        }
        drain(&producer)?;
        let ready = Instant::now();
        producer.commit_transaction(PATIENCE)?;
        times[0].push(began.elapsed());
        times[1].push(ready.elapsed());
    }
    Ok(times)
}

/// Times from sending a record to reading it.
///
/// # Errors
/// When one does not come.
pub fn echoes(servers: &str, topic: &str, count: usize) -> Result<Vec<Duration>> {
    let consumer = assigned(servers, topic, 1, Offset::End)?;
    let producer: BaseProducer = config(servers).set("linger.ms", "0").create()?;
    // The reader must be waiting at the end before the clock runs.
    consumer.poll(Duration::from_secs(1));
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        send(&producer, BaseRecord::to(topic).payload(&b"ping"[..]).partition(0))?;
        producer.poll(Duration::ZERO);
        consumer.poll(PATIENCE).context("an echo does not come")??;
        times.push(began.elapsed());
    }
    Ok(times)
}

/// Waits until a broker serves a topic with as many records as it must hold; false when it answers otherwise.
///
/// # Errors
/// When a client cannot be made.
pub fn holds(servers: &str, topic: &str, partitions: i32, records: u64) -> Result<bool> {
    let consumer: BaseConsumer =
        config(servers).set("group.id", "bench").set("reconnect.backoff.ms", "5").create()?;
    let mut found = 0_i64;
    for partition in 0..partitions {
        let (start, end) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
        found += end - start;
    }
    Ok(u64::try_from(found).is_ok_and(|found| found >= records))
}
