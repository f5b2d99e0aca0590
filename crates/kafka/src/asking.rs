//! The clients that only ask: metadata, bounds of partitions.
//!
//! Why they are apart from those that fetch: a broker answers one connection in order, so a question would wait
//! behind a fetch that waits for records.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaErrorCode;

use bellwether_log::{Bounds, Error, ErrorClass, Result, TopicPartition};

use crate::config;
use crate::context::{Common, PlainContext};
use crate::failure;
use crate::options::KafkaOptions;
use crate::shelf::Shelf;

/// How long one question to the cluster may take.
pub(crate) const ASK: Duration = Duration::from_secs(10);
/// How long a new client is given to ask for a bearer token, which it does through its queue.
const TOKEN: Duration = Duration::from_millis(200);
/// How long a partition is asked about whose leader does not know that it leads: an election takes less.
const LEADER_BOUND: Duration = Duration::from_secs(5);
/// Time between two such questions.
const LEADER_LOOK: Duration = Duration::from_millis(20);
/// Clients kept that ask for what is not committed; those who ask at the same time have one each.
const KEPT: usize = 2;
/// Events taken before a question: a request for a token may be behind log lines.
const EVENTS: usize = 32;

pub(crate) struct Asking {
    /// Asks for what committed readers may see.
    committed: BaseConsumer<PlainContext>,
    /// Asks for what is there at all: starts and the doctor do, roles at work do not.
    uncommitted: Shelf<BaseConsumer<PlainContext>>,
    options: KafkaOptions,
    common: Common,
}

impl Asking {
    /// Opens the clients; fails when no broker answers.
    pub(crate) fn open(options: &KafkaOptions, common: &Common) -> Result<Self> {
        let asking = Self {
            committed: client(options, common, true)?,
            uncommitted: Shelf::new(KEPT),
            options: options.clone(),
            common: common.clone(),
        };
        // It connects while the other is asked.
        asking.uncommitted.put(client(options, common, false)?);
        let Err(error) = asking.committed.fetch_metadata(None, ASK) else { return Ok(asking) };
        serve(&asking.committed);
        let what = format!("reach {}", options.bootstrap_servers);
        Err(match common.take_refusal() {
            // What the client returns is a lost connection; what it was told is why.
            Some(refusal) => Error::with_source(ErrorClass::Fatal, what, refusal),
            None => failure::failure(what, error),
        })
    }

    /// What the cluster says of one topic, or of all.
    pub(crate) fn metadata(&self, topic: Option<&str>) -> Result<Metadata> {
        serve(&self.committed);
        let what = || format!("ask about {}", topic.unwrap_or("all topics"));
        self.committed.fetch_metadata(topic, ASK).map_err(|error| failure::failure(what(), error))
    }

    /// True when the topic is known and each of its partitions has a leader.
    pub(crate) fn has_leaders(&self, topic: &str) -> Result<bool> {
        let metadata = self.metadata(Some(topic))?;
        Ok(metadata.topics().iter().any(|found| {
            found.name() == topic
                && found.error().is_none()
                && !found.partitions().is_empty()
                && found.partitions().iter().all(|partition| partition.leader() >= 0)
        }))
    }

    pub(crate) fn bounds(&self, partition: &TopicPartition) -> Result<Bounds> {
        let (start, stable_end) = watermarks(&self.committed, partition)?;
        // After the stable end, so that it is never found below it.
        Ok(Bounds { start, stable_end, end: self.end(partition)? })
    }

    pub(crate) fn stable_end(&self, partition: &TopicPartition) -> Result<i64> {
        Ok(watermarks(&self.committed, partition)?.1)
    }

    pub(crate) fn end(&self, partition: &TopicPartition) -> Result<i64> {
        let client = match self.uncommitted.take() {
            Some(kept) => kept,
            None => client(&self.options, &self.common, false)?,
        };
        let (_, end) = watermarks(&client, partition)?;
        self.uncommitted.put(client);
        Ok(end)
    }
}

fn client(options: &KafkaOptions, common: &Common, committed: bool) -> Result<BaseConsumer<PlainContext>> {
    let client: BaseConsumer<PlainContext> = config::asking(options, committed)
        .create_with_context(PlainContext(common.clone()))
        .map_err(|error| failure::fatal("open a client", error))?;
    settle(&client, common);
    Ok(client)
}

fn watermarks(client: &BaseConsumer<PlainContext>, partition: &TopicPartition) -> Result<(i64, i64)> {
    let number = i32::try_from(partition.partition).unwrap_or(i32::MAX);
    let deadline = Instant::now() + LEADER_BOUND;
    loop {
        serve(client);
        match client.fetch_watermarks(&partition.topic, number, ASK) {
            // A new leader is in the metadata before it knows of it itself.
            Err(error)
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::NotLeaderForPartition)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(LEADER_LOOK);
            }
            asked => {
                return asked
                    .map_err(|error| failure::failure(format!("ask for the bounds of {partition}"), error));
            }
        }
    }
}

/// Takes events that wait in the client's queue: log lines, requests for a token.
fn serve(client: &BaseConsumer<PlainContext>) {
    for _ in 0..EVENTS {
        // Such a client fetches nothing, so a poll brings no message to lose; errors show in the next question.
        let _ = client.poll(Duration::ZERO);
    }
}

/// Lets a new client ask for a bearer token, without which its first question would wait in vain.
pub(crate) fn settle<C: ConsumerContext>(client: &BaseConsumer<C>, common: &Common) {
    let _ = client.poll(if common.has_tokens() { TOKEN } else { Duration::ZERO });
}
