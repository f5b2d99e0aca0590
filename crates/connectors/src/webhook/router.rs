//! The three routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use tokio::sync::Semaphore;

use super::options::ReceiverOptions;
use super::receive::{Receiver, answer};
use crate::sink::Sink;
use crate::source::Source;

/// The receiver's routes. Serve them behind TLS; nothing else is served here.
pub fn router(options: ReceiverOptions, sink: Arc<dyn Sink>) -> Router {
    let receiver = Arc::new(Receiver {
        requests: Semaphore::new(options.requests_max.min(Semaphore::MAX_PERMITS)),
        bytes: Semaphore::new(options.bytes_max.min(Semaphore::MAX_PERMITS)),
        options,
        sink,
    });
    Source::ALL.into_iter().map(|source| route(source, &receiver)).fold(Router::new(), Router::merge)
}

fn route(source: Source, receiver: &Arc<Receiver>) -> Router {
    let handler = move |State(receiver): State<Arc<Receiver>>,
                        Path(account): Path<String>,
                        request: Request| async move {
        let response: Response = answer(&receiver, source, &account, request).await;
        response
    };
    Router::new()
        .route(&format!("/webhooks/{}/{{account}}", source.word()), post(handler))
        .layer(DefaultBodyLimit::max(receiver.options.body_bytes_max(source)))
        .with_state(Arc::clone(receiver))
}
