//! The webhook channel: one signed POST of a structured-mode CloudEvent.
//!
//! What it is: the request, its signature (the Standard Webhooks scheme) and what its answer means. What it is not: a
//! client that follows, retries or reads what it is sent.
//!
//! Choices: redirects are refused, because a signed body with a name in it belongs to the configured host alone.
//! Proxies of the environment are not used, because they would look up the target's name in our stead. Private networks
//! are refused unless a target allows them; link-local addresses (metadata services) always; plain http only inside of
//! private networks. The answer's body is read no further than [`ANSWER_MAX`], and thrown away.

pub mod body;
pub mod guard;
pub mod signature;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{EventTime, Millis};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::{Accepted, BoxFuture, Cause, Channel, ChannelKind, Delivery, DeliveryError, ErrorClass};
use guard::{AddressNotAllowed, Networks};
pub use signature::{Secret, SecretError};

/// Bytes of an answer that are read, so that a connection can be used again; nothing is made of them.
pub const ANSWER_MAX: usize = 16 * 1024;

/// Longest id that is taken over from an answer.
const REMOTE_ID_MAX: usize = 128;

/// Settings of one webhook.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// Where to post to.
    pub url: Address,
    /// Secrets that sign, newest first; several while one is being replaced.
    pub secrets: Vec<Secret>,
    /// Time for one attempt, from connecting to the end of the answer.
    pub timeout: Millis,
    /// True when the target may have a private or loopback address.
    pub allow_private_networks: bool,
}

/// The time-out unless configured otherwise. Receivers are asked to queue and answer; one that works before it answers
/// gets twice what vendors grant.
pub const TIMEOUT_DEFAULT: Millis = Millis::seconds(10);

/// A URL whose path may be a secret: its `Debug` shows the host alone.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parsed = Url::parse(&self.0).ok();
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or("?");
        write!(f, "Address({host})")
    }
}

/// Settings that cannot be used. No variant repeats the URL: its path may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Not a URL.
    #[error("the webhook's `url` is not a URL")]
    Url,
    /// Neither http nor https.
    #[error("the webhook's `url` has scheme `{scheme}`, expected https")]
    Scheme {
        /// What was given.
        scheme: String,
    },
    /// Plain http to the world.
    #[error(
        "the webhook's `url` is plain http: use https, or set `allow-private-networks` for a private address"
    )]
    Plain,
    /// A user or password in the URL.
    #[error("the webhook's `url` holds a user or password: the signature authenticates, remove them")]
    Credentials,
    /// An address that is not allowed.
    #[error("the webhook's `url` has the address {address}, which is not allowed{hint}")]
    AddressNotAllowed {
        /// The address.
        address: std::net::IpAddr,
        /// What to set, where a setting would help.
        hint: &'static str,
    },
    /// No secret.
    #[error("the webhook has no `secrets`: a receiver could not tell us from anybody")]
    NoSecret,
    /// The client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

/// Posts to one URL.
pub struct Webhook {
    client: reqwest::Client,
    url: Url,
    secrets: Vec<Secret>,
}

impl Webhook {
    /// A webhook of these settings.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(options: WebhookOptions) -> Result<Self, WebhookError> {
        let url = Url::parse(&options.url.0).map_err(|_| WebhookError::Url)?;
        let networks = Networks { public: url.scheme() == "https", private: options.allow_private_networks };
        match url.scheme() {
            "https" => {}
            "http" if options.allow_private_networks => {}
            "http" => return Err(WebhookError::Plain),
            scheme => return Err(WebhookError::Scheme { scheme: scheme.to_owned() }),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookError::Credentials);
        }
        if let Some(address) = guard::literal(&url).filter(|address| !networks.allow(*address)) {
            let hint = if options.allow_private_networks { "" } else { ": see `allow-private-networks`" };
            return Err(WebhookError::AddressNotAllowed { address, hint });
        }
        if options.secrets.is_empty() {
            return Err(WebhookError::NoSecret);
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_millis(u64::try_from(options.timeout.ms()).unwrap_or(0)))
            .dns_resolver(Arc::new(guard::Resolver(networks)))
            .build()
            .map_err(WebhookError::Client)?;
        Ok(Self { client, url, secrets: options.secrets })
    }

    async fn post(&self, delivery: &Delivery) -> Result<Accepted, DeliveryError> {
        let body = body::of(delivery);
        let id = delivery.id.idempotency_key();
        let seconds = delivery.at.ms().div_euclid(1000);
        let mut request = self
            .client
            .post(self.url.clone())
            .header("content-type", body::CONTENT_TYPE)
            .header(signature::ID, id.as_str())
            .header(signature::TIMESTAMP, seconds.to_string())
            .header(signature::SIGNATURE, signature::header(&self.secrets, id.as_str(), seconds, &body));
        if let Some(traceparent) = &delivery.envelope.traceparent {
            request = request.header("traceparent", traceparent);
        }
        let mut answer = request.body(body).send().await.map_err(|error| failed(&error))?;
        let verdict = judge(answer.status(), answer.headers(), delivery.at);
        let mut read = 0;
        // Once the status is known, a broken or endless body changes nothing.
        while read < ANSWER_MAX {
            match answer.chunk().await {
                Ok(Some(chunk)) => read += chunk.len(),
                Ok(None) | Err(_) => break,
            }
        }
        verdict
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.url.host_str().unwrap_or("?"))
    }
}

impl Channel for Webhook {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Webhook
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Accepted, DeliveryError>> {
        Box::pin(self.post(delivery))
    }
}

/// What an answer means: success, come back later, or never.
fn judge(status: StatusCode, headers: &HeaderMap, now: EventTime) -> Result<Accepted, DeliveryError> {
    let code = status.as_u16();
    if status.is_success() {
        return Ok(Accepted { remote_id: remote_id(headers) });
    }
    if status.is_redirection() {
        return Err(DeliveryError::permanent(Cause::Redirect(code)));
    }
    let later = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    let class = if later {
        ErrorClass::Retryable { retry_after: retry_after(headers, now) }
    } else {
        ErrorClass::Permanent
    };
    Err(DeliveryError { class, cause: Cause::Status(code) })
}

/// The wait an answer asks for: seconds, or an HTTP date.
fn retry_after(headers: &HeaderMap, now: EventTime) -> Option<Millis> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Millis::seconds(i64::from(seconds)));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(EventTime::from_ms(date.timestamp_millis()).since(now).max(Millis::ZERO))
}

fn remote_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
    (!id.is_empty() && id.len() <= REMOTE_ID_MAX && id.chars().all(plain)).then(|| id.to_owned())
}

fn failed(error: &reqwest::Error) -> DeliveryError {
    if is_not_allowed(error) {
        return DeliveryError::permanent(Cause::AddressNotAllowed);
    }
    DeliveryError::retryable(if error.is_timeout() {
        Cause::TimedOut
    } else if error.is_connect() {
        Cause::NoConnection
    } else {
        Cause::Broken
    })
}

fn is_not_allowed(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<AddressNotAllowed>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
