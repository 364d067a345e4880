//! Lines of pg_hba.conf and pg_ident.conf that still let a leaver in, on real servers; and files that say one
//! thing while the server does another.

mod common;

use common::withheld::{LOCAL, check, check_all, edit, file, load, start, write};
use common::{LiveSession, sql, versions};
use revoked::domain::residual::ResidualKind;
use revoked::target::{Target, Wanted};
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::time::Duration;

/// Writes the lines after those that the test itself needs, and lets the server load them.
fn lines(cluster: &Cluster, more: &str) {
    write(cluster, "pg_hba.conf", &format!("{LOCAL}{more}"));
    load(cluster);
}

fn sentences(report: &Value) -> Vec<&str> {
    let list = report["residual"].as_array().unwrap();
    list.iter().map(|found| found["sentence"].as_str().unwrap()).collect()
}

fn kinds(report: &Value) -> Vec<&str> {
    let list = report["residual"].as_array().unwrap();
    list.iter().map(|found| found["kind"].as_str().unwrap()).collect()
}

/// Whether the server really lets `x` in now.
fn gets_in(cluster: &Cluster) -> bool {
    sql(cluster, "postgres", "postgres", "ALTER ROLE x LOGIN");
    let session = LiveSession::try_open(cluster, "x", "postgres", "SELECT 1;");
    sql(cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
    session.is_some()
}

/// How the file is called in sentences: before 16 the view does not say.
fn called(cluster: &Cluster, name: &str) -> String {
    if cluster.major() < 16 { name.to_owned() } else { file(cluster, name).display().to_string() }
}

#[test]
fn a_line_that_names_the_role() {
    for binaries in versions() {
        let cluster = start(&binaries);
        lines(&cluster, "local postgres,orders x,y trust\nhost all x 127.0.0.1/32 md5\n");
        assert!(gets_in(&cluster));
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 2, "{report:#}");
        let file = called(&cluster, "pg_hba.conf");
        assert_eq!(
            sentences(&report),
            [
                format!(
                    "pg_hba.conf has a rule for x: host all x 127.0.0.1 255.255.255.255 md5 (line 4 of {file})"
                ),
                format!(
                    "pg_hba.conf has a rule for x: local postgres,orders x,y trust (line 3 of {file})"
                ),
            ]
        );
        // It is latent: a suspension asks for the login alone.
        let url = cluster.url("agent", "postgres");
        let suspend = ["check", "--suspend", "--target", &url, "x"];
        assert_eq!(common::run(common::revoked().args(suspend)).0, 0);
    }
}

#[test]
fn a_group_by_a_membership_that_gives_nothing() {
    for binaries in versions() {
        let cluster = start(&binaries);
        lines(&cluster, "local all +team trust\n");
        let grant = if cluster.major() < 16 {
            "ALTER ROLE x NOINHERIT; GRANT team TO x"
        } else {
            "GRANT team TO x WITH INHERIT FALSE, SET FALSE"
        };
        assert!(!gets_in(&cluster));
        assert_eq!(check_all(&cluster, "x").0, 0);
        sql(&cluster, "postgres", "postgres", grant);
        assert!(gets_in(&cluster), "PostgreSQL {}", cluster.major());
        let (_, report) = check_all(&cluster, "x");
        assert_eq!(kinds(&report), ["membership", "hba_rule"]);
        let wanted = "local all +team trust (line 3 of ";
        assert!(sentences(&report)[1].contains(wanted), "{report:#}");
        assert!(sentences(&report)[1].contains(", which names every member of team)"));
    }
}

#[test]
fn what_names_nobody_or_lets_nobody_in_is_no_finding() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let more = "local all x reject\nlocal all all scram-sha-256\nlocal all y,+y trust\nhost all /.* ::1/128 md5\n\
                    local all former trust\n";
        lines(&cluster, more);
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 0, "PostgreSQL {}: {report:#}", cluster.major());
        // The file of a role that is gone is shown to whoever asks for that name.
        let (code, report) = check_all(&cluster, "former");
        assert_eq!(code, 3);
        let text = report["ambient"].to_string();
        assert!(
            text.contains("names former, which no role is called: local all former trust"),
            "{text}"
        );
    }
}

