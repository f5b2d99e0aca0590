//! One request from its first byte to its answer.
//!
//! ```text
//! endpoint known? -> room? -> body -> signature -> map -> sink acknowledged -> 200
//! ```
//!
//! Everything after the endpoint check runs under the source's time limit. A request that times out while the sink
//! works may have been appended: the sender delivers again, and the events' identity makes it one.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metrics::{counter, gauge, histogram};
use tokio::sync::Semaphore;

use super::delivery::{Delivery, Disposition, Outcome};
use super::options::{ReceiverOptions, time_limit};
use super::refusal::Refusal;
use crate::metric_definitions as names;
use crate::sink::Sink;
use crate::source::Source;
use crate::{jira, linear, pagerduty};

/// What all requests share.
pub(crate) struct Receiver {
    pub(crate) options: ReceiverOptions,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) requests: Semaphore,
    pub(crate) bytes: Semaphore,
}

/// Counts a request as in flight for as long as it lives, however it ends.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        gauge!(names::REQUESTS_IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(names::REQUESTS_IN_FLIGHT).decrement(1.0);
    }
}

pub(crate) async fn answer(receiver: &Receiver, source: Source, account: &str, request: Request) -> Response {
    let _in_flight = InFlight::enter();
    let word = source.word();
    counter!(names::DELIVERIES_RECEIVED, names::LABEL_SOURCE => word).increment(1);
    match receive(receiver, source, account, request).await {
        Ok(disposition) => {
            let disposition = disposition.word();
            counter!(names::DELIVERIES_HANDLED, names::LABEL_SOURCE => word, names::LABEL_OUTCOME => disposition)
                .increment(1);
            StatusCode::OK.into_response()
        }
        Err(refusal) => {
            let reason = refusal.reason();
            counter!(names::DELIVERIES_REFUSED, names::LABEL_SOURCE => word, names::LABEL_REASON => reason)
                .increment(1);
            tracing::warn!(source = word, account, reason, error = %refusal, "delivery refused");
            refusal.into_response()
        }
    }
}

async fn receive(
    receiver: &Receiver,
    source: Source,
    account: &str,
    request: Request,
) -> Result<Disposition, Refusal> {
    let endpoint = Endpoint::find(&receiver.options, source, account).ok_or(Refusal::UnknownAccount)?;
    tokio::time::timeout(time_limit(source), handle(receiver, source, account, endpoint, request))
        .await
        .unwrap_or(Err(Refusal::TimedOut))
}

async fn handle(
    receiver: &Receiver,
    source: Source,
    account: &str,
    endpoint: Endpoint<'_>,
    mut request: Request,
) -> Result<Disposition, Refusal> {
    let _request = receiver.requests.try_acquire().map_err(|_| Refusal::Busy)?;
    let bytes_max = receiver.options.body_bytes_max(source);
    let bytes = content_length(request.headers()).unwrap_or(bytes_max);
    if bytes > bytes_max {
        return Err(Refusal::TooLong { bytes_max });
    }
    let room = u32::try_from(bytes).unwrap_or(u32::MAX);
    let _room = receiver.bytes.try_acquire_many(room).map_err(|_| Refusal::Busy)?;

    let headers = std::mem::take(request.headers_mut());
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Refusal::TooLong { bytes_max }
        } else {
            Refusal::Broken
        }
    })?;
    if body.is_empty() {
        return Err(Refusal::Empty);
    }

    let uri = source.uri(account);
    let delivery = Delivery {
        source: &uri,
        id: endpoint.delivery_id(&headers),
        body: &body,
        received_at: receiver.options.clock.now(),
    };
    endpoint.verify(&receiver.options, &headers, &delivery)?;
    counter!(names::DELIVERIES_VERIFIED, names::LABEL_SOURCE => source.word()).increment(1);

    let mut outcome = endpoint.dispatch(&delivery);
    if outcome.disposition == Disposition::Unmapped {
        let kept = receiver.options.keep_unmapped;
        tracing::info!(source = source.word(), account, what = %outcome.what, kept, "delivery has no mapping");
        if !kept {
            outcome.events.clear();
        }
    }
    append(receiver, source, &headers, outcome).await
}

async fn append(
    receiver: &Receiver,
    source: Source,
    headers: &HeaderMap,
    mut outcome: Outcome,
) -> Result<Disposition, Refusal> {
    if outcome.events.is_empty() {
        return Ok(outcome.disposition);
    }
    if let Some(traceparent) = text(headers, "traceparent") {
        for event in &mut outcome.events {
            event.traceparent = Some(traceparent.to_owned());
        }
    }
    let count = outcome.events.len() as u64;
    let handed_over = Instant::now();
    receiver.sink.append(outcome.events).await.map_err(Refusal::Sink)?;
    histogram!(names::APPEND_SECONDS, names::LABEL_SOURCE => source.word())
        .record(handed_over.elapsed().as_secs_f64());
    counter!(names::EVENTS_PRODUCED, names::LABEL_SOURCE => source.word()).increment(count);
    Ok(outcome.disposition)
}

/// The settings of the account a request is for.
enum Endpoint<'a> {
    Jira(&'a super::JiraEndpoint),
    Linear(&'a super::LinearEndpoint),
    PagerDuty(&'a super::PagerDutyEndpoint),
}

impl<'a> Endpoint<'a> {
    fn find(options: &'a ReceiverOptions, source: Source, account: &str) -> Option<Self> {
        match source {
            Source::Jira => options.jira.get(account).map(Endpoint::Jira),
            Source::Linear => options.linear.get(account).map(Endpoint::Linear),
            Source::PagerDuty => options.pagerduty.get(account).map(Endpoint::PagerDuty),
        }
    }

    fn delivery_id<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        text(
            headers,
            match self {
                Endpoint::Jira(_) => jira::webhook::DELIVERY_HEADER,
                Endpoint::Linear(_) => linear::webhook::DELIVERY_HEADER,
                Endpoint::PagerDuty(_) => pagerduty::webhook::DELIVERY_HEADER,
            },
        )
    }

    fn verify(
        &self,
        options: &ReceiverOptions,
        headers: &HeaderMap,
        delivery: &Delivery<'_>,
    ) -> Result<(), Refusal> {
        match self {
            Endpoint::Jira(endpoint) => jira::webhook::verify(endpoint, headers, delivery.body),
            Endpoint::Linear(endpoint) => {
                linear::webhook::verify(endpoint, headers, delivery, options.linear_window)
            }
            Endpoint::PagerDuty(endpoint) => pagerduty::webhook::verify(endpoint, headers, delivery.body),
        }
    }

    fn dispatch(&self, delivery: &Delivery<'_>) -> Outcome {
        match self {
            Endpoint::Jira(endpoint) => jira::webhook::dispatch(delivery, &endpoint.mapping),
            Endpoint::Linear(endpoint) => linear::webhook::dispatch(delivery, &endpoint.mapping),
            Endpoint::PagerDuty(endpoint) => pagerduty::webhook::dispatch(delivery, &endpoint.mapping),
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    text(headers, header::CONTENT_LENGTH.as_str())?.parse().ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
