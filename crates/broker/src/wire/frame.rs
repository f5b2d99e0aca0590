//! Requests out of frames, frames out of responses.
//!
//! A frame on the wire is a length and that many bytes. How many are allowed depends on the request, whose key is in
//! the first two bytes: only produce requests carry records, everything else is small.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::{ApiKey, RequestHeader, RequestKind, ResponseHeader, ResponseKind};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::fence::{FenceFault, check_body, check_header};
use super::fetched;
use super::layout::{Layout, layout_of};
use super::reply::{Pieces, Reply};

/// Largest request other than produce: a metadata request for tens of thousands of topics fits.
const MAX_PLAIN_REQUEST: usize = 4 * 1024 * 1024;
/// Highest version of ApiVersions whose header is worth looking at.
const API_VERSIONS_FALLBACK: i16 = 0;

/// A decoded request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client_id: String,
    pub(crate) body: RequestBody,
}

/// The body of a request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Known(Box<RequestKind>),
    /// ApiVersions in a version we do not know; answered in version 0 so that the client can step down.
    NewerApiVersions,
}

/// Why a frame ends the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameFault {
    #[error("request type {0} is not served")]
    UnknownKey(i16),
    #[error("version {version} of request type {key} is not served")]
    UnknownVersion { key: i16, version: i16 },
    #[error("a request of {bytes} bytes exceeds the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the request is malformed")]
    Fence(#[from] FenceFault),
    #[error("the request cannot be decoded: {0}")]
    Decode(String),
    #[error("the response cannot be encoded: {0}")]
    Encode(String),
}

/// The largest frame a request with this key may have.
pub(crate) fn frame_limit(key: i16, max_produce: usize) -> usize {
    if key == ApiKey::Produce as i16 { max_produce } else { MAX_PLAIN_REQUEST.min(max_produce) }
}

/// Decodes a frame without its length prefix.
pub(crate) fn decode(frame: Bytes) -> Result<Request, FrameFault> {
    if frame.len() < 8 {
        return Err(FenceFault::Malformed.into());
    }
    let key = i16::from_be_bytes([frame[0], frame[1]]);
    let version = i16::from_be_bytes([frame[2], frame[3]]);
    let layout = layout_of(key).ok_or(FrameFault::UnknownKey(key))?;
    if layout.key == ApiKey::ApiVersions && version > layout.max {
        let correlation_id = (&frame[4..]).get_i32();
        return Ok(Request {
            key: layout.key,
            version: API_VERSIONS_FALLBACK,
            correlation_id,
            client_id: String::new(),
            body: RequestBody::NewerApiVersions,
        });
    }
    if version < layout.min || version > layout.max {
        return Err(FrameFault::UnknownVersion { key, version });
    }
    decode_known(layout, version, frame)
}

fn decode_known(layout: &Layout, version: i16, mut frame: Bytes) -> Result<Request, FrameFault> {
    let header_version = layout.key.request_header_version(version);
    let header_length = check_header(&frame, header_version >= 2)?;
    check_body(layout, version, &frame[header_length..])?;
    let header = RequestHeader::decode(&mut frame, header_version).map_err(undecodable)?;
    let body = RequestKind::decode(layout.key, &mut frame, version).map_err(undecodable)?;
    Ok(Request {
        key: layout.key,
        version,
        correlation_id: header.correlation_id,
        client_id: header.client_id.map(|id| id.to_string()).unwrap_or_default(),
        body: RequestBody::Known(Box::new(body)),
    })
}

/// Encodes a response.
pub(crate) fn encode(
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    body: &ResponseKind,
) -> Result<Reply, FrameFault> {
    let mut out = Pieces::default();
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    header.encode(&mut out.open, key.response_header_version(version)).map_err(unencodable)?;
    if let ResponseKind::Fetch(response) = body {
        out = fetched::encode(response, version, out);
    } else {
        body.encode(&mut out.open, version).map_err(unencodable)?;
    }
    Reply::framed(out.finish()).ok_or_else(|| FrameFault::Encode("it exceeds 2 GiB".to_owned()))
}

fn undecodable(error: impl std::fmt::Display) -> FrameFault {
    FrameFault::Decode(format!("{error:#}"))
}

fn unencodable(error: impl std::fmt::Display) -> FrameFault {
    FrameFault::Encode(format!("{error:#}"))
}
