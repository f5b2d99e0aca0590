//! The topics of one deployment: as they must be, and what to do where they are not.
//!
//! Topics are made explicitly and never by accident. In warped time (R15) `facts` carries the time its router gives
//! it; a set made so is told by that setting and refused by live roles, and the other way round.

use bellwether_log::{Cleanup, EventLog, TimestampKind, TopicInfo, TopicSpec};
use bellwether_wire::topics::Topic;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::failure::{Context as _, Exit, Failure};

const DAY_MS: i64 = 86_400_000;

/// How time comes into a topic set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TimeMode {
    /// The broker stamps facts.
    Live,
    /// The router stamps facts with event time.
    Warped,
}

/// A topic that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Mismatch {
    /// Topic.
    pub topic: String,
    /// What: `missing`, or a setting.
    pub setting: String,
    /// As it is.
    pub found: String,
    /// As it must be.
    pub wanted: String,
    /// What to do.
    pub mend: String,
}

/// Names and counts of one deployment.
#[derive(Debug, Clone)]
pub(crate) struct TopicSet {
    /// Prefix of all names.
    pub prefix: String,
    /// Partitions of facts.
    pub facts: u32,
    /// Partitions of what is partitioned by function.
    pub functions: u32,
    /// Replication factor.
    pub replication: u16,
    /// How time comes in.
    pub time: TimeMode,
}

impl TopicSet {
    /// The topic set of a configuration, with the time it names.
    pub(crate) fn configured(config: &Config) -> Self {
        Self::new(config, config.topics.time)
    }

    /// The topic set of a configuration, with another time.
    pub(crate) fn new(config: &Config, time: TimeMode) -> Self {
        Self {
            prefix: config.kafka.prefix.clone(),
            facts: config.topics.facts_partitions,
            functions: config.topics.function_partitions,
            replication: config.kafka.replication,
            time,
        }
    }

    /// Full name of a topic.
    pub(crate) fn name(&self, topic: Topic) -> String {
        topic.name(&self.prefix)
    }

    /// Partition count of a topic.
    pub(crate) fn partitions(&self, topic: Topic) -> u32 {
        match topic {
            Topic::Facts => self.facts,
            Topic::Trigger
            | Topic::Command
            | Topic::Escalation
            | Topic::EscalationDelay
            | Topic::KeyResult => self.functions,
            // One router folds all sources in one order.
            Topic::Sprint
            | Topic::Ticket
            | Topic::Page
            | Topic::Delivery
            | Topic::Okr
            | Topic::Reference
            | Topic::Receipt
            | Topic::Dlq => 1,
        }
    }

    /// Every topic as it must be.
    pub(crate) fn specs(&self) -> Vec<TopicSpec> {
        Topic::ALL.into_iter().map(|topic| self.spec(topic)).collect()
    }

    fn spec(&self, topic: Topic) -> TopicSpec {
        let (cleanup, retention_ms) = match topic {
            Topic::Reference | Topic::KeyResult | Topic::EscalationDelay => (Cleanup::Compact, -1),
            // Three times the age of the oldest snapshot kept, and what a replay of a quarter needs.
            Topic::Facts => (Cleanup::Delete, 120 * DAY_MS),
            // A year and a quarter: the longest any report looks back.
            Topic::Sprint | Topic::Ticket | Topic::Page | Topic::Delivery | Topic::Okr => {
                (Cleanup::Delete, 455 * DAY_MS)
            }
            Topic::Trigger | Topic::Command | Topic::Escalation | Topic::Receipt => {
                (Cleanup::Delete, 455 * DAY_MS)
            }
            Topic::Dlq => (Cleanup::Delete, 90 * DAY_MS),
        };
        let timestamps = match (topic, self.time) {
            (Topic::Facts, TimeMode::Live) => TimestampKind::LogAppendTime,
            _ => TimestampKind::CreateTime,
        };
        // Event times of imports and of warped time lie far from the broker's clock: by them nothing may be dropped.
        let retention_ms = if self.time == TimeMode::Warped { -1 } else { retention_ms };
        let mut settings = Vec::new();
        if topic == Topic::EscalationDelay {
            settings.push(("min.cleanable.dirty.ratio".to_owned(), "0.1".to_owned()));
        }
        TopicSpec {
            name: self.name(topic),
            partitions: self.partitions(topic),
            replication: self.replication,
            cleanup,
            retention_ms,
            timestamps,
            settings,
        }
    }

