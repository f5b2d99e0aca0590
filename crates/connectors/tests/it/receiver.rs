//! The receiver through its routes: what is believed, what is answered and when, and what reaches the sink.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use bellwether_connectors::clock::FixedClock;
use bellwether_connectors::sink::{BoxFuture, RETRY_AFTER};
use bellwether_connectors::webhook::{JiraEndpoint, LinearEndpoint, PagerDutyEndpoint};
use bellwether_connectors::{ReceiverOptions, Sink, SinkError, router, signature, unmapped};
use bellwether_model::EventTime;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Event, Payload};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::support::{data, fixtures, imported};

const SECRET: &str = "correct horse";

/// Keeps what it is given, and acknowledges as told.
struct Recorder {
    events: Mutex<Vec<Event>>,
    answer: Result<(), SinkError>,
    /// A permit for each acknowledgement it may give.
    permits: Semaphore,
}

impl Recorder {
    fn new(answer: Result<(), SinkError>, permits: usize) -> Arc<Self> {
        Arc::new(Self { events: Mutex::default(), answer, permits: Semaphore::new(permits) })
    }

    fn willing() -> Arc<Self> {
        Self::new(Ok(()), Semaphore::MAX_PERMITS)
    }

    fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }
}

impl Sink for Recorder {
    fn append(&self, events: Vec<Event>) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            self.events.lock().unwrap().extend(events);
            self.permits.acquire().await.unwrap().forget();
            self.answer.clone()
        })
    }
}

fn secrets() -> Vec<SecretString> {
    vec![SecretString::from("the next one"), SecretString::from(SECRET)]
}

fn options(now: &str) -> ReceiverOptions {
    let mut options = ReceiverOptions {
        clock: Arc::new(FixedClock(EventTime::parse(now).unwrap())),
        ..ReceiverOptions::default()
    };
    let account = || "acme".to_owned();
    options.jira.insert(account(), JiraEndpoint { secrets: secrets(), ..JiraEndpoint::default() });
    options.linear.insert(account(), LinearEndpoint { secrets: secrets(), ..LinearEndpoint::default() });
    options
        .pagerduty
        .insert(account(), PagerDutyEndpoint { secrets: secrets(), ..PagerDutyEndpoint::default() });
    options
}

fn receiver(sink: &Arc<Recorder>) -> Router {
    router(options("2026-01-14T10:00:00Z"), Arc::clone(sink) as Arc<dyn Sink>)
}

fn hexadecimal(body: &[u8]) -> String {
    hex::encode(signature::sign(&SecretString::from(SECRET), body))
}

fn request(path: &str, header: (&str, &str), body: &[u8]) -> Request<Body> {
    Request::post(path).header(header.0, header.1).body(Body::from(body.to_vec())).unwrap()
}

fn pagerduty(body: &[u8]) -> Request<Body> {
    let signature = format!("v1={}", hexadecimal(body));
    request("/webhooks/pagerduty/acme", ("X-PagerDuty-Signature", &signature), body)
}

fn jira(body: &[u8]) -> Request<Body> {
    request("/webhooks/jira/acme", ("X-Hub-Signature", &format!("sha256={}", hexadecimal(body))), body)
}

fn linear(body: &[u8]) -> Request<Body> {
    request("/webhooks/linear/acme", ("Linear-Signature", &hexadecimal(body)), body)
}

fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).unwrap()
}

async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn status(router: &Router, request: Request<Body>) -> StatusCode {
    send(router, request).await.status()
}

#[tokio::test]
async fn a_triggered_incident_is_an_opening_and_a_page_for_whom_it_is_assigned_to() {
    let sink = Recorder::willing();
    let body = recorded("pagerduty/webhook-triggered.json");
    assert_eq!(status(&receiver(&sink), pagerduty(&body)).await, StatusCode::OK);
    let events = sink.events();
    let types: Vec<_> = events.iter().map(Event::type_name).collect();
    assert_eq!(types, ["bellwether.incident.changed.v1", "bellwether.page.notified.v1"]);
    assert!(events.iter().all(|event| event.id.source == "pagerduty://acme"));
    assert!(events.iter().all(|event| unmapped::topic(event) == Some(Topic::Page)));
}

