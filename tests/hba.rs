//! Lines of pg_hba.conf and pg_ident.conf that still let a leaver in, on real servers; and files that say one
//! thing while the server does another.

mod common;

use common::agent::Agent;
use common::withheld::{LOCAL, check, check_all, file, load, start, write};
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
        write(&cluster, "more.conf", "local all y,team trust\n");
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
        write(&cluster, "pg_hba.conf", &format!("{LOCAL}local all x reject\n"));
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
        write(&cluster, "pg_hba.conf", &format!("{LOCAL}local all x trust\n"));
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
        write(&cluster, "pg_hba.conf", &format!("{LOCAL}local all y trust\n"));
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

/// Lines by which the user `x` of the system comes in as somebody else, and lines that are not about them.
const USERS: &str = r#"m x reporting
m X@CORP.EXAMPLE reporting
m /^(x|z)$ reporting
m /^(zoe|x)@CORP\.EXAMPLE$ reporting
m "CN=x,OU=it" reporting
m "/^CN=x,.*$" reporting
m /^x(@.*)$ reporting
m /^(w|x)(\.adm)?@CORP$ reporting
m x@KRB Reporting
m x x
m xy reporting
m /^(.*)$ reporting
m /^x\.y@CORP reporting
m "CN=xy,OU=x" reporting
m "/^CN=(.*),OU=x$" reporting
m /^(.*)-x$ reporting
m /^(.*)@x$ \1
m "/^x{1,3}y$" reporting
m /^x(@.*)$ adm_\1
"#;

/// The role is closed, and whoever is called so on the system comes in as another.
#[test]
fn an_ident_map_for_the_system_user_of_that_name() {
    for binaries in versions().into_iter().filter(|binaries| binaries.major >= 15) {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "CREATE ROLE reporting LOGIN");
        write(&cluster, "pg_ident.conf", USERS);
        load(&cluster);
        let (code, report) = check(&cluster, "x", &["ident_map"]);
        assert_eq!(code, 2, "{report:#}");
        let file = called(&cluster, "pg_ident.conf");
        let lets = "pg_ident.conf lets the user x of the system in as another role";
        let by =
            |number: u8, user: &str| format!("line {number} of {file}, by the system user {user}");
        let lines = [
            by(1, "x"),
            by(2, "X@CORP.EXAMPLE"),
            by(3, "/^(x|z)$"),
            by(4, r"/^(zoe|x)@CORP\.EXAMPLE$"),
            by(5, "CN=x,OU=it"),
            by(6, "/^CN=x,.*$"),
            by(7, "/^x(@.*)$"),
            by(8, r"/^(w|x)(\.adm)?@CORP$"),
        ];
        let others = format!("{lets}: m ... reporting ({})", lines.join("; "));
        let caseless = format!("{lets}: m ... Reporting ({})", by(9, "x@KRB"));
        let own = format!("pg_ident.conf lets others in as x: m x x (line 10 of {file})");
        // Whatever becomes of the role, they come in.
        assert_eq!(sentences(&report), [caseless, others, own], "{report:#}");
        assert_eq!(report["gaps"], serde_json::json!([]));
        let url = cluster.url("agent", "postgres");
        let suspend = ["check", "--suspend", "--target", &url, "x"];
        assert_eq!(common::run(common::revoked().args(suspend)).0, 2);
        sql(&cluster, "postgres", "postgres", "DROP OWNED BY x; DROP ROLE x");
        let (code, report) = check(&cluster, "x", &["ident_map"]);
        assert_eq!(code, 2, "{report:#}");
        let found = sentences(&report);
        let lets = "pg_ident.conf lets a user of the system who is called as the subject in as another role: m ... ";
        assert!(found.iter().all(|one| one.starts_with(lets)) && found.len() == 2, "{report:#}");
        assert!(found[1].ends_with(&format!("; line 8 of {file})")), "{report:#}");
        // Nobody comes in as a role that is not there, and as one that may not log in only later.
        sql(&cluster, "postgres", "postgres", "ALTER ROLE reporting NOLOGIN");
        assert_eq!(check(&cluster, "x", &["ident_map"]).1["residual"][0]["strength"], "latent");
        sql(&cluster, "postgres", "postgres", "DROP ROLE reporting");
        assert_eq!(check(&cluster, "x", &["ident_map"]).0, 3);
    }
}

/// The role was renamed, and then another one got its name: the user of the system is who they were.
#[test]
fn an_ident_map_for_whom_the_agent_knew_by_another_name() {
    let binaries = versions().into_iter().rfind(|binaries| binaries.major >= 15).unwrap();
    let cluster = start(&binaries);
    write(&cluster, "pg_ident.conf", "m x reporting\n");
    load(&cluster);
    sql(&cluster, "postgres", "postgres", "CREATE ROLE reporting LOGIN");
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], "");
    agent.start();
    let admin = |script: &str| sql(&cluster, "postgres", "postgres", script);
    let id = agent.expect("EMP-1", &["--account", "x"]);
    let lets = "pg_ident.conf lets the user x of the system in as another role: m ... reporting";
    let is_there = |view: &Value| view["residual"].to_string().contains(lets);
    agent.until(&id, is_there);
    for script in ["ALTER ROLE x RENAME TO former; CREATE ROLE x", "DROP ROLE former"] {
        admin(script);
        let looked = agent.until(&id, |view| view["accounts"].to_string().contains("former"));
        let since = looked["looked_at"].as_str().unwrap().to_owned();
        let view = agent.until(&id, |view| view["looked_at"].as_str() > Some(since.as_str()));
        assert!(is_there(&view), "{script}: {view:#}");
        let (code, out, _) = agent.run(&["check", &id]);
        assert!(code == 2 && out.contains(lets), "{script}: {out}");
    }
}

/// The time of a file's content may be older than the server's, though it was put in place after.
#[test]
fn a_file_of_old_that_was_put_in_place_is_not_the_one_that_was_loaded() {
    for binaries in versions() {
        let cluster = start(&binaries);
        lines(&cluster, "local all x trust\n");
        let path = file(&cluster, "pg_hba.conf");
        let old = path.with_extension("old");
        std::fs::write(&old, LOCAL).unwrap();
        let then = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        std::fs::File::options().write(true).open(&old).unwrap().set_modified(then).unwrap();
        std::thread::sleep(Duration::from_millis(1_100));
        std::fs::rename(&old, &path).unwrap();
        let (code, report) = check(&cluster, "x", &["hba_rule"]);
        assert_eq!(code, 3, "PostgreSQL {}: {report:#}", cluster.major());
        assert!(
            report["gaps"].to_string().contains("and the server loaded its configuration at"),
            "{report:#}"
        );
        load(&cluster);
        assert_eq!(check(&cluster, "x", &["hba_rule"]).0, 0);
    }
}
