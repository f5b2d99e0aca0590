//! Which requests are served in which versions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, api_versions_response::ApiVersion};

use crate::wire::layout::LAYOUTS;

/// The versions served.
pub(super) fn supported() -> ApiVersionsResponse {
    let keys = LAYOUTS.iter().map(|layout| {
        // Clients of the librdkafka family take Produce 0 as a sign of a modern broker; only format 2 is accepted.
        let min = if layout.key == ApiKey::Produce { 0 } else { layout.min };
        ApiVersion::default()
            .with_api_key(layout.key as i16)
            .with_min_version(min)
            .with_max_version(layout.max)
    });
    ApiVersionsResponse::default().with_api_keys(keys.collect())
}

/// The answer, in version 0, to a client that asks in a newer version than known.
pub(crate) fn unsupported() -> ApiVersionsResponse {
    supported().with_error_code(ResponseError::UnsupportedVersion.code())
}
