//! What no row of the role tells of: PUBLIC, a role that is gone, another cluster, another timeline.

use crate::common::{psql, sql, versions};
use crate::harness::{judged, line, look, start, told, until_gone};
use revoked::domain::account::{Account, AccountName, LinkRule};
use revoked::domain::link::resolve;
use revoked::domain::observation::Observation;
use revoked::domain::revocation::Kind;
use revoked::domain::verdict::{Question, Verdict, judge};
use revoked::throwaway::{Cluster, Template};
use std::collections::BTreeSet;

fn x() -> [String; 1] {
    ["x".to_owned()]
}

fn linked(known: &[Account], look: &Observation) -> Vec<Account> {
    let names = [AccountName { target: None, role: "x".to_owned(), rule: LinkRule::Stated }];
    resolve(known, &names, look, &[])
}

fn of_accounts(accounts: &[Account], look: &Observation) -> revoked::domain::verdict::Judgement {
    let question = Question {
        kind: Kind::Full,
        accounts,
        names: &[],
        roles: &[],
        unmapped: &[],
        no_account: false,
        not_required: &BTreeSet::new(),
        known_as: &[],
        seen: &[],
        gone_since: None,
        rotation: None,
    };
    judge(&question, &[look])
}

/// s08: what everybody has is not the role's, but is never silent either.
#[test]
fn what_everybody_has() {
    for binaries in versions() {
        let cluster = start(&binaries, &[]);
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE ROLE x LOGIN; REVOKE ALL ON secret FROM x; GRANT SELECT ON secret TO PUBLIC;
             GRANT CREATE ON DATABASE billing TO PUBLIC; GRANT CREATE ON TABLESPACE pg_default TO PUBLIC;",
        );
        let mut everybodys = vec![
            "PUBLIC has SELECT on 1 table in database orders",
            "PUBLIC has CREATE on 1 database",
            "PUBLIC has CREATE on 1 tablespace",
        ];
        if cluster.major() >= 15 {
            sql(&cluster, "postgres", "orders", "GRANT SET ON PARAMETER log_statement TO PUBLIC;");
            everybodys.push("PUBLIC has SET on 1 parameter");
        }
        assert_eq!(sql(&cluster, "x", "orders", "SELECT count(*) FROM secret").trim(), "1");
        until_gone(&cluster, &x());
        let seen = look(&cluster, &x(), &[]);
        assert_eq!(judged(&seen, "x").residual.len(), 1, "{}", told(&judged(&seen, "x")));
        for text in everybodys {
            assert!(seen.ambient.iter().any(|seen| seen == text), "{text}: {:?}", seen.ambient);
        }
        // What every database gives is not worth a line.
        assert!(!seen.ambient.iter().any(|seen| seen.contains("CONNECT")), "{:?}", seen.ambient);
        sql(&cluster, "postgres", "orders", "ALTER ROLE x NOLOGIN;");
        let seen = look(&cluster, &x(), &[]);
        assert_eq!(judged(&seen, "x").verdict, Verdict::Revoked, "{}", told(&judged(&seen, "x")));
        assert!(!psql(&cluster, "x", "orders", "SELECT count(*) FROM secret").status.success());
    }
}

/// Nobody can enter the database, until the next ALTER DATABASE. `pg_shdepend` knows what waits in it.
#[test]
fn a_database_that_takes_no_connections() {
    for binaries in versions() {
        let cluster = start(&binaries, &[]);
        sql(
            &cluster,
            "postgres",
            "billing",
            "CREATE ROLE x; CREATE TABLE t (a int); ALTER TABLE t OWNER TO app; GRANT SELECT ON t TO x;
             \\connect orders\nALTER DATABASE billing ALLOW_CONNECTIONS false;",
        );
        let seen = look(&cluster, &x(), &[]);
        let found: Vec<String> = judged(&seen, "x").residual.iter().map(line).collect();
        let [only] = found.as_slice() else { panic!("PostgreSQL {}: {found:?}", cluster.major()) };
        assert!(
            only.starts_with("latent privilege billing - | x has a privilege on the table, view or sequence with OID "),
            "{only}"
        );
        assert!(seen.not_covered.iter().any(|part| part.surface == "access lists of here/billing"));
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER DATABASE billing ALLOW_CONNECTIONS true; ALTER ROLE x LOGIN;
             \\connect billing x\nSELECT a FROM t;
             \\connect billing postgres\nREVOKE SELECT ON t FROM x; ALTER ROLE x NOLOGIN;
             \\connect orders\nALTER DATABASE billing ALLOW_CONNECTIONS false;",
        );
        let seen = look(&cluster, &x(), &[]);
        assert_eq!(judged(&seen, "x").verdict, Verdict::Revoked, "{}", told(&judged(&seen, "x")));
    }
}

