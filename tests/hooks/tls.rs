//! Certificates, and whole servers that are not there.

use crate::common::endpoint::{PATH, SECRET};
use crate::common::logbook::Logbook;
use crate::desk::{Office, names};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

fn openssl(dir: &Path, arguments: &str) {
    let done =
        Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().unwrap();
    assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

/// An authority, and a certificate of it for this machine.
fn authority(dir: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        dir,
        &format!("req -x509 {key} -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}"),
    );
    openssl(
        dir,
        &format!(
            "req -x509 {key} -keyout {name}-server.key -out {name}-server.pem -days 2 -subj /CN=server \
             -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
             -CA {name}.pem -CAkey {name}.key"
        ),
    );
}

/// A server with the certificate of `name`, which keeps what it is sent.
async fn serve(dir: &Path, name: &str) -> (u16, Arc<Mutex<Vec<String>>>, JoinSet<()>) {
    let of = |end: &str| dir.join(format!("{name}-server.{end}"));
    let certificate = CertificateDer::from_pem_file(of("pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(of("key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (port, heard) =
        (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<String>>>::default());
    let (kept, mut serving) = (heard.clone(), JoinSet::new());
    serving.spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut bytes = vec![0; 64 * 1024];
            let count = stream.read(&mut bytes).await.unwrap_or(0);
            kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..count]).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 204 x\r\nconnection: close\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (port, heard, serving)
}

fn section(port: u16, more: &str) -> String {
    format!(
        "webhooks_out: {{tickets: {{url: 'https://127.0.0.1:{port}{PATH}', secret_files: [hook.secret], retry: 40ms{more}}}}}\n"
    )
}

#[tokio::test]
async fn only_a_certificate_of_the_configured_authority_is_taken() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    std::fs::write(dir.join("hook.secret"), SECRET).unwrap();
    authority(dir, "ours");
    authority(dir, "theirs");
    let (port, heard, _serving) = serve(dir, "ours").await;
    for (more, closed) in [("", false), (", ca_file: theirs.pem", false), ("", true)] {
        let port = if closed { 9 } else { port };
        let office = Office::at(Logbook::new(), dir.to_owned(), section(port, more));
        let agent = office.start().await;
        agent.expect(&names(1), None).await;
        let none = |rows: &[revoked::store::Delivery]| {
            rows.iter().any(|row| row.error == "no_connection" && !row.row.doubled)
        };
        agent.until("nobody is trusted", none).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(heard.lock().unwrap().is_empty(), "{more}: {heard:?}");
        agent.stop().await;
    }
    let office = Office::at(Logbook::new(), dir.to_owned(), section(port, ", ca_file: ours.pem"));
    let agent = office.start().await;
    agent.expect(&names(1), None).await;
    agent.settled().await;
    let all = heard.lock().unwrap().clone();
    assert!(all.len() == 1 && all[0].starts_with("POST /hooks/"), "{all:?}");
    agent.stop().await;
}
