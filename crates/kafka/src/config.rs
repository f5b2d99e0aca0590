//! The settings of each kind of client, with the reason for each.
//!
//! Invariant: what is set here wins over free settings; [`crate::reserved`] keeps the two apart.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use bellwether_log::{Assignor, GroupOptions, Result};

use crate::failure;
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
/// The largest request the client makes; the topic's own bound decides what is taken.
const MAX_MESSAGE_BYTES: u32 = 8 << 20;

/// Clients that only ask: metadata, bounds, topics.
pub(crate) fn asking(options: &KafkaOptions, committed: bool) -> ClientConfig {
    let mut config = base(options, Side::Consumer);
    let level = if committed { "read_committed" } else { "read_uncommitted" };
    config.set("isolation.level", level).set("allow.auto.create.topics", "false");
    config
}

/// The client that declares and describes topics; librdkafka makes it a producer.
pub(crate) fn admin(options: &KafkaOptions) -> ClientConfig {
    base(options, Side::Producer)
}

/// The consumer of a member.
pub(crate) fn member(options: &KafkaOptions, group: &GroupOptions) -> ClientConfig {
    let mut config = group_reader(options, &group.group);
    let assignor = match group.assignor {
        Assignor::CooperativeSticky => "cooperative-sticky",
        Assignor::Range => "range",
    };
    match options.group_protocol {
        GroupProtocol::Classic => {
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
        .set("queued.max.messages.kbytes", MEMBER_PREFETCH_KB.to_string())
        // One fetch per broker is under way at a time; a partition that starts waits for the one before it.
        .set("fetch.wait.max.ms", "50");
    config
}

/// A consumer that only reads the committed positions of a group.
pub(crate) fn group_reader(options: &KafkaOptions, group: &str) -> ClientConfig {
    let mut config = consumer(options);
    config.set("group.id", group);
    config
}

/// The consumer of one partition, assigned by hand. The group id is never joined nor committed to; librdkafka wants
/// one for `assign`.
pub(crate) fn reader(options: &KafkaOptions) -> ClientConfig {
    let mut config = consumer(options);
    config
        .set("group.id", format!("{}-reader", options.client_id))
        .set("enable.partition.eof", "true")
        .set("queued.min.messages", "1000000")
        .set("queued.max.messages.kbytes", READER_PREFETCH_KB.to_string())
        .set("fetch.message.max.bytes", "4194304")
        .set("fetch.wait.max.ms", "50")
        // Lines met in a batch call bypass our log and go to the standard error stream.
        .set_log_level(RDKafkaLogLevel::Critical);
    config
}

fn consumer(options: &KafkaOptions) -> ClientConfig {
    let mut config = base(options, Side::Consumer);
    config
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("allow.auto.create.topics", "false")
        // The default, a second, stalls a full prefetch queue for as long.
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.error.backoff.ms", "100");
    config
}

/// The producer of a member.
pub(crate) fn transactional(options: &KafkaOptions, transactional_id: &str) -> ClientConfig {
    let mut config = producer(options);
    config
        .set("transactional.id", transactional_id)
        .set("transaction.timeout.ms", ms(TRANSACTION_TIMEOUT))
        .set("message.timeout.ms", ms(MESSAGE_TIMEOUT));
    config
}

/// The producer of an appender.
pub(crate) fn appending(options: &KafkaOptions) -> ClientConfig {
    let mut config = producer(options);
    config.set("enable.idempotence", "true").set("message.timeout.ms", "30000");
    config
}

fn producer(options: &KafkaOptions) -> ClientConfig {
    let mut config = base(options, Side::Producer);
    config
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string());
    config
}

fn base(options: &KafkaOptions, kind: Side) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &options.bootstrap_servers).set("client.id", &options.client_id);
    config.set("security.protocol", options.security.protocol.name());
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
    // Five seconds is librdkafka's own upper step; ten, its default, outlasts a session.
    config.set("reconnect.backoff.max.ms", "2000");
    match kind {
        Side::Both | Side::Consumer => {}
        Side::Producer => {
            // Measured, see the crate's header: lz4 for speed at nearly zstd's size on small records.
            config.set("linger.ms", "1").set("compression.type", "lz4");
        }
    }
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

/// Refuses settings librdkafka does not know, before anything is opened.
pub(crate) fn check(options: &KafkaOptions) -> Result<()> {
    for (what, config) in [
        ("consumer settings", group_reader(options, "check")),
        ("producer settings", transactional(options, "check")),
    ] {
        config.create_native_config().map_err(|error| failure::fatal(format!("read the {what}"), error))?;
    }
    Ok(())
}
