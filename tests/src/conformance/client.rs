//! A producer whose deliveries are looked at.
//!
//! It is polled until nothing is in flight: a producer nobody polls makes every transaction cost 100 ms, and errors of
//! single records would pass unseen.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use rdkafka::ClientContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::Cluster;
use super::wait::{CALL, Deadline, TURN};

/// What became of one record.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Topic it was for.
    pub topic: String,
    /// Partition it was for.
    pub partition: i32,
    /// The offset it was given, or why it was not appended.
    pub result: Result<i64, KafkaError>,
}

/// Collects deliveries.
#[derive(Debug, Default)]
pub struct Deliveries(Mutex<Vec<Delivery>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let (message, result) = match result {
            Ok(message) => (message, Ok(message.offset())),
            Err((error, message)) => (message, Err(error.clone())),
        };
        let delivery = Delivery { topic: message.topic().to_owned(), partition: message.partition(), result };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
    }
}

/// An idempotent or transactional producer.
pub struct Producer {
    inner: BaseProducer<Deliveries>,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("in_flight", &self.inner.in_flight_count()).finish()
    }
}

impl Cluster {
    /// An idempotent producer.
    pub fn producer(&self, settings: &[(&str, &str)]) -> anyhow::Result<Producer> {
        let mut config = self.config(&[("enable.idempotence", "true"), ("linger.ms", "0")]);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        Ok(Producer { inner: config.create_with_context(Deliveries::default())? })
    }

    /// A transactional producer, initialised.
    pub fn transactional(&self, id: &str) -> anyhow::Result<Producer> {
        self.transactional_with(id, &[])
    }

    /// A transactional producer with settings of its own, initialised.
    pub fn transactional_with(&self, id: &str, settings: &[(&str, &str)]) -> anyhow::Result<Producer> {
        let mut all = vec![("transactional.id", id)];
        all.extend_from_slice(settings);
        let producer = self.producer(&all)?;
        producer.inner.init_transactions(CALL).with_context(|| format!("init_transactions of {id}"))?;
        Ok(producer)
    }
}

impl Producer {
    /// Queues a record with key and value.
    pub fn send(&self, topic: &str, partition: i32, key: &str, value: &str) -> anyhow::Result<()> {
        self.send_record(BaseRecord::to(topic).partition(partition).key(key).payload(value))
    }

    /// Queues a record.
    pub fn send_record(&self, record: BaseRecord<'_, str, str>) -> anyhow::Result<()> {
        self.try_send(record).context("queueing a record")
    }

    /// Queues a record; the client's own error.
    pub fn try_send<K, V>(&self, record: BaseRecord<'_, K, V>) -> Result<(), KafkaError>
    where
        K: rdkafka::message::ToBytes + ?Sized,
        V: rdkafka::message::ToBytes + ?Sized,
    {
        let mut record = record;
        loop {
            match self.inner.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), back)) => {
                    record = back;
                    self.inner.poll(TURN);
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Waits until nothing is in flight; every delivery since the last call, in the order they came.
    pub fn settle(&self) -> anyhow::Result<Vec<Delivery>> {
        let deadline = Deadline::new("every record acknowledged or refused");
        while self.inner.in_flight_count() > 0 {
            deadline.check(|| format!("{} in flight", self.inner.in_flight_count()))?;
            self.inner.poll(TURN / 10);
        }
        Ok(std::mem::take(&mut *self.inner.context().0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Waits like [`Producer::settle`], and fails when a record was not appended. The offsets given.
    pub fn acknowledged(&self) -> anyhow::Result<Vec<i64>> {
        let deliveries = self.settle()?;
        deliveries
            .into_iter()
            .map(|d| d.result.with_context(|| format!("appending to {}[{}]", d.topic, d.partition)))
            .collect()
    }

    /// Begins a transaction.
    pub fn begin(&self) -> anyhow::Result<()> {
        self.inner.begin_transaction().context("beginning a transaction")
    }

    /// Sends consumed positions.
    pub fn send_positions(
        &self,
        positions: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), KafkaError> {
        self.inner.send_offsets_to_transaction(positions, group, CALL)
    }

    /// Commits once every record is acknowledged.
    pub fn commit(&self) -> anyhow::Result<()> {
        self.acknowledged()?;
        self.try_commit().context("committing a transaction")
    }

    /// Commits; the client's own error.
    pub fn try_commit(&self) -> Result<(), KafkaError> {
        self.inner.commit_transaction(CALL)
    }

    /// Aborts; what was still queued is thrown away, and so is the word of it.
    pub fn abort(&self) -> anyhow::Result<()> {
        self.inner.abort_transaction(CALL).context("aborting a transaction")?;
        self.settle().map(drop)
    }

    /// The error after which this producer is of no more use, if there is one.
    pub fn fatal_error(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.inner.poll(TURN);
        self.inner.client().fatal_error()
    }

    /// Fails unless the broker has told this producer that a newer one took its place.
    pub fn expect_fenced(&self, after: &str) -> anyhow::Result<()> {
        match self.fatal_error() {
            Some((Code::Fenced, _)) => Ok(()),
            Some((code, text)) => bail!("{after}: expected to be fenced, got {code:?}: {text}"),
            None => bail!("{after}: expected to be fenced, but there is no fatal error"),
        }
    }
}
