//! Access that survives what people call a revocation, on real servers of every version found. Each ends
//! with the printed plan, run by psql, after which nothing must remain.

mod common;

use common::scenario::{check, found, has, plan_and_check, start};
use common::{LiveSession, sql, versions};

#[test]
fn member_through_two_levels() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "ALTER ROLE x NOLOGIN; GRANT g TO team; GRANT team TO x;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert!(has(&report, "membership team"), "{:?}", found(&report));
        let through =
            report["residual"].as_array().unwrap().iter().find(|r| r["privilege"] == "g").unwrap();
        assert_eq!(through["via"], serde_json::json!(["team"]));
        assert_eq!(
            through["sentence"],
            "x has the rights of g, and can SET ROLE to it, through team"
        );
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn a_grant_by_another_survives_the_owners_revoke() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN;
             GRANT SELECT ON sales.orders TO boss WITH GRANT OPTION;
             SET ROLE boss; GRANT SELECT ON sales.orders TO x; RESET ROLE;
             SET ROLE app; REVOKE ALL ON sales.orders FROM x; RESET ROLE;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert_eq!(found(&report), ["privilege SELECT orders boss"]);
        assert_eq!(report["residual"][0]["object"], "sales.orders");
        assert_eq!(report["residual"][0]["tampered"], false);
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn what_others_hold_through_the_leaver_is_kept() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "GRANT SELECT ON sales.orders TO x WITH GRANT OPTION;
             SET ROLE x; GRANT SELECT ON sales.orders TO y; RESET ROLE;
             GRANT g TO x WITH ADMIN OPTION;
             SET ROLE x; GRANT g TO boss; RESET ROLE;",
        );
        plan_and_check(&cluster, "x");
        let kept = sql(
            &cluster,
            "postgres",
            "orders",
            "SELECT has_table_privilege('y', 'sales.orders', 'SELECT'), pg_has_role('boss', 'g', 'MEMBER')",
        );
        assert_eq!(kept.trim(), "t|t", "PostgreSQL {}", cluster.major());
    }
}

#[test]
fn owned_objects_in_another_database() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "billing",
            "ALTER ROLE x NOLOGIN; CREATE TABLE notes (a int); ALTER TABLE notes OWNER TO x;
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO x;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert_eq!(found(&report), ["ownership - billing -", "ownership - billing -"]);
        plan_and_check(&cluster, "x");
        let owner = sql(
            &cluster,
            "postgres",
            "billing",
            "SELECT tableowner FROM pg_tables WHERE tablename='notes'",
        );
        assert_eq!(owner.trim(), "app");
    }
}

#[test]
fn a_session_open_after_nologin() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let _session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN PASSWORD NULL;");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert_eq!(found(&report), ["session - orders -"]);
        assert_eq!(report["residual"][0]["strength"], "acts_now");
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn a_session_of_a_dropped_role_may_be_that_of_an_unknown_name() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let _session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
        sql(&cluster, "postgres", "postgres", "DROP ROLE x;");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 3, "{report:#}");
        assert_eq!(report["verdict"], "inconclusive");
        assert_eq!(report["possibly"][0]["kind"], "vanished_session");
        assert!(report["gaps"][0]["reason"].as_str().unwrap().contains("no role is called x"));
    }
}

#[test]
fn a_renamed_role_is_not_found_by_its_old_name_and_that_is_no_proof() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x RENAME TO x_old;");
        let (code, report) = check(&cluster, "x");
        assert_eq!((code, report["verdict"].as_str().unwrap()), (3, "inconclusive"));
        assert_eq!(check(&cluster, "x_old").0, 2);
    }
}

