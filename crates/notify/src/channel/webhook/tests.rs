//! One request against a receiver on loopback.

use rstest::rstest;

use super::*;
use crate::delivery::testing::delivery;
use crate::testing::receiver::{Receiver, Reply, endless};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn options(url: &str) -> WebhookOptions {
    WebhookOptions {
        url: url.into(),
        secrets: vec![Secret::parse(SECRET).unwrap()],
        timeout: Millis::seconds(10),
        allow_private_networks: true,
    }
}

async fn answer(reply: Reply) -> Result<Accepted, DeliveryError> {
    let receiver = Receiver::start([reply]).await;
    Webhook::new(options(&receiver.url)).unwrap().deliver(&delivery("a title")).await
}

#[tokio::test]
async fn the_request_is_a_signed_event_that_a_receiver_can_verify() {
    let receiver = Receiver::start([Reply::Status(202, Some(("x-request-id", "req-7".into())))]).await;
    let mut delivery = delivery("a title");
    delivery.envelope.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let accepted = Webhook::new(options(&receiver.url)).unwrap().deliver(&delivery).await.unwrap();
    assert_eq!(accepted.remote_id.as_deref(), Some("req-7"));
    let requests = receiver.requests();
    let [request] = &requests[..] else { panic!("one request, got {}", requests.len()) };
    assert_eq!(request.header("content-type"), "application/cloudevents+json");
    assert_eq!(request.header(signature::ID), delivery.id.idempotency_key().as_str());
    assert_eq!(Some(request.header("traceparent")), delivery.envelope.traceparent.as_deref());
    assert_eq!(request.body, body::of(&delivery));
    let headers = (
        request.header(signature::ID),
        request.header(signature::TIMESTAMP),
        request.header(signature::SIGNATURE),
    );
    let secret = Secret::parse(SECRET).unwrap();
    let now = delivery.at.ms() / 1000;
    assert_eq!(signature::verify(&secret, headers, &request.body, now), Ok(()));
}

#[rstest]
#[case(200)]
#[case(201)]
#[case(204)]
#[tokio::test]
async fn any_2xx_is_accepted(#[case] status: u16) {
    assert_eq!(answer(Reply::Status(status, None)).await, Ok(Accepted::default()));
}

#[rstest]
#[case(408)]
#[case(429)]
#[case(500)]
#[case(503)]
#[tokio::test]
async fn what_may_pass_is_tried_again(#[case] status: u16) {
    assert_eq!(
        answer(Reply::Status(status, None)).await,
        Err(DeliveryError::retryable(Cause::Status(status)))
    );
}

#[rstest]
#[case(400)]
#[case(401)]
#[case(404)]
#[case(410)]
#[case(422)]
#[tokio::test]
async fn any_other_4xx_is_final(#[case] status: u16) {
    assert_eq!(
        answer(Reply::Status(status, None)).await,
        Err(DeliveryError::permanent(Cause::Status(status)))
    );
}

#[rstest]
#[case("120", Some(Millis::seconds(120)))]
#[case("Tue, 03 Mar 2026 01:07:40 GMT", Some(Millis::seconds(60)))]
#[case("Tue, 03 Mar 2020 01:07:40 GMT", Some(Millis::ZERO))]
#[case("soon", None)]
#[case("-5", None)]
#[tokio::test]
async fn retry_after_is_read_as_seconds_or_as_a_date(#[case] value: &str, #[case] expected: Option<Millis>) {
    let error = answer(Reply::Status(503, Some(("retry-after", value.to_owned())))).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Retryable { retry_after: expected });
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let elsewhere = Receiver::start([]).await;
    let reply = Reply::Status(307, Some(("location", elsewhere.url.clone())));
    assert_eq!(answer(reply).await, Err(DeliveryError::permanent(Cause::Redirect(307))));
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_receiver_that_never_answers_times_out() {
    let receiver = Receiver::start([Reply::Hang]).await;
    let options = WebhookOptions { timeout: Millis::from_ms(50), ..options(&receiver.url) };
    let answer = Webhook::new(options).unwrap().deliver(&delivery("a title")).await;
    assert_eq!(answer, Err(DeliveryError::retryable(Cause::TimedOut)));
}

#[tokio::test]
async fn nobody_listening_is_tried_again() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let answer = Webhook::new(options(&url)).unwrap().deliver(&delivery("a title")).await;
    assert_eq!(answer, Err(DeliveryError::retryable(Cause::NoConnection)));
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_no_further_than_its_bound() {
    let (url, sent) = endless().await;
    let webhook = Webhook::new(options(&url)).unwrap();
    assert_eq!(webhook.deliver(&delivery("a title")).await, Ok(Accepted::default()));
    drop(webhook);
    // Buffers of the sockets come on top of what was read; they are far below this.
    let sent = sent.await.unwrap();
    assert!(sent < 64 * 1024 * 1024, "{sent} bytes");
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused_where_those_are_not_allowed() {
    let url = "https://localhost:9/";
    let options = WebhookOptions { allow_private_networks: false, ..options(url) };
    let answer = Webhook::new(options).unwrap().deliver(&delivery("a title")).await;
    assert_eq!(answer, Err(DeliveryError::permanent(Cause::AddressNotAllowed)));
}

#[rstest]
#[case("ftp://example.com/", true, "has scheme `ftp`, expected https")]
#[case("not a url", true, "is not a URL")]
#[case("http://example.com/", false, "is plain http")]
#[case("https://user:secret@example.com/", false, "holds a user or password")]
#[case("https://10.0.0.1/", false, "10.0.0.1, which is not allowed: see `allow-private-networks`")]
#[case("https://[::1]/", false, "::1, which is not allowed")]
#[case("https://2130706433/", false, "127.0.0.1, which is not allowed")]
#[case("https://169.254.169.254/latest", true, "169.254.169.254, which is not allowed")]
#[case("http://93.184.216.34/", true, "93.184.216.34, which is not allowed")]
fn settings_that_cannot_be_meant_are_refused(
    #[case] url: &str,
    #[case] allow_private_networks: bool,
    #[case] expected: &str,
) {
    let error =
        Webhook::new(WebhookOptions { allow_private_networks, ..options(url) }).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(!error.contains("secret@"), "{error}");
}

#[test]
fn a_webhook_without_a_secret_is_refused() {
    let error =
        Webhook::new(WebhookOptions { secrets: vec![], ..options("https://example.com/") }).unwrap_err();
    assert!(matches!(error, WebhookError::NoSecret));
}

#[test]
fn neither_path_nor_secret_is_shown() {
    let options = options("http://127.0.0.1:9/hook/path-is-a-secret");
    let shown = format!("{options:?} {:?}", Webhook::new(options.clone()).unwrap());
    assert!(!shown.contains("path-is-a-secret") && !shown.contains("MfKQ"), "{shown}");
}
