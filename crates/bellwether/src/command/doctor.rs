//! `bellwether doctor`: what is unresolved, stale, lagging or misconfigured; each line says what to do.

mod escalations;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use bellwether_connectors::clock::{Clock as _, SystemClock};
use bellwether_engine::routing::Router;
use bellwether_log::{EventLog, TopicPartition};
use bellwether_model::{EventTime, Millis};
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, instant};
use serde::Serialize;

use crate::cli::Doctor;
use crate::client;
use crate::config::Config;
use crate::failure::{Context as _, Exit, Failure};
use crate::format;
use crate::replay::order;
use crate::topic_set::{TimeMode, TopicSet};

/// A source this far behind is stale for people, long before it holds a rule at a deadline.
const STALE: Millis = Millis::hours(1);
/// Records that a healthy group is at most behind: control records count.
const LAG_MAX: i64 = 100;

/// Something to look at.
#[derive(Debug, Serialize)]
struct Finding {
    area: &'static str,
    what: String,
    todo: String,
    /// True for what is as it should be and waits for somebody all the same.
    #[serde(rename = "notice")]
    is_notice: bool,
}

/// Looks.
///
/// # Errors
/// When the log cannot be reached.
pub(super) fn run(config: &Config, args: &Doctor) -> Result<ExitCode, Failure> {
    let mut findings = settings(config);
    if config.kafka.bootstrap_servers.is_empty() {
        findings.push(Finding {
            area: "log",
            what: "no log was looked at".to_owned(),
            todo: "add --bootstrap-servers HOST:PORT".to_owned(),
            is_notice: false,
        });
    } else {
        let log = client::connect(config, &config.kafka.bootstrap_servers)?;
        let topics = TopicSet::configured(config);
        let mismatches = topics.check(log.as_ref())?;
        let usable = mismatches.iter().all(|mismatch| mismatch.setting != "topic");
        findings.extend(mismatches.into_iter().map(|mismatch| Finding {
            area: "topics",
            what: format!(
                "{}: {} is {}, must be {}",
                mismatch.topic, mismatch.setting, mismatch.found, mismatch.wanted
            ),
            todo: mismatch.mend,
            is_notice: false,
        }));
        if usable {
            findings.extend(unresolved(config, log.as_ref())?);
            findings.extend(lagging(log.as_ref(), &topics)?);
            findings.extend(dead(config, log.as_ref())?);
            findings.extend(pending(config, log.as_ref())?);
        }
    }
    format::rows_or(args.format, "nothing to do", &["area", "what", "to do"], &findings, |finding| {
        vec![finding.area.to_owned(), finding.what.clone(), finding.todo.clone()]
    })?;
    let is_well = findings.iter().all(|finding| finding.is_notice);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(Exit::Findings as u8) })
}

/// What the escalator has pending.
fn pending(config: &Config, log: &dyn EventLog) -> Result<Vec<Finding>, Failure> {
    let now = match config.topics.time {
        TimeMode::Live => Some(SystemClock.now()),
        TimeMode::Warped => None,
    };
    Ok(escalations::findings(&super::topics::records(config, log, Topic::EscalationDelay)?, now))
}

fn settings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let connect = &config.connect;
    if connect.jira.is_empty() && connect.linear.is_empty() && connect.pagerduty.is_empty() {
        findings.push(Finding {
            area: "connect",
            what: "no webhook source is configured".to_owned(),
            todo: "add [[connect.jira]], [[connect.linear]] or [[connect.pagerduty]] to the configuration"
                .to_owned(),
            is_notice: false,
        });
    }
    if config.notify.webhook.is_empty() {
        findings.push(Finding {
            area: "notify",
            what: "steps reach the terminal only".to_owned(),
            todo: "add [[notify.webhook]] to the configuration".to_owned(),
            is_notice: false,
        });
    }
    findings
}

