//! A leaver on a cluster of every version, and what `revoked` says of them.

use super::{psql, revoked, run, sql};
use revoked::throwaway::Cluster;
use serde_json::Value;

/// A leaver `x`, a group, two bosses, tables in two databases, and an agent without privileges.
pub(crate) const PRELUDE: &str = "
    CREATE ROLE agent LOGIN;
    CREATE ROLE app; CREATE ROLE g; CREATE ROLE team; CREATE ROLE boss; CREATE ROLE boss2; CREATE ROLE y;
    CREATE ROLE x LOGIN PASSWORD 'secret';
    CREATE DATABASE orders OWNER app; CREATE DATABASE billing OWNER app;
    \\connect orders
    CREATE SCHEMA sales AUTHORIZATION app;
    CREATE TABLE sales.orders (id int); ALTER TABLE sales.orders OWNER TO app;
    GRANT USAGE ON SCHEMA sales TO PUBLIC;
    GRANT SELECT, INSERT ON sales.orders TO g;
";

pub(crate) fn start(binaries: &revoked::throwaway::Binaries) -> Cluster {
    let cluster = super::cluster_of(binaries);
    sql(&cluster, "postgres", "postgres", PRELUDE);
    cluster
}

pub(crate) fn check(cluster: &Cluster, role: &str) -> (i32, Value) {
    check_as(cluster, "agent", role)
}

pub(crate) fn check_as(cluster: &Cluster, agent: &str, role: &str) -> (i32, Value) {
    let url = cluster.url(agent, "postgres");
    let (code, out, err) = run(revoked().args(["check", "-o", "json", "--target", &url, role]));
    assert!(!out.is_empty(), "no output: {err}");
    (code, serde_json::from_str(&out).unwrap())
}

/// Kinds of residual with what tells them apart, in the order given.
pub(crate) fn found(report: &Value) -> Vec<String> {
    report["residual"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let text = |key: &str| r[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {}",
                text("kind"),
                text("privilege"),
                text("database"),
                text("grantor")
            )
        })
        .collect()
}

pub(crate) fn has(report: &Value, wanted: &str) -> bool {
    found(report).iter().any(|line| line.starts_with(wanted))
}

/// Prints the plan, runs it with psql, and looks again.
pub(crate) fn plan_and_check(cluster: &Cluster, role: &str) {
    let url = cluster.url("agent", "postgres");
    let (code, script, err) = run(revoked().args(["plan", "--target", &url, role]));
    assert_eq!(code, 0, "{err}\n{script}");
    let output = psql(cluster, "postgres", "postgres", &script);
    assert!(
        output.status.success(),
        "PostgreSQL {}: {}\n{script}",
        cluster.major(),
        String::from_utf8_lossy(&output.stderr)
    );
    // Before 14 pg_terminate_backend does not wait for the end.
    let mut last = check(cluster, role);
    for _ in 0..50 {
        if last.0 == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        last = check(cluster, role);
    }
    assert_eq!(last.0, 0, "PostgreSQL {}: {:#}\n{script}", cluster.major(), last.1["residual"]);
    assert_eq!(last.1["verdict"], "revoked");
}
