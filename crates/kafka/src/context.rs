//! What librdkafka calls back: logs, tokens, deliveries, rebalances.
//!
//! Invariants: a callback never panics and never blocks; a rebalance is answered and written down here, and acted
//! on by the member after the poll that brought it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};

use bellwether_log::{Error, ErrorClass, TopicPartition};

use crate::options::{KafkaOptions, Sasl};

/// What every client shares: how it logs and where its tokens come from.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    token: Option<Sasl>,
    /// Why the cluster cannot be spoken to, as one of the clients was told last.
    refusal: Arc<Mutex<Option<String>>>,
}

impl Common {
    pub(crate) fn new(options: &KafkaOptions) -> Self {
        let token = options.security.sasl.clone().filter(|sasl| matches!(sasl, Sasl::OAuthBearer { .. }));
        Self { token, refusal: Arc::default() }
    }

    /// True when the client asks for bearer tokens.
    pub(crate) fn has_tokens(&self) -> bool {
        self.token.is_some()
    }

    /// Why the cluster refused us, if it did; forgets it.
    pub(crate) fn take_refusal(&self) -> Option<String> {
        lock(&self.refusal).take()
    }

    fn heard(&self, error: &KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason, "client error");
        let refused = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::SSL
                    | RDKafkaErrorCode::UnsupportedSASLMechanism
            )
        );
        if refused {
            *lock(&self.refusal) = Some(reason.to_owned());
        }
    }

    pub(crate) fn oauth_token(&self) -> bellwether_log::Result<OAuthToken> {
        let Some(Sasl::OAuthBearer { token_file, principal, lifetime }) = &self.token else {
            return Err(Error::new(ErrorClass::Fatal, "find a bearer token: none is configured"));
        };
        let token = std::fs::read_to_string(token_file).map_err(|error| {
            let what = format!("read the bearer token {}", token_file.display());
            Error::with_source(ErrorClass::Transient, what, error)
        })?;
        let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO) + *lifetime;
        Ok(OAuthToken {
            token: token.trim().to_owned(),
            principal_name: principal.clone(),
            lifetime_ms: i64::try_from(until.as_millis()).unwrap_or(i64::MAX),
        })
    }
}

/// Takes a client's log lines into ours.
fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, line, "client warning"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "librdkafka", facility, line, "client log");
        }
    }
}

macro_rules! client_context {
    ($name:ident) => {
        impl ClientContext for $name {
            const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

            fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
                log(level, facility, line);
            }

            fn stats(&self, _statistics: Statistics) {}

            fn stats_raw(&self, _statistics: &[u8]) {}

            fn error(&self, error: KafkaError, reason: &str) {
                self.common().heard(&error, reason);
            }

            fn generate_oauth_token(
                &self,
                _config: Option<&str>,
            ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
                Ok(self.common().oauth_token()?)
            }
        }
    };
}

/// A client without callbacks of its own.
#[derive(Debug)]
pub(crate) struct PlainContext(pub(crate) Common);

impl PlainContext {
    fn common(&self) -> &Common {
        &self.0
    }
}

client_context!(PlainContext);
impl ConsumerContext for PlainContext {}

/// No code of ours panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of the records under way.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// Offsets given, by the record's place in its call.
    pub(crate) offsets: Vec<Option<i64>>,
    /// The first record that failed, and why.
    pub(crate) failed: Option<(usize, RDKafkaErrorCode)>,
}

/// The context of a producer: the reports of one call at a time.
pub(crate) struct DeliveryContext {
    common: Common,
    deliveries: Mutex<Deliveries>,
}

impl DeliveryContext {
    pub(crate) fn new(common: Common) -> Self {
        Self { common, deliveries: Mutex::default() }
    }

    fn common(&self) -> &Common {
        &self.common
    }

    /// Forgets earlier reports and expects this many.
    pub(crate) fn expect(&self, count: usize) {
        *lock(&self.deliveries) = Deliveries { offsets: vec![None; count], failed: None };
    }

