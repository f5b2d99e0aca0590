//! How to reach a cluster: addresses, security, and free settings that may not break what the adapter promises.
//!
//! What it is: plain values and their parsing from librdkafka's names. What it is not: the settings of a client;
//! those are made in `config.rs`. Secrets never show in `Debug`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::{config, reserved};

/// A value that does not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How to reach a cluster and behave in it.
#[derive(Clone)]
pub struct KafkaOptions {
    /// `host:port` of some brokers, separated by commas.
    pub bootstrap_servers: String,
    /// Name shown in the brokers' logs and quotas.
    pub client_id: String,
    /// Encryption and identity.
    pub security: Security,
    /// Who deals out partitions.
    pub group_protocol: GroupProtocol,
    /// How long the group waits for a silent member before it gives its partitions away.
    pub session_timeout: Duration,
    /// How often a member shows itself, which is also how soon it hears of a rebalance.
    pub heartbeat_interval: Duration,
    /// Further client settings by their librdkafka names; see [`KafkaOptions::from_settings`].
    pub settings: BTreeMap<String, String>,
}

/// Who deals out partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupProtocol {
    /// A member does, as every broker and the embedded one know it.
    #[default]
    Classic,
    /// The broker does (KIP-848); needs Apache Kafka 4 and no support by the embedded broker is claimed.
    Consumer,
}

/// Encryption and identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Security {
    /// What is spoken on the wire.
    pub protocol: Protocol,
    /// Who we are, where the protocol has SASL.
    pub sasl: Option<Sasl>,
    /// Certificates, where the protocol has TLS.
    pub tls: Tls,
}

/// `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS; with a client certificate also our identity.
    Ssl,
    /// SASL in the clear.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Plaintext => "plaintext",
            Protocol::Ssl => "ssl",
            Protocol::SaslPlaintext => "sasl_plaintext",
            Protocol::SaslSsl => "sasl_ssl",
        }
    }

    fn has_sasl(self) -> bool {
        matches!(self, Protocol::SaslPlaintext | Protocol::SaslSsl)
    }
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sasl {
    /// A name and a password, under one of the password mechanisms.
    Password {
        /// PLAIN or SCRAM.
        mechanism: PasswordMechanism,
        /// User.
        username: String,
        /// Password.
        password: Secret,
    },
    /// A bearer token read from a file, again before each expiry, as identity agents write it.
    OAuthBearer {
        /// The file.
        token_file: PathBuf,
        /// The principal the token speaks for.
        principal: String,
        /// How long a token read now is good for.
        lifetime: Duration,
    },
}

/// Mechanisms with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordMechanism {
    /// The password itself; only over TLS.
    Plain,
    /// Salted challenge with SHA-256.
    ScramSha256,
    /// Salted challenge with SHA-512.
    ScramSha512,
}

impl PasswordMechanism {
    pub(crate) fn name(self) -> &'static str {
        match self {
            PasswordMechanism::Plain => "PLAIN",
            PasswordMechanism::ScramSha256 => "SCRAM-SHA-256",
            PasswordMechanism::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Certificates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Authorities to trust, PEM; the system's when absent.
    pub ca: Option<PathBuf>,
    /// Our certificate, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The pass phrase of the private key.
    pub key_password: Option<Secret>,
}

/// How long a bearer token is taken to be good for unless told: an hour, the common default of identity providers.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);

impl KafkaOptions {
    /// Plain text and defaults.
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            client_id: "bellwether".to_owned(),
            security: Security::default(),
            group_protocol: GroupProtocol::default(),
            session_timeout: Duration::from_secs(10),
            // A tenth of the session: nine may be lost, and a rebalance is heard of within a second.
            heartbeat_interval: Duration::from_secs(1),
            settings: BTreeMap::new(),
        }
    }

    /// Options from librdkafka's names, as an operator writes them. Those the adapter owns are refused with the
    /// reason; `bellwether.oauthbearer.token.file`, `.principal` and `.lifetime.ms` are ours.
    pub fn from_settings(mut settings: BTreeMap<String, String>) -> Result<Self, OptionsError> {
        let mut take = |name: &'static str| settings.remove(name).filter(|value| !value.is_empty());
        let bootstrap = take("bootstrap.servers").or_else(|| take("metadata.broker.list"));
        let mut options = Self::new(bootstrap.ok_or(OptionsError::Missing { name: "bootstrap.servers" })?);
        if let Some(client_id) = take("client.id") {
            options.client_id = client_id;
        }
        if let Some(value) = take("group.protocol") {
            options.group_protocol = match value.to_ascii_lowercase().as_str() {
                "classic" => GroupProtocol::Classic,
                "consumer" => GroupProtocol::Consumer,
                _ => return Err(invalid("group.protocol", value, "classic or consumer")),
            };
        }
        for (name, field) in [
            ("session.timeout.ms", &mut options.session_timeout),
            ("heartbeat.interval.ms", &mut options.heartbeat_interval),
        ] {
            if let Some(value) = take(name) {
                *field = milliseconds(name, value)?;
            }
        }
        options.security = security(&mut take)?;
        options.settings = settings;
        options.validate()?;
        Ok(options)
    }

    /// Refuses options that contradict themselves or the adapter.
    pub fn validate(&self) -> Result<(), OptionsError> {
        if self.bootstrap_servers.trim().is_empty() {
            return Err(OptionsError::Missing { name: "bootstrap.servers" });
        }
        for (name, value) in &self.settings {
            if let Some(reason) = reserved::reason(name) {
                return Err(OptionsError::Reserved { name: name.clone(), reason });
            }
            let refused = |why| OptionsError::Refused { name: name.clone(), why };
            config::taken(name, value).map_err(refused)?;
        }
        if self.heartbeat_interval * 3 > self.session_timeout {
            return Err(OptionsError::Heartbeat {
                heartbeat: self.heartbeat_interval,
                session: self.session_timeout,
            });
        }
        let Security { protocol, sasl, tls } = &self.security;
        match sasl {
            None if protocol.has_sasl() => Err(OptionsError::Missing { name: "sasl.mechanism" }),
            Some(_) if !protocol.has_sasl() => Err(OptionsError::Unused { protocol: protocol.name() }),
            _ if tls.certificate.is_some() != tls.key.is_some() => Err(OptionsError::HalfACertificate),
            _ => Ok(()),
        }
    }
}

