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
/// The setting by which live and warped time are told apart.
const TIMESTAMPS: &str = "message.timestamp.type";

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
        // First what no other setting mends.
        mismatches.sort_by_key(|mismatch| mismatch.setting != TIMESTAMPS);
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
    if info.replication < spec.replication {
        mismatches.push(mismatch(
            &spec.name,
            "replication factor",
            &info.replication.to_string(),
            &spec.replication.to_string(),
            "kafka-reassign-partitions.sh adds copies; or set kafka.replication to what exists",
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
    let mut compare = |name: &str, wanted: &str, is_enough: fn(&str, &str) -> bool| {
        let found = info.settings.iter().find(|(setting, _)| setting == name);
        let Some((_, found)) = found.filter(|(_, found)| !is_enough(found, wanted)) else { return };
        let mend = if name == TIMESTAMPS {
            "live and warped time do not mix: use another kafka.prefix".to_owned()
        } else {
            format!(
                "kafka-configs.sh --alter --entity-type topics --entity-name {} --add-config {name}={wanted}",
                spec.name
            )
        };
        mismatches.push(mismatch(&spec.name, name, found, wanted, &mend));
    };
    compare("cleanup.policy", cleanup, |found, wanted| found == wanted);
    compare(TIMESTAMPS, stamps, |found, wanted| found == wanted);
    // What is compacted is kept whatever its age.
    if spec.cleanup == Cleanup::Delete {
        compare("retention.ms", &spec.retention_ms.to_string(), |found, wanted| kept(found) >= kept(wanted));
    }
}

/// How long records are kept; -1 is for ever.
fn kept(retention_ms: &str) -> u64 {
    retention_ms.parse().unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use bellwether_log::sim::{Sim, SimOptions};

    use super::*;

    fn set(time: TimeMode) -> TopicSet {
        TopicSet::new(&Config::load(None, &[]).expect("defaults"), time)
    }

    /// What is found wrong with the facts topic when it was made otherwise.
    fn found(change: impl FnOnce(&mut TopicSpec)) -> Vec<Mismatch> {
        let set = set(TimeMode::Live);
        let mut specs = set.specs();
        change(specs.iter_mut().find(|spec| spec.name == "bellwether.facts.v1").expect("facts"));
        let log = Sim::new(SimOptions::default()).process();
        log.create_topics(&specs).expect("created");
        set.check(&log).expect("asked")
    }

    #[test]
    fn each_thing_that_is_not_as_it_must_be_is_named_with_how_to_mend_it() {
        assert_eq!(found(|_| {}), []);
        for (change, setting, is, must_be, mend) in [
            (
                (|spec| spec.partitions = 3) as fn(&mut TopicSpec),
                "partitions",
                "3",
                "16",
                "set topics.facts-partitions",
            ),
            (
                |spec| spec.cleanup = Cleanup::Compact,
                "cleanup.policy",
                "compact",
                "delete",
                "--entity-name bellwether.facts.v1 --add-config cleanup.policy=delete",
            ),
            (
                |spec| spec.retention_ms = 7 * DAY_MS,
                "retention.ms",
                "604800000",
                "10368000000",
                "--entity-name bellwether.facts.v1 --add-config retention.ms=10368000000",
            ),
        ] {
            let found = found(change);
            assert_eq!(found.len(), 1, "{found:?}");
            let first = &found[0];
            assert_eq!(
                (first.setting.as_str(), first.found.as_str(), first.wanted.as_str()),
                (setting, is, must_be)
            );
            assert!(first.mend.contains(mend), "{}", first.mend);
        }
    }

    #[test]
    fn records_that_are_kept_longer_are_no_mismatch() {
        assert_eq!(found(|spec| spec.retention_ms = -1), []);
        assert_eq!(found(|spec| spec.retention_ms = 121 * DAY_MS), []);
    }

    #[test]
    fn fewer_copies_than_configured_are_a_mismatch_and_more_are_none() {
        let mut set = set(TimeMode::Live);
        let log = Sim::new(SimOptions::default()).process();
        set.apply(&log).expect("as it must be");
        set.replication = 3;
        let refused = set.require(&log).expect_err("one copy").to_string();
        assert!(refused.contains("replication factor is 1, must be 3"), "{refused}");
    }

    #[test]
    fn r15_topics_of_one_kind_of_time_are_refused_by_the_other() {
        for (made, asked) in [(TimeMode::Live, TimeMode::Warped), (TimeMode::Warped, TimeMode::Live)] {
            let log = Sim::new(SimOptions::default()).process();
            set(made).apply(&log).expect("made");
            let refused = set(asked).require(&log).expect_err("of another time").to_string();
            assert!(refused.contains("message.timestamp.type"), "{refused}");
            assert!(refused.contains("live and warped time do not mix"), "{refused}");
        }
    }
}
