//! The settings of each kind of client, with the reason for each.
//!
//! Invariant: free settings come last and win over what is tuned here; what the adapter's promises rest on is
//! reserved ([`crate::reserved`]) and cannot be among them.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use bellwether_log::{Assignor, GroupOptions};

use crate::options::{GroupProtocol, KafkaOptions, Sasl};
use crate::reserved::{Side, side};

/// How long the coordinator waits for an open transaction: Kafka Streams' choice, short because an open transaction
/// holds back every reader of its partitions.
pub(crate) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a record may take to be acknowledged; below the transaction's time-out, so that the record's failure is
/// known first.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(8);
/// How long the group lets a member be busy between polls: a commit and the opening of a producer, each at its
/// bound, and room for the fold.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(60);
/// Bytes fetched ahead of a member; bounds its memory whatever the number of partitions.
const MEMBER_PREFETCH_KB: u32 = 32 << 10;
/// Bytes fetched ahead of a reader: a catch-up is bound by how far ahead the client may fetch.
const READER_PREFETCH_KB: u32 = 64 << 10;
/// Bytes of one fetch of a reader.
const READER_FETCH_BYTES: u32 = 4 << 20;
/// How long an append outside transactions may take: a restart of the broker and an election.
const APPEND_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest request the client makes; the topic's own bound decides what is taken.
const MAX_MESSAGE_BYTES: u32 = 8 << 20;

/// Clients that only ask: metadata, bounds, topics.
pub(crate) fn asking(options: &KafkaOptions, committed: bool) -> ClientConfig {
    let mut config = base(options);
    let level = if committed { "read_committed" } else { "read_uncommitted" };
    config.set("isolation.level", level).set("allow.auto.create.topics", "false");
    free(config, options, Side::Consumer)
}

/// The client that declares and describes topics; librdkafka makes it a producer.
pub(crate) fn admin(options: &KafkaOptions) -> ClientConfig {
    free(base(options), options, Side::Producer)
}

/// The consumer of a member.
pub(crate) fn member(options: &KafkaOptions, group: &GroupOptions) -> ClientConfig {
    let mut config = consumer(options, &group.group);
    match options.group_protocol {
        GroupProtocol::Classic => {
            let assignor = match group.assignor {
                Assignor::CooperativeSticky => "cooperative-sticky",
                Assignor::Range => "range",
            };
            config
                .set("group.protocol", "classic")
                .set("partition.assignment.strategy", assignor)
                .set("session.timeout.ms", ms(options.session_timeout))
                .set("heartbeat.interval.ms", ms(options.heartbeat_interval));
        }
        GroupProtocol::Consumer => {
            let assignor = match group.assignor {
                Assignor::CooperativeSticky => "uniform",
                Assignor::Range => "range",
            };
            config.set("group.protocol", "consumer").set("group.remote.assignor", assignor);
        }
    }
    config
        .set("max.poll.interval.ms", ms(MAX_POLL_INTERVAL))
        .set("queued.max.messages.kbytes", MEMBER_PREFETCH_KB.to_string());
    free(config, options, Side::Consumer)
}

/// A consumer that only reads the committed positions of a group.
pub(crate) fn positions(options: &KafkaOptions, group: &str) -> ClientConfig {
    free(consumer(options, group), options, Side::Consumer)
}

/// A consumer of one partition, assigned by hand. The group id is never joined nor committed to; librdkafka wants
/// one for `assign`.
pub(crate) fn reader(options: &KafkaOptions) -> ClientConfig {
    let mut config = consumer(options, &format!("{}-reader", options.client_id));
    config
        .set("enable.partition.eof", "true")
        .set("queued.min.messages", "1000000")
        .set("queued.max.messages.kbytes", READER_PREFETCH_KB.to_string())
        .set("fetch.message.max.bytes", READER_FETCH_BYTES.to_string())
        // The fetch of the partition before is still waiting at the broker when a kept client begins the next.
        .set("fetch.wait.max.ms", "10")
        // Lines met in a batch call bypass our log and go to the standard error stream.
        .set_log_level(RDKafkaLogLevel::Critical);
    free(config, options, Side::Consumer)
}

