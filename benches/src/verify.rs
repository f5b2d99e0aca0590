//! Holds what a role committed against what it had to say.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bellwether_model::EventTime;
use bellwether_wire::topics::Topic;
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::backlog::{Expected, hash};
use crate::client;
use crate::site::FUNCTION_PARTITIONS;

/// What a role says of itself when it starts again, on every partition: when nobody ran. No output of the fold.
const OF_PAUSES: [&str; 2] = ["bellwether.process.paused.v1", "bellwether.process.resumed.v1"];

/// What became of the output.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Events in the output.
    pub said: u64,
    /// Ids that are there more than once, counted each time again.
    pub twice: u64,
    /// Expected and not there.
    pub missing: u64,
    /// There with other bytes.
    pub different: u64,
    /// There, not expected, and of the backlog's time.
    pub unexpected: u64,
    /// There and later than the backlog.
    pub later: u64,
}

/// Reads the output topics, committed records only, and judges them.
///
/// # Errors
/// When they cannot be read.
pub fn outputs(servers: &str, prefix: &str, expected: Option<&Expected>, end_ms: i64) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut seen: BTreeMap<(&'static str, String), u64> = BTreeMap::new();
    for topic in [Topic::Trigger, Topic::KeyResult] {
        read(servers, &topic.name(prefix), |id, time, bytes| {
            verdict.said += 1;
            let key = (topic.thing(), id);
            let wanted = expected.and_then(|expected| expected.get(&key));
            match wanted {
                Some(wanted) if *wanted != hash(&bytes) => verdict.different += 1,
                Some(_) => {}
                None if time.ms() > end_ms => verdict.later += 1,
                None => verdict.unexpected += 1,
            }
            let times = seen.entry(key).or_insert(0);
            *times += 1;
            verdict.twice += u64::from(*times > 1);
        })?;
    }
    if let Some(expected) = expected {
        verdict.missing = expected.keys().filter(|key| !seen.contains_key(*key)).count() as u64;
    }
    Ok(verdict)
}

fn read(servers: &str, topic: &str, mut each: impl FnMut(String, EventTime, Bytes)) -> Result<()> {
    let consumer: BaseConsumer = client::config(servers)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..FUNCTION_PARTITIONS {
        list.add_partition_offset(topic, i32::try_from(partition)?, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let mut ended = 0;
    while ended < FUNCTION_PARTITIONS {
        let message = match consumer.poll(Duration::from_secs(30)).context("the output ends too soon")? {
            Ok(message) => message,
            Err(KafkaError::PartitionEOF(_)) => {
                ended += 1;
                continue;
            }
            Err(error) => return Err(error).context("reading the output"),
        };
        let header = |name: &str| {
            let found = message.headers()?.iter().find(|header| header.key == name)?;
            std::str::from_utf8(found.value?).ok().map(str::to_owned)
        };
        if header("ce_type").is_some_and(|of| OF_PAUSES.contains(&of.as_str())) {
            continue;
        }
        let id = header("ce_id").context("an output without an id")?;
        let time = header("ce_time").as_deref().and_then(|text| EventTime::parse(text).ok());
        let bytes = Bytes::copy_from_slice(message.payload().unwrap_or_default());
        each(id, time.context("an output without a time")?, bytes);
    }
    Ok(())
}
