//! What a role may do or regain, on real servers of every version found: each finding's sentence, and the
//! role really doing it, or failing to.

mod common;

#[path = "paths/findings.rs"]
mod findings;
#[path = "paths/random.rs"]
mod random;

use common::scenario::{check, start};
use common::{psql, sql, versions};
use revoked::throwaway::Cluster;

fn sentences(cluster: &Cluster, role: &str) -> Vec<String> {
    let (_, report) = check(cluster, role);
    let all = report["residual"].as_array().unwrap().iter();
    all.map(|r| r["sentence"].as_str().unwrap().to_owned()).collect()
}

fn says(cluster: &Cluster, role: &str, sentence: &str) {
    let said = sentences(cluster, role);
    assert!(
        said.iter().any(|s| s == sentence),
        "PostgreSQL {}: {sentence:?} is not in {said:#?}",
        cluster.major()
    );
}

/// Whether `x` can run `script` in database orders.
fn can(cluster: &Cluster, script: &str) -> bool {
    psql(cluster, "x", "orders", script).status.success()
}

const READ: &str = "SELECT * FROM sales.orders";

#[test]
fn the_truth_table_of_one_membership() {
    // Options; reads now, SET ROLE, reads after granting itself the role; what is said.
    const TABLE: &[(&str, bool, bool, bool, &str)] = &[
        ("INHERIT TRUE, SET TRUE", true, true, false, "x is a member of g; granted by postgres"),
        (
            "INHERIT FALSE, SET TRUE",
            false,
            true,
            false,
            "x is a member of g, with its rights only after SET ROLE g; granted by postgres",
        ),
        (
            "INHERIT TRUE, SET FALSE",
            true,
            false,
            false,
            "x is a member of g and has its rights, but cannot SET ROLE g; granted by postgres",
        ),
        (
            "ADMIN TRUE, INHERIT FALSE, SET FALSE",
            false,
            false,
            true,
            "x is a member of g without its rights, but can grant them to itself; granted by postgres",
        ),
        (
            "INHERIT FALSE, SET FALSE",
            false,
            false,
            false,
            "x is a member of g without its rights; only a line for +g in pg_hba.conf would match it; granted \
             by postgres",
        ),
    ];
    for binaries in versions().iter().filter(|b| b.major >= 16) {
        let cluster = start(binaries);
        for (options, reads, sets, grants, sentence) in TABLE {
            sql(&cluster, "postgres", "orders", &format!("GRANT g TO x WITH {options}"));
            says(&cluster, "x", sentence);
            assert_eq!(can(&cluster, READ), *reads, "{options}");
            assert_eq!(can(&cluster, "SET ROLE g"), *sets, "{options}");
            let regrant = format!("GRANT g TO x WITH INHERIT TRUE; {READ}");
            assert_eq!(can(&cluster, &regrant), *grants, "{options}");
            let admin = "x may grant g to anyone, also to itself; granted by postgres".to_owned();
            if *grants {
                sql(&cluster, "postgres", "orders", "REVOKE g FROM x GRANTED BY x");
                assert!(sentences(&cluster, "x").contains(&admin));
            }
            sql(&cluster, "postgres", "orders", "REVOKE g FROM x");
        }
    }
}

#[test]
fn before_16_the_member_decides_whether_it_inherits() {
    for binaries in versions().iter().filter(|b| b.major < 16) {
        let cluster = start(binaries);
        sql(&cluster, "postgres", "orders", "GRANT g TO x");
        says(&cluster, "x", "x is a member of g; granted by postgres");
        assert!(can(&cluster, READ) && can(&cluster, "SET ROLE g"));
        sql(&cluster, "postgres", "orders", "ALTER ROLE x NOINHERIT");
        says(
            &cluster,
            "x",
            "x is a member of g, with its rights only after SET ROLE g; granted by postgres",
        );
        assert!(!can(&cluster, READ));
        assert!(can(&cluster, &format!("SET ROLE g; {READ}")));
    }
}

#[test]
fn set_role_and_then_inheriting() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let script = if cluster.major() >= 16 {
            "GRANT g TO team WITH INHERIT TRUE, SET FALSE; GRANT team TO x WITH INHERIT FALSE, SET TRUE"
        } else {
            "ALTER ROLE x NOINHERIT; GRANT g TO team; GRANT team TO x"
        };
        sql(&cluster, "postgres", "orders", script);
        let sentence = if cluster.major() >= 16 {
            "x has the rights of g after SET ROLE team"
        } else {
            "x can SET ROLE g through team"
        };
        says(&cluster, "x", sentence);
        assert!(!can(&cluster, READ));
        assert!(can(&cluster, &format!("SET ROLE team; {READ}")));
    }
}

