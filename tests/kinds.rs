//! Partial revocations with what must stay, transfers, the register of shared secrets, other systems, and what people
//! attest, with the real agent.

mod common;

use common::agent::Agent;
use common::http::{Api, ask};
use common::passwords::Asking;
use common::{cluster, cluster_of, sql, versions};
use reqwest::Method;
use revoked::throwaway::{Binaries, Cluster};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

fn agent_of(cluster: &Cluster, roles: &str, more: &str) -> Agent {
    sql(cluster, "postgres", "postgres", &format!("CREATE ROLE agent LOGIN; {roles}"));
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], more);
    agent.start();
    agent
}

fn names(view: &Value, list: &str, key: &str) -> Vec<String> {
    let list = view[list].as_array().unwrap().iter();
    list.map(|one| one[key].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_must_stay_and_is_gone_is_missing() {
    let cluster = cluster();
    let agent = agent_of(
        &cluster,
        "CREATE ROLE admins; CREATE ROLE readers; CREATE ROLE payroll_ro; CREATE ROLE x LOGIN;
         GRANT admins, readers, payroll_ro TO x;",
        "permissions: {payroll-read: [payroll_ro]}",
    );
    let more = ["--account", "x", "--role", "admins", "--require", "readers"];
    let more = [&more[..], &["--require-permissions", "payroll-read,unknown"]].concat();
    let id = agent.expect("x", &more);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert_eq!(names(&view, "missing", "name"), Vec::<String>::new());
    assert!(view["gaps"].to_string().contains("nobody said which roles or probes give unknown"));
    sql(&cluster, "postgres", "postgres", "REVOKE admins, readers, payroll_ro FROM x;");
    let view =
        agent.until(&id, |view| view["residual"] == json!([]) && view["missing"] != json!([]));
    assert_eq!(names(&view, "missing", "name"), ["readers", "payroll-read"]);
    assert_eq!(names(&view, "missing", "what"), ["role", "permission"]);
    assert_eq!((&view["verdict"], &view["first_clean_at"]), (&json!("residual"), &Value::Null));
    let (code, out, _) = agent.run(&["check", "x", "-o", "json"]);
    assert_eq!(code, 2, "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(names(&report, "missing", "name"), ["readers", "payroll-read"]);
    sql(&cluster, "postgres", "postgres", "GRANT readers, payroll_ro TO x;");
    let view = agent.until(&id, |view| view["missing"] == json!([]));
    assert_eq!(view["verdict"], "inconclusive", "one permission is not mapped: {view:#}");
}

/// Whoever can make itself a superuser has every role.
#[test]
fn a_way_out_of_the_rules_keeps_a_partial_one_open() {
    for binaries in versions() {
        let cluster = cluster_of(&binaries);
        let agent = agent_of(
            &cluster,
            "CREATE ROLE admins; CREATE ROLE shells; CREATE ROLE x LOGIN; CREATE ROLE y LOGIN;
             GRANT pg_execute_server_program TO shells; GRANT pg_monitor TO x; GRANT admins, shells TO x;
             GRANT admins TO y; GRANT pg_write_server_files TO y;",
            "",
        );
        let [x, y] =
            ["x", "y"].map(|who| agent.expect(who, &["--account", who, "--role", "admins"]));
        agent.until(&x, |view| names(view, "residual", "privilege").contains(&"admins".to_owned()));
        sql(&cluster, "postgres", "postgres", "REVOKE admins FROM x, y;");
        for (id, way) in [(&x, "pg_execute_server_program"), (&y, "pg_write_server_files")] {
            let view = agent.until(id, |view| names(view, "residual", "privilege") == [way]);
            assert_eq!((&view["state"], &view["verdict"]), (&json!("open"), &json!("residual")));
            let said = view["residual"][0]["sentence"].as_str().unwrap();
            assert!(said.contains("can make itself superuser"), "{said}");
        }
        let (code, out, _) = agent.run(&["check", &x]);
        assert_eq!(code, 2, "{out}");
        let undo =
            "REVOKE pg_execute_server_program FROM shells; REVOKE pg_write_server_files FROM y;";
        sql(&cluster, "postgres", "postgres", undo);
        let view = agent.until_state(&x, "verified");
        let kept = names(&view, "kept", "privilege");
        assert!(
            ["shells", "pg_monitor"].iter().all(|role| kept.contains(&(*role).to_owned())),
            "{kept:?}"
        );
        agent.until_state(&y, "verified");
    }
}

/// Another role under the old name does not hide the one that was renamed.
#[test]
fn a_decoy_hides_nobody() {
    let cluster = cluster();
    let agent = agent_of(&cluster, "CREATE ROLE dz LOGIN;", "");
    let id = agent.expect("EMP-1", &["--account", "dz"]);
    agent.until(&id, |view| view["verdict"] == "residual");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE dz RENAME TO dz2; CREATE ROLE dz;");
    for asked in ["dz", "EMP-1"] {
        let (code, out, err) = agent.run(&["check", asked]);
        assert_eq!(code, 2, "{asked}: {out}{err}");
        assert!(out.contains("dz2"), "{asked}: {out}");
    }
}

/// Nor where no revocation is about the renamed one: the agent has seen who bore the name.
#[test]
fn a_decoy_hides_nobody_that_a_look_has_seen() {
    let cluster = cluster();
    let agent = agent_of(&cluster, "CREATE ROLE dz LOGIN; CREATE ROLE other;", "");
    agent.until_metrics(&[r#"access_revocation_target_up{target="main"} 1"#]);
    sql(&cluster, "postgres", "postgres", "ALTER ROLE dz RENAME TO dz2;");
    let (code, out, err) = agent.run(&["check", "dz"]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(
        out.contains("a role bore the name dz, first seen so at ") && out.contains(": dz2 (OID "),
        "{out}"
    );
    sql(&cluster, "postgres", "postgres", "CREATE ROLE dz;");
    let (code, out, err) = agent.run(&["check", "dz"]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("another role bore the name dz, first seen so at "), "{out}");
    assert!(
        out.contains(
            "ask about dz2 as well; if it is somebody else's, main/dz asks about dz alone"
        ),
        "{out}"
    );
    // Whoever asks about both has the answer, and so has who asks about the present one alone.
    let (code, out, _) = agent.run(&["check", "dz", "dz2"]);
    assert!(code == 2 && !out.contains("bore the name"), "{out}");
    let (code, out, _) = agent.run(&["check", "main/dz"]);
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("not covered: dz2 (OID ") && out.contains("it was called dz when"),
        "{out}"
    );
    let (code, out, _) = agent.run(&["check", "other"]);
    assert!(code == 0 && !out.contains("bore the name"), "{out}");
    // A revocation is about both at once.
    let id = agent.expect("EMP-1", &["--account", "dz"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    let mut linked: Vec<&str> = view["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["role"].as_str().unwrap())
        .collect();
    linked.sort_unstable();
    assert_eq!(linked, ["dz", "dz2"], "{view:#}");
}

#[test]
fn a_permission_may_be_what_a_probe_shows() {
    let cluster = cluster();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE agent LOGIN; CREATE ROLE x LOGIN;
        CREATE TABLE scopes (who text, scope text); GRANT SELECT ON scopes TO agent;
        INSERT INTO scopes VALUES ('x', 'api.admin'), ('x', 'api.read');",
    );
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], "");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let probe = |name: &str, scope: &str| {
        format!(
            "      {name}: {{database: postgres, parameters: [username], kinds: [], permissions: [{scope}], \
             sentence: has {scope}, sql: \"SELECT 1 FROM public.scopes WHERE who = $1 AND scope = '{scope}'\"}}\n"
        )
    };
    let probes = format!(
        "\n  main:\n    probes:\n{}{}",
        probe("admin", "api.admin"),
        probe("read", "api.read")
    );
    std::fs::write(agent.config(), text.replace("\n  main:\n", &probes)).unwrap();
    agent.start();
    let more =
        ["--account", "x", "--permissions", "api.admin", "--require-permissions", "api.read"];
    let id = agent.expect("x", &more);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert_eq!(names(&view, "residual", "sentence"), ["has api.admin (1 found)"]);
    sql(&cluster, "postgres", "postgres", "DELETE FROM scopes;");
    let view = agent.until(&id, |view| view["residual"] == json!([]));
    assert_eq!(
        names(&view, "missing", "sentence"),
        ["the permission api.read is not there any more"]
    );
    sql(&cluster, "postgres", "postgres", "INSERT INTO scopes VALUES ('x', 'api.read');");
    agent.until_state(&id, "verified");
    // Switched off, they show nothing.
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let off = "\nrights_revocation: {actions: {disable_api_keys: false}}\n";
    std::fs::write(agent.config(), text + off).unwrap();
    let (code, out, _) = agent.run(&["check", &id]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("nobody said which roles give api.admin"), "{out}");
}

/// A role that must be gone is known by more than its name.
#[test]
fn a_role_that_must_be_gone_may_be_renamed() {
    let cluster = cluster();
    let agent = agent_of(&cluster, "CREATE ROLE x; CREATE ROLE writer; GRANT writer TO x;", "");
    let id = agent.expect("EMP-1", &["--account", "x", "--kind", "partial", "--role", "writer"]);
    agent.until(&id, |view| view["verdict"] == "residual");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE writer RENAME TO old; CREATE ROLE writer;");
    let (code, out, err) = agent.run(&["check", &id]);
    assert_eq!(code, 2, "{out}{err}");
    sql(&cluster, "postgres", "postgres", "REVOKE old FROM x;");
    assert_eq!(agent.run(&["check", &id]).0, 0);
}

/// Whoever holds a role that was renamed holds it still. Of one that was dropped nobody knows what took its place.
#[test]
fn a_role_that_must_be_gone_and_is_renamed_is_no_slip() {
    let cluster = cluster();
    let agent = agent_of(&cluster, "CREATE ROLE x; CREATE ROLE writer; GRANT writer TO x;", "");
    let id = agent.expect("EMP-1", &["--account", "x", "--kind", "partial", "--role", "writer"]);
    agent.until(&id, |view| view["verdict"] == "residual");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE writer RENAME TO old;");
    let view = agent.until(&id, |view| view["residual"].to_string().contains("old"));
    assert_eq!((&view["verdict"], &view["gaps"]), (&json!("residual"), &json!([])));
    let (code, out, err) = agent.run(&["check", &id]);
    assert_eq!(code, 2, "{out}{err}");
    sql(&cluster, "postgres", "postgres", "REVOKE old FROM x;");
    agent.until_state(&id, "verified");
    assert_eq!(agent.run(&["check", &id]).0, 0);
    sql(&cluster, "postgres", "postgres", "DROP ROLE old; CREATE ROLE new; GRANT new TO x;");
    let (code, out, _) = agent.run(&["check", &id]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("no role is called writer"), "{out}");
}

const RULES: &str = "host all all 127.0.0.1/32 scram-sha-256";
const SERVICE: &str = "CREATE ROLE agent LOGIN; CREATE ROLE g; CREATE ROLE leaver LOGIN;
    CREATE ROLE svc LOGIN PASSWORD 'old7f3a'; GRANT g TO svc;
    GRANT SELECT (oid, rolname, rolpassword) ON pg_catalog.pg_authid TO agent;";

fn probe(asking: &Asking, agent: &Agent, id: &str, secret: &str) -> i32 {
    let arguments = asking.probe("svc", secret, &["--revocation", id]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    agent.run(&arguments).0
}

#[test]
fn a_service_account_changes_hands() {
    let asking = Asking::start(&Binaries::find().unwrap(), RULES, SERVICE);
    let mut agent = Agent::init(&[("main", &asking.cluster.url("agent", "postgres"))], "");
    agent.start();
    let admin = |script: &str| sql(&asking.cluster, "postgres", "postgres", script);
    let id = agent.expect("leaver", &["--kind", "transfer", "--account", "svc"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert!(view["gaps"].to_string().contains("nobody said who owns svc from now on"), "{view:#}");
    assert!(view["residual"].to_string().contains("has not been changed since"), "{view:#}");
    admin("ALTER ROLE svc PASSWORD 'new7f3a';");
    agent.until(&id, |view| view["residual"] == json!([]));
    assert_eq!(probe(&asking, &agent, &id, "old7f3a"), 0);
    let view = agent.until(&id, |view| view["gaps"].as_array().is_some_and(|gaps| gaps.len() == 1));
    assert_eq!(view["verdict"], "inconclusive", "the owner is a question still: {view:#}");
    let more = ["--kind", "transfer", "--account", "svc", "--new-owner", "bob"];
    assert_eq!(agent.expect("leaver", &more), id);
    let view = agent.until_state(&id, "verified");
    assert!(names(&view, "kept", "kind").contains(&"membership".to_owned()), "it keeps its access");
    admin("ALTER ROLE svc NOLOGIN;");
    let view = agent.until(&id, |view| view["missing"] != json!([]));
    assert_eq!(names(&view, "missing", "what"), ["login"]);
    assert_eq!(view["state"], "verified", "nothing came back: {view:#}");
}

#[test]
fn a_leaver_opens_a_rotation_of_each_secret_they_knew() {
    let asking = Asking::start(&Binaries::find().unwrap(), RULES, SERVICE);
    let more = "secrets:\n  orders-app: {accounts: [main/svc], known_by: [EMP-1, bob], owner: team}\n  \
                other: {accounts: [main/g], known_by: [somebody]}";
    let mut agent = Agent::init(&[("main", &asking.cluster.url("agent", "postgres"))], more);
    agent.start();
    let id = agent.expect("EMP-1", &["--account", "leaver"]);
    let later = agent.expect("bob", &["--account", "g", "--effective", "2999-01-01"]);
    let view = agent.until(&id, |view| view["rotations"] != json!([]));
    assert_eq!(view["rotations"].as_array().unwrap().len(), 1);
    assert_eq!(view["rotations"][0]["secret"], "orders-app");
    let rotation = view["rotations"][0]["revocation"].as_str().unwrap().to_owned();
    let view = agent.until(&rotation, |view| view["verdict"] == "residual");
    assert_eq!((&view["kind"], &view["because"]), (&json!("rotation"), &json!(id)));
    assert_eq!(view["reason"], "credential_rotation");
    assert!(!view["subject"].to_string().contains("EMP-1"), "{view:#}");
    let (_, out, _) = agent.run(&["expect", "show", &id]);
    assert!(out.contains(&format!("{rotation} of the secret orders-app")), "{out}");
    // Once, also after a restart; and who has not left yet has opened none.
    agent.stop();
    agent.start();
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(agent.json(&["expect", "show", &later, "-o", "json"])["rotations"], json!([]));
    let all = agent.json(&["expect", "list", "-o", "json"]);
    let kinds = all.as_array().unwrap().iter().filter(|view| view["kind"] == "rotation").count();
    assert_eq!(kinds, 1, "{all:#}");
    // Rotated after they are said to have left, and before anybody told us: they had access until then, and may know
    // what it was changed to.
    let admin = |script: &str| sql(&asking.cluster, "postgres", "postgres", script);
    admin("ALTER ROLE svc PASSWORD 'new7f3a';");
    agent.until(&rotation, |view| view["residual"] == json!([]));
    assert_eq!(probe(&asking, &agent, &rotation, "old7f3a"), 0);
    agent.until_state(&rotation, "verified");
    let early = agent.expect("bob", &["--account", "g", "--effective", "2020-01-01"]);
    assert_eq!(early, later);
    let view = agent.until(&early, |view| view["rotations"] != json!([]));
    assert_eq!(view["rotations"].as_array().unwrap().len(), 1);
    assert_ne!(view["rotations"][0]["revocation"], json!(rotation));
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn another_system_is_asked_at_its_pace_and_decides_too() {
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (path, there) = (dir.path().join("check"), dir.path().join("there"));
    std::fs::write(&path, format!("#!/bin/sh\ntest -e {} && exit 1 || exit 0\n", there.display()))
        .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(&there, "").unwrap();
    let more = format!(
        "deep_interval: 10s\nexternal:\n  github:\n    checks:\n      member: {{sentence: is in the organisation, \
         command: ['{}', '{{username}}']}}",
        path.display()
    );
    let agent = agent_of(&cluster, "CREATE ROLE x;", &more);
    let id = agent.expect("x", &["--account", "x"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert_eq!(names(&view, "residual", "kind"), ["probe"]);
    assert_eq!(view["residual"][0]["account"]["target"], "github");
    assert_eq!(view["residual"][0]["sentence"], "is in the organisation (1 found)");
    let (code, out, _) = agent.run(&["check", "x"]);
    assert_eq!(code, 2, "{out}");
    std::fs::remove_file(&there).unwrap();
    agent.until_state(&id, "verified");
    std::fs::write(&path, "#!/bin/sh\nexit 3\n").unwrap();
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    assert_eq!(view["state"], "verified", "blindness is no regression: {view:#}");
    assert!(view["gaps"].to_string().contains("it ended with status 3"), "{view:#}");
    std::fs::write(&path, "#!/bin/sh\nexit 1\n").unwrap();
    agent.until_state(&id, "regressed");
}

#[tokio::test]
async fn people_attest_what_no_machine_sees_and_it_decides_nothing() {
    let cluster = cluster();
    let more = "checklist:\n  devices: {what: devices returned, due: 1m}\n  \
                archive: {what: data archived, archive: true}\n  \
                badge: {what: badge returned, reasons: [policy_violation]}";
    let agent = agent_of(&cluster, "CREATE ROLE x;", more);
    let id = agent.expect("x", &["--account", "x", "--effective", "2020-01-01"]);
    agent.until_state(&id, "verified");
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(names(&view, "attested", "item"), ["archive", "devices"]);
    let (code, out, err) = agent.run(&["expect", "attest", &id, "shoes"]);
    assert_eq!(code, 1);
    assert!(err.contains("ITEM: `shoes` is none of archive, devices"), "{out}{err}");
    let note = "laptop 4711 is back";
    let (code, out, err) = agent.run(&["expect", "attest", &id, "devices", "--note", note]);
    assert_eq!((code, out.trim()), (0, format!("attested: devices of {id}").as_str()), "{err}");
    let api = Api::of(&agent);
    let path = format!("/api/v1/revocations/{id}/attest");
    let send = async |body: &str| {
        let request = api.request(Method::POST, &path).header("content-type", "application/json");
        ask(request.body(body.to_owned())).await
    };
    assert_eq!(send("{\"item\":\"archive\"}").await.json(), json!({"id": id, "item": "archive"}));
    send("{\"item\":\"\"}").await.problem(422);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(view["attested"][0]["attested"]["by"], "hr");
    assert_eq!(view["attested"][1]["attested"]["note"], note);
    assert_eq!(view["state"], "verified");
    let (_, out, _) = agent.run(&["expect", "show", &id]);
    assert!(out.contains("attested by people, and verified by nobody"), "{out}");
    let log = std::fs::read_to_string(agent.log_file()).unwrap();
    let types: Vec<Value> = agent.log();
    let of = |kind: &str| types.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("item_attested"), of("data_archived")), (1, 1));
    assert!(!log.contains(note) && log.contains("\"item\":\"devices\""));
    assert_eq!(agent.verify().0, 0);
}
