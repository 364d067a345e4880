//! A proxy before two servers that does all on both, and answers from the one until it answers from the other: as
//! one that chooses a server for each transaction, and remembers what was prepared.

#![expect(
    clippy::disallowed_methods,
    reason = "its threads end with the connections that they serve"
)]

use revoked::throwaway::Cluster;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tempfile::TempDir;

pub(crate) struct Mirror {
    place: TempDir,
    pub(crate) transactions: Arc<AtomicUsize>,
}

const SOCKET: &str = ".s.PGSQL.5432";

impl Mirror {
    /// The transaction with this number, counted from one, is the first that `second` answers.
    pub(crate) fn start(first: &Cluster, second: &Cluster, switch: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(place.path().join(SOCKET)).unwrap();
        let transactions = Arc::new(AtomicUsize::new(0));
        let servers = [first, second].map(|cluster| cluster.socket_dir().join(SOCKET));
        let begun = transactions.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (servers, begun) = (servers.clone(), begun.clone());
                std::thread::spawn(move || serve(client, &servers, &begun, switch));
            }
        });
        Self { place, transactions }
    }

    pub(crate) fn url(&self) -> String {
        url(self.place.path())
    }
}

fn url(host: &Path) -> String {
    format!("postgres:///postgres?host={}&user=agent&sslmode=disable", host.display())
}

/// One connection. Requests are counted by what is answered with `ReadyForQuery`.
fn serve(mut client: UnixStream, servers: &[PathBuf; 2], begun: &AtomicUsize, switch: usize) {
    let mut servers = servers.each_ref().map(|path| UnixStream::connect(path).unwrap());
    let late = begun.load(SeqCst) >= switch;
    let from = Arc::new(AtomicUsize::new(if late { 0 } else { usize::MAX }));
    for (index, server) in servers.iter().enumerate() {
        let (server, client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let from = from.clone();
        std::thread::spawn(move || answer(server, client, index == 1, &from));
    }
    let mut requests = 0;
    while let Some(message) = message(&mut client, requests == 0) {
        if message.starts_with(b"Q") && message[5..].starts_with(b"BEGIN") {
            let number = begun.fetch_add(1, SeqCst) + 1;
            if number >= switch {
                from.fetch_min(requests, SeqCst);
            }
        }
        if requests == 0 || matches!(message[0], b'Q' | b'S') {
            requests += 1;
        }
        for server in &mut servers {
            let _ = server.write_all(&message);
        }
    }
    for server in &servers {
        let _ = server.shutdown(std::net::Shutdown::Both);
    }
}

fn answer(mut server: UnixStream, mut client: UnixStream, second: bool, from: &AtomicUsize) {
    let mut request = 0;
    while let Some(message) = message(&mut server, false) {
        if (request >= from.load(SeqCst)) == second && client.write_all(&message).is_err() {
            return;
        }
        request += usize::from(message[0] == b'Z');
    }
}

/// One message of the protocol; only the first of a client has no type.
fn message(from: &mut UnixStream, first: bool) -> Option<Vec<u8>> {
    let mut whole = vec![0; if first { 4 } else { 5 }];
    from.read_exact(&mut whole).ok()?;
    let length = u32::from_be_bytes(whole[whole.len() - 4..].try_into().unwrap());
    let start = whole.len();
    whole.resize(start + usize::try_from(length).unwrap() - 4, 0);
    from.read_exact(&mut whole[start..]).ok()?;
    Some(whole)
}