#[test]
fn admin_of_others_is_exercised_through_them() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let options = if cluster.major() >= 16 { ", INHERIT FALSE, SET FALSE" } else { "" };
        let admin = if cluster.major() >= 16 { "ADMIN TRUE" } else { "ADMIN OPTION" };
        sql(
            &cluster,
            "postgres",
            "orders",
            &format!("GRANT g TO team WITH {admin}{options}; GRANT team TO x"),
        );
        says(&cluster, "x", "x may grant g to anyone, also to itself, through team");
        let (_, report) = check(&cluster, "x");
        let strength = |kind: &str, privilege: &str| {
            let all = report["residual"].as_array().unwrap();
            let found = all.iter().find(|r| r["kind"] == kind && r["privilege"] == privilege);
            found.unwrap_or_else(|| panic!("{kind} {privilege}: {all:#?}"))["strength"].clone()
        };
        assert_eq!(strength("admin_option", "g"), "can_regain");
        assert_eq!(strength("membership", "team"), "latent");
        assert!(can(&cluster, &format!("GRANT g TO x; SET ROLE g; {READ}")));
    }
}

#[test]
fn admin_of_a_superusers_role_is_of_use_to_a_superuser_only() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let options = if cluster.major() >= 16 {
            "ADMIN TRUE, INHERIT FALSE, SET FALSE"
        } else {
            "ADMIN OPTION"
        };
        sql(
            &cluster,
            "postgres",
            "orders",
            &format!("CREATE ROLE dba SUPERUSER; GRANT dba TO x WITH {options}"),
        );
        says(
            &cluster,
            "x",
            "x has ADMIN on dba, which is a superuser, so only a superuser can use it; granted by postgres",
        );
        assert!(!can(&cluster, "GRANT dba TO y"));
        assert!(!can(&cluster, "GRANT dba TO x"));
        let itself = sentences(&cluster, "x").into_iter().find(|s| s.contains("to itself"));
        assert_eq!(itself, None, "PostgreSQL {}", cluster.major());
        let taken =
            "x can SET ROLE dba, and dba has SUPERUSER: it may do everything, and take every role";
        assert_eq!(
            sentences(&cluster, "x").contains(&taken.to_owned()),
            can(&cluster, "SET ROLE dba"),
            "PostgreSQL {}",
            cluster.major()
        );
    }
}

#[test]
fn a_superusers_role_is_reached_by_set_role() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE ROLE dba SUPERUSER; GRANT dba TO team; GRANT team TO x; ALTER ROLE x NOINHERIT",
        );
        let (_, report) = check(&cluster, "x");
        let all = report["residual"].as_array().unwrap();
        let taken = all.iter().find(|r| r["kind"] == "attribute").unwrap();
        assert_eq!(
            taken["sentence"],
            "x can SET ROLE dba through team, and dba has SUPERUSER: it may do everything, and take every role"
        );
        assert_eq!(taken["strength"], "can_regain");
        assert!(
            taken["rows"].as_array().unwrap().contains(&"pg_roles: rolname=dba rolsuper=t".into())
        );
        assert!(can(&cluster, "SET ROLE dba; CREATE ROLE made SUPERUSER"));
        sql(&cluster, "postgres", "orders", "REVOKE team FROM x");
        assert_eq!(sentences(&cluster, "x"), ["x can log in"]);
        assert!(!can(&cluster, "SET ROLE dba"));
    }
}

#[test]
fn createrole_regains_up_to_15() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE ROLE dba SUPERUSER; GRANT dba TO team; ALTER ROLE x CREATEROLE",
        );
        let takes = "GRANT team TO x; SET ROLE dba; CREATE ROLE made SUPERUSER";
        if cluster.major() >= 16 {
            says(
                &cluster,
                "x",
                "x has CREATEROLE: it may make roles that can log in, and alter those it has ADMIN on, their \
                 passwords included",
            );
            assert_eq!(sentences(&cluster, "x").len(), 2);
            assert!(!can(&cluster, takes));
            assert!(can(&cluster, "CREATE ROLE back LOGIN PASSWORD 'p'"));
        } else {
            says(
                &cluster,
                "x",
                "x has CREATEROLE: it may grant itself any role that is no superuser, owners and \
                 pg_execute_server_program included, and so regain nearly everything, and set anyone's password \
                 but a superuser's",
            );
            says(
                &cluster,
                "x",
                "x can grant itself team by CREATEROLE and then SET ROLE dba, which has SUPERUSER: it may do \
                 everything, and take every role",
            );
            assert!(can(&cluster, takes));
        }
    }
}

