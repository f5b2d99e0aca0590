//! A broker to ask, by its address; unique names; topics.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use super::wait::{CALL, eventually};

/// Whose broker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Apache Kafka.
    Apache,
    /// Ours.
    Embedded,
}

impl Kind {
    /// The first part of a case's full name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apache => "apache",
            Self::Embedded => "embedded",
        }
    }
}

/// A running broker. Clones share one client for topics.
#[derive(Clone)]
pub struct Cluster {
    kind: Kind,
    bootstrap: String,
    admin: Arc<OnceLock<AdminClient<DefaultClientContext>>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("kind", &self.kind).field("bootstrap", &self.bootstrap).finish()
    }
}

impl Cluster {
    /// The broker at an address.
    pub fn new(kind: Kind, bootstrap: impl Into<String>) -> Self {
        Self { kind, bootstrap: bootstrap.into(), admin: Arc::default() }
    }

    /// Whose it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Settings every client shares, and more.
    pub fn config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("client.id", "conformance");
        // A restarted broker is found again at once rather than after seconds of back-off.
        config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "200");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        config
    }

    /// The client for topics. One for all: making and ending one costs 0.2 s.
    pub fn admin(&self) -> anyhow::Result<&AdminClient<DefaultClientContext>> {
        if let Some(admin) = self.admin.get() {
            return Ok(admin);
        }
        let admin = self.config(&[]).create()?;
        Ok(self.admin.get_or_init(|| admin))
    }

    /// Creates a topic with a name of its own and waits until it can be used.
    pub fn topic(&self, stem: &str, partitions: i32, settings: &[(&str, &str)]) -> anyhow::Result<String> {
        let name = unique(stem);
        self.create(&name, partitions, settings)?
            .map_err(|code| anyhow::anyhow!("creating topic {name}: {code}"))?;
        Ok(name)
    }

    /// Creates a topic; the inner error is the broker's answer.
    pub fn create(
        &self,
        name: &str,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Result<(), RDKafkaErrorCode>> {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (setting, value) in settings {
            topic = topic.set(setting, value);
        }
        let admin = self.admin()?;
        let results = block_on(admin.create_topics([&topic], &options()))??;
        match results.into_iter().next().context("no answer for the topic")? {
            Ok(_) => {}
            Err((_, code)) => return Ok(Err(code)),
        }
        let wanted = usize::try_from(partitions)?;
        eventually(format!("{wanted} partitions of {name} with a leader"), || {
            Ok((self.usable_partitions(name)? == wanted).then_some(()))
        })?;
        Ok(Ok(()))
    }

    /// Deletes a topic and waits until nobody knows it any more.
    pub fn delete(&self, name: &str) -> anyhow::Result<()> {
        let admin = self.admin()?;
        for result in block_on(admin.delete_topics(&[name], &options()))?? {
            if let Err((_, code)) = result {
                bail!("deleting topic {name}: {code}");
            }
        }
        eventually(format!("topic {name} gone"), || Ok((self.usable_partitions(name)? == 0).then_some(())))
    }

    /// How many partitions of a topic have a leader; 0 when there is no such topic.
    pub fn usable_partitions(&self, name: &str) -> anyhow::Result<usize> {
        let admin = self.admin()?;
        // All topics: asking for one by name would have an obliging broker create it.
        let metadata = admin.inner().fetch_metadata(None, CALL)?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else { return Ok(0) };
        let usable = |error: Option<RDKafkaRespErr>, leader: i32| error.is_none() && leader >= 0;
        Ok(topic
            .partitions()
            .iter()
            .filter(|partition| usable(partition.error(), partition.leader()))
            .count())
    }
}

/// Options of an admin call: bounded, and answered when done.
pub fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL)).operation_timeout(Some(CALL))
}

/// Drives an admin future; the client has threads of its own.
pub fn block_on<F: Future>(future: F) -> anyhow::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}

/// A name nobody else uses, in this run or another on the same broker.
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!("{stem}-{:x}-{}-{}", now.as_nanos(), std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