/// Folds what the sources said through a router of its own and lists what it could not place.
fn unresolved(config: &Config, log: &dyn EventLog) -> Result<Vec<Finding>, Failure> {
    let mut events = Vec::new();
    for topic in Topic::SOURCES {
        events.extend(super::topics::events(config, log, topic)?);
    }
    order::sort(&mut events);
    let mut router = Router::new();
    let mut paged = BTreeSet::new();
    let mut progress: BTreeMap<String, (EventTime, String)> = BTreeMap::new();
    let mut latest = EventTime::MIN;
    let mut has_organisation = false;
    for event in &events {
        for (_, fact) in router.route(event, event.time).facts {
            if let Payload::PageNotified(page) = &fact.event.payload {
                paged.insert(page.incident.clone());
            }
        }
        latest = latest.max(event.time);
        match &event.payload {
            Payload::OrganisationRecorded(_) => has_organisation = true,
            Payload::SourceProgressed(message) => {
                if let Some(through) = instant::optional(message.complete_through.as_ref()) {
                    progress.insert(message.source.clone(), (through, message.last_error.clone()));
                }
            }
            _ => {}
        }
    }
    let mut findings = Vec::new();
    if !has_organisation {
        findings.push(Finding {
            area: "reference",
            what: "no organisation is recorded: quarters, zones and roles are unknown".to_owned(),
            todo: "publish organisation, squad, person, membership and key-result events".to_owned(),
            is_notice: false,
        });
    }
    findings.extend(waiting::findings(&router, &paged));
    findings.extend(progress.into_iter().filter(|(_, (through, _))| latest.since(*through) > STALE).map(
        |(source, (through, error))| Finding {
            area: "stale",
            what: format!("{source} is complete through {} only{}", through.to_rfc3339(), because(&error)),
            todo: "look at its connector; rules that wait for it are held, not fired".to_owned(),
            is_notice: false,
        },
    ));
    Ok(findings)
}

fn because(error: &str) -> String {
    if error.is_empty() { String::new() } else { format!(": {error}") }
}

fn lagging(log: &dyn EventLog, topics: &TopicSet) -> Result<Vec<Finding>, Failure> {
    let failed = || "cannot ask for positions".to_owned();
    let groups: [(&str, Vec<Topic>); 4] = [
        ("route", Topic::SOURCES.to_vec()),
        ("process", vec![Topic::Facts]),
        ("escalate", vec![Topic::Trigger, Topic::Command]),
        ("notify", vec![Topic::Escalation]),
    ];
    let mut findings = Vec::new();
    for (role, inputs) in groups {
        let group = format!("{}-{role}", topics.prefix);
        let partitions: Vec<TopicPartition> = inputs
            .into_iter()
            .flat_map(|topic| {
                (0..topics.partitions(topic))
                    .map(move |partition| TopicPartition::new(topics.name(topic), partition))
            })
            .collect();
        let committed = log.committed(&group, &partitions).or_fail(Exit::Log, failed)?;
        for partition in partitions {
            let bounds = log.bounds(&partition).or_fail(Exit::Log, failed)?;
            let position = committed.iter().find(|position| position.partition == partition);
            let next = position.map_or(bounds.start, |position| position.next_offset);
            let behind = bounds.stable_end - next;
            if behind > LAG_MAX {
                findings.push(Finding {
                    area: "lag",
                    what: format!("{group} is {behind} records behind on {partition}"),
                    todo: format!("see that `bellwether {role}` or `bellwether up` runs, and /readyz of it"),
                    is_notice: false,
                });
            }
        }
    }
    Ok(findings)
}

fn dead(config: &Config, log: &dyn EventLog) -> Result<Vec<Finding>, Failure> {
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for record in super::topics::records(config, log, Topic::Dlq)? {
        let cause = record
            .headers
            .iter()
            .find(|(name, _)| name.ends_with("cause"))
            .and_then(|(_, value)| value.as_ref())
            .map_or_else(|| "no cause given".to_owned(), |value| String::from_utf8_lossy(value).into_owned());
        *causes.entry(cause).or_insert(0) += 1;
    }
    let name = record_topic(config);
    Ok(causes
        .into_iter()
        .map(|(cause, count)| Finding {
            area: "dead letters",
            what: format!("records in {name}, {cause}: {count}"),
            todo: "mend the producer and publish them again; `bellwether topics read dlq` shows them"
                .to_owned(),
            is_notice: false,
        })
        .collect())
}

fn record_topic(config: &Config) -> String {
    Topic::Dlq.name(&config.kafka.prefix)
}