    /// The first record that failed so far.
    pub(crate) fn failed(&self) -> Option<(usize, RDKafkaErrorCode)> {
        lock(&self.deliveries).failed
    }

    /// Notes a record the client did not take.
    pub(crate) fn fail(&self, place: usize, code: RDKafkaErrorCode) {
        lock(&self.deliveries).failed.get_or_insert((place, code));
    }

    pub(crate) fn take(&self) -> Deliveries {
        std::mem::take(&mut *lock(&self.deliveries))
    }
}

impl fmt::Debug for DeliveryContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeliveryContext")
    }
}

client_context!(DeliveryContext);

impl ProducerContext<NoCustomPartitioner> for DeliveryContext {
    /// The record's place in its call.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        let mut deliveries = lock(&self.deliveries);
        match result {
            Ok(message) => {
                if let Some(offset) = deliveries.offsets.get_mut(place) {
                    *offset = Some(message.offset());
                }
            }
            Err((error, _)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                // When one record fails the client purges the others; the first reason is the real one.
                let purged = matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight);
                let known = deliveries.failed.is_some_and(|(_, earlier)| {
                    !matches!(earlier, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)
                });
                if deliveries.failed.is_none() || (!purged && !known) {
                    deliveries.failed = Some((place, code));
                }
            }
        }
    }
}

/// A change of assignment, as it happened.
#[derive(Debug)]
pub(crate) enum Change {
    Gained(Vec<TopicPartition>),
    Lost { partitions: Vec<TopicPartition>, lost: bool },
    Failed(KafkaError),
}

/// The context of a member's consumer.
#[derive(Debug)]
pub(crate) struct GroupContext {
    common: Common,
    changes: Mutex<VecDeque<Change>>,
}

impl GroupContext {
    pub(crate) fn new(common: Common) -> Self {
        Self { common, changes: Mutex::default() }
    }

    fn common(&self) -> &Common {
        &self.common
    }

    /// The oldest change not yet acted on.
    pub(crate) fn next_change(&self) -> Option<Change> {
        lock(&self.changes).pop_front()
    }

    pub(crate) fn has_changes(&self) -> bool {
        !lock(&self.changes).is_empty()
    }

    /// True when one of these went away and the member has not acted on it yet.
    pub(crate) fn has_lost<'a>(&self, mut wanted: impl Iterator<Item = &'a TopicPartition>) -> bool {
        let changes = lock(&self.changes);
        wanted.any(|wanted| {
            changes.iter().any(|change| match change {
                Change::Lost { partitions, .. } => partitions.contains(wanted),
                Change::Gained(_) | Change::Failed(_) => false,
            })
        })
    }

    /// Takes partitions at a harmless offset and pauses them: nothing is fetched before the member starts them.
    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &mut TopicPartitionList,
    ) -> Result<(), KafkaError> {
        partitions.set_all_offsets(Offset::Offset(0))?;
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(partitions)?,
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(partitions)?,
        }
        if partitions.count() > 0 { consumer.pause(partitions) } else { Ok(()) }
    }

    fn unassign(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> Result<(), KafkaError> {
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        }
    }
}

client_context!(GroupContext);

impl ConsumerContext for GroupContext {
    /// Overridden whole: the crate's own answer ignores errors of incremental calls and starts fetching at once.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let named = named(partitions);
        let (result, change) = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            (self.assign(consumer, partitions), Change::Gained(named))
        } else {
            // Asked before the partitions go: afterwards nothing is lost any more.
            let lost = consumer.assignment_lost();
            (self.unassign(consumer, partitions), Change::Lost { partitions: named, lost })
        };
        let mut changes = lock(&self.changes);
        changes.push_back(change);
        if let Err(error) = result {
            changes.push_back(Change::Failed(error));
        }
    }
}

pub(crate) fn named(partitions: &TopicPartitionList) -> Vec<TopicPartition> {
    let elements = partitions.elements();
    elements
        .iter()
        .filter_map(|element| {
            let number = u32::try_from(element.partition()).ok()?;
            Some(TopicPartition::new(element.topic(), number))
        })
        .collect()
}
