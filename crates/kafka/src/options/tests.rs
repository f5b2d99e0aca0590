use super::*;

fn parse(settings: &[(&str, &str)]) -> Result<KafkaOptions, OptionsError> {
    let mut all: BTreeMap<String, String> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.entry("bootstrap.servers".to_owned()).or_insert_with(|| "kafka:9092".to_owned());
    KafkaOptions::from_settings(all)
}

#[test]
fn plain_text_is_the_default() {
    let options = parse(&[]).unwrap();
    assert_eq!(options.bootstrap_servers, "kafka:9092");
    assert_eq!(options.security, Security::default());
    assert_eq!(options.group_protocol, GroupProtocol::Classic);
}

#[test]
fn a_password_mechanism_takes_a_name_and_a_password() {
    let options = parse(&[
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "scram-sha-512"),
        ("sasl.username", "bellwether"),
        ("sasl.password", "hunter2"),
        ("ssl.ca.location", "/etc/ca.pem"),
    ])
    .unwrap();
    assert_eq!(options.security.protocol, Protocol::SaslSsl);
    assert_eq!(options.security.tls.ca, Some("/etc/ca.pem".into()));
    let password = Secret::new("hunter2");
    let mechanism = PasswordMechanism::ScramSha512;
    let expected = Sasl::Password { mechanism, username: "bellwether".into(), password };
    assert_eq!(options.security.sasl, Some(expected));
    let missing = parse(&[("security.protocol", "sasl_ssl"), ("sasl.mechanism", "PLAIN")]);
    assert_eq!(missing.unwrap_err(), OptionsError::Missing { name: "sasl.username" });
}

#[test]
fn a_bearer_token_comes_from_a_file() {
    let options = parse(&[
        ("security.protocol", "sasl_ssl"),
        ("sasl.mechanisms", "OAUTHBEARER"),
        ("bellwether.oauthbearer.token.file", "/run/token"),
        ("bellwether.oauthbearer.principal", "bellwether"),
        ("bellwether.oauthbearer.lifetime.ms", "60000"),
    ])
    .unwrap();
    let expected = Sasl::OAuthBearer {
        token_file: "/run/token".into(),
        principal: "bellwether".into(),
        lifetime: Duration::from_secs(60),
    };
    assert_eq!(options.security.sasl, Some(expected));
}

#[test]
fn a_client_certificate_needs_its_key() {
    let both = [
        ("security.protocol", "ssl"),
        ("ssl.certificate.location", "/tls/crt.pem"),
        ("ssl.key.location", "/tls/key.pem"),
        ("ssl.key.password", "open sesame"),
    ];
    assert!(parse(&both).is_ok());
    assert_eq!(parse(&both[..2]).unwrap_err(), OptionsError::HalfACertificate);
}

#[test]
fn contradictions_are_refused() {
    assert!(matches!(parse(&[("security.protocol", "tls")]).unwrap_err(), OptionsError::Invalid { .. }));
    let unused = parse(&[("sasl.mechanism", "PLAIN"), ("sasl.username", "a"), ("sasl.password", "b")]);
    assert_eq!(unused.unwrap_err(), OptionsError::Unused { protocol: "plaintext" });
    let slow = parse(&[("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "3000")]);
    assert!(matches!(slow.unwrap_err(), OptionsError::Heartbeat { .. }));
    let none = KafkaOptions::from_settings(BTreeMap::new());
    assert_eq!(none.unwrap_err(), OptionsError::Missing { name: "bootstrap.servers" });
}

#[test]
fn settings_that_would_break_a_promise_are_refused_with_the_reason() {
    for name in [
        "enable.auto.commit",
        "auto.offset.reset",
        "isolation.level",
        "partitioner",
        "transactional.id",
        "group.id",
        "auto.commit.interval.ms",
        "acks",
        "enable.idempotence",
        "test.mock.num.brokers",
        "sasl.kerberos.keytab",
    ] {
        let refused = parse(&[(name, "anything")]).unwrap_err();
        let OptionsError::Reserved { name: told, reason } = &refused else { panic!("{name}: {refused}") };
        assert_eq!(told, name);
        assert!(refused.to_string().contains(reason));
    }
    let free = parse(&[("linger.ms", "5"), ("socket.keepalive.enable", "true")]).unwrap();
    assert_eq!(free.settings.len(), 2);
}

#[test]
fn what_the_client_does_not_take_is_refused_before_anything_is_opened() {
    for (name, value) in [("linger.msec", "5"), ("linger.ms", "soon"), ("compression.type", "best")] {
        let refused = parse(&[(name, value)]).unwrap_err();
        let OptionsError::Refused { name: told, .. } = &refused else { panic!("{name}: {refused}") };
        assert_eq!(told, name);
        assert!(refused.to_string().contains(name), "{refused}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let options = parse(&[
        ("security.protocol", "sasl_ssl"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "bellwether"),
        ("sasl.password", "hunter2"),
        ("ssl.certificate.location", "/tls/crt.pem"),
        ("ssl.key.location", "/tls/key.pem"),
        ("ssl.key.password", "open sesame"),
        ("ssl.keystore.password", "swordfish"),
    ])
    .unwrap();
    let shown = format!("{options:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("sesame") && !shown.contains("swordfish"),
        "{shown}"
    );
    assert!(shown.contains("ssl.keystore.password"));
}
