//! Serving a router until stopped, then finishing the answers in flight.

use super::auth::Peer;
use anyhow::Context as _;
use axum::Router;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

/// Answers in flight have this long after a stop.
const LAST: Duration = Duration::from_secs(5);

/// Where a router listens.
pub enum Listener {
    /// An address and port.
    Tcp(TcpListener),
    /// The socket for commands on this machine.
    Unix(UnixListener),
}

/// Serves `router` until stopped. `producer` is held as long as an answer may still queue a record.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: Listener,
    router: Router,
    stop: CancellationToken,
    producer: std::sync::Arc<()>,
) -> anyhow::Result<()> {
    let patience = stop.clone();
    let stopped = async move { stop.cancelled().await };
    let serving = async {
        match listener {
            Listener::Tcp(tcp) => {
                axum::serve(tcp, router.into_make_service()).with_graceful_shutdown(stopped).await
            }
            Listener::Unix(unix) => {
                let service = router.into_make_service_with_connect_info::<Peer>();
                axum::serve(unix, service).with_graceful_shutdown(stopped).await
            }
        }
    };
    let served = tokio::select! {
        served = serving => served,
        // Somebody who never finishes a request must not keep the agent from stopping in order.
        () = async { patience.cancelled().await; tokio::time::sleep(LAST).await } => Ok(()),
    };
    drop(producer);
    served.context("serving HTTP")
}