#[tokio::test]
async fn a_redelivery_is_the_same_events() {
    let (first, second) = (Recorder::willing(), Recorder::willing());
    let body = recorded("pagerduty/webhook-triggered.json");
    send(&receiver(&first), pagerduty(&body)).await;
    send(&receiver(&second), pagerduty(&body)).await;
    assert_eq!(first.events(), second.events());
}

#[tokio::test]
async fn nothing_is_answered_before_the_sink_acknowledged() {
    let sink = Recorder::new(Ok(()), 0);
    let router = receiver(&sink);
    let answer = tokio::spawn(router.oneshot(pagerduty(&recorded("pagerduty/webhook-triggered.json"))));
    while sink.events().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!answer.is_finished());
    sink.permits.add_permits(1);
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_never_answers_is_503_within_the_time_the_source_waits() {
    let sink = Recorder::new(Ok(()), 0);
    let started = tokio::time::Instant::now();
    let answer = send(&receiver(&sink), pagerduty(&recorded("pagerduty/webhook-triggered.json"))).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(started.elapsed() < Duration::from_secs(5), "PagerDuty waits 5 s");
}

#[tokio::test]
async fn our_own_trouble_is_503_with_retry_after_and_never_4xx() {
    let body = recorded("pagerduty/webhook-triggered.json");
    let behind = SinkError::Behind { retry_after: Duration::from_secs(9) };
    for (error, seconds) in [(behind, 9), (SinkError::Stopping, RETRY_AFTER.as_secs())] {
        let sink = Recorder::new(Err(error), Semaphore::MAX_PERMITS);
        let answer = send(&receiver(&sink), pagerduty(&body)).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], seconds.to_string());
    }
    let mut crowded = options("2026-01-14T10:00:00Z");
    crowded.requests_max = 0;
    let router = router(crowded, Recorder::willing());
    assert_eq!(status(&router, pagerduty(&body)).await, StatusCode::SERVICE_UNAVAILABLE);
    let mut small = options("2026-01-14T10:00:00Z");
    small.bytes_max = 10;
    let router = bellwether_connectors::router(small, Recorder::willing());
    assert_eq!(status(&router, pagerduty(&body)).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_is_not_believed_reaches_no_sink() {
    let sink = Recorder::willing();
    let router = receiver(&sink);
    let body = recorded("pagerduty/webhook-triggered.json");
    let path = "/webhooks/pagerduty/acme";
    let unsigned = Request::post(path).body(Body::from(body.clone())).unwrap();
    assert_eq!(status(&router, unsigned).await, StatusCode::BAD_REQUEST);
    let garbled = request(path, ("X-PagerDuty-Signature", "v2=ff"), &body);
    assert_eq!(status(&router, garbled).await, StatusCode::BAD_REQUEST);
    let other = format!("v1={}", hexadecimal(b"something else"));
    assert_eq!(
        status(&router, request(path, ("X-PagerDuty-Signature", &other), &body)).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(status(&router, pagerduty(b"")).await, StatusCode::BAD_REQUEST);
    let elsewhere = request("/webhooks/pagerduty/other", ("X-PagerDuty-Signature", &other), &body);
    assert_eq!(status(&router, elsewhere).await, StatusCode::NOT_FOUND);
    assert!(sink.events().is_empty());
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_with_and_without_a_content_length() {
    let router = receiver(&Recorder::willing());
    let body = vec![b' '; 512 * 1024 + 1];
    assert_eq!(status(&router, pagerduty(&body)).await, StatusCode::PAYLOAD_TOO_LARGE);
    let declared = Request::post("/webhooks/pagerduty/acme")
        .header("content-length", body.len().to_string())
        .body(Body::from(body))
        .unwrap();
    assert_eq!(status(&router, declared).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn signatures_may_come_in_several_header_lines() {
    let sink = Recorder::willing();
    let body = recorded("pagerduty/webhook-triggered.json");
    let request = Request::post("/webhooks/pagerduty/acme")
        .header("X-PagerDuty-Signature", format!("v1={}", "0".repeat(64)))
        .header("X-PagerDuty-Signature", format!("v1={}", hexadecimal(&body)))
        .body(Body::from(body))
        .unwrap();
    assert_eq!(status(&receiver(&sink), request).await, StatusCode::OK);
}

#[tokio::test]
async fn a_ping_is_answered_and_leaves_no_event() {
    let sink = Recorder::willing();
    let body = br#"{"event":{"id":"01PING","event_type":"pagey.ping","occurred_at":"2026-01-14T10:00:00Z","data":{}}}"#;
    assert_eq!(status(&receiver(&sink), pagerduty(body)).await, StatusCode::OK);
    assert!(sink.events().is_empty());
}

#[tokio::test]
async fn an_unknown_event_is_kept_as_it_came_unless_that_is_switched_off() {
    let body = recorded("pagerduty/webhook-workflow.json");
    let sink = Recorder::willing();
    assert_eq!(status(&receiver(&sink), pagerduty(&body)).await, StatusCode::OK);
    let [kept] = sink.events().try_into().unwrap();
    assert_eq!(kept.type_name(), unmapped::TYPE);
    assert_eq!(kept.id.id, "12345678901234567890123456789012345678");
    assert_eq!(kept.subject.as_deref(), Some("incident.workflow.started"));
    assert_eq!(unmapped::topic(&kept), Some(Topic::Page));
    let Payload::Unknown { data, .. } = &kept.payload else { panic!("kept as it came") };
    assert_eq!(data, &body);

    let sink = Recorder::willing();
    let off = ReceiverOptions { keep_unmapped: false, ..options("2026-01-14T10:00:00Z") };
    let router = router(off, Arc::clone(&sink) as Arc<dyn Sink>);
    assert_eq!(status(&router, pagerduty(&body)).await, StatusCode::OK);
    assert!(sink.events().is_empty());
}

#[tokio::test]
async fn a_verified_body_that_cannot_be_read_is_kept_under_its_delivery_id() {
    let sink = Recorder::willing();
    let body = b"not JSON";
    let mut delivery = pagerduty(body);
    delivery.headers_mut().insert("x-webhook-id", "d-1".parse().unwrap());
    assert_eq!(status(&receiver(&sink), delivery).await, StatusCode::OK);
    let [kept] = sink.events().try_into().unwrap();
    assert_eq!((kept.type_name(), kept.id.id.as_str()), (unmapped::TYPE, "delivery/d-1"));
    assert_eq!(kept.time, EventTime::parse("2026-01-14T10:00:00Z").unwrap());
}

#[tokio::test]
async fn linear_deliveries_are_believed_within_a_minute_of_their_signed_instant() {
    let body = recorded("linear/webhook-issue-updated.json");
    for (now, expected) in [
        ("2026-01-20T09:00:00.250Z", StatusCode::OK),
        ("2026-01-20T09:01:00.250Z", StatusCode::OK),
        ("2026-01-20T09:01:00.251Z", StatusCode::FORBIDDEN),
        ("2026-01-20T08:58:59.000Z", StatusCode::FORBIDDEN),
    ] {
        let router = router(options(now), Recorder::willing());
        assert_eq!(status(&router, linear(&body)).await, expected, "{now}");
    }
}

#[tokio::test]
async fn the_unsigned_timestamp_header_is_believed_only_when_the_body_has_none() {
    let now = "2026-01-20T09:00:00Z";
    let stamped = |body: &[u8], at: &str| {
        let mut request = linear(body);
        let ms = EventTime::parse(at).unwrap().ms().to_string();
        request.headers_mut().insert("linear-timestamp", ms.parse().unwrap());
        request
    };
    let router = router(options(now), Recorder::willing());
    let old = br#"{"action":"create","type":"Comment","data":{},"webhookTimestamp":1600000000000}"#;
    let bare = br#"{"action":"create","type":"Comment","data":{}}"#;
    assert_eq!(status(&router, stamped(old, now)).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&router, stamped(bare, now)).await, StatusCode::OK);
    assert_eq!(status(&router, linear(bare)).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn unsigned_jira_deliveries_are_taken_only_where_configured_and_a_wrong_signature_never() {
    let body = recorded("jira/webhook-issue-updated.json");
    let unsigned = || Request::post("/webhooks/jira/acme").body(Body::from(body.clone())).unwrap();
    let wrong =
        || request("/webhooks/jira/acme", ("X-Hub-Signature", &format!("sha256={}", "0".repeat(64))), &body);
    let strict = receiver(&Recorder::willing());
    assert_eq!(status(&strict, unsigned()).await, StatusCode::BAD_REQUEST);
    let mut open = options("2026-01-14T10:00:00Z");
    open.jira.get_mut("acme").unwrap().accept_unsigned = true;
    let lax = router(open, Recorder::willing());
    assert_eq!(status(&lax, unsigned()).await, StatusCode::OK);
    assert_eq!(status(&lax, wrong()).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_change_has_one_identity_by_webhook_and_by_import() {
    let sink = Recorder::willing();
    let router = receiver(&sink);
    for name in ["jira/webhook-issue-updated.json", "jira/webhook-sprint-closed.json"] {
        assert_eq!(status(&router, jira(&recorded(name))).await, StatusCode::OK);
    }
    let paths = [data("jira/search.json"), data("jira/sprints.json"), data("jira/board.json")];
    let (_, events) = imported(&paths, &bellwether_connectors::ImportOptions::default());
    for live in sink.events() {
        let found = events.iter().find(|event| event.id == live.id);
        let found = found.unwrap_or_else(|| panic!("{} is in the import", live.id.id));
        assert_eq!((found.type_name(), found.time), (live.type_name(), live.time));
    }
}

#[tokio::test]
async fn a_changed_rank_or_order_is_no_change_of_a_ticket() {
    let sink = Recorder::willing();
    let router = router(options("2026-01-20T09:01:00Z"), Arc::clone(&sink) as Arc<dyn Sink>);
    assert_eq!(status(&router, linear(&recorded("linear/webhook-order.json"))).await, StatusCode::OK);
    let mut body: serde_json::Value =
        serde_json::from_slice(&recorded("jira/webhook-issue-updated.json")).unwrap();
    body["changelog"]["items"] =
        serde_json::json!([{"field": "Rank", "from": "", "to": "", "toString": "Ranked higher"}]);
    assert_eq!(status(&router, jira(&serde_json::to_vec(&body).unwrap())).await, StatusCode::OK);
    assert!(sink.events().is_empty());
}

#[tokio::test]
async fn the_trace_of_a_delivery_travels_with_its_events() {
    let sink = Recorder::willing();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = pagerduty(&recorded("pagerduty/webhook-triggered.json"));
    request.headers_mut().insert("traceparent", trace.parse().unwrap());
    send(&receiver(&sink), request).await;
    assert!(sink.events().iter().all(|event| event.traceparent.as_deref() == Some(trace)));
}

#[tokio::test]
async fn the_published_vectors_hold() {
    let Some(folder) = fixtures() else { return };
    let vectors: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("signature-vectors.json")).unwrap()).unwrap();
    let mut tried = 0;
    for vector in vectors.as_array().unwrap() {
        let word = |key: &str| vector[key].as_str().unwrap_or_default();
        let body = match vector["body_file"].as_str() {
            Some(file) => std::fs::read(folder.join(file)).unwrap(),
            None => word("body").as_bytes().to_vec(),
        };
        let secrets = vec![SecretString::from(word("secret"))];
        let mut options = options("2026-01-14T10:00:00Z");
        let path = match word("system") {
            "jira-cloud-admin-webhook" => {
                options.jira.get_mut("acme").unwrap().secrets = secrets;
                "/webhooks/jira/acme"
            }
            "pagerduty-v3" => {
                options.pagerduty.get_mut("acme").unwrap().secrets = secrets;
                "/webhooks/pagerduty/acme"
            }
            _ => continue,
        };
        let router = router(options, Recorder::willing());
        let answer = status(&router, request(path, (word("header"), word("expected")), &body)).await;
        assert_eq!(answer == StatusCode::OK, vector["valid"].as_bool().unwrap(), "{vector}");
        tried += 1;
    }
    assert_eq!(tried, 3);
}