fn security(take: &mut impl FnMut(&'static str) -> Option<String>) -> Result<Security, OptionsError> {
    let protocol = match take("security.protocol") {
        None => Protocol::Plaintext,
        Some(value) => match value.to_ascii_lowercase().as_str() {
            "plaintext" => Protocol::Plaintext,
            "ssl" => Protocol::Ssl,
            "sasl_plaintext" => Protocol::SaslPlaintext,
            "sasl_ssl" => Protocol::SaslSsl,
            _ => {
                return Err(invalid(
                    "security.protocol",
                    value,
                    "plaintext, ssl, sasl_plaintext or sasl_ssl",
                ));
            }
        },
    };
    let mechanism = take("sasl.mechanism").or_else(|| take("sasl.mechanisms"));
    let mechanism = match mechanism.as_deref().map(str::to_ascii_uppercase).as_deref() {
        None => None,
        Some("PLAIN") => Some(Some(PasswordMechanism::Plain)),
        Some("SCRAM-SHA-256") => Some(Some(PasswordMechanism::ScramSha256)),
        Some("SCRAM-SHA-512") => Some(Some(PasswordMechanism::ScramSha512)),
        Some("OAUTHBEARER") => Some(None),
        Some(_) => {
            let value = mechanism.unwrap_or_default();
            return Err(invalid(
                "sasl.mechanism",
                value,
                "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
            ));
        }
    };
    let mut needed = |name: &'static str| take(name).ok_or(OptionsError::Missing { name });
    let sasl = match mechanism {
        None => None,
        Some(Some(mechanism)) => Some(Sasl::Password {
            mechanism,
            username: needed("sasl.username")?,
            password: Secret::new(needed("sasl.password")?),
        }),
        Some(None) => Some(Sasl::OAuthBearer {
            token_file: needed("bellwether.oauthbearer.token.file")?.into(),
            principal: needed("bellwether.oauthbearer.principal")?,
            lifetime: match take("bellwether.oauthbearer.lifetime.ms") {
                Some(value) => milliseconds("bellwether.oauthbearer.lifetime.ms", value)?,
                None => TOKEN_LIFETIME,
            },
        }),
    };
    let tls = Tls {
        ca: take("ssl.ca.location").map(Into::into),
        certificate: take("ssl.certificate.location").map(Into::into),
        key: take("ssl.key.location").map(Into::into),
        key_password: take("ssl.key.password").map(Secret::new),
    };
    Ok(Security { protocol, sasl, tls })
}

fn milliseconds(name: &'static str, value: String) -> Result<Duration, OptionsError> {
    match value.parse() {
        Ok(milliseconds) if milliseconds > 0 => Ok(Duration::from_millis(milliseconds)),
        _ => Err(invalid(name, value, "a positive number of milliseconds")),
    }
}

fn invalid(name: &'static str, value: String, expected: &'static str) -> OptionsError {
    OptionsError::Invalid { name, value, expected }
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Any free setting may hold a secret: only their names show.
        f.debug_struct("KafkaOptions")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("client_id", &self.client_id)
            .field("security", &self.security)
            .field("group_protocol", &self.group_protocol)
            .field("session_timeout", &self.session_timeout)
            .field("heartbeat_interval", &self.heartbeat_interval)
            .field("settings", &self.settings.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Options that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A setting without which nothing works.
    #[error("{name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A value outside what the setting takes.
    #[error("{name} is `{value}`; it takes {expected}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A setting that the client does not know, or a value that it does not take.
    #[error("{name} cannot be set: {why}; correct or remove it")]
    Refused {
        /// Its name.
        name: String,
        /// What the client says.
        why: String,
    },
    /// A setting the adapter owns.
    #[error("{name} cannot be set: {reason}; remove it")]
    Reserved {
        /// Its name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Heartbeats too slow for the session.
    #[error(
        "heartbeat.interval.ms ({heartbeat:?}) may be a third of session.timeout.ms ({session:?}) at most"
    )]
    Heartbeat {
        /// The interval.
        heartbeat: Duration,
        /// The session.
        session: Duration,
    },
    /// An identity the protocol would not use.
    #[error(
        "a SASL mechanism is set and security.protocol is {protocol}; set sasl_ssl or remove the mechanism"
    )]
    Unused {
        /// The protocol.
        protocol: &'static str,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("ssl.certificate.location and ssl.key.location belong together; set both or neither")]
    HalfACertificate,
}

#[cfg(test)]
mod tests;
