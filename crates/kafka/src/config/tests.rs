use super::*;
use crate::reserved;

/// Tuned here, and free for an operator to tune otherwise.
const TUNABLE: &[&str] = &[
    "reconnect.backoff.max.ms",
    "fetch.queue.backoff.ms",
    "fetch.error.backoff.ms",
    "fetch.wait.max.ms",
    "fetch.message.max.bytes",
    "queued.min.messages",
    "queued.max.messages.kbytes",
    "message.max.bytes",
    "linger.ms",
    "compression.type",
    "retry.backoff.ms",
];

fn group(assignor: Assignor) -> GroupOptions {
    GroupOptions {
        group: "process".to_owned(),
        topics: vec!["facts".to_owned()],
        assignor,
        transactional_id: "bellwether-process-0".to_owned(),
        start_at_beginning: true,
        max_batch_bytes: 1,
        max_batch_records: 1,
    }
}

fn all(options: &KafkaOptions) -> Vec<ClientConfig> {
    vec![
        asking(options, true),
        asking(options, false),
        admin(options),
        member(options, &group(Assignor::Range)),
        positions(options, "process"),
        reader(options),
        transactional(options, "bellwether-process-0"),
        appending(options),
    ]
}

#[test]
fn whatever_is_set_here_is_either_tunable_or_reserved() {
    for config in all(&KafkaOptions::new("kafka:9092")) {
        for &name in config.config_map().keys() {
            let covered = TUNABLE.contains(&name) != reserved::reason(name).is_some();
            assert!(
                covered,
                "{name} can be overridden by a free setting, or is reserved and tunable at once"
            );
        }
    }
}

#[test]
fn a_free_setting_wins_over_what_is_tuned_and_reaches_its_kind_of_client_only() {
    let mut options = KafkaOptions::new("kafka:9092");
    for (name, value) in [("linger.ms", "7"), ("fetch.wait.max.ms", "9"), ("socket.keepalive.enable", "true")]
    {
        options.settings.insert(name.to_owned(), value.to_owned());
    }
    let producer = transactional(&options, "id");
    let consumer = member(&options, &group(Assignor::CooperativeSticky));
    assert_eq!(producer.get("linger.ms"), Some("7"));
    assert_eq!(producer.get("fetch.wait.max.ms"), None);
    assert_eq!(consumer.get("fetch.wait.max.ms"), Some("9"));
    assert_eq!(consumer.get("linger.ms"), None);
    assert_eq!(consumer.get("socket.keepalive.enable"), producer.get("socket.keepalive.enable"));
}

#[test]
fn members_commit_nothing_by_themselves_and_jump_nowhere() {
    let config = member(&KafkaOptions::new("kafka:9092"), &group(Assignor::Range));
    for (name, value) in [
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
        ("isolation.level", "read_committed"),
        ("allow.auto.create.topics", "false"),
        ("partition.assignment.strategy", "range"),
        ("group.protocol", "classic"),
    ] {
        assert_eq!(config.get(name), Some(value), "{name}");
    }
}

#[test]
fn the_client_knows_every_setting() {
    let mut options = KafkaOptions::new("kafka:9092");
    for config in all(&options) {
        config.create_native_config().unwrap();
    }
    options.group_protocol = GroupProtocol::Consumer;
    member(&options, &group(Assignor::CooperativeSticky)).create_native_config().unwrap();
}

#[test]
fn tls_and_each_mechanism_are_built_in() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] {
        let settings = [
            ("bootstrap.servers", "kafka:9092"),
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", mechanism),
            ("sasl.username", "bellwether"),
            ("sasl.password", "hunter2"),
            ("bellwether.oauthbearer.token.file", "/run/token"),
            ("bellwether.oauthbearer.principal", "bellwether"),
        ];
        let oauth = mechanism == "OAUTHBEARER";
        let needed = settings.iter().filter(|(name, _)| match *name {
            "sasl.username" | "sasl.password" => !oauth,
            name => oauth || !name.starts_with("bellwether."),
        });
        let settings = needed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = KafkaOptions::from_settings(settings).unwrap();
        for config in all(&options) {
            config.create_native_config().unwrap();
        }
    }
}
