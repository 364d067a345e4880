//! What a role may do or regain, on real servers of every version found: each finding's sentence, and the
//! role really doing it, or failing to.

mod common;

use common::scenario::{check, start};
use common::{psql, revoked, run, sql, versions};
use revoked::domain::graph::{Can, Edge, Graph};
use revoked::domain::ids::RoleOid;
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
                "x has CREATEROLE: it may grant itself any role that is no superuser, and set anyone's \
                 password but a superuser's",
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
            "x can SET ROLE g through team; team was not granted by postgres, so a REVOKE by postgres will not \
             remove it",
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
            "x has the rights of pg_execute_server_program and can SET ROLE pg_execute_server_program, both \
             through team: it runs programs as the server's own user, and so can make itself superuser",
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
        common::scenario::plan_and_check(&cluster, "x");
        let left = sql(
            &cluster,
            "postgres",
            "orders",
            "SELECT rolsuper FROM pg_roles WHERE rolname = 'dba'",
        );
        assert_eq!(left.trim(), "t");
    }
}

/// Roles of one random graph: memberships go from a lower to a higher one, or the server would refuse a loop.
const ROLES: usize = 10;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// SQL that makes a random graph of roles r0, r1, …
fn random(random: &mut Random, major: u32) -> String {
    let mut script = String::new();
    for role in 0..ROLES {
        let inherit = if random.below(3) == 0 { "NOINHERIT" } else { "INHERIT" };
        let power = if random.below(12) == 0 { " SUPERUSER" } else { "" };
        script += &format!("CREATE ROLE r{role} {inherit}{power};");
    }
    for member in 0..ROLES {
        for role in member + 1..ROLES {
            for grantor in ["postgres", "boss"] {
                if random.below(8) != 0 {
                    continue;
                }
                let mut on = || if random.below(2) == 0 { "TRUE" } else { "FALSE" };
                if major >= 16 {
                    script += &format!(
                        "GRANT r{role} TO r{member} WITH ADMIN {}, INHERIT {}, SET {} GRANTED BY {grantor};",
                        if grantor == "boss" { "FALSE" } else { on() },
                        on(),
                        on()
                    );
                } else {
                    let admin = if on() == "TRUE" { "WITH ADMIN OPTION" } else { "" };
                    script += &format!("GRANT r{role} TO r{member} {admin};");
                }
            }
        }
    }
    script
}

/// Asks the server for every pair of roles: which rights it has, and what happens when it tries to grant
/// itself the other, as itself or after SET ROLE to any role it can become.
const ORACLE: &str = "
    CREATE TEMP TABLE o (m oid, r oid, usage bool, sets bool, member bool, after bool, grants bool DEFAULT false);
    INSERT INTO o
    SELECT a.oid, b.oid, pg_has_role(a.oid, b.oid, 'USAGE'), pg_has_role(a.oid, b.oid, '@SET@'),
        pg_has_role(a.oid, b.oid, 'MEMBER'), EXISTS (
            SELECT FROM pg_roles AS s WHERE s.rolname LIKE 'r_' AND NOT s.rolsuper
                AND pg_has_role(a.oid, s.oid, '@SET@') AND pg_has_role(s.oid, b.oid, 'USAGE'))
    FROM pg_roles AS a, pg_roles AS b
    WHERE a.rolname LIKE 'r_' AND b.rolname LIKE 'r_' AND a.oid <> b.oid AND NOT a.rolsuper;
    DO $$ DECLARE t record; BEGIN
        FOR t IN SELECT o.m, o.r, s.rolname AS role FROM o JOIN pg_roles AS s ON s.rolname LIKE 'r_'
            WHERE NOT s.rolsuper AND (s.oid = o.m OR pg_has_role(o.m, s.oid, '@SET@'))
        LOOP
            BEGIN
                EXECUTE format('SET LOCAL SESSION AUTHORIZATION %s', t.m::regrole);
                EXECUTE format('SET LOCAL ROLE %I', t.role);
                EXECUTE format('GRANT %s TO %s', t.r::regrole, t.m::regrole);
                RAISE EXCEPTION 'it may' USING ERRCODE = 'ZZ001';
            EXCEPTION
                WHEN SQLSTATE 'ZZ001' THEN
                    UPDATE o SET grants = true WHERE o.m = t.m AND o.r = t.r;
                WHEN OTHERS THEN NULL;
            END;
        END LOOP;
    END $$;
    SELECT m, r, usage, sets, member, after, grants FROM o;
    SELECT 'edge', m.roleid, m.member, m.grantor, m.admin_option, @OPTIONS@
    FROM pg_auth_members AS m JOIN pg_roles AS a ON a.oid = m.member WHERE a.rolname LIKE 'r_';
    SELECT 'super', oid FROM pg_roles WHERE rolsuper;
