//! A role of which there is more than a look reads: it is never called revoked, and nobody else is held up by it.

mod common;

use common::scenario::start;
use common::{psql, revoked, run, sql, versions};
use revoked::domain::account::{Account, AccountName, LinkRule};
use revoked::domain::link;
use revoked::domain::observation::{Cause, Observation};
use revoked::domain::residual::ResidualKind as K;
use revoked::domain::revocation::Kind;
use revoked::domain::verdict::{Judgement, Question, Verdict, judge};
use revoked::target::{Depth, Pace, Target, Wanted};
use revoked::throwaway::Cluster;
use std::collections::BTreeSet;
use std::time::Duration;

/// Beyond what is read of one role.
const MANY: usize = 5_500;

/// `x` owns many large objects; `x` and `z` were granted many others, in the opposite order of their OIDs, so that each
/// path of evidence is cut at other ones; `x` may also create schemas, which `pg_shdepend` has last; `y` has nothing.
fn fatten(cluster: &Cluster) {
    let script = format!(
        "ALTER ROLE x NOLOGIN; CREATE ROLE z;
         SET ROLE x; SELECT pg_catalog.count(pg_catalog.lo_create(0)) FROM pg_catalog.generate_series(1, {MANY});
         RESET ROLE;
         CREATE TABLE made AS SELECT pg_catalog.lo_create(0) AS oid FROM pg_catalog.generate_series(1, {MANY});
         DO $$ DECLARE one oid; BEGIN
             FOR one IN SELECT oid FROM made ORDER BY oid DESC LOOP
                 EXECUTE pg_catalog.format('GRANT SELECT ON LARGE OBJECT %s TO x, z', one);
             END LOOP;
         END $$;
         GRANT CREATE ON DATABASE orders TO x;"
    );
    sql(cluster, "postgres", "orders", &script);
}

async fn look(target: &Target, depth: Depth) -> Observation {
    let names = ["x", "y", "z"].map(str::to_owned).into();
    let look = target.look(&Wanted { names, depth, ..Wanted::default() }).await;
    assert_eq!(look.gaps, [], "one role's findings are a gap of the target");
    look
}

fn judged(look: &Observation, role: &str, kind: Kind, not_required: &BTreeSet<K>) -> Judgement {
    let names = [AccountName { target: None, role: role.to_owned(), rule: LinkRule::Stated }];
    let accounts: Vec<Account> = link::resolve(&[], &names, look, &[]);
    let question = Question {
        kind,
        accounts: &accounts,
        names: &names,
        roles: &[],
        unmapped: &[],
        no_account: false,
        not_required,
        known_as: &[],
        seen: &[],
        gone_since: None,
        rotation: None,
    };
    judge(&question, &[look])
}

fn verdicts(cluster: &Cluster) -> (i32, Vec<String>) {
    let url = cluster.url("agent", "postgres");
    let (code, out, err) = run(revoked().args(["check", "-o", "json", "--target", &url, "x", "y"]));
    let report: serde_json::Value = serde_json::from_str(&out).expect(&err);
    let words = report["subjects"].as_array().unwrap().iter().map(|one| one["verdict"].to_string());
    (code, words.collect())
}

