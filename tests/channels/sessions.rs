//! Who is still in: sessions outlive NOLOGIN, REVOKE, RENAME and DROP ROLE.

use crate::common::{LiveSession, psql, sql, versions};
use crate::harness::{judged, line, look, start, told};
use revoked::domain::observation::Observation;
use revoked::domain::residual::{Residual, ResidualKind};
use revoked::domain::verdict::Verdict;
use revoked::throwaway::Cluster;

/// Clusters of every version with an agent that may see whose session is a walsender.
fn clusters() -> impl Iterator<Item = Cluster> {
    versions().into_iter().map(|binaries| {
        let cluster = start(&binaries, &["wal_level=logical"]);
        sql(
            &cluster,
            "postgres",
            "orders",
            "GRANT pg_read_all_stats TO agent; CREATE ROLE x LOGIN PASSWORD 'secret';",
        );
        cluster
    })
}

fn oid(cluster: &Cluster, role: &str) -> u32 {
    let text = sql(cluster, "postgres", "orders", &format!("SELECT '{role}'::regrole::oid"));
    text.trim().parse().unwrap()
}

fn x() -> [String; 1] {
    ["x".to_owned()]
}

/// What a look found of a role that may not exist any more.
fn of_oid(look: &Observation, oid: u32) -> Vec<&Residual> {
    assert_eq!(look.gaps, []);
    look.residual.iter().filter(|found| found.account.oid.0 == oid).collect()
}

/// Ends a session and waits until the server has noticed.
fn end(cluster: &Cluster, session: LiveSession) {
    drop(session);
    let count = "SELECT count(*) FROM pg_stat_activity
        WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()";
    for _ in 0..500 {
        if sql(cluster, "postgres", "postgres", count).trim() == "0" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the session does not end");
}

fn is_revoked(cluster: &Cluster, role: &str) {
    let judged = judged(&look(cluster, &[role.to_owned()], &[]), role);
    assert_eq!(
        judged.verdict,
        Verdict::Revoked,
        "PostgreSQL {}: {}",
        cluster.major(),
        told(&judged)
    );
}

/// s01: every catalog is clean, and the role still writes as the group it took before.
#[test]
fn one_that_took_a_role_before_it_was_revoked() {
    for cluster in clusters() {
        sql(&cluster, "postgres", "orders", "GRANT g TO x;");
        let mut session = LiveSession::open(&cluster, "x", "orders", "SET ROLE g;");
        sql(&cluster, "postgres", "orders", "REVOKE g FROM x; ALTER ROLE x NOLOGIN PASSWORD NULL;");
        let wrote = session.ask("INSERT INTO secret VALUES (2) RETURNING current_user;");
        assert_eq!(wrote.as_deref(), Some("g"), "PostgreSQL {}", cluster.major());

        let seen = judged(&look(&cluster, &x(), &[]), "x");
        assert_eq!(seen.verdict, Verdict::Residual);
        let [found] = seen.residual.as_slice() else { panic!("{}", told(&seen)) };
        let text = line(found);
        assert!(
            text.starts_with(
                "acts_now session orders - | x has an open session in database orders (pid "
            ),
            "{text}"
        );
        end(&cluster, session);
        is_revoked(&cluster, "x");
    }
}

/// s02: nobody is called that any more. Up to 16 the ghost of a superuser takes everything back.
#[test]
fn one_of_a_dropped_superuser() {
    for cluster in clusters() {
        sql(&cluster, "postgres", "orders", "ALTER ROLE x SUPERUSER;");
        let oid = oid(&cluster, "x");
        let mut session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
        sql(&cluster, "postgres", "orders", "DROP ROLE x;");

        let by_oid = look(&cluster, &[], &[oid]);
        let [found] = of_oid(&by_oid, oid)[..] else { panic!("{:?}", by_oid.residual) };
        assert_eq!(
            (found.kind, found.account.role.as_deref()),
            (ResidualKind::VanishedSession, None)
        );
        let wanted = format!(
            "a session of role with OID {oid} is open although the role no longer exists in database orders (pid "
        );
        assert!(found.sentence.starts_with(&wanted), "{}", found.sentence);
        // By name nobody can tell whose it is, and then it is no proof.
        let by_name = judged(&look(&cluster, &x(), &[]), "x");
        assert_eq!(by_name.verdict, Verdict::Inconclusive);
        assert!(by_name.gaps.iter().any(|gap| gap.surface == ResidualKind::VanishedSession));

        let regained =
            session.ask("SET SESSION AUTHORIZATION postgres; SELECT count(*) > 0 FROM pg_authid;");
        let wanted = (cluster.major() <= 16).then_some("t");
        assert_eq!(regained.as_deref(), wanted, "PostgreSQL {}", cluster.major());
        end(&cluster, session);
        assert!(of_oid(&look(&cluster, &[], &[oid]), oid).is_empty());
    }
}

/// s11: the name is free, the role is not gone, and neither is its session.
#[test]
fn one_of_a_renamed_role() {
    for cluster in clusters() {
        let oid = oid(&cluster, "x");
        sql(&cluster, "postgres", "orders", "GRANT SELECT ON secret TO x;");
        let mut session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x RENAME TO x_new; ALTER ROLE x_new NOLOGIN;",
        );
        assert_eq!(session.ask("SELECT count(*) FROM secret;").as_deref(), Some("1"));

        let by_oid = look(&cluster, &x(), &[oid]);
        let found: Vec<String> = of_oid(&by_oid, oid).into_iter().map(line).collect();
        let [acts, has] = found.as_slice() else { panic!("{found:?}") };
        assert!(
            acts.starts_with(
                "acts_now session orders - | x_new has an open session in database orders (pid "
            ),
            "{acts}"
        );
        assert_eq!(
            has,
            "latent privilege orders app | x_new has SELECT on table public.secret in database orders; granted by app"
        );
        assert_eq!(judged(&by_oid, "x").verdict, Verdict::Inconclusive);
        sql(&cluster, "postgres", "orders", "REVOKE SELECT ON secret FROM x_new;");
        end(&cluster, session);
        is_revoked(&cluster, "x_new");
    }
}

