//! Why a delivery was not accepted, and the answer it gets.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::signature;
use crate::sink::{RETRY_AFTER, SinkError};

/// Why a delivery was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such account is configured.
    #[error("no such endpoint is configured")]
    UnknownAccount,
    /// The body is longer than the source ever sends.
    #[error("the body is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// There is no body.
    #[error("the body is empty")]
    Empty,
    /// The body broke off.
    #[error("the body broke off")]
    Broken,
    /// The signature does not hold.
    #[error(transparent)]
    Signature(signature::Error),
    /// The delivery is too old, or from the future.
    #[error("webhookTimestamp is not within the replay window of now")]
    Stale,
    /// The signed body has no instant to judge.
    #[error("the body has no webhookTimestamp")]
    NoTimestamp,
    /// Too many requests, or too many bytes, are being handled.
    #[error("too much is being handled, ask again in {} s", RETRY_AFTER.as_secs())]
    Busy,
    /// It took longer than the source waits.
    #[error("it took longer than the source waits, ask again in {} s", RETRY_AFTER.as_secs())]
    TimedOut,
    /// The log did not take the events.
    #[error(transparent)]
    Sink(SinkError),
}

impl Refusal {
    /// The word in metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Refusal::UnknownAccount => "unknown_account",
            Refusal::TooLong { .. } => "too_long",
            Refusal::Empty => "empty",
            Refusal::Broken => "broken",
            Refusal::Signature(signature::Error::Missing) => "signature_missing",
            Refusal::Signature(signature::Error::Malformed) => "signature_malformed",
            Refusal::Signature(signature::Error::Mismatch) => "signature_mismatch",
            Refusal::Signature(signature::Error::NoSecret) => "no_secret",
            Refusal::Stale => "stale",
            Refusal::NoTimestamp => "no_timestamp",
            Refusal::Busy => "busy",
            Refusal::TimedOut => "timed_out",
            Refusal::Sink(SinkError::Behind { .. }) => "sink_behind",
            Refusal::Sink(SinkError::Failed { .. }) => "sink_failed",
            Refusal::Sink(SinkError::Stopping) => "stopping",
        }
    }

    /// The status of the answer. 4xx only where trying again cannot help; our own trouble is 503.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::UnknownAccount => StatusCode::NOT_FOUND,
            Refusal::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Empty
            | Refusal::Broken
            | Refusal::NoTimestamp
            | Refusal::Signature(signature::Error::Missing | signature::Error::Malformed) => {
                StatusCode::BAD_REQUEST
            }
            Refusal::Stale | Refusal::Signature(signature::Error::Mismatch) => StatusCode::FORBIDDEN,
            Refusal::Signature(signature::Error::NoSecret)
            | Refusal::Busy
            | Refusal::TimedOut
            | Refusal::Sink(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Refusal::Sink(SinkError::Behind { retry_after }) => Some(*retry_after),
            _ => (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), format!("{self}\n")).into_response();
        if let Some(wait) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