#[tokio::test]
async fn a_role_with_more_than_is_read_is_open_and_nobody_else_is() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let version = cluster.major();
        fatten(&cluster);
        let patient = Pace { deep: Duration::from_secs(600), compare: Duration::from_secs(600) };
        let target =
            Target::from_url("main", &cluster.url("agent", "postgres")).unwrap().pace(patient);
        let none = BTreeSet::new();

        for depth in [Depth::Full, Depth::Due] {
            let look = look(&target, depth).await;
            let fat = judged(&look, "x", Kind::Full, &none);
            assert_eq!(fat.verdict, Verdict::Residual, "PostgreSQL {version}");
            let surfaces: BTreeSet<K> = fat.gaps.iter().map(|gap| gap.surface).collect();
            assert!(surfaces.contains(&K::Ownership) && surfaces.contains(&K::Privilege));
            // This one stands in the access lists alone, which an earlier look may have read.
            assert!(surfaces.contains(&K::DanglingAcl), "PostgreSQL {version}, {depth:?}");
            assert_eq!(look.recalled.contains("orders"), depth == Depth::Due);
            let tampered = look.residual.iter().filter(|found| found.tampered).count();
            assert_eq!(tampered, 0, "PostgreSQL {version}: what was not read is no forgery");
            let clean = judged(&look, "y", Kind::Full, &none);
            assert_eq!((clean.verdict, clean.gaps), (Verdict::Revoked, vec![]), "{depth:?}");
            // What keeps a suspension open is read apart from what there is much of.
            let suspended = judged(&look, "x", Kind::Suspend, &none);
            let gaps = &suspended.gaps;
            assert_eq!(suspended.verdict, Verdict::Revoked, "PostgreSQL {version}: {gaps:?}");
        }
        assert_eq!(verdicts(&cluster), (2, vec!["\"residual\"".into(), "\"revoked\"".into()]));

        // Where what was read may stay, what was not read may be something else.
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE ROLE heir; REVOKE CREATE ON DATABASE orders FROM x; DO $$ DECLARE one oid; BEGIN
             FOR one IN SELECT oid FROM made LOOP
                 EXECUTE pg_catalog.format('REVOKE ALL ON LARGE OBJECT %s FROM x, z', one);
             END LOOP; END $$",
        );
        let owned = BTreeSet::from([K::Ownership]);
        let partly = judged(&look(&target, Depth::Full).await, "x", Kind::Full, &owned);
        assert_eq!(partly.verdict, Verdict::Inconclusive, "PostgreSQL {version}");
        for gap in &partly.gaps {
            assert_eq!((gap.target.as_str(), gap.cause), ("main", Cause::Internal), "{gap:?}");
            assert!(gap.reason.starts_with("x has more than 5000 rows in "), "{gap:?}");
            assert!(gap.fix.contains("revoked plan"), "{gap:?}");
        }
        // One path of evidence is read for all databases at once, the others in each.
        let seen: BTreeSet<Option<&str>> =
            partly.gaps.iter().map(|gap| gap.database.as_deref()).collect();
        assert!(seen.contains(&Some("orders")), "{:?}", partly.gaps);

        sql(&cluster, "postgres", "orders", "REASSIGN OWNED BY x TO heir");
        let gone = look(&target, Depth::Due).await;
        assert_eq!(gone.partly.len(), 0);
        assert_eq!(judged(&gone, "x", Kind::Full, &none).verdict, Verdict::Revoked);
    }
}

/// It acts by itself, and is found however much else there is.
#[tokio::test]
async fn a_subscription_of_a_role_with_more_than_is_read_is_found() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let owned = format!(
            "ALTER ROLE x NOLOGIN; SET ROLE x;
             SELECT pg_catalog.count(pg_catalog.lo_create(0)) FROM pg_catalog.generate_series(1, {MANY});"
        );
        sql(&cluster, "postgres", "orders", &owned);
        let script = "CREATE SUBSCRIPTION feed CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false);
            ALTER ROLE x SUPERUSER; ALTER SUBSCRIPTION feed OWNER TO x; ALTER SUBSCRIPTION feed ENABLE;
            ALTER ROLE x NOSUPERUSER;";
        sql(&cluster, "postgres", "orders", script);
        let target = Target::from_url("main", &cluster.url("agent", "postgres")).unwrap();
        let look = look(&target, Depth::Full).await;
        let suspended = judged(&look, "x", Kind::Suspend, &BTreeSet::new());
        let kinds: Vec<K> = suspended.residual.iter().map(|found| found.kind).collect();
        assert!(kinds.contains(&K::Subscription), "PostgreSQL {}: {kinds:?}", cluster.major());
        assert_eq!(suspended.verdict, Verdict::Residual);
    }
}

#[test]
fn a_plan_that_is_not_whole_says_so_and_the_next_one_ends_it() {
    for binaries in versions() {
        let cluster = start(&binaries);
        fatten(&cluster);
        let url = cluster.url("agent", "postgres");
        for (whole, left) in [(false, "\"residual\""), (true, "\"revoked\"")] {
            let (code, script, err) = run(revoked().args(["plan", "--target", &url, "x"]));
            assert_eq!(code, if whole { 0 } else { 3 }, "{err}");
            let said = "-- NOT SEEN: privilege of target: x has more than 5000 rows in acl_scan";
            assert_eq!(script.contains(said), !whole, "{}", &script[script.len() - 2_000..]);
            let output = psql(&cluster, "postgres", "postgres", &script);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let (_, words) = verdicts(&cluster);
            assert_eq!(words, [left, "\"revoked\""], "PostgreSQL {}", cluster.major());
        }
    }
}
