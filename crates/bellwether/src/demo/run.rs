//! Runs the quarter through the real roles: topics in warped time, marks, and what was said.
//!
//! Marks say on every source topic that an instant is over. The router holds records until all topics have passed it,
//! so the order of facts does not depend on how topics were read; from there one partition carries one order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwether_log::{EventLog, NewRecord, PartitionReader, TopicPartition};
use bellwether_model::{EventTime, Millis, Thresholds};
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, catalogue, instant, pb};
use tokio_util::sync::CancellationToken;

use super::calendar;
use super::told::Told;
use crate::failure::{Context as _, Exit, Failure};
use crate::host::{self, Plan, Role, Running};
use crate::keys::Keys;
use crate::record;
use crate::roles::notify;
use crate::topic_set::TopicSet;

/// Virtual time between marks.
const MARK_EVERY: Millis = Millis::hours(6);
/// Records of one append.
const BATCH: usize = 2_000;
/// How long the roles may say nothing new before the demo gives up.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a reader waits for more.
const WAIT: Duration = Duration::from_millis(20);

/// What triggers and escalations said up to an instant, in logical order.
pub(crate) type Heard<'a> = &'a mut dyn FnMut(&[Event]) -> Result<(), Failure>;

/// Runs the events through route, process, escalate and notify and hands over what the first three say, in time order.
/// Answers what was delivered to the terminal.
///
/// # Errors
/// When the log refuses, or a role ends.
pub(crate) fn run(
    log: &Arc<dyn EventLog>,
    topics: &TopicSet,
    snapshots: &std::path::Path,
    runtime: &tokio::runtime::Handle,
    events: &[Event],
    heard: Heard<'_>,
) -> Result<Told, Failure> {
    topics.apply(log.as_ref())?;
    publish(log.as_ref(), topics, events)?;
    let plan = Plan {
        log: Arc::clone(log),
        topics: topics.clone(),
        keys: Keys::zero(),
        thresholds: Thresholds::default(),
        objects: host::snapshot_folder(snapshots)?,
        ordinal: 0,
        restore: crate::config::Restore::default(),
    };
    let failed = CancellationToken::new();
    let mut running: Vec<Running> = Vec::new();
    for role in Role::ALL {
        running.push(host::start(&plan, role, &failed)?);
    }
    let told = Told::default();
    let outlets = vec![told.outlet()?];
    let notifier = notify::start_with(outlets, 0, log, topics, &plan.keys, runtime, &failed)?;
    let listened = Listener::open(log, topics).and_then(|mut listener| listener.listen(&failed, heard));
    for role in &running {
        role.stop();
    }
    let mut ended = Ok(());
    for role in running {
        ended = ended.and(role.join());
    }
    let delivered = ended.and(listened).and_then(|()| delivered(log.as_ref(), topics, &notifier, &told));
    notifier.stop();
    delivered.map(|()| told)
}

/// Waits until every step that there is has been read and delivered.
fn delivered(
    log: &dyn EventLog,
    topics: &TopicSet,
    notifier: &notify::Notifier,
    told: &Told,
) -> Result<(), Failure> {
    let failed = || "cannot ask for positions".to_owned();
    let group = format!("{}-notify", topics.prefix);
    let steps = TopicPartition::new(topics.name(Topic::Escalation), 0);
    let mut reader = log.read(&steps, 0).or_fail(Exit::Log, failed)?;
    let mut end = 0;
    while let Some(last) = reader.next(Duration::ZERO).or_fail(Exit::Log, failed)?.last() {
        end = last.offset + 1;
    }
    let mut last_news = Instant::now();
    let mut before = 0;
    loop {
        let committed = log.committed(&group, std::slice::from_ref(&steps)).or_fail(Exit::Log, failed)?;
        let next = committed.first().map_or(0, |position| position.next_offset);
        if next >= end && told.count() >= notifier.queued() {
            return Ok(());
        }
        if told.count() > before {
            (before, last_news) = (told.count(), Instant::now());
        }
        if last_news.elapsed() > SILENCE {
            let what = format!("{} of {} messages were delivered", told.count(), notifier.queued());
            return Err(Failure::new(Exit::Internal, what).hint("see what notify logged above"));
        }
        // Nothing more comes; this waits.
        reader.next(WAIT).or_fail(Exit::Log, failed)?;
    }
}

/// Appends every event to its home topic with its own time, and a mark to every source topic every six hours.
fn publish(log: &dyn EventLog, topics: &TopicSet, events: &[Event]) -> Result<(), Failure> {
    let mut records: Vec<NewRecord> = Vec::new();
    let mut mark = calendar::start();
    for event in events {
        while event.time > mark {
            records.extend(marks(topics, mark));
            mark = mark.plus(MARK_EVERY);
        }
        let topic = catalogue::home_topic(event.type_name()).unwrap_or(Topic::Okr);
        records.push(record::of_event(event, topics, topic, 0));
    }
    while mark <= calendar::end() {
        records.extend(marks(topics, mark));
        mark = mark.plus(MARK_EVERY);
    }
    let mut appender = log.appender().or_fail(Exit::Log, || "cannot open a producer".to_owned())?;
    for chunk in records.chunks(BATCH) {
        appender
            .append(chunk.to_vec())
            .or_fail(Exit::Log, || "the log did not take the quarter".to_owned())?;
    }
    Ok(())
}

