//! What a listener grants its clients, with a router that only says hello.

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use revoked::http::{Limits, Listener, Peer, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// Longer than any test waits on purpose, for a machine under load.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    at: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/peer", get(|peer: ConnectInfo<Peer>| async move { format!("{:?}", peer.0.0) }))
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                "at last"
            }),
        )
        .route("/panic", get(|| async { panic!("a defect") as &'static str }))
}

fn start(limits: Limits) -> Running {
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let Listener::Tcp(tcp) = &listener else { unreachable!() };
    let at = tcp.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, router(), limits, stop.clone(), Arc::new(())));
    Running { at, stop, tasks }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    /// Stops it and gives how long that took.
    async fn stopped(mut self) -> Duration {
        let begun = Instant::now();
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap().unwrap();
        begun.elapsed()
    }
}

/// What comes until the other side closes.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    // A reset closes, too.
    let _ = tokio::time::timeout(PATIENCE, read).await.expect("the connection stays open");
    String::from_utf8(bytes).unwrap()
}

/// What comes next, or nothing within `patience`.
async fn next(stream: &mut TcpStream, patience: Duration) -> Option<String> {
    let mut bytes = vec![0; 4096];
    let count = tokio::time::timeout(patience, stream.read(&mut bytes)).await.ok()?.unwrap();
    Some(String::from_utf8(bytes[..count].to_vec()).unwrap())
}

#[tokio::test]
async fn who_does_not_finish_a_head_is_dropped() {
    let head = Duration::from_millis(300);
    let running = start(Limits { head, ..Limits::default() });
    for half in ["", "GET", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let begun = Instant::now();
        let mut stream = running.connect().await;
        stream.write_all(half.as_bytes()).await.unwrap();
        assert!(!rest(&mut stream).await.contains("200"), "{half}");
        assert!(begun.elapsed() >= head, "{half}: {:?}", begun.elapsed());
    }
    // Byte by byte is no way around it.
    let mut stream = running.connect().await;
    let begun = Instant::now();
    for byte in HELLO.iter().cycle() {
        if stream.write_all(&[*byte]).await.is_err() || begun.elapsed() > PATIENCE {
            break;
        }
        if let Some(answer) = next(&mut stream, Duration::from_millis(50)).await {
            assert!(!answer.contains("200"), "{answer}");
            break;
        }
    }
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_connection_is_kept_between_requests_but_not_for_ever() {
    let head = Duration::from_millis(500);
    let running = start(Limits { head, ..Limits::default() });
    let mut stream = running.connect().await;
    for _ in 0..3 {
        stream.write_all(HELLO).await.unwrap();
        let answer = next(&mut stream, PATIENCE).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    }
    let begun = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(begun.elapsed() >= head / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn further_connections_wait_until_some_close() {
    let head = Duration::from_secs(600);
    let running = start(Limits { head, ..Limits::default() });
    let mut idle = Vec::new();
    for _ in 0..600 {
        idle.push(running.connect().await);
    }
    let mut asking = running.connect().await;
    asking.write_all(HELLO).await.unwrap();
    let early = next(&mut asking, Duration::from_millis(500)).await;
    assert_eq!(early, None, "there is room for 256");
    idle.truncate(200);
    let answer = next(&mut asking, PATIENCE).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn a_stop_waits_for_answers_and_for_nobody_else() {
    let in_flight = Duration::from_secs(3);
    let running = start(Limits { in_flight, ..Limits::default() });
    let mut asked = running.connect().await;
    asked.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let idle = running.connect().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let at = running.at;
    let took = running.stopped().await;
    assert!(took < in_flight, "{took:?}");
    assert!(rest(&mut asked).await.ends_with("at last"));
    assert!(TcpStream::connect(at).await.is_err(), "nobody listens any more");
    drop(idle);

    let in_flight = Duration::from_millis(200);
    let running = start(Limits { in_flight, ..Limits::default() });
    let mut half = running.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let took = running.stopped().await;
    assert!(took >= in_flight && took < PATIENCE, "{took:?}");
    assert_eq!(rest(&mut half).await, "");
}

#[tokio::test]
async fn a_panic_costs_its_client_the_answer_and_nobody_else_anything() {
    let running = start(Limits::default());
    let mut stream = running.connect().await;
    stream.write_all(b"GET /panic HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    let mut stream = running.connect().await;
    stream.write_all(HELLO).await.unwrap();
    assert!(next(&mut stream, PATIENCE).await.unwrap().ends_with("hello"));
}

#[tokio::test]
async fn only_http_1_is_spoken() {
    let running = start(Limits::default());
    let mut stream = running.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn the_socket_knows_its_peer() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = Listener::Unix(UnixListener::bind(&path).unwrap());
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, router(), Limits::default(), stop.clone(), Arc::new(())));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = b"GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let uid = std::fs::metadata("/proc/self").unwrap().uid();
    assert!(rest(&mut stream).await.ends_with(&format!("Some({uid})")));
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}
