//! Connections to a stand-in of a web service.

use super::agent::PATIENCE;
use serde_json::Value;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a stand-in answers.
pub(crate) enum Reply {
    Json(u16, Value),
    /// Status, headers and body.
    Raw(u16, Vec<(&'static str, String)>, String),
    /// The connection is reset.
    Reset,
    /// Nothing, and the connection stays.
    Hang,
    /// Half of it.
    Cut(Value),
}

/// What a stand-in keeps, whatever a test that panicked left.
pub(crate) fn locked<S>(state: &Mutex<S>) -> MutexGuard<'_, S> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens at a port, which may have been another's before, or at any for 0. Gives it, and what serves until it is dropped.
pub(crate) async fn listening<S: Send + 'static>(
    port: u16,
    state: Arc<Mutex<S>>,
    answer: fn(&mut S, &str, Vec<u8>) -> Reply,
) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let state = state.clone();
            connections
                .spawn(serve(stream, move |head, body| answer(&mut locked(&state), head, body)));
            while connections.try_join_next().is_some() {}
        }
    });
    (port, serving)
}

/// Waits until what a stand-in has is as wanted, and gives it.
pub(crate) async fn until<T: Debug>(
    what: &str,
    all: impl Fn() -> Vec<T>,
    wanted: impl Fn(&[T]) -> bool,
) -> Vec<T> {
    let begun = Instant::now();
    loop {
        let all = all();
        if wanted(&all) {
            return all;
        }
        assert!(begun.elapsed() < PATIENCE, "not yet: {what}: {all:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads the one request of a connection, and answers it.
async fn serve(mut stream: TcpStream, answer: impl FnOnce(&str, Vec<u8>) -> Reply) {
    let Some((head, body)) = read(&mut stream).await else { return };
    let (status, headers, body) = match answer(&head, body) {
        Reply::Json(status, value) => (status, Vec::new(), value.to_string()),
        Reply::Raw(status, headers, body) => (status, headers, body),
        Reply::Reset => {
            // Closed like this it is reset.
            let _ = stream.set_zero_linger();
            return;
        }
        Reply::Hang => {
            tokio::time::sleep(Duration::from_secs(120)).await;
            return;
        }
        Reply::Cut(value) => {
            let text = value.to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&text.as_bytes()[..text.len() / 2]).await;
            return;
        }
    };
    let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length =
            header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let body = &bytes[end + 4..];
        if body.len() >= length {
            return Some((head, body[..length].to_vec()));
        }
    }
}

/// A header of a request.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