/// Of the same name, but not the same role: what is granted to the new one does not reach the old session.
#[test]
fn one_of_a_dropped_role_whose_name_is_taken_again() {
    for cluster in clusters() {
        let old = oid(&cluster, "x");
        let mut session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
        sql(
            &cluster,
            "postgres",
            "orders",
            "DROP ROLE x; CREATE ROLE x; GRANT SELECT ON secret TO x;",
        );
        assert_eq!(session.ask("SELECT 'acts';").as_deref(), Some("acts"));

        let seen = look(&cluster, &x(), &[old]);
        let found: Vec<String> = seen.residual.iter().map(line).collect();
        let [vanished, has] = found.as_slice() else { panic!("{found:?}") };
        assert!(
            vanished.starts_with("acts_now vanished_session orders - | a session of role with OID"),
            "{vanished}"
        );
        assert!(
            has.starts_with("latent privilege orders app | x has SELECT on table public.secret"),
            "{has}"
        );
        assert_eq!(session.ask("SELECT count(*) FROM secret;"), None);
        end(&cluster, session);
        sql(&cluster, "postgres", "orders", "REVOKE SELECT ON secret FROM x;");
        is_revoked(&cluster, "x");
    }
}

/// A replication connection outlives NOREPLICATION and goes on copying the cluster.
#[test]
fn one_that_replicates() {
    for cluster in clusters() {
        sql(&cluster, "postgres", "orders", "ALTER ROLE x REPLICATION;");
        let place = "dbname=orders replication=1";
        let mut session = LiveSession::open(&cluster, "x", place, "IDENTIFY_SYSTEM;");
        sql(&cluster, "postgres", "orders", "ALTER ROLE x NOREPLICATION NOLOGIN PASSWORD NULL;");
        let slot = session.ask("CREATE_REPLICATION_SLOT mine TEMPORARY PHYSICAL RESERVE_WAL;");
        assert!(
            slot.is_some_and(|answer| answer.starts_with("mine|")),
            "PostgreSQL {}",
            cluster.major()
        );

        let seen = judged(&look(&cluster, &x(), &[]), "x");
        let [found] = seen.residual.as_slice() else { panic!("{}", told(&seen)) };
        let text = line(found);
        assert!(
            text.starts_with(
                "acts_now replication - - | x has an open replication connection (pid "
            ),
            "{text}"
        );
        // Without pg_read_all_stats it is a session like any other, and none the less there.
        sql(&cluster, "postgres", "orders", "REVOKE pg_read_all_stats FROM agent;");
        let seen = judged(&look(&cluster, &x(), &[]), "x");
        assert_eq!(seen.verdict, Verdict::Residual, "{}", told(&seen));
        end(&cluster, session);
        is_revoked(&cluster, "x");
    }
}

