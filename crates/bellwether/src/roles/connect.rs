//! `connect`: the webhook receiver, and the one thread that appends what it took to the log.

mod recording;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use bellwether_connectors::sink::{Append, Queue, SinkError, queue};
use bellwether_connectors::webhook::{JiraEndpoint, LinearEndpoint, PagerDutyEndpoint};
use bellwether_connectors::{ReceiverOptions, pagerduty, router, unmapped};
use bellwether_log::{Appender, EventLog, NewRecord};
use bellwether_model::Millis;
use bellwether_wire::catalogue;
use bellwether_wire::ids::HashKey;
use bellwether_wire::topics::Topic;

use crate::config::Config;
use crate::failure::{Context as _, Exit, Failure};
use crate::host::chain;
use crate::keys::Keys;
use crate::record;
use crate::topic_set::TopicSet;

pub(crate) use recording::Recording;

/// Deliveries that may wait: at a commit of some milliseconds each batch, half a second of a storm.
const WAITING_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// Deliveries appended together.
const BATCH_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// The running receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    router: Router,
    thread: JoinHandle<()>,
}

/// Starts the thread that appends, to a recording as well where there is one, and makes the routes.
///
/// # Errors
/// When a producer cannot be opened or the settings cannot work.
pub(crate) fn start(
    config: &Config,
    log: &Arc<dyn EventLog>,
    topics: &TopicSet,
    keys: &Keys,
    recording: Option<Recording>,
) -> Result<Receiver, Failure> {
    let (sink, queue) = queue(WAITING_MAX);
    let options = options(config, &keys.id);
    options.check().or_fail(Exit::Usage, || "the settings below connect are not valid".to_owned())?;
    let router = router(options, Arc::new(sink));
    let appender = log.appender().or_fail(Exit::Log, || "cannot open a producer for webhooks".to_owned())?;
    let topics = topics.clone();
    let thread = std::thread::Builder::new()
        .name("connect".to_owned())
        .spawn(move || append_all(queue, appender, &topics, recording))
        .or_fail(Exit::Internal, || "cannot start a thread for webhooks".to_owned())?;
    Ok(Receiver { router, thread })
}

impl Receiver {
    /// The routes of the webhooks.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Drops the routes and waits until what was taken is in the log.
    pub(crate) fn stop(self) {
        drop(self.router);
        if self.thread.join().is_err() {
            tracing::error!("the thread that appends webhooks panicked");
        }
    }
}

/// Settings of the receiver.
pub(crate) fn options(config: &Config, id_key: &HashKey) -> ReceiverOptions {
    let (connect, of_all) = (&config.connect, &config.mapping);
    let jira = connect.jira.iter().map(|source| {
        let endpoint = JiraEndpoint {
            secrets: source.secrets.clone(),
            accept_unsigned: connect.allow_unsigned_jira,
            mapping: source.mapping.over(&of_all.jira),
        };
        (source.site.clone(), endpoint)
    });
    let linear = connect.linear.iter().map(|source| {
        let mapping = source.mapping.over(&of_all.linear);
        (source.workspace.clone(), LinearEndpoint { secrets: source.secrets.clone(), mapping })
    });
    let pagerduty = connect.pagerduty.iter().map(|source| {
        let mapping = pagerduty::Mapping { id_key: id_key.clone(), ..source.mapping.over(&of_all.pagerduty) };
        (source.account.clone(), PagerDutyEndpoint { secrets: source.secrets.clone(), mapping })
    });
    ReceiverOptions {
        jira: jira.collect(),
        linear: linear.collect(),
        pagerduty: pagerduty.collect(),
        requests_max: connect.requests_max,
        body_bytes_max: connect.body_limit_bytes,
        bytes_max: connect.buffered_bytes_max,
        linear_window: Millis::seconds(i64::from(connect.linear_window_seconds)),
        keep_unmapped: connect.keep_unmapped,
        ..ReceiverOptions::default()
    }
}

fn append_all(
    mut queue: Queue,
    mut appender: Box<dyn Appender>,
    topics: &TopicSet,
    mut recording: Option<Recording>,
) {
    while let Some(batch) = queue.next(BATCH_MAX) {
        let records: Vec<NewRecord> = batch
            .iter()
            .flat_map(|append| append.events.iter())
            .map(|event| record_of(event, topics))
            .collect();
        match appender.append(records) {
            Ok(_) => {
                if let Some(recording) = &mut recording {
                    recording.write(batch.iter().flat_map(|append| append.events.iter()));
                }
                batch.into_iter().for_each(Append::acknowledge);
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the log did not take webhook events");
                let what = error.to_string();
                for append in batch {
                    append.refuse(SinkError::Failed { what: what.clone() });
                }
            }
        }
    }
}

/// A webhook's event as a record of its source topic; what is kept unmapped goes to its source's topic too.
fn record_of(event: &bellwether_wire::Event, topics: &TopicSet) -> NewRecord {
    let topic = unmapped::topic(event)
        .or_else(|| catalogue::home_topic(event.type_name()))
        .filter(|topic| Topic::SOURCES.contains(topic))
        .unwrap_or(Topic::Okr);
    NewRecord { timestamp_ms: None, ..record::of_event(event, topics, topic, 0) }
}

#[cfg(test)]
mod tests {
    use bellwether_connectors::sink::Sink as _;
    use bellwether_log::sim::{Sim, SimOptions};
    use bellwether_model::EventTime;
    use bellwether_wire::{Event, json, pb};

    use super::*;

    /// What becomes of one delivery, and what is in the recording when its sender is told.
    fn delivered(sim: &Sim) -> (Result<(), SinkError>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("received.jsonl");
        let recording = Recording::open(&path).expect("a file");
        let topics = TopicSet::configured(&Config::load(None, &[]).expect("defaults"));
        let appender = sim.process().appender().expect("a producer");
        let (sink, queue) = queue(WAITING_MAX);
        let thread = std::thread::spawn(move || append_all(queue, appender, &topics, Some(recording)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let page = Event::new("pagerduty://acme", "1", EventTime::from_ms(0), pb::PageNotified::default());
        let answer = runtime.block_on(sink.append(vec![page]));
        let recorded = std::fs::read_to_string(&path).expect("a recording");
        drop(sink);
        thread.join().expect("it ends with its senders");
        (answer, recorded)
    }

    #[test]
    fn what_the_log_took_is_recorded_before_its_sender_is_told_and_nothing_else_is() {
        let sim = Sim::new(SimOptions::default());
        let (answer, recorded) = delivered(&sim);
        assert!(matches!(answer, Err(SinkError::Failed { .. })), "there is no topic: {answer:?}");
        assert_eq!(recorded, "");
        let topics = TopicSet::configured(&Config::load(None, &[]).expect("defaults"));
        sim.process().create_topics(&topics.specs()).expect("topics");
        let (answer, recorded) = delivered(&sim);
        assert_eq!(answer, Ok(()));
        assert_eq!(json::read(recorded.trim_end()).expect("one event").id.id, "1");
    }
}
