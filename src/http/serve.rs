//! Serving a router until stopped, then finishing the answers in flight.

use super::auth::Peer;
use anyhow::Context as _;
use axum::Router;
use std::future::{Future, IntoFuture as _};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

/// Answers in flight have this long after a stop. Whoever has not sent all of a request by then is not waited
/// for: a client must not decide whether the agent stops in order.
const IN_FLIGHT: Duration = Duration::from_secs(5);

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
    let stopped = stop.clone().cancelled_owned();
    let served = match listener {
        Listener::Tcp(tcp) => {
            let serving = axum::serve(tcp, router.into_make_service());
            bounded(serving.with_graceful_shutdown(stopped).into_future(), &stop).await
        }
        Listener::Unix(unix) => {
            let service = router.into_make_service_with_connect_info::<Peer>();
            let serving = axum::serve(unix, service);
            bounded(serving.with_graceful_shutdown(stopped).into_future(), &stop).await
        }
    };
    drop(producer);
    served.context("serving HTTP")
}

async fn bounded(
    serving: impl Future<Output = std::io::Result<()>>,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let given_up = async {
        stop.cancelled().await;
        tokio::time::sleep(IN_FLIGHT).await;
    };
    tokio::select! {
        served = serving => served,
        () = given_up => Ok(()),
    }
}
