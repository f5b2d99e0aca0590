//! The demo's quarter in a log, week by week: its events on their home topics, with a mark on every source topic every
//! six hours.

use anyhow::{Context, ensure};
use bellwether_log::{NewRecord, TopicPartition};
use bellwether_model::{EventTime, Millis};
use bellwether_tests::product::{Outside, Settings, broker, run};
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{binary, catalogue, instant, json, pb};
use bytes::Bytes;

/// First and last instant of the quarter.
const START: &str = "2026-01-05T00:00:00Z";
const END: &str = "2026-04-06T00:00:00Z";
/// Virtual time between marks, as in the demo.
const MARK_EVERY: Millis = Millis::hours(6);
/// Marks of a week.
const MARKS: usize = 28;

/// The quarter's events, as `bellwether demo` writes them.
pub(crate) fn events(settings: &Settings) -> anyhow::Result<Vec<Event>> {
    let file = settings.dir.join("quarter.jsonl");
    let path = file.to_str().context("a path that is text")?;
    run(settings, &["demo", "--events", path])?.expect(0)?;
    let text = std::fs::read_to_string(&file)?;
    Ok(text.lines().map(json::read).collect::<Result<_, _>>()?)
}

/// The records of the quarter: the organisation first, then week by week, up to and including its last mark.
pub(crate) fn weeks(settings: &Settings) -> anyhow::Result<Vec<Vec<NewRecord>>> {
    let events = events(settings)?;
    let (mut mark, end) = (EventTime::parse(START)?, EventTime::parse(END)?);
    let mut weeks = vec![Vec::new()];
    let mut marked = 0;
    let mut next_mark = |at: EventTime, weeks: &mut Vec<Vec<NewRecord>>| {
        let due = marked % MARKS == 0;
        marked += 1;
        if let Some(week) = weeks.last_mut() {
            week.extend(marks(settings, at));
        }
        if due && at < end {
            weeks.push(Vec::new());
        }
        at.plus(MARK_EVERY)
    };
    for event in &events {
        while event.time > mark {
            mark = next_mark(mark, &mut weeks);
        }
        let topic = catalogue::home_topic(event.type_name());
        let topic = topic.with_context(|| format!("{} has no home", event.type_name()))?;
        ensure!(Topic::SOURCES.contains(&topic), "{} is no source's event", event.type_name());
        weeks.last_mut().context("a week")?.push(record(settings, topic, event));
    }
    while mark <= end {
        mark = next_mark(mark, &mut weeks);
    }
    Ok(weeks)
}

/// Makes the topics and puts these records there, on a cluster or in the data folder that `up` will find.
pub(crate) fn fill(settings: &Settings, records: &[NewRecord]) -> anyhow::Result<()> {
    let embedded = match &settings.servers {
        None => Some(broker(settings)?),
        Some(_) => None,
    };
    let told = embedded.as_ref().map(|process| process.servers.clone());
    let servers = told.or_else(|| settings.servers.clone()).context("an address")?;
    run(settings, &["topics", "apply", "--bootstrap-servers", &servers])?.expect(0)?;
    Outside::connect(&servers, settings)?.append(records)?;
    match embedded {
        Some(mut process) => process.stop(),
        None => Ok(()),
    }
}

fn marks(settings: &Settings, at: EventTime) -> impl Iterator<Item = NewRecord> + '_ {
    let tick = pb::TickRecorded { at: Some(instant::timestamp(at)) };
    let event = Event::new("test://marks", format!("mark/{}", at.to_rfc3339()), at, tick);
    Topic::SOURCES.into_iter().map(move |topic| record(settings, topic, &event))
}

/// A record of an event. Its key is its identity: nothing here is compacted away while a test runs.
pub(crate) fn record(settings: &Settings, topic: Topic, event: &Event) -> NewRecord {
    NewRecord {
        to: TopicPartition::new(settings.topic(topic), 0),
        key: Some(Bytes::from(format!("{}/{}", event.id.source, event.id.id))),
        value: event.payload.encode(),
        headers: binary::headers(event),
        timestamp_ms: Some(event.time.ms()),
    }
}
