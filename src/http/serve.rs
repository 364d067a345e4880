//! Serving a router until stopped, then finishing the answers in flight. HTTP/1.1 and nothing else.
//!
//! A client decides nothing here: not how long a connection may be idle, not how many there are, not
//! whether the agent stops in order.

use super::auth::Peer;
use super::web::Web;
use crate::supervise::{Trouble, panic_message};
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// When the system has no room for another connection, it is asked again after this time.
const BREATH: Duration = Duration::from_millis(500);

/// Connections that wait in the system's queue; those beyond it have to knock again.
const QUEUE: u32 = 1024;

/// Where a router listens.
pub enum Listener {
    /// An address and port.
    Tcp(TcpListener),
    /// An address and port, through TLS where the guard says so.
    Web(TcpListener, Arc<Web>),
    /// The socket for commands on this machine.
    Unix(UnixListener),
}

/// What a listener grants its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for the head of a request, from the opening of the connection or from the answer before.
    pub head: Duration,
    /// Open connections. Further ones wait in the system's queue until one closes. There are three
    /// listeners, and a process may have 1024 files by default: targets, store and log need some, too.
    pub connections: usize,
    /// Answers in flight have this long after a stop. Whoever has not sent all of a request by then is not
    /// waited for.
    pub in_flight: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), connections: 256, in_flight: Duration::from_secs(5) }
    }
}

enum Stream {
    Tcp(TcpStream),
    Web(TcpStream, Arc<Web>),
    Unix(UnixStream),
}

impl Listener {
    /// Listens on an address.
    ///
    /// # Errors
    /// When it is taken or not ours.
    pub fn tcp(address: SocketAddr) -> std::io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // An agent that starts again does not wait for the connections of the one before to be forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Tcp(socket.listen(QUEUE)?))
    }

    /// The same, guarded by `web`. A socket of this machine has its own guard.
    #[must_use]
    pub fn guarded(self, web: Arc<Web>) -> Self {
        match self {
            Self::Tcp(tcp) | Self::Web(tcp, _) => Self::Web(tcp, web),
            Self::Unix(unix) => Self::Unix(unix),
        }
    }

    async fn accept(&self) -> std::io::Result<Stream> {
        Ok(match self {
            Self::Tcp(tcp) => Stream::Tcp(tcp.accept().await?.0),
            Self::Web(tcp, web) => Stream::Web(tcp.accept().await?.0, web.clone()),
            Self::Unix(unix) => Stream::Unix(unix.accept().await?.0),
        })
    }

    fn place(&self) -> String {
        match self {
            Self::Tcp(tcp) | Self::Web(tcp, _) => {
                tcp.local_addr().map(|at| at.to_string()).unwrap_or_default()
            }
            Self::Unix(_) => "the socket".to_owned(),
        }
    }
}

/// Serves `router` until stopped. `producer` is held as long as an answer may still queue a record.
///
/// # Errors
/// Never: a listener that cannot accept now is tried again.
pub async fn serve(
    listener: Listener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
    producer: Arc<()>,
) -> anyhow::Result<()> {
    let place = listener.place();
    let mut open = JoinSet::new();
    let mut pause = Instant::now();
    let trouble = Trouble::default();
    loop {
        let accepted = async {
            sleep_until(pause).await;
            listener.accept().await
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = open.join_next() => told(&place, ended),
            accepted = accepted, if open.len() < limits.connections => match accepted {
                Ok(stream) => {
                    if trouble.is_over("accept") {
                        tracing::info!(listener = place, "connections are accepted again");
                    }
                    open.spawn(connection(stream, router.clone(), limits.head, stop.clone()));
                }
                Err(error) if gone(&error) => {}
                // No file or no memory left: the queue keeps who waits, and others may close theirs.
                Err(error) => {
                    let error = error.to_string();
                    if trouble.is("accept", error.as_str()) {
                        tracing::warn!(listener = place, error, "connections cannot be accepted");
                    }
                    pause = Instant::now() + BREATH;
                }
            },
        }
    }
    // Nobody new while the last ones are answered.
    drop(listener);
    let last = async {
        while let Some(ended) = open.join_next().await {
            told(&place, ended);
        }
    };
    let _ = tokio::time::timeout(limits.in_flight, last).await;
    open.shutdown().await;
    drop(producer);
    Ok(())
}

/// The client left before it was accepted: nobody's trouble.
fn gone(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

/// One connection that panics costs its client the answer, and nobody else anything: whoever can send bytes
/// must not be able to end the agent.
fn told(place: &str, ended: Result<(), JoinError>) {
    match ended {
        Err(error) if error.is_panic() => {
            let error = panic_message(error);
            tracing::error!(listener = place, error, "an answer panicked");
        }
        Ok(()) | Err(_) => {}
    }
}

async fn connection(stream: Stream, router: Router, head: Duration, stop: CancellationToken) {
    match stream {
        Stream::Tcp(tcp) => {
            // Answers are written whole; waiting to fill a packet only delays them.
            let _ = tcp.set_nodelay(true);
            answer(TokioIo::new(tcp), None, router, head, stop).await;
        }
        Stream::Web(tcp, web) => {
            let _ = tcp.set_nodelay(true);
            match web.tls() {
                Ok(None) => answer(TokioIo::new(tcp), None, router, head, stop).await,
                Ok(Some(tls)) => {
                    let shaken = tokio::select! {
                        shaken = tokio::time::timeout(head, tls.accept(tcp)) => shaken,
                        () = stop.cancelled() => return,
                    };
                    if let Ok(Ok(tls)) = shaken {
                        answer(TokioIo::new(tls), None, router, head, stop).await;
                    }
                }
                // Nobody is answered in the open because TLS cannot be had.
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "there is no TLS for a connection");
                }
            }
        }
        Stream::Unix(unix) => {
            let peer = Peer::of(&unix);
            answer(TokioIo::new(unix), Some(peer), router, head, stop).await;
        }
    }
}

async fn answer(
    stream: impl Read + Write + Unpin + Send + 'static,
    peer: Option<Peer>,
    router: Router,
    head: Duration,
    stop: CancellationToken,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head);
    let mut serving = pin!(builder.serve_connection(stream, service));
    // What goes wrong here is the client's doing, and the client knows.
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = error.to_string(), "a connection ended early");
    }
}
