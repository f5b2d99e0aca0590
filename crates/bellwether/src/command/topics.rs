//! `bellwether topics plan|apply|check|read`.

use std::process::ExitCode;
use std::time::Duration;

use bellwether_engine::Fact;
use bellwether_log::{Cleanup, EventLog, Record, TimestampKind, TopicPartition, TopicSpec};
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{frame, json};
use serde::Serialize;

use crate::cli::Topics;
use crate::client;
use crate::config::Config;
use crate::failure::{Context as _, Exit, Failure};
use crate::format;
use crate::record;
use crate::topic_set::TopicSet;

/// Plans, makes, checks or reads.
///
/// # Errors
/// When the log cannot be reached or a topic does not fit.
pub(super) fn run(config: &Config, command: Topics) -> Result<ExitCode, Failure> {
    let topics = TopicSet::configured(config);
    match command {
        Topics::Plan { format } => {
            let rows: Vec<Row> = topics.specs().iter().map(Row::of).collect();
            let headings = ["topic", "partitions", "replication", "cleanup", "retention", "time"];
            format::rows(format, &headings, &rows, Row::cells)?;
            Ok(ExitCode::SUCCESS)
        }
        Topics::Apply => {
            let log = client::connect(config, &client::bootstrap(config)?)?;
            topics.apply(log.as_ref())?;
            format::lines([as_they_must_be(&topics)])?;
            Ok(ExitCode::SUCCESS)
        }
        Topics::Check { format } => {
            let log = client::connect(config, &client::bootstrap(config)?)?;
            let mismatches = topics.check(log.as_ref())?;
            format::rows_or(
                format,
                &as_they_must_be(&topics),
                &["topic", "setting", "found", "wanted", "to do"],
                &mismatches,
                |mismatch| {
                    vec![
                        mismatch.topic.clone(),
                        mismatch.setting.clone(),
                        mismatch.found.clone(),
                        mismatch.wanted.clone(),
                        mismatch.mend.clone(),
                    ]
                },
            )?;
            Ok(if mismatches.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Exit::Findings as u8) })
        }
        Topics::Read { topic } => {
            let prefix = &config.kafka.prefix;
            let is_named = |known: &Topic| known.thing() == topic || known.name(prefix) == topic;
            let topic = Topic::ALL.into_iter().find(is_named).ok_or_else(|| {
                let names: Vec<&str> = Topic::ALL.iter().map(|topic| topic.thing()).collect();
                Failure::new(Exit::Usage, format!("there is no topic {topic}"))
                    .hint(format!("name one of {}", names.join(", ")))
            })?;
            let log = client::connect(config, &client::bootstrap(config)?)?;
            let mut out = Vec::new();
            for record in records(config, log.as_ref(), topic)? {
                out.extend(text(topic, &record));
            }
            format::lines(out)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn as_they_must_be(topics: &TopicSet) -> String {
    format!("{} topics are as they must be", topics.specs().len())
}

/// Every event of a topic; records that are none are left out.
///
/// # Errors
/// When the topic cannot be read.
pub(super) fn events(config: &Config, log: &dyn EventLog, topic: Topic) -> Result<Vec<Event>, Failure> {
    Ok(records(config, log, topic)?.iter().filter_map(|record| record::to_event(record).ok()).collect())
}

/// Every record of a topic up to its stable end, partition by partition.
///
/// # Errors
/// When the topic cannot be read.
pub(super) fn records(config: &Config, log: &dyn EventLog, topic: Topic) -> Result<Vec<Record>, Failure> {
    read_all(log, &topic.name(&config.kafka.prefix))
}

/// Every record of a topic by its full name.
///
/// # Errors
/// When the topic cannot be read.
pub(crate) fn read_all(log: &dyn EventLog, name: &str) -> Result<Vec<Record>, Failure> {
    let failed = || format!("cannot read {name}");
    let info = log
        .describe_topics(name)
        .or_fail(Exit::Log, failed)?
        .into_iter()
        .find(|info| info.name == name)
        .ok_or_else(|| {
            Failure::new(Exit::Log, format!("there is no topic {name}")).hint("bellwether topics apply")
        })?;
    let mut records = Vec::new();
    for partition in 0..info.partitions {
        let partition = TopicPartition::new(name, partition);
        let start = log.bounds(&partition).or_fail(Exit::Log, failed)?.start;
        let mut reader = log.read(&partition, start).or_fail(Exit::Log, failed)?;
        loop {
            let batch = reader.next(Duration::ZERO).or_fail(Exit::Log, failed)?;
            if batch.is_empty() {
                break;
            }
            records.extend(batch);
        }
    }
    Ok(records)
}

/// A record as lines of text: the event, or the facts inside a frame.
fn text(topic: Topic, record: &Record) -> Vec<String> {
    if topic == Topic::Facts {
        let facts = record.value.as_ref().and_then(|value| frame::cut(value).ok()).unwrap_or_default();
        return facts
            .into_iter()
            .filter_map(|fact| Fact::decode(fact).ok())
            .map(|fact| json::write(&fact.event))
            .collect();
    }
    match record::to_event(record) {
        Ok(event) => vec![json::write(&event)],
        Err(_) => {
            let key = record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned());
            let line = serde_json::json!({
                "partition": record.from.partition,
                "offset": record.offset,
                "key": key,
                "bytes": record.value.as_ref().map(|value| value.len()),
            });
            vec![line.to_string()]
        }
    }
}

#[derive(Debug, Serialize)]
struct Row {
    topic: String,
    partitions: u32,
    replication: u16,
    cleanup: &'static str,
    retention_ms: i64,
    time: &'static str,
}

impl Row {
    fn of(spec: &TopicSpec) -> Self {
        Self {
            topic: spec.name.clone(),
            partitions: spec.partitions,
            replication: spec.replication,
            cleanup: match spec.cleanup {
                Cleanup::Delete => "delete",
                Cleanup::Compact => "compact",
            },
            retention_ms: spec.retention_ms,
            time: match spec.timestamps {
                TimestampKind::CreateTime => "CreateTime",
                TimestampKind::LogAppendTime => "LogAppendTime",
            },
        }
    }

    fn cells(&self) -> Vec<String> {
        let days = self.retention_ms / 86_400_000;
        vec![
            self.topic.clone(),
            self.partitions.to_string(),
            self.replication.to_string(),
            self.cleanup.to_owned(),
            if self.retention_ms < 0 { "for ever".to_owned() } else { format!("{days} days") },
            self.time.to_owned(),
        ]
    }
}
