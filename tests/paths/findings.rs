//! What findings say beyond memberships, and the rows behind them.

use super::says;
use crate::common::scenario::{check, plan_and_check, start};
use crate::common::{revoked, run, sql, versions};
use serde_json::Value;

#[test]
fn predefined_roles_say_what_they_give() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "GRANT pg_execute_server_program TO team; GRANT team TO x",
        );
        says(
            &cluster,
            "x",
            "x has the rights of pg_execute_server_program, and can SET ROLE to it, through team: it runs \
             programs as the server's own user, and so can make itself superuser",
        );
        // Every predefined role of this server has its clause.
        let names = sql(
            &cluster,
            "postgres",
            "orders",
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'pg\\_%' AND oid < 16384",
        );
        for name in names.lines() {
            assert!(revoked::domain::powers::predefined(name).is_some(), "{name}");
        }
    }
}

#[test]
fn what_runs_in_the_owners_name() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN SUPERUSER;
             CREATE FUNCTION d() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
             ALTER FUNCTION d() OWNER TO x;
             CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
             CREATE EVENT TRIGGER fires ON ddl_command_end EXECUTE FUNCTION e();
             CREATE EVENT TRIGGER off ON sql_drop EXECUTE FUNCTION e(); ALTER EVENT TRIGGER off DISABLE;
             ALTER EVENT TRIGGER fires OWNER TO x; ALTER EVENT TRIGGER off OWNER TO x;
             CREATE PUBLICATION p; ALTER PUBLICATION p OWNER TO x;
             CREATE SUBSCRIPTION \"S on\" CONNECTION 'host=/nonexistent dbname=d' PUBLICATION p
                 WITH (connect = false, slot_name = s);
             CREATE SUBSCRIPTION off CONNECTION 'host=/nonexistent dbname=d' PUBLICATION p
                 WITH (connect = false, slot_name = NONE);
             ALTER SUBSCRIPTION \"S on\" OWNER TO x; ALTER SUBSCRIPTION off OWNER TO x;
             ALTER SUBSCRIPTION \"S on\" ENABLE;",
        );
        let (_, report) = check(&cluster, "x");
        let all = report["residual"].as_array().unwrap();
        assert_eq!(report["gaps"], serde_json::json!([]), "PostgreSQL {}", cluster.major());
        for (strength, sentence) in [
            (
                "acts_now",
                "x owns subscription \"S on\" (it is enabled and goes on writing what it receives)",
            ),
            ("can_regain", "x owns subscription off (it is disabled; its owner can enable it)"),
            (
                "can_regain",
                "x owns function public.d() in database orders (SECURITY DEFINER: whoever may execute it acts \
                 with the rights of x)",
            ),
            (
                "can_regain",
                "x owns event trigger fires in database orders (it still fires on every ddl_command_end)",
            ),
            ("can_regain", "x owns event trigger off in database orders (it is disabled)"),
            (
                "can_regain",
                "x owns publication p in database orders (whoever subscribes to it goes on receiving)",
            ),
        ] {
            let found = all.iter().find(|r| r["sentence"] == sentence);
            let found = found.unwrap_or_else(|| panic!("{sentence}: {all:#?}"));
            assert_eq!(found["strength"], strength, "{sentence}");
        }
        let strengths: Vec<&str> = all.iter().map(|r| r["strength"].as_str().unwrap()).collect();
        let place = |word: &&str| {
            ["acts_now", "can_log_in", "can_regain", "latent"].iter().position(|w| w == word)
        };
        assert!(strengths.iter().map(place).is_sorted(), "{strengths:?}");
    }
}

#[test]
fn the_rows_behind_it_are_those_of_the_catalog() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; GRANT g TO team; GRANT team TO x;
             GRANT SELECT, UPDATE ON sales.orders TO boss WITH GRANT OPTION;
             SET ROLE boss; GRANT SELECT, UPDATE ON sales.orders TO x; RESET ROLE",
        );
        let url = cluster.url("agent", "postgres");
        let (_, out, _) = run(revoked().args(["explain", "--target", &url, "-o", "json", "x"]));
        let report: Value = serde_json::from_str(&out).unwrap();
        let of = |privilege: &str| {
            let all = report["findings"].as_array().unwrap();
            all.iter().find(|f| f["privilege"] == privilege).unwrap()["seen"].clone()
        };
        let options = if cluster.major() >= 16 { " inherit=t set=t" } else { "" };
        let mut expected =
            vec![format!("pg_auth_members: role=team member=x grantor=postgres admin=f{options}")];
        if cluster.major() < 16 {
            expected.push("pg_roles: rolname=x rolinherit=t".into());
        }
        expected
            .push(format!("pg_auth_members: role=g member=team grantor=postgres admin=f{options}"));
        if cluster.major() < 16 {
            expected.push("pg_roles: rolname=team rolinherit=t".into());
        }
        assert_eq!(of("g"), serde_json::json!(expected));
        let acl = sql(
            &cluster,
            "postgres",
            "orders",
            "SELECT 'pg_class: oid=' || c.oid || ' relacl has ' || i FROM pg_class AS c, unnest(relacl) AS i
             WHERE relname = 'orders' AND i::text LIKE 'x=%'",
        );
        let dependency = sql(
            &cluster,
            "postgres",
            "orders",
            "SELECT format('pg_shdepend: dbid=%s classid=%s objid=%s objsubid=%s refobjid=%s deptype=%s', dbid,
                 classid, objid, objsubid, refobjid, deptype)
             FROM pg_shdepend WHERE refobjid = 'x'::regrole AND deptype = 'a'",
        );
        assert_eq!(of("SELECT"), serde_json::json!([acl.trim(), dependency.trim()]));
        let (_, out, _) = run(revoked().args(["explain", "--target", &url, "x"]));
        assert!(out.contains("    row         pg_auth_members: role=team member=x"), "{out}");
        for line in out.lines().filter(|line| !line.contains("remove") && line.starts_with(' ')) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn a_plan_does_not_chase_what_goes_by_itself() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE ROLE dba SUPERUSER; GRANT dba TO team; GRANT team, g TO x; GRANT app TO x",
        );
        plan_and_check(&cluster, "x");
        let left = sql(
            &cluster,
            "postgres",
            "orders",
            "SELECT rolsuper FROM pg_roles WHERE rolname = 'dba'",
        );
        assert_eq!(left.trim(), "t");
    }
}