    /// Creates what is missing and checks all of it.
    ///
    /// # Errors
    /// When the log refuses, or an existing topic does not fit.
    pub(crate) fn apply(&self, log: &dyn EventLog) -> Result<(), Failure> {
        log.create_topics(&self.specs()).or_fail(Exit::Log, || "cannot create the topics".to_owned())?;
        self.require(log)
    }

    /// Refuses to go on when a topic is not as it must be.
    ///
    /// # Errors
    /// When one is not, with what to do.
    pub(crate) fn require(&self, log: &dyn EventLog) -> Result<(), Failure> {
        let mismatches = self.check(log)?;
        let Some(first) = mismatches.first() else { return Ok(()) };
        Err(Failure::new(
            Exit::Log,
            format!(
                "topic {} does not fit: {} is {}, must be {} ({} mismatches in all)",
                first.topic,
                first.setting,
                first.found,
                first.wanted,
                mismatches.len()
            ),
        )
        .hint(first.mend.clone()))
    }

    /// Everything that is not as it must be.
    ///
    /// # Errors
    /// When the log cannot be asked.
    pub(crate) fn check(&self, log: &dyn EventLog) -> Result<Vec<Mismatch>, Failure> {
        let found = log
            .describe_topics(&format!("{}.", self.prefix))
            .or_fail(Exit::Log, || "cannot describe the topics".to_owned())?;
        let mut mismatches = Vec::new();
        for spec in self.specs() {
            match found.iter().find(|info| info.name == spec.name) {
                None => mismatches.push(mismatch(
                    &spec.name,
                    "topic",
                    "missing",
                    "present",
                    "bellwether topics apply",
                )),
                Some(info) => compare(&spec, info, &mut mismatches),
            }
        }
        Ok(mismatches)
    }
}

fn compare(spec: &TopicSpec, info: &TopicInfo, mismatches: &mut Vec<Mismatch>) {
    if info.partitions != spec.partitions {
        mismatches.push(mismatch(
            &spec.name,
            "partitions",
            &info.partitions.to_string(),
            &spec.partitions.to_string(),
            "set topics.facts-partitions or topics.function-partitions to what exists, or use another kafka.prefix; \
             counts are fixed at creation",
        ));
    }
    let cleanup = match spec.cleanup {
        Cleanup::Delete => "delete",
        Cleanup::Compact => "compact",
    };
    let stamps = match spec.timestamps {
        TimestampKind::CreateTime => "CreateTime",
        TimestampKind::LogAppendTime => "LogAppendTime",
    };
    let wanted = [("cleanup.policy", cleanup), ("message.timestamp.type", stamps)];
    for (name, value) in wanted {
        let found =
            info.settings.iter().find(|(setting, _)| setting == name).map(|(_, value)| value.as_str());
        if let Some(found) = found.filter(|found| *found != value) {
            let mend = if name == "message.timestamp.type" {
                "live and warped time do not mix: use another kafka.prefix".to_owned()
            } else {
                format!("kafka-configs.sh --alter --topic {} --add-config {name}={value}", spec.name)
            };
            mismatches.push(mismatch(&spec.name, name, found, value, &mend));
        }
    }
}

fn mismatch(topic: &str, setting: &str, found: &str, wanted: &str, mend: &str) -> Mismatch {
    Mismatch {
        topic: topic.to_owned(),
        setting: setting.to_owned(),
        found: found.to_owned(),
        wanted: wanted.to_owned(),
        mend: mend.to_owned(),
    }
}
