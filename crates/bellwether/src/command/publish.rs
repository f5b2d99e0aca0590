//! `bellwether publish`: events from JSON Lines onto their home topics; how reference data and commands get in.
//!
//! Invariant: while one of the events cannot be published, none is.

use std::collections::BTreeMap;
use std::process::ExitCode;

use bellwether_log::EventLog;
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, catalogue};
use serde::Serialize;

use crate::cli::Publish;
use crate::client;
use crate::config::Config;
use crate::failure::{Context as _, Exit, Failure};
use crate::format;
use crate::record;
use crate::replay::{order, read};
use crate::topic_set::{TimeMode, TopicSet};

/// Records of one append: a few hundred kilobytes, acknowledged together.
const BATCH: usize = 2_000;

/// Publishes.
///
/// # Errors
/// When input cannot be read, or the log does not take it.
pub(super) fn run(config: &Config, args: &Publish) -> Result<ExitCode, Failure> {
    let mut events = read::events(&args.events, args.allow_unknown)?;
    order::sort(&mut events);
    let log = client::connect(config, &client::bootstrap(config)?)?;
    let topics = TopicSet::configured(config);
    topics.require(log.as_ref())?;
    let counts = publish(log.as_ref(), &topics, &events)?;
    let published: Vec<Published> =
        counts.into_iter().map(|(topic, events)| Published { topic, events }).collect();
    format::rows_or(args.format, "nothing to publish", &["topic", "events"], &published, |it| {
        vec![it.topic.clone(), it.events.to_string()]
    })?;
    Ok(ExitCode::SUCCESS)
}

/// How much went to a topic.
#[derive(Debug, Serialize)]
struct Published {
    topic: String,
    events: usize,
}

/// Appends events to their home topics and waits for the acknowledgements; says how many went where.
///
/// # Errors
/// When an event belongs on no topic that people may write, before any is sent; or when the log does not take them.
pub(super) fn publish(
    log: &dyn EventLog,
    topics: &TopicSet,
    events: &[Event],
) -> Result<BTreeMap<String, usize>, Failure> {
    let mut counts = BTreeMap::new();
    let mut functions = Functions::default();
    let homes: Vec<(Topic, u32)> =
        events.iter().map(|event| home(event, &mut functions, log, topics)).collect::<Result<_, _>>()?;
    let mut appender = log.appender().or_fail(Exit::Log, || "cannot open a producer".to_owned())?;
    for (chunk, homes) in events.chunks(BATCH).zip(homes.chunks(BATCH)) {
        let mut records = Vec::with_capacity(chunk.len());
        for (event, &(topic, partition)) in chunk.iter().zip(homes) {
            *counts.entry(topics.name(topic)).or_insert(0) += 1;
            let mut record = record::of_event(event, topics, topic, partition);
            if topics.time == TimeMode::Live {
                // Event time is in the headers; the record's time is the log's, so that retention counts from now.
                record.timestamp_ms = None;
            }
            records.push(record);
        }
        appender.append(records).or_fail(Exit::Log, || "the log did not take the events".to_owned())?;
    }
    Ok(counts)
}

/// Topic and partition of an event.
fn home(
    event: &Event,
    functions: &mut Functions,
    log: &dyn EventLog,
    topics: &TopicSet,
) -> Result<(Topic, u32), Failure> {
    let topic = writable_topic(event)?;
    let partition = match topic {
        Topic::Command => functions.partition_of(event, log, topics)?,
        _ => 0,
    };
    Ok((topic, partition))
}

fn writable_topic(event: &Event) -> Result<Topic, Failure> {
    let refused = |why: &str| {
        Failure::new(
            Exit::Input,
            format!(
                "event {} of {}, of type {}, cannot be published",
                event.id.id,
                event.id.source,
                event.type_name()
            ),
        )
        .hint(format!("{why}; nothing was published"))
    };
    if event.id.id.is_empty() || event.id.source.is_empty() {
        return Err(refused("give it an id and a source: they are what repeats are known by"));
    }
    match catalogue::home_topic(event.type_name()) {
        Some(topic) if Topic::SOURCES.contains(&topic) || topic == Topic::Command => Ok(topic),
        Some(topic) => Err(refused(&format!("{} is written by Bellwether alone", topic.thing()))),
        None => match &event.payload {
            // Kept as it came; the router passes it on.
            Payload::Unknown { .. } => Ok(Topic::Okr),
            _ => Err(refused("the type is not in the catalogue")),
        },
    }
}

