//! A cluster with an agent that sees everything, and its files as the server loaded them.

use super::{revoked, run, sql};
use revoked::throwaway::{Binaries, Cluster, Template};
use serde_json::Value;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Starts a server, with pg_cron where that is installed, and runs the script that `revoked init` prints for it.
/// `x` is a leaver with nothing left, `orders` a database that PUBLIC may not enter.
pub(crate) fn start(binaries: &Binaries) -> Cluster {
    let settings = if super::has_cron(binaries) { super::CRON } else { &[] };
    let mut all = vec!["max_prepared_transactions=5"];
    all.extend(settings);
    let cluster = Cluster::start(&Template::shared(binaries).unwrap(), &all).unwrap();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE x; CREATE ROLE y; CREATE ROLE team; CREATE DATABASE orders;
         REVOKE CONNECT ON DATABASE orders FROM PUBLIC;",
    );
    if super::has_cron(binaries) {
        sql(&cluster, "postgres", "postgres", "CREATE EXTENSION pg_cron");
    }
    let target = format!("main={}", cluster.url("postgres", "postgres"));
    let (code, script, err) =
        run(revoked().args(["init", "--grants-only", "--role", "agent", "--target", &target]));
    assert_eq!(code, 0, "{err}");
    assert!(script.contains("GRANT CONNECT ON DATABASE \"orders\" TO \"agent\";"), "{script}");
    sql(&cluster, "postgres", "postgres", &script);
    sql(&cluster, "postgres", "postgres", &script);
    write(&cluster, "pg_hba.conf", LOCAL);
    load(&cluster);
    cluster
}

/// Lets in who is needed for the test and nobody else.
pub(crate) const LOCAL: &str = "local all postgres trust\nlocal all agent trust\n";

pub(crate) fn file(cluster: &Cluster, name: &str) -> PathBuf {
    cluster.socket_dir().join("data").join(name)
}

/// Writes a file of the server, which does not load it.
pub(crate) fn write(cluster: &Cluster, name: &str, text: &str) {
    std::fs::write(file(cluster, name), text).unwrap();
}

/// Lets the server load its files, and waits until it did. Not in the second in which one of them was written: the server
/// knows seconds only.
pub(crate) fn load(cluster: &Cluster) {
    let changed = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let is_file = entry.file_name().to_string_lossy().ends_with(".conf");
        is_file.then(|| entry.metadata().unwrap().ctime())
    };
    let files = std::fs::read_dir(cluster.socket_dir().join("data")).unwrap();
    let newest = files.filter_map(changed).max().unwrap_or_default();
    let now = || revoked::clock::now().micros() / 1_000_000;
    while now() <= newest {
        std::thread::sleep(Duration::from_millis(20));
    }
    let loaded = || sql(cluster, "postgres", "postgres", "SELECT pg_catalog.pg_conf_load_time()");
    let before = loaded();
    sql(cluster, "postgres", "postgres", "SELECT pg_catalog.pg_reload_conf()");
    let patience = Instant::now() + Duration::from_secs(20);
    while loaded() == before {
        assert!(Instant::now() < patience, "the server does not reload");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Looks with everything required that this version shows.
pub(crate) fn check_all(cluster: &Cluster, role: &str) -> (i32, Value) {
    let kinds: &[&str] =
        if cluster.major() < 15 { &["hba_rule"] } else { &["hba_rule", "ident_map"] };
    check(cluster, role, kinds)
}

pub(crate) fn check(cluster: &Cluster, role: &str, required: &[&str]) -> (i32, Value) {
    let url = cluster.url("agent", "postgres");
    let mut command = revoked();
    command.args(["check", "-o", "json", "--target", &url, role]);
    for kind in required {
        command.args(["--require", kind]);
    }
    let (code, out, err) = run(&mut command);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}
