//! `/metrics`, `/healthz`, `/readyz`, and the webhooks where the connector runs.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::failure::{Context as _, Exit, Failure};
use crate::ready::Readiness;

/// What the endpoints may know.
#[derive(Debug)]
pub(crate) struct Health {
    /// Metrics.
    pub metrics: PrometheusHandle,
    /// Folding roles of this process.
    pub roles: Vec<Readiness>,
}

/// Takes the address, before anything is started that would have to be stopped again.
///
/// # Errors
/// When it is taken or not ours.
pub(crate) fn claim(address: SocketAddr) -> Result<std::net::TcpListener, Failure> {
    let claimed = std::net::TcpListener::bind(address)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    claimed.map_err(|error| {
        cannot_listen(
            address,
            error,
            "choose another address with --http or http.listen, or stop the process that holds it",
        )
    })
}

/// The failure of an address that is taken or not ours, whoever wants it.
pub(crate) fn cannot_listen(address: SocketAddr, error: impl Into<anyhow::Error>, hint: &str) -> Failure {
    Failure::new(Exit::Usage, format!("cannot listen on {address}")).because(error).hint(hint)
}

/// Serves until the token is cancelled.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    health: Health,
    webhooks: Option<Router>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(Arc::new(health));
    let router = match webhooks {
        Some(webhooks) => router.merge(webhooks),
        None => router,
    };
    let listener = TcpListener::from_std(listener)
        .or_fail(Exit::Internal, || "the listener cannot be used".to_owned())?;
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .or_fail(Exit::Internal, || "the HTTP server failed".to_owned())
}

async fn metrics(State(health): State<Arc<Health>>) -> String {
    health.metrics.run_upkeep();
    health.metrics.render()
}

/// Alive as long as it answers: a role that ends takes the process with it.
async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    let looks: Vec<(Vec<String>, bool)> = health.roles.iter().map(Readiness::look).collect();
    let is_ready = looks.iter().all(|(_, is_ready)| *is_ready);
    let mut text: String = looks.into_iter().flat_map(|(lines, _)| lines).map(|line| line + "\n").collect();
    text.push_str(if is_ready { "ready\n" } else { "not ready\n" });
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}