#[test]
fn the_owner_of_a_database_makes_objects_in_public() {
    for binaries in versions().iter().filter(|b| b.major >= 14) {
        let cluster = start(binaries);
        sql(&cluster, "postgres", "orders", "ALTER DATABASE orders OWNER TO x; GRANT app TO x");
        let rest = if cluster.major() >= 15 {
            ": by default that role owns schema public and can make objects there"
        } else {
            ""
        };
        says(
            &cluster,
            "x",
            &format!(
                "x is pg_database_owner in database orders, because it owns the database{rest}"
            ),
        );
        says(
            &cluster,
            "x",
            &format!(
                "x is pg_database_owner in database billing through app, which owns the database{rest}"
            ),
        );
        if cluster.major() >= 15 {
            assert!(can(&cluster, "CREATE TABLE public.trojan (a int)"));
            assert!(can(&cluster, "\\connect billing\nCREATE TABLE public.trojan (a int)"));
        }
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER DATABASE orders OWNER TO app; REVOKE app FROM x",
        );
        assert!(!sentences(&cluster, "x").iter().any(|s| s.contains("pg_database_owner")));
        if cluster.major() >= 15 {
            assert!(!can(&cluster, "CREATE TABLE public.trojan2 (a int)"));
        }
    }
}

/// Before 16 an owner without INHERIT has to SET ROLE, and so have its members; since then it makes no difference.
#[test]
fn a_database_owner_without_inherit() {
    for binaries in versions().iter().filter(|b| b.major >= 14) {
        let cluster = start(binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE ROLE o LOGIN NOINHERIT; GRANT o TO x; ALTER DATABASE orders OWNER TO o",
        );
        let uses = |who: &str| {
            let asked = format!("SELECT pg_has_role('{who}', 'pg_database_owner', 'USAGE')");
            sql(&cluster, "postgres", "orders", &asked).trim() == "t"
        };
        let old = cluster.major() < 16;
        assert_eq!((uses("o"), uses("x")), (!old, !old), "PostgreSQL {}", cluster.major());
        assert!(can(&cluster, "SET ROLE pg_database_owner"));
        let starts = |who: &str, sentence: &str| {
            let all = sentences(&cluster, who);
            assert!(all.iter().any(|s| s.starts_with(sentence)), "{sentence}: {all:?}");
        };
        let is = "is pg_database_owner in database orders";
        if old {
            starts(
                "o",
                &format!("o {is} after SET ROLE pg_database_owner, because it owns the database"),
            );
            starts("x", &format!("x {is} after SET ROLE pg_database_owner; o owns the database"));
        } else {
            starts("o", &format!("o {is}, because it owns the database"));
            starts("x", &format!("x {is} through o, which owns the database"));
        }
    }
}

#[test]
fn a_membership_granted_by_somebody_else_stays() {
    for binaries in versions().iter().filter(|b| b.major >= 16) {
        let cluster = start(binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "GRANT team TO boss2 WITH ADMIN OPTION; GRANT g TO team WITH INHERIT FALSE, SET TRUE;
             SET ROLE boss2; GRANT team TO x; RESET ROLE; REVOKE team FROM x",
        );
        says(
            &cluster,
            "x",
            "x is a member of team; granted by boss2, so a REVOKE by postgres will not remove it without \
             GRANTED BY boss2",
        );
        says(
            &cluster,
            "x",
            "x can SET ROLE g through team; team was granted by boss2, so a REVOKE by postgres will not remove it",
        );
        assert!(can(&cluster, &format!("SET ROLE g; {READ}")));
        sql(&cluster, "postgres", "orders", "REVOKE team FROM x GRANTED BY boss2");
        assert_eq!(sentences(&cluster, "x"), ["x can log in"]);
    }
}

#[test]
fn who_else_is_a_member_is_shown_and_decides_nothing() {
    let cluster = start(&versions()[0]);
    sql(&cluster, "postgres", "orders", "ALTER ROLE x NOLOGIN; GRANT x TO boss");
    let (code, report) = check(&cluster, "x");
    assert_eq!(code, 0, "{report:#}");
    let ambient = report["ambient"].to_string();
    assert!(ambient.contains("boss is a member of x: what x keeps is of use to boss"), "{ambient}");
}
