//! Jira webhooks: verification and dispatch.

use axum::http::HeaderMap;

use crate::signature;
use crate::webhook::{Delivery, JiraEndpoint, Outcome, Refusal};

use super::Mapping;

/// The delivery id: the same on each retry.
pub const DELIVERY_HEADER: &str = "x-atlassian-webhook-identifier";

/// WebSub form, `sha256=` and hex.
const SIGNATURE_HEADER: &str = "x-hub-signature";

/// Checks the signature; without one the delivery is refused unless the endpoint takes unsigned ones.
pub(crate) fn verify(endpoint: &JiraEndpoint, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let header = headers.get(SIGNATURE_HEADER);
    if header.is_none() && endpoint.accept_unsigned {
        return Ok(());
    }
    let header = header.map(|value| value.to_str().unwrap_or_default());
    signature::verify_jira(header, &endpoint.secrets, body).map_err(Refusal::Signature)
}

/// Maps a verified delivery.
pub fn dispatch(delivery: &Delivery<'_>, _mapping: &Mapping) -> Outcome {
    Outcome::kept("unread", delivery.keep(None, "unread"))
}