/// DROP ROLE refuses while `pg_shdepend` knows something, and sees nothing of an entry written by hand.
#[test]
fn an_entry_of_a_role_that_is_gone() {
    for binaries in versions() {
        let cluster = start(&binaries, &[]);
        let oid = sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE ROLE x; SELECT 'x'::regrole::oid; SET allow_system_table_mods = on;
             UPDATE pg_class SET relacl = relacl || 'x=r/app'::aclitem WHERE relname = 'secret'; DROP ROLE x;",
        );
        let oid: u32 = oid.trim().parse().unwrap();
        let seen = look(&cluster, &[], &[oid]);
        let found: Vec<String> = seen.residual.iter().map(line).collect();
        let [only] = found.as_slice() else { panic!("PostgreSQL {}: {found:?}", cluster.major()) };
        let wanted = format!(
            "latent dangling_acl orders app | TAMPERED table public.secret still lists role with OID {oid}, \
             which no longer exists, for SELECT in database orders; granted by app; "
        );
        assert!(only.starts_with(&wanted), "{only}");
        sql(
            &cluster,
            "postgres",
            "orders",
            "SET allow_system_table_mods = on; UPDATE pg_class SET relacl = NULL WHERE relname = 'secret';",
        );
        assert_eq!(look(&cluster, &[], &[oid]).residual, []);
    }
}

/// Restored from a dump, the role lives on in a cluster where its old OID is nobody's or somebody else's.
#[test]
fn another_cluster_after_a_restore() {
    const DUMP: &str = "CREATE ROLE x NOLOGIN; \\connect orders\nGRANT SELECT ON secret TO x;";
    for binaries in versions() {
        let first = start(&binaries, &[]);
        sql(&first, "postgres", "postgres", DUMP);
        let before = look(&first, &x(), &[]);
        let known = linked(&[], &before);
        assert_eq!(of_accounts(&known, &before).verdict, Verdict::Residual);
        sql(&first, "postgres", "orders", "REVOKE SELECT ON secret FROM x;");
        assert_eq!(of_accounts(&known, &look(&first, &x(), &[])).verdict, Verdict::Revoked);

        // The dump was made before the revocation.
        let template = Template::create(&binaries).unwrap();
        let second = Cluster::start(&template, &[]).unwrap();
        sql(
            &second,
            "postgres",
            "postgres",
            "CREATE ROLE agent LOGIN; CREATE ROLE app; CREATE ROLE somebody; CREATE DATABASE orders;
             \\connect orders\nCREATE TABLE secret (a int); ALTER TABLE secret OWNER TO app;\n\\connect postgres",
        );
        sql(&second, "postgres", "postgres", DUMP);
        let after = look(&second, &x(), &[known[0].oid.0]);
        let blind = of_accounts(&known, &after);
        assert_eq!(blind.verdict, Verdict::Inconclusive, "{}", told(&blind));
        assert!(blind.gaps[0].reason.contains("answers now"), "{}", told(&blind));
        let found = of_accounts(&linked(&known, &after), &after);
        assert_eq!(found.verdict, Verdict::Residual, "{}", told(&found));
        assert_eq!(
            line(&found.residual[0]),
            "latent privilege orders app | x has SELECT on table public.secret in database orders; granted by app"
        );
    }
}

/// A promoted standby has the OIDs of its primary, and what it had not yet been told is still there.
#[test]
fn another_timeline_after_a_promotion() {
    for binaries in versions() {
        let mut cluster = start(&binaries, &[]);
        sql(&cluster, "postgres", "orders", "CREATE ROLE x LOGIN; GRANT SELECT ON secret TO x;");
        let before = look(&cluster, &x(), &[]);
        let known = linked(&[], &before);
        cluster.stop();
        std::fs::write(cluster.socket_dir().join("data/standby.signal"), "").unwrap();
        cluster.restart().unwrap();
        sql(&cluster, "postgres", "postgres", "SELECT pg_promote(); CHECKPOINT;");

        assert_eq!(sql(&cluster, "x", "orders", "SELECT count(*) FROM secret").trim(), "1");
        // psql does not wait for the end of its session.
        let open = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'x'";
        while sql(&cluster, "postgres", "postgres", open).trim() != "0" {}
        let after = look(&cluster, &x(), &[]);
        let timeline = |look: &Observation| look.server.as_ref().unwrap().timeline;
        assert_eq!((timeline(&before), timeline(&after)), (1, 2), "PostgreSQL {}", cluster.major());
        let told_of = |look: &Observation| -> Vec<String> {
            of_accounts(&known, look).residual.iter().map(line).collect()
        };
        assert_eq!(told_of(&before), told_of(&after));
        assert_eq!(told_of(&after).len(), 2);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; REVOKE SELECT ON secret FROM x;",
        );
        let seen = of_accounts(&known, &look(&cluster, &x(), &[]));
        assert_eq!(seen.verdict, Verdict::Revoked, "{}", told(&seen));
    }
}