";

#[test]
fn random_graphs_agree_with_the_server() {
    let mut dice = Random(20_261_122);
    for binaries in versions() {
        let cluster = start(&binaries);
        let major = cluster.major();
        let (set, options) = if major >= 16 {
            ("SET", "m.inherit_option, m.set_option")
        } else {
            ("MEMBER", "a.rolinherit, true")
        };
        let oracle = ORACLE.replace("@SET@", set).replace("@OPTIONS@", options);
        let bosses: String =
            (0..ROLES).map(|role| format!("GRANT r{role} TO boss WITH ADMIN OPTION;")).collect();
        let mut compared = 0;
        for _ in 0..4 {
            let script = random(&mut dice, major);
            let (roles, grants) = script.split_at(script.find("GRANT").unwrap());
            let bosses = if major >= 16 { bosses.as_str() } else { "" };
            let drop: String = (0..ROLES).rev().map(|role| format!("DROP ROLE r{role};")).collect();
            let script = format!("{roles}{bosses}{grants}{oracle}DROP TABLE o;");
            let answer = sql(&cluster, "postgres", "postgres", &script);
            compared += compare(&answer, i32::try_from(major).unwrap() * 10_000, &script);
            sql(&cluster, "postgres", "postgres", &drop);
        }
        assert!(compared > 200, "{compared} pairs");
    }
}

fn compare(answer: &str, version: i32, script: &str) -> usize {
    let rows: Vec<Vec<&str>> = answer.lines().map(|line| line.split('|').collect()).collect();
    let oid = |text: &str| RoleOid(text.parse().unwrap());
    let edges = rows.iter().filter(|row| row[0] == "edge").map(|row| Edge {
        role: oid(row[1]),
        member: oid(row[2]),
        grantor: oid(row[3]),
        admin: row[4] == "t",
        inherit: row[5] == "t",
        set: row[6] == "t",
    });
    let superuser = vec![revoked::domain::powers::Attribute::Superuser];
    let supers = rows.iter().filter(|row| row[0] == "super");
    let attributes: BTreeMap<_, _> = supers.map(|row| (oid(row[1]), superuser.clone())).collect();
    let graph = Graph::new(edges, attributes.clone(), version);
    let pairs: Vec<_> = rows.iter().filter(|row| row.len() == 7 && row[0] != "edge").collect();
    // Who can become a superuser can do all of it, and the oracle does not try that.
    let sets_super = |member: &str| {
        pairs
            .iter()
            .any(|row| row[0] == member && row[3] == "t" && attributes.contains_key(&oid(row[1])))
    };
    for row in &pairs {
        let (member, role) = (oid(row[0]), oid(row[1]));
        let compared = if sets_super(row[0]) { 3 } else { 5 };
        let reach = graph.reach(member);
        let ways = reach.roles().remove(&role).unwrap_or_default();
        let has = |can: Can| ways.iter().any(|way| way.can == can);
        let now = has(Can::UsesNow) || has(Can::SetRole);
        let grants = reach.admins().contains_key(&role)
            || graph
                .direct(member)
                .iter()
                .any(|e| e.role == role && e.admin && graph.grantable(role));
        let ours: Vec<bool> = vec![
            has(Can::UsesNow),
            has(Can::SetRole),
            !ways.is_empty(),
            now || has(Can::AfterSetRole),
            grants,
        ];
        let theirs: Vec<bool> = row[2..].iter().map(|text| *text == "t").collect();
        // Rights now are rights after SET ROLE to oneself.
        let theirs =
            [theirs[0], theirs[1], theirs[2], theirs[3] || theirs[0] || theirs[1], theirs[4]];
        let what = ["USAGE", "SET", "MEMBER", "after SET ROLE", "self-grant"];
        let differ: BTreeSet<&str> =
            (0..compared).filter(|i| ours[*i] != theirs[*i]).map(|i| what[i]).collect();
        assert!(differ.is_empty(), "{version}: {row:?} {differ:?} {ways:?}\n{script}");
        if has(Can::SelfGrant) {
            assert!(!now, "{row:?}");
        }
    }
    pairs.len()
}
