//! One connection: a frame in, a response out, in order. A request that waits, such as a long poll, holds up those
//! behind it, as in Kafka.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::ResponseKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::api::{self, Caller};
use crate::core::Core;
use crate::log::Buffers;
use crate::wire::fence::FenceFault;
use crate::wire::frame::{self, FrameFault, RequestBody};
use crate::wire::reply::Reply;

/// Bytes reserved ahead of the bytes read: a claimed length alone never takes memory beyond this.
const READ_AHEAD: usize = 1024 * 1024;
/// Length and request key.
const PREFIX: usize = 6;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("the client sent what cannot be served")]
    Frame(#[from] FrameFault),
}

/// Serves one connection until the client closes it or sends something that cannot be answered.
pub(super) async fn run(core: &Core, stream: TcpStream, peer: SocketAddr) {
    match serve(core, stream, peer).await {
        Ok(()) => tracing::trace!(%peer, "connection closed"),
        Err(Closed::Io(error)) => tracing::debug!(%peer, %error, "connection lost"),
        Err(Closed::Frame(fault)) => tracing::warn!(%peer, %fault, "closed a connection"),
    }
}

async fn serve(core: &Core, mut stream: TcpStream, peer: SocketAddr) -> Result<(), Closed> {
    stream.set_nodelay(true)?;
    let mut caller = Caller {
        client_id: String::new(),
        client_host: format!("/{}", peer.ip()),
        signal: Arc::new(Notify::new()),
        buffers: Buffers::default(),
    };
    let mut buffer = BytesMut::new();
    while let Some(frame) = read_frame(core, &mut stream, &mut buffer).await? {
        if let Some(mut reply) = answer(core, &mut caller, frame).await? {
            stream.write_all_buf(&mut reply).await?;
        }
    }
    Ok(())
}

/// Answers one frame; `None` when no answer is wanted.
pub(crate) async fn answer(
    core: &Core,
    caller: &mut Caller,
    frame: Bytes,
) -> Result<Option<Reply>, FrameFault> {
    let request = frame::decode(frame)?;
    let kind = match request.body {
        RequestBody::Known(body) => {
            caller.client_id = request.client_id;
            Box::pin(api::answer(core, caller, request.version, *body)).await
        }
        RequestBody::NewerApiVersions => Some(ResponseKind::ApiVersions(api::unsupported_versions())),
    };
    kind.map(|kind| frame::encode(request.key, request.version, request.correlation_id, &kind)).transpose()
}

/// Reads one frame without its length; `None` at the end of the stream.
async fn read_frame(
    core: &Core,
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> Result<Option<Bytes>, Closed> {
    loop {
        if let Some(needed) = needed(core, buffer)? {
            if buffer.len() >= needed {
                let mut frame = buffer.split_to(needed);
                return Ok(Some(frame.split_off(4).freeze()));
            }
            buffer.reserve((needed - buffer.len()).min(READ_AHEAD));
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            };
        }
    }
}

/// The bytes of the frame at the front of the buffer, once its length and key are there.
fn needed(core: &Core, buffer: &[u8]) -> Result<Option<usize>, FrameFault> {
    let Some(prefix) = buffer.first_chunk::<PREFIX>() else { return Ok(None) };
    let length = i32::from_be_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
    let key = i16::from_be_bytes([prefix[4], prefix[5]]);
    let limit = frame::frame_limit(key, core.options.max_produce_request_bytes);
    match usize::try_from(length) {
        Ok(bytes) if bytes > limit => Err(FrameFault::TooLarge { bytes, limit }),
        Ok(bytes) if bytes >= 2 => Ok(Some(bytes + 4)),
        _ => Err(FenceFault::Malformed.into()),
    }
}
