//! Random graphs of memberships, compared with the server's own functions and with really granting.

use crate::common::scenario::start;
use crate::common::{sql, versions};
use revoked::domain::graph::{Can, Edge, Graph};
use revoked::domain::ids::RoleOid;
use revoked::domain::powers::Attribute;
use std::collections::{BTreeMap, BTreeSet};

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
    let mut script: Vec<String> = Vec::new();
    for role in 0..ROLES {
        let inherit = if random.below(3) == 0 { "NOINHERIT" } else { "INHERIT" };
        let power = if random.below(12) == 0 { " SUPERUSER" } else { "" };
        script.push(format!("CREATE ROLE r{role} {inherit}{power};"));
    }
    for member in 0..ROLES {
        for role in member + 1..ROLES {
            for grantor in ["postgres", "boss"] {
                if random.below(8) != 0 {
                    continue;
                }
                let mut on = || if random.below(2) == 0 { "TRUE" } else { "FALSE" };
                if major >= 16 {
                    script.push(format!(
                        "GRANT r{role} TO r{member} WITH ADMIN {}, INHERIT {}, SET {} GRANTED BY {grantor};",
                        if grantor == "boss" { "FALSE" } else { on() },
                        on(),
                        on()
                    ));
                } else {
                    let admin = if on() == "TRUE" { "WITH ADMIN OPTION" } else { "" };
                    script.push(format!("GRANT r{role} TO r{member} {admin};"));
                }
            }
        }
    }
    script.concat()
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
        let bosses: Vec<String> =
            (0..ROLES).map(|role| format!("GRANT r{role} TO boss WITH ADMIN OPTION;")).collect();
        let bosses = bosses.concat();
        let mut compared = 0;
        for _ in 0..4 {
            let script = random(&mut dice, major);
            let (roles, grants) = script.split_at(script.find("GRANT").unwrap());
            let bosses = if major >= 16 { bosses.as_str() } else { "" };
            let drop: Vec<String> = (0..ROLES).map(|role| format!("DROP ROLE r{role};")).collect();
            let script = format!("{roles}{bosses}{grants}{oracle}DROP TABLE o;");
            let answer = sql(&cluster, "postgres", "postgres", &script);
            compared += compare(&answer, i32::try_from(major).unwrap() * 10_000, &script);
            sql(&cluster, "postgres", "postgres", &drop.concat());
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
    let superuser = vec![Attribute::Superuser];
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
