//! Settings nobody may set, and why: each would break an invariant of the adapter or hide one from view.

/// Exact names, or families ending in a dot.
const RESERVED: &[(&str, &str)] = &[
    ("bootstrap.servers", "it is an option of its own"),
    ("metadata.broker.list", "it is an option of its own, bootstrap.servers"),
    ("client.id", "it is an option of its own"),
    ("security.protocol", "it is an option of its own"),
    ("session.timeout.ms", "it is an option of its own"),
    ("heartbeat.interval.ms", "it is an option of its own"),
    ("group.protocol", "it is an option of its own"),
    ("sasl.mechanism", "it is an option of its own"),
    ("sasl.mechanisms", "it is an option of its own"),
    ("sasl.username", "it belongs to a password mechanism; set sasl.mechanism"),
    ("sasl.password", "it belongs to a password mechanism; set sasl.mechanism"),
    ("sasl.kerberos.", "this build has no Kerberos"),
    ("sasl.oauthbearer.", "tokens come from bellwether.oauthbearer.token.file"),
    ("enable.sasl.oauthbearer.unsecure.jwt", "an unsigned token proves nothing"),
    ("enable.auto.commit", "positions are committed in transactions only"),
    ("auto.commit.", "positions are committed in transactions only"),
    ("enable.auto.offset.store", "positions are committed in transactions only"),
    ("offset.store.", "positions are committed in transactions only"),
    ("auto.offset.reset", "a lost position is an error, never a silent jump"),
    ("isolation.level", "aborted records must stay hidden"),
    ("allow.auto.create.topics", "partition counts are fixed when topics are declared"),
    ("group.id", "each role names its own group"),
    ("group.instance.id", "transactional ids already tell the members apart"),
    ("group.remote.assignor", "each role chooses its assignor"),
    ("partition.assignment.strategy", "each role chooses its assignor"),
    ("max.poll.interval.ms", "it must outlast the longest commit"),
    ("transactional.id", "it is <app>-<role>-<ordinal>, stable per member"),
    ("transaction.timeout.ms", "the bounds of a commit are built on it"),
    ("message.timeout.ms", "it must stay below transaction.timeout.ms"),
    ("delivery.timeout.ms", "it must stay below transaction.timeout.ms"),
    ("enable.idempotence", "a retry must not append twice"),
    ("enable.gapless.guarantee", "a failed record must not stop the producer for good"),
    ("acks", "an acknowledged record must survive a broker"),
    ("request.required.acks", "an acknowledged record must survive a broker"),
    ("max.in.flight", "order within a partition depends on it"),
    ("max.in.flight.requests.per.connection", "order within a partition depends on it"),
    ("retries", "idempotence needs them"),
    ("message.send.max.retries", "idempotence needs them"),
    ("partitioner", "partitions are computed, explicitly, as Java clients do"),
    ("enable.partition.eof", "only the reader of one partition asks for it"),
    ("delivery.report.only.error", "offsets of outputs come from the reports"),
    ("dr_", "offsets of outputs come from the reports"),
    ("plugin.library.paths", "no foreign code in the client"),
    ("test.mock.", "the mock cluster loses transactional positions and shows aborted records"),
    ("log.queue", "logs go to the log of the process"),
];

/// Why a setting may not be set; `None` when it may.
pub(crate) fn reason(name: &str) -> Option<&'static str> {
    let covers = |reserved: &str| {
        if reserved.ends_with(['.', '_']) { name.starts_with(reserved) } else { name == reserved }
    };
    RESERVED.iter().find(|(reserved, _)| covers(reserved)).map(|(_, reason)| *reason)
}

/// Which kind of client takes a free setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Consumer,
    Producer,
}

/// The client warns about settings of the other kind, so they are not given to it.
pub(crate) fn side(name: &str) -> Side {
    const CONSUMER: &[&str] = &["fetch.", "queued.", "max.partition.fetch.bytes", "check.crcs", "consume."];
    const PRODUCER: &[&str] =
        &["linger.ms", "queue.buffering.", "batch.", "compression.", "sticky.", "retry.", "msg_"];
    if CONSUMER.iter().any(|family| name.starts_with(family)) {
        Side::Consumer
    } else if PRODUCER.iter().any(|family| name.starts_with(family)) {
        Side::Producer
    } else {
        Side::Both
    }
}
