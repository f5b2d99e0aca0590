//! Declaring and describing topics.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::RDKafkaErrorCode;

use bellwether_log::{Cleanup, Error, ErrorClass, Result, TimestampKind, TopicInfo, TopicSpec};

use crate::asking::{ASK, Asking};
use crate::config;
use crate::context::{Common, PlainContext};
use crate::failure;
use crate::options::KafkaOptions;
use crate::shelf::Shelf;
use crate::token;

/// How long a new topic may take to have leaders everywhere we look.
const APPEAR_BOUND: Duration = Duration::from_secs(20);
/// Admin clients kept for the next question: one for each folding role, all of which ask as they start.
const KEPT: usize = 3;
/// Between two looks at the metadata of a new topic.
const APPEAR_LOOK: Duration = Duration::from_millis(20);

/// The admin clients of one log, kept for a while: closing one takes 100 ms. One that is open looks around ten times a
/// second.
pub(crate) struct Admin {
    options: KafkaOptions,
    common: Common,
    kept: Shelf<AdminClient<PlainContext>>,
}

impl Admin {
    pub(crate) fn new(options: KafkaOptions, common: Common) -> Self {
        Self { options, common, kept: Shelf::new(KEPT) }
    }

    fn client(&self) -> Result<Lent<'_>> {
        let client = match self.kept.take() {
            Some(client) => client,
            None => self.open()?,
        };
        Ok(Lent { admin: self, client: Some(client) })
    }

    fn open(&self) -> Result<AdminClient<PlainContext>> {
        let client: AdminClient<PlainContext> = config::admin(&self.options)
            .create_with_context(PlainContext(self.common.clone()))
            .map_err(|error| failure::fatal("open an admin client", error))?;
        if self.common.has_tokens() {
            token::give(client.inner(), self.common.oauth_token()?)?;
        }
        Ok(client)
    }
}

/// A client in use; it goes back when its user is done.
struct Lent<'a> {
    admin: &'a Admin,
    client: Option<AdminClient<PlainContext>>,
}

impl Lent<'_> {
    fn inner(&self) -> &AdminClient<PlainContext> {
        self.client.as_ref().expect("it is taken out by drop alone")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // It is given a token as it is opened, and none later: it must not outlive that one.
        if let Some(client) = self.client.take().filter(|_| !self.admin.common.has_tokens()) {
            self.admin.kept.put(client);
        }
    }
}

pub(crate) fn create(admin: &Admin, asking: &Asking, topics: &[TopicSpec]) -> Result<()> {
    let admin = admin.client()?;
    let settings: Vec<Vec<(String, String)>> = topics.iter().map(settings).collect();
    let wanted: Vec<NewTopic<'_>> = topics
        .iter()
        .zip(&settings)
        .map(|(topic, settings)| {
            let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
            let replication = TopicReplication::Fixed(i32::from(topic.replication));
            let new = NewTopic::new(&topic.name, partitions, replication);
            settings.iter().fold(new, |new, (name, value)| new.set(name, value))
        })
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let asked = AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK));
    let results = wait(admin.inner().create_topics(&wanted, &asked))
        .map_err(|error| failure::failure("create topics", error))?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                let what = format!("create topic {topic}");
                return Err(Error::with_source(failure::class_of(code), what, code));
            }
        }
    }
    let deadline = Instant::now() + APPEAR_BOUND;
    for topic in topics {
        while !asking.has_leaders(&topic.name)? {
            if Instant::now() >= deadline {
                let what = format!("wait for topic {} to have leaders", topic.name);
                return Err(Error::new(ErrorClass::Transient, what));
            }
            std::thread::sleep(APPEAR_LOOK);
        }
    }
    Ok(())
}

fn settings(topic: &TopicSpec) -> Vec<(String, String)> {
    let cleanup = match topic.cleanup {
        Cleanup::Delete => "delete",
        Cleanup::Compact => "compact",
    };
    let timestamps = match topic.timestamps {
        TimestampKind::CreateTime => "CreateTime",
        TimestampKind::LogAppendTime => "LogAppendTime",
    };
    let mut settings = topic.settings.clone();
    settings.push(("cleanup.policy".to_owned(), cleanup.to_owned()));
    settings.push(("message.timestamp.type".to_owned(), timestamps.to_owned()));
    settings.push(("retention.ms".to_owned(), topic.retention_ms.to_string()));
    settings
}

pub(crate) fn describe(admin: &Admin, asking: &Asking, prefix: &str) -> Result<Vec<TopicInfo>> {
    let metadata = asking.metadata(None)?;
    let mut found: Vec<TopicInfo> = metadata
        .topics()
        .iter()
        .filter(|topic| topic.name().starts_with(prefix) && topic.error().is_none())
        .map(|topic| TopicInfo {
            name: topic.name().to_owned(),
            partitions: u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX),
            replication: topic
                .partitions()
                .iter()
                .find(|partition| partition.id() == 0)
                .map_or(0, |partition| u16::try_from(partition.replicas().len()).unwrap_or(u16::MAX)),
            settings: Vec::new(),
        })
        .collect();
    found.sort_by(|left, right| left.name.cmp(&right.name));
    if found.is_empty() {
        return Ok(found);
    }
    let admin = admin.client()?;
    let resources: Vec<ResourceSpecifier<'_>> =
        found.iter().map(|topic| ResourceSpecifier::Topic(&topic.name)).collect();
    let asked = AdminOptions::new().request_timeout(Some(ASK));
    let described = wait(admin.inner().describe_configs(&resources, &asked))
        .map_err(|error| failure::failure("describe topics", error))?;
    for resource in described {
        let resource = resource.map_err(|code| {
            Error::with_source(failure::class_of(code), "describe the settings of a topic", code)
        })?;
        let OwnedResourceSpecifier::Topic(name) = &resource.specifier else { continue };
        let Some(topic) = found.iter_mut().find(|topic| topic.name == *name) else { continue };
        topic.settings = resource
            .entries
            .iter()
            .filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?)))
            .collect();
        topic.settings.sort();
    }
    Ok(found)
}

/// Waits for a future of the admin client on this thread; its answers come from a thread of the client's own.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
