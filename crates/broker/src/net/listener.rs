//! Accepts connections until the broker stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use crate::core::Core;

/// Connections at a time: with the open segments well below the usual 1,024 descriptors.
const MAX_CONNECTIONS: usize = 512;
/// Pause after a failed accept, so that running out of descriptors does not turn into a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `stop` is cancelled; each runs as a task of `tasks`.
pub(crate) async fn serve(
    core: Arc<Core>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            tracing::warn!(%peer, limit = MAX_CONNECTIONS, "refused a connection: there are too many");
            continue;
        };
        let (core, stop) = (Arc::clone(&core), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = connection::run(&core, stream, peer) => {}
                () = stop.cancelled() => {}
            }
            drop(seat);
        });
    }
}