#[test]
fn everything_at_once_under_a_hostile_name() {
    let name = "x\"; DROP TABLE sales.orders; --\n'";
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "CREATE DATABASE \"odd=name 'q'\" OWNER app;");
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let script = "
            ALTER ROLE x RENAME TO @X@;
            ALTER ROLE @X@ SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
            ALTER ROLE @X@ SET work_mem = '1MB'; ALTER ROLE @X@ IN DATABASE orders SET jit = off;
            GRANT g TO @X@ WITH ADMIN OPTION;
            GRANT CONNECT, TEMPORARY ON DATABASE billing TO @X@;
            GRANT SELECT (id), UPDATE (id) ON sales.orders TO @X@;
            GRANT USAGE ON SCHEMA sales TO @X@;
            CREATE SEQUENCE sales.s; GRANT USAGE ON SEQUENCE sales.s TO @X@;
            CREATE FUNCTION sales.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            GRANT EXECUTE ON FUNCTION sales.f(int) TO @X@;
            CREATE PROCEDURE sales.p() LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON PROCEDURE sales.p() TO @X@;
            CREATE AGGREGATE sales.a(int) (SFUNC = int4pl, STYPE = int); GRANT EXECUTE ON FUNCTION sales.a(int) TO @X@;
            CREATE TYPE sales.t AS (a int); GRANT USAGE ON TYPE sales.t TO @X@;
            CREATE DOMAIN sales.d AS int; GRANT USAGE ON DOMAIN sales.d TO @X@;
            GRANT USAGE ON LANGUAGE plpgsql TO @X@;
            SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO @X@;
            CREATE FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN DATA WRAPPER w TO @X@;
            CREATE SERVER s FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER s TO @X@;
            CREATE USER MAPPING FOR @X@ SERVER s OPTIONS (password 'p');
            ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA sales GRANT SELECT ON TABLES TO @X@;
            ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT EXECUTE ON FUNCTIONS TO @X@;
            ALTER DEFAULT PRIVILEGES FOR ROLE @X@ GRANT SELECT ON TABLES TO y;
            ALTER DEFAULT PRIVILEGES FOR ROLE @X@ REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
            ALTER DEFAULT PRIVILEGES FOR ROLE @X@ IN SCHEMA sales GRANT USAGE ON SEQUENCES TO y;
            ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p1 ON sales.orders TO @X@ USING (true);
            CREATE POLICY p2 ON sales.orders TO @X@, y USING (true);
            CREATE TABLE sales.gone (a int, b int); GRANT SELECT (a) ON sales.gone TO @X@; ALTER TABLE sales.gone DROP a;
            CREATE VIEW sales.v AS SELECT 1; GRANT SELECT ON sales.v TO @X@;
            CREATE TABLE sales.part (a int) PARTITION BY LIST (a); GRANT SELECT ON sales.part TO @X@;
            CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO @X@; CREATE SCHEMA @X@ AUTHORIZATION @X@;
            CREATE PUBLICATION pub; ALTER PUBLICATION pub OWNER TO @X@;
            \\connect -reuse-previous=on 'dbname=''odd=name \\\\''q\\\\'''''
            CREATE TABLE t (a int); GRANT ALL ON t TO @X@;
        "
        .replace("@X@", &quoted);
        sql(&cluster, "postgres", "orders", &script);
        if cluster.major() >= 15 {
            sql(
                &cluster,
                "postgres",
                "postgres",
                &format!("GRANT SET ON PARAMETER log_statement TO {quoted}"),
            );
        }
        let (code, report) = check(&cluster, name);
        assert_eq!(code, 2);
        assert_eq!(report["gaps"], serde_json::json!([]), "PostgreSQL {}", cluster.major());
        for kind in [
            "login",
            "attribute",
            "membership",
            "admin_option",
            "ownership",
            "privilege",
            "default_privilege",
            "policy",
            "user_mapping",
            "role_setting",
        ] {
            assert!(has(&report, kind), "{kind} on {}: {:?}", cluster.major(), found(&report));
        }
        assert!(
            report["residual"].as_array().unwrap().iter().all(|r| r["tampered"] == false),
            "{report:#}"
        );
        plan_and_check(&cluster, name);
        // The server agrees that nothing is left: DROP ROLE refuses while pg_shdepend has a row.
        sql(&cluster, "postgres", "postgres", &format!("DROP ROLE {quoted}"));
    }
}

#[test]
fn an_account_with_nothing_left_is_revoked() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(report["over_privileged"], serde_json::json!([]));
        assert!(report["not_covered"][0]["reason"].as_str().unwrap().contains("template0"));
    }
}

#[test]
fn a_password_that_expired_is_no_block() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "ALTER ROLE x VALID UNTIL '2001-01-01' CONNECTION LIMIT 0;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        let sentence = report["residual"][0]["sentence"].as_str().unwrap();
        assert!(sentence.contains("VALID UNTIL 2001-01-01"), "{sentence}");
        assert!(sentence.contains("CONNECTION LIMIT 0"), "{sentence}");
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x VALID UNTIL 'infinity';");
        assert_eq!(check(&cluster, "x").0, 2);
        plan_and_check(&cluster, "x");
    }
}