fn marks(topics: &TopicSet, at: EventTime) -> Vec<NewRecord> {
    Topic::SOURCES
        .iter()
        .map(|topic| {
            let tick = pb::TickRecorded { at: Some(instant::timestamp(at)) };
            let event = Event::new("bellwether://demo", format!("mark/{}", at.to_rfc3339()), at, tick);
            record::of_event(&event, topics, *topic, 0)
        })
        .collect()
}

/// Reads triggers and escalations, and releases them up to the instant both have passed.
struct Listener<'a> {
    log: &'a Arc<dyn EventLog>,
    group: String,
    trigger: TopicPartition,
    triggers: Box<dyn PartitionReader>,
    escalations: Box<dyn PartitionReader>,
    waiting: Vec<(EventTime, usize, Event)>,
    ticks: Vec<(i64, EventTime)>,
    heard: usize,
}

impl<'a> Listener<'a> {
    fn open(log: &'a Arc<dyn EventLog>, topics: &TopicSet) -> Result<Self, Failure> {
        let trigger = TopicPartition::new(topics.name(Topic::Trigger), 0);
        let escalation = TopicPartition::new(topics.name(Topic::Escalation), 0);
        let failed = || "cannot read what the roles say".to_owned();
        Ok(Self {
            log,
            group: format!("{}-escalate", topics.prefix),
            triggers: log.read(&trigger, 0).or_fail(Exit::Log, failed)?,
            escalations: log.read(&escalation, 0).or_fail(Exit::Log, failed)?,
            trigger,
            waiting: Vec::new(),
            ticks: Vec::new(),
            heard: 0,
        })
    }

    fn listen(&mut self, failed: &CancellationToken, heard: Heard<'_>) -> Result<(), Failure> {
        let mut last_news = Instant::now();
        loop {
            let news = self.read()?;
            if news {
                last_news = Instant::now();
            }
            let passed = self.passed()?;
            self.release(passed, heard)?;
            if passed >= calendar::end() {
                return Ok(());
            }
            if failed.is_cancelled() {
                return Err(Failure::new(Exit::Log, "a role ended with an error"));
            }
            if last_news.elapsed() > SILENCE {
                return Err(Failure::new(
                    Exit::Internal,
                    format!("the roles said nothing new for {} s", SILENCE.as_secs()),
                )
                .hint("see what they logged above; `bellwether doctor` looks at positions"));
            }
        }
    }

    /// Takes what is new; true when there was any.
    fn read(&mut self) -> Result<bool, Failure> {
        let failed = || "cannot read what the roles say".to_owned();
        let triggers = self.triggers.next(WAIT).or_fail(Exit::Log, failed)?;
        for record in &triggers {
            let Ok(event) = record::to_event(record) else { continue };
            match &event.payload {
                Payload::TickRecorded(_) => self.ticks.push((record.offset, event.time)),
                _ => self.keep(event),
            }
        }
        let escalations = self.escalations.next(Duration::ZERO).or_fail(Exit::Log, failed)?;
        for record in &escalations {
            if let Ok(event) = record::to_event(record) {
                self.keep(event);
            }
        }
        Ok(!triggers.is_empty() || !escalations.is_empty())
    }

    fn keep(&mut self, event: Event) {
        let rank = usize::from(catalogue::home_topic(event.type_name()) != Some(Topic::Trigger));
        self.waiting.push((event.time, rank, event));
    }

    /// The last instant that the escalator has passed: what it said up to it is in its topic.
    fn passed(&mut self) -> Result<EventTime, Failure> {
        let failed = || "cannot ask for positions".to_owned();
        let partitions = std::slice::from_ref(&self.trigger);
        let committed = self.log.committed(&self.group, partitions).or_fail(Exit::Log, failed)?;
        let next = committed.first().map_or(0, |position| position.next_offset);
        let passed = self.ticks.iter().filter(|(offset, _)| *offset < next).map(|(_, at)| *at).max();
        // What was said before the positions moved is readable now.
        self.read()?;
        Ok(passed.unwrap_or(EventTime::MIN))
    }

    fn release(&mut self, through: EventTime, heard: Heard<'_>) -> Result<(), Failure> {
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(at, _, _)| *at <= through);
        self.waiting = waiting;
        if ready.is_empty() {
            return Ok(());
        }
        self.heard += ready.len();
        let mut ready = ready;
        ready.sort_by_key(|(at, rank, _)| (*at, *rank));
        let events: Vec<Event> = ready.into_iter().map(|(_, _, event)| event).collect();
        heard(&events)
    }
}