#[test]
fn a_regular_expression_and_an_included_file() {
    for binaries in versions() {
        let cluster = start(&binaries);
        lines(&cluster, "local all /^[wx]$ trust\n");
        if cluster.major() < 16 {
            assert!(!gets_in(&cluster), "before 16 it is a name");
            assert_eq!(check_all(&cluster, "x").0, 0);
            continue;
        }
        assert!(gets_in(&cluster));
        let (_, report) = check_all(&cluster, "x");
        assert_eq!(kinds(&report), ["hba_rule"]);
        assert!(sentences(&report)[0].ends_with(", by /^[wx]$)"), "{report:#}");

        write(&cluster, "more.conf", "local all y trust\n");
        lines(&cluster, "include more.conf\n");
        assert_eq!(check_all(&cluster, "x").0, 0);
        edit(&cluster, "more.conf", "local all y,team trust\n");
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 3);
        assert!(report["gaps"][0]["reason"].as_str().unwrap().contains("more.conf was changed"));
    }
}

#[test]
fn a_quoted_name_is_taken_for_both() {
    let cluster = start(&versions()[0]);
    sql(&cluster, "postgres", "postgres", r#"CREATE ROLE "+team"; CREATE ROLE "all""#);
    lines(&cluster, "local all \"+team\" trust\nlocal all \"all\" trust\n");
    assert_eq!(kinds(&check_all(&cluster, "+team").1), ["hba_rule"]);
    assert_eq!(kinds(&check_all(&cluster, "all").1), ["hba_rule"]);
}

#[test]
fn a_file_that_was_edited_and_not_loaded() {
    for binaries in versions() {
        let cluster = start(&binaries);
        lines(&cluster, "local all x trust\n");
        edit(&cluster, "pg_hba.conf", &format!("{LOCAL}local all x reject\n"));
        assert!(gets_in(&cluster), "the file says reject, the server does not");
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 3, "{report:#}");
        let gap = &report["gaps"][0];
        assert_eq!(gap["surface"], "hba_rule");
        assert!(gap["reason"].as_str().unwrap().contains("pg_hba.conf was changed "), "{gap:#}");
        assert!(gap["fix"].as_str().unwrap().contains("SELECT pg_reload_conf();"), "{gap:#}");
        // Where nobody requires it, the answer says so.
        let (code, report) = check(&cluster, "x", &[]);
        assert_eq!(code, 0, "{report:#}");
        assert!(report["not_covered"].to_string().contains("pg_hba.conf was changed "));

        write(&cluster, "pg_hba.conf", &format!("{LOCAL}local all x reject\n"));
        load(&cluster);
        assert!(!gets_in(&cluster));
        assert_eq!(check_all(&cluster, "x").0, 0);
        // What the file names is there, loaded or not.
        edit(&cluster, "pg_hba.conf", &format!("{LOCAL}local all x trust\n"));
        let (code, report) = check_all(&cluster, "x");
        assert_eq!((code, kinds(&report)), (2, vec!["hba_rule"]));
    }
}

/// A process of the server learns late that files were loaded: what the kept connection cannot tell, a new one can.
#[tokio::test]
async fn a_file_that_was_loaded_while_the_agent_was_connected() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let target = Target::from_url("main", &cluster.url("agent", "postgres")).unwrap();
        let target = target.require([ResidualKind::HbaRule]);
        let gaps = async || {
            let wanted = Wanted { names: ["x".to_owned()].into(), ..Wanted::default() };
            let gaps = target.look(&wanted).await.gaps;
            gaps.into_iter().map(|gap| gap.reason + "; " + &gap.fix).collect::<Vec<String>>()
        };
        assert_eq!(gaps().await, Vec::<String>::new());
        edit(&cluster, "pg_hba.conf", &format!("{LOCAL}local all y trust\n"));
        let [unloaded] = gaps().await.try_into().unwrap();
        assert!(unloaded.contains("the server loaded its configuration"), "{unloaded}");
        // The time of a file has no fractions.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        load(&cluster);
        let [unsure] = gaps().await.try_into().unwrap();
        assert!(unsure.contains("which came first cannot be told by this connection"), "{unsure}");
        assert!(
            unsure.ends_with("; look again: the next look is by a new connection, which can tell")
        );
        assert_eq!(gaps().await, Vec::<String>::new(), "PostgreSQL {}", cluster.major());
    }
}

