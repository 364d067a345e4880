//! A cluster that asks for passwords, on TCP too.

use super::sql;
use revoked::throwaway::{Binaries, Cluster, Template};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

/// A cluster on the loopback with rules of its own.
pub(crate) struct Asking {
    pub(crate) cluster: Cluster,
    dir: TempDir,
}

impl Asking {
    /// Starts a server of a version with these lines of pg_hba.conf, and runs `script` on it. The socket is for
    /// everybody where `rules` do not say otherwise.
    pub(crate) fn start(binaries: &Binaries, rules: &str, script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let hba = dir.path().join("pg_hba.conf");
        std::fs::write(&hba, format!("{rules}\nlocal all all trust\n")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = [
            format!("hba_file={}", hba.display()),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "password_encryption=scram-sha-256".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let template = Template::shared(binaries).unwrap();
        let asking = Self { cluster: Cluster::start(&template, &settings).unwrap(), dir };
        sql(&asking.cluster, "postgres", "postgres", script);
        asking
    }

    /// A file with a secret.
    pub(crate) fn secret(&self, text: &str) -> PathBuf {
        let path = self.dir.path().join(format!("secret-{text}"));
        std::fs::write(&path, format!("{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Arguments of a probe of `role` over TCP.
    pub(crate) fn probe(&self, role: &str, secret: &str, more: &[&str]) -> Vec<String> {
        let file = self.secret(secret).display().to_string();
        let port = self.cluster.port().to_string();
        let mut arguments: Vec<String> = ["probe", "login", "-o", "json"].map(str::to_owned).into();
        if !more.contains(&"--host") {
            arguments.extend(["--host", "127.0.0.1", "--sslmode", "disable"].map(str::to_owned));
        }
        arguments.extend(["--port", &port, "--role", role].map(str::to_owned));
        arguments.extend(["--secret-file".to_owned(), file]);
        arguments.extend(more.iter().map(|&more| more.to_owned()));
        arguments
    }
}