fn consumer(options: &KafkaOptions, group: &str) -> ClientConfig {
    let mut config = base(options);
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("allow.auto.create.topics", "false")
        // The default, a second, stalls a full prefetch queue for as long.
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.error.backoff.ms", "100")
        // A broker answers a waiting fetch as soon as there is a record, so the wait costs no latency but one: one fetch
        // per broker is under way at a time, and a partition that starts beside silent ones waits for theirs. An empty
        // fetch costs both sides 0.3 ms together, so an idle member that makes five a second uses more for them than
        // for everything else.
        .set("fetch.wait.max.ms", "500");
    config
}

/// The producer of a member.
pub(crate) fn transactional(options: &KafkaOptions, transactional_id: &str) -> ClientConfig {
    let mut config = producer(options);
    config
        .set("transactional.id", transactional_id)
        .set("transaction.timeout.ms", ms(TRANSACTION_TIMEOUT))
        .set("message.timeout.ms", ms(MESSAGE_TIMEOUT))
        // The markers of one transaction are still being written when the next begins; the coordinator then asks to
        // try again. With the default of 100 ms every small commit took that long: 99 ms against 4 (p50). It grows
        // exponentially, so a coordinator that is down is not pestered.
        .set("retry.backoff.ms", "1");
    free(config, options, Side::Producer)
}

/// The producer of an appender.
pub(crate) fn appending(options: &KafkaOptions) -> ClientConfig {
    let mut config = producer(options);
    config.set("enable.idempotence", "true").set("message.timeout.ms", ms(APPEND_TIMEOUT));
    free(config, options, Side::Producer)
}

fn producer(options: &KafkaOptions) -> ClientConfig {
    let mut config = base(options);
    config
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
        // A call hands over all its records at once, so that batches fill by themselves. A millisecond of waiting
        // for more made an append of one record take 1.5 ms instead of 0.25, and larger ones no faster.
        .set("linger.ms", "0")
        // Measured on 400,000 records of 150 bytes: lz4 1.5 us of append each and 11 MB kept, zstd 2.0 us and 8 MB,
        // none 2.3 us and 71 MB.
        .set("compression.type", "lz4");
    config
}

fn base(options: &KafkaOptions) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.bootstrap_servers)
        .set("client.id", &options.client_id)
        .set("security.protocol", options.security.protocol.name())
        // Ten seconds, the default, outlast a session.
        .set("reconnect.backoff.max.ms", "2000");
    match &options.security.sasl {
        None => {}
        Some(Sasl::Password { mechanism, username, password }) => {
            config
                .set("sasl.mechanism", mechanism.name())
                .set("sasl.username", username)
                .set("sasl.password", password.expose());
        }
        Some(Sasl::OAuthBearer { .. }) => {
            config.set("sasl.mechanism", "OAUTHBEARER");
        }
    }
    let tls = &options.security.tls;
    for (name, path) in [
        ("ssl.ca.location", &tls.ca),
        ("ssl.certificate.location", &tls.certificate),
        ("ssl.key.location", &tls.key),
    ] {
        if let Some(path) = path {
            config.set(name, path.to_string_lossy());
        }
    }
    if let Some(password) = &tls.key_password {
        config.set("ssl.key.password", password.expose());
    }
    config
}

/// Adds the free settings that this kind of client takes.
fn free(mut config: ClientConfig, options: &KafkaOptions, kind: Side) -> ClientConfig {
    for (name, value) in &options.settings {
        if side(name) == Side::Both || side(name) == kind {
            config.set(name, value);
        }
    }
    config
}

fn ms(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// Asks librdkafka whether it knows a setting and takes the value, before anything is opened.
///
/// # Errors
/// What it says against it.
pub(crate) fn taken(name: &str, value: &str) -> std::result::Result<(), String> {
    match ClientConfig::new().set(name, value).create_native_config() {
        Ok(_) => Ok(()),
        Err(KafkaError::ClientConfig(_, why, _, _)) => Err(why),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
