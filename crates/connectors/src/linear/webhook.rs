//! Linear webhooks: verification and dispatch.
//!
//! The signed body carries its own instant, `webhookTimestamp`; a delivery outside the replay window is refused.
//! The unsigned header `Linear-Timestamp` is believed only when the body has none.

use axum::http::HeaderMap;
use bellwether_model::{EventTime, Millis};
use serde::Deserialize;

use super::Mapping;
use crate::lenient::{self, Object};
use crate::webhook::{Delivery, LinearEndpoint, Outcome, Refusal};
use crate::{instant, signature};

/// The delivery id.
pub const DELIVERY_HEADER: &str = "linear-delivery";

/// Bare hex.
const SIGNATURE_HEADER: &str = "linear-signature";

/// Looked at only when the body has no instant.
const TIMESTAMP_HEADER: &str = "linear-timestamp";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stamped {
    #[serde(deserialize_with = "lenient::instant")]
    webhook_timestamp: Option<EventTime>,
}

/// Checks the signature, then the replay window.
pub(crate) fn verify(
    endpoint: &LinearEndpoint,
    headers: &HeaderMap,
    delivery: &Delivery<'_>,
    window: Millis,
) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    signature::verify_linear(text(SIGNATURE_HEADER), &endpoint.secrets, delivery.body)
        .map_err(Refusal::Signature)?;
    let in_body = match serde_json::from_slice(delivery.body) {
        Ok(Object(Some(Stamped { webhook_timestamp }))) => webhook_timestamp,
        Ok(Object(None)) | Err(_) => None,
    };
    let in_header =
        || text(TIMESTAMP_HEADER).and_then(|value| instant::from_epoch_ms(value.trim().parse().ok()?));
    let sent_at = in_body.or_else(in_header).ok_or(Refusal::NoTimestamp)?;
    let apart = delivery.received_at.since(sent_at);
    if apart > window || apart < -window { Err(Refusal::Stale) } else { Ok(()) }
}

/// Maps a verified delivery.
pub fn dispatch(delivery: &Delivery<'_>, _mapping: &Mapping) -> Outcome {
    Outcome::kept("unread", delivery.keep(None, "unread"))
}