/// Commands name an escalation, and an escalation lives in its function's partition: found in the escalation topic.
#[derive(Debug, Default)]
struct Functions(Option<BTreeMap<String, u32>>);

impl Functions {
    fn partition_of(&mut self, event: &Event, log: &dyn EventLog, topics: &TopicSet) -> Result<u32, Failure> {
        let Some(escalation) = escalation_of(&event.payload) else { return Ok(0) };
        if self.0.is_none() {
            self.0 = Some(started(log, topics)?);
        }
        let known = self.0.as_ref().and_then(|started| started.get(escalation)).copied();
        known.ok_or_else(|| {
            Failure::new(
                Exit::Input,
                format!("there is no escalation {escalation}, which event {} names", event.id.id),
            )
            .hint("`bellwether topics read escalation` lists those that started; nothing was published")
        })
    }
}

fn started(log: &dyn EventLog, topics: &TopicSet) -> Result<BTreeMap<String, u32>, Failure> {
    let name = topics.name(Topic::Escalation);
    let mut found = BTreeMap::new();
    for record in super::topics::read_all(log, &name)? {
        if let Ok(event) = record::to_event(&record)
            && let Payload::EscalationStarted(message) = &event.payload
        {
            found.insert(message.escalation.clone(), record.from.partition);
        }
    }
    Ok(found)
}

fn escalation_of(payload: &Payload) -> Option<&str> {
    let escalation = match payload {
        Payload::EscalationAcknowledged(m) => &m.escalation,
        Payload::EscalationSnoozed(m) => &m.escalation,
        Payload::EscalationUnsnoozed(m) => &m.escalation,
        Payload::EscalationResolved(m) => &m.escalation,
        Payload::DecisionLocked(m) => &m.escalation,
        Payload::InterventionRecorded(m) => &m.escalation,
        _ => return None,
    };
    (!escalation.is_empty()).then_some(escalation)
}

#[cfg(test)]
mod tests {
    use bellwether_log::TopicPartition;
    use bellwether_log::sim::{Sim, SimOptions};
    use bellwether_model::EventTime;
    use bellwether_wire::envelope::EventId;
    use bellwether_wire::pb;

    use super::*;

    fn event(id: usize, payload: impl Into<Payload>) -> Event {
        Event {
            id: EventId { source: "cli://ann".to_owned(), id: id.to_string() },
            time: EventTime::from_ms(0),
            subject: None,
            traceparent: None,
            payload: payload.into(),
        }
    }

    #[test]
    fn one_event_that_cannot_be_published_keeps_all_of_them_back() {
        let sim = Sim::new(SimOptions::default());
        let topics = TopicSet::configured(&Config::load(None, &[]).expect("defaults"));
        let log = sim.process();
        log.create_topics(&topics.specs()).expect("topics");
        let unknown = pb::EscalationAcknowledged { escalation: "none".to_owned(), ..Default::default() };
        let mut nameless = event(BATCH, pb::PageNotified::default());
        nameless.id.id.clear();
        for (last, told) in [
            (nameless, "give it an id and a source"),
            (event(BATCH, pb::TriggerFired::default()), "event 2000 of cli://ann"),
            (event(BATCH, unknown), "there is no escalation none, which event 2000 names"),
        ] {
            let mut events: Vec<Event> =
                (0..BATCH).map(|id| event(id, pb::PageNotified::default())).collect();
            events.push(last);
            let failure = publish(&log, &topics, &events).expect_err("refused");
            assert_eq!(failure.exit, Exit::Input);
            let text = failure.to_string();
            assert!(text.contains(told) && text.contains("nothing was published"), "{text}");
            let pages = TopicPartition::new(topics.name(Topic::Page), 0);
            assert_eq!(log.bounds(&pages).expect("bounds").stable_end, 0);
        }
    }
}