/// The worker of a subscription acts as its owner, with nobody logged in.
#[test]
fn one_of_a_subscription() {
    for cluster in clusters() {
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE TABLE r (a int); CREATE PUBLICATION p FOR TABLE r;
             SELECT pg_create_logical_replication_slot('of_x', 'pgoutput');
             SELECT current_setting('unix_socket_directories') AS dir \\gset
             \\connect billing
             CREATE TABLE r (a int); ALTER TABLE r OWNER TO x;
             SELECT format('host=%s dbname=orders user=postgres', :'dir') AS from \\gset
             CREATE SUBSCRIPTION s CONNECTION :'from' PUBLICATION p
                 WITH (create_slot = false, slot_name = 'of_x', copy_data = false, enabled = false);
             ALTER ROLE x SUPERUSER; ALTER SUBSCRIPTION s OWNER TO x; ALTER SUBSCRIPTION s ENABLE;",
        );
        let waits = |wanted: &str, script: &str| {
            for _ in 0..500 {
                if sql(&cluster, "postgres", "billing", script).trim() == wanted {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            panic!("PostgreSQL {}: {script} never gives {wanted}", cluster.major());
        };
        let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'logical replication%worker' AND usename = 'x'";
        waits("1", workers);
        sql(&cluster, "postgres", "orders", "INSERT INTO r VALUES (7);");
        waits("7", "SELECT max(a) FROM r");

        let seen = judged(&look(&cluster, &x(), &[]), "x");
        let found: Vec<String> = seen.residual.iter().map(line).collect();
        for wanted in [
            "acts_now session billing - | x has an open session",
            "acts_now subscription - - | x owns subscription s",
        ] {
            assert!(found.iter().any(|line| line.starts_with(wanted)), "{wanted}: {found:?}");
        }
        sql(
            &cluster,
            "postgres",
            "billing",
            "ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s OWNER TO postgres; ALTER TABLE r OWNER TO app;
             ALTER ROLE x NOSUPERUSER NOLOGIN;",
        );
        waits("0", workers);
        is_revoked(&cluster, "x");
    }
}

/// s12: all catalogs are clean, and what the role prepared waits for anybody's COMMIT PREPARED.
#[test]
fn what_was_prepared_before() {
    for cluster in clusters() {
        sql(
            &cluster,
            "postgres",
            "orders",
            "GRANT INSERT ON secret TO x;
             SET SESSION AUTHORIZATION x; BEGIN; INSERT INTO secret VALUES (666); PREPARE TRANSACTION 'bomb'; RESET SESSION AUTHORIZATION;
             REVOKE INSERT ON secret FROM x; ALTER ROLE x NOLOGIN;",
        );
        let seen = judged(&look(&cluster, &x(), &[]), "x");
        let found: Vec<String> = seen.residual.iter().map(line).collect();
        assert_eq!(
            found,
            [
                "can_regain prepared_transaction orders - | prepared transaction bomb, prepared by x, takes effect when it is committed in database orders"
            ]
        );
        // The role is gone, and still: DROP ROLE does not ask.
        let oid = oid(&cluster, "x");
        sql(&cluster, "postgres", "orders", "DROP ROLE x;");
        let by_oid = look(&cluster, &[], &[oid]);
        let found: Vec<String> = of_oid(&by_oid, oid).into_iter().map(line).collect();
        assert_eq!(
            found,
            [format!(
                "can_regain prepared_transaction orders - | prepared transaction bomb, prepared by role with OID {oid}, takes effect when it is committed in database orders"
            )]
        );
        sql(&cluster, "postgres", "orders", "COMMIT PREPARED 'bomb';");
        let written =
            sql(&cluster, "postgres", "orders", "SELECT count(*) FROM secret WHERE a = 666");
        assert_eq!(written.trim(), "1", "PostgreSQL {}", cluster.major());
        assert!(of_oid(&look(&cluster, &[], &[oid]), oid).is_empty());
    }
}

/// s12 as it stands in the books: a grant that no catalog shows, to somebody else.
#[test]
fn a_grant_that_was_prepared() {
    for cluster in clusters() {
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; GRANT SELECT ON secret TO boss WITH GRANT OPTION;
             SET ROLE boss; BEGIN; GRANT SELECT ON secret TO x; PREPARE TRANSACTION 'bomb';",
        );
        let found: Vec<String> =
            judged(&look(&cluster, &x(), &[]), "x").residual.iter().map(line).collect();
        assert_eq!(
            found,
            [
                "can_regain prepared_transaction orders - | prepared transaction bomb, prepared by boss, is about x and takes effect when it is committed in database orders"
            ]
        );
        sql(&cluster, "postgres", "orders", "COMMIT PREPARED 'bomb'; ALTER ROLE x LOGIN;");
        assert_eq!(sql(&cluster, "x", "orders", "SELECT count(*) FROM secret").trim(), "1");
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; SET ROLE boss; REVOKE SELECT ON secret FROM x;",
        );
        is_revoked(&cluster, "x");
        assert!(!psql(&cluster, "x", "orders", "SELECT 1").status.success());
    }
}