#[test]
fn a_file_with_an_error_that_was_loaded() {
    for binaries in versions() {
        let cluster = start(&binaries);
        lines(&cluster, "local all x trust\n");
        lines(&cluster, "local all x reject\nlocal all nonsense\n");
        assert!(gets_in(&cluster), "the server goes on with what it loaded before");
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 3, "{report:#}");
        let reason = report["gaps"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("line 4 of") && reason.contains("has an error ("), "{reason}");
    }
}

#[test]
fn an_ident_map() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let map = "m bob x\nm /^(.*)@corp$ \\1\nm /^(.*)@lab$ x\\1\n";
        write(&cluster, "pg_ident.conf", map);
        load(&cluster);
        let (code, report) = check(&cluster, "x", &["ident_map"]);
        if cluster.major() < 15 {
            assert_eq!(code, 3);
            assert_eq!(report["gaps"][0]["surface"], "ident_map");
            let (code, report) = check(&cluster, "x", &[]);
            assert_eq!(code, 0);
            assert!(report["not_covered"].to_string().contains("older than PostgreSQL 15"));
            continue;
        }
        assert_eq!(code, 2, "{report:#}");
        let file = called(&cluster, "pg_ident.conf");
        assert_eq!(
            sentences(&report),
            [
                format!(
                    "pg_ident.conf lets others in as x: m /^(.*)@lab$ x\\1 (line 3 of {file}, by x\\1)"
                ),
                format!("pg_ident.conf lets others in as x: m bob x (line 1 of {file})"),
            ]
        );
        if cluster.major() >= 16 {
            write(&cluster, "pg_ident.conf", "m bob +team\nm carl /^x$\nm dora all\nm eva /^\n");
            load(&cluster);
            sql(&cluster, "postgres", "postgres", "GRANT team TO x");
            let (_, report) = check(&cluster, "x", &["ident_map"]);
            assert_eq!(kinds(&report), ["membership", "ident_map", "ident_map"], "{report:#}");
        }
    }
}

/// The role is closed, and whoever is called so on the system comes in as another.
#[test]
fn an_ident_map_for_the_system_user_of_that_name() {
    for binaries in versions().into_iter().filter(|binaries| binaries.major >= 15) {
        let cluster = start(&binaries);
        let map = "m x reporting\nm X@CORP.EXAMPLE reporting\nm /^(x|z)$ reporting\nm xy reporting\n\
                   m /^(.*)$ reporting\nm x x\n";
        write(&cluster, "pg_ident.conf", map);
        load(&cluster);
        let (code, report) = check(&cluster, "x", &["ident_map"]);
        assert_eq!(code, 2, "{report:#}");
        let file = called(&cluster, "pg_ident.conf");
        let lets = "pg_ident.conf lets the user x of the system in as another role";
        assert_eq!(
            sentences(&report),
            [
                format!("pg_ident.conf lets others in as x: m x x (line 6 of {file})"),
                format!(
                    "{lets}: m /^(x|z)$ reporting (line 3 of {file}, by the system user /^(x|z)$)"
                ),
                format!(
                    "{lets}: m X@CORP.EXAMPLE reporting (line 2 of {file}, by the system user X@CORP.EXAMPLE)"
                ),
                format!("{lets}: m x reporting (line 1 of {file}, by the system user x)"),
            ]
        );
    }
}
