//! A cluster of the size the figures are promised for: one database of 10,000 tables in 50 schemas, 2,000 roles
//! nested four levels deep with 3,920 memberships, some 220,000 entries of access lists; and 2,000 roles `ex0`
//! to `ex1999` that have nothing, which are those to be tracked.

use crate::common::sql;
use revoked::throwaway::{Binaries, Cluster, Template};
use std::time::Instant;

/// The database.
pub(crate) const DATABASE: &str = "scale";
/// Roles that have nothing, and as many that have much.
pub(crate) const ROLES: usize = 2_000;

/// How the privileges came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `GRANT … ON ALL TABLES IN SCHEMA`: some fifty different lists.
    SchemaWide,
    /// Each table has a list of its own: the worst case.
    AllDifferent,
}

impl Shape {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SchemaWide => "schema-wide grants",
            Self::AllDifferent => "all lists different",
        }
    }

    fn grants(self) -> &'static str {
        match self {
            Self::SchemaWide => {
                "DO $$ BEGIN
                   FOR s IN 0..49 LOOP
                     EXECUTE format('GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA s%s TO %s', s,
                       (SELECT string_agg('r' || (s * 40 + g) % 2000, ', ') FROM generate_series(0, 21) AS g));
                     COMMIT;
                   END LOOP;
                 END $$;"
            }
            Self::AllDifferent => {
                "DO $$ BEGIN
                   FOR s IN 0..49 LOOP
                     FOR t IN 0..199 LOOP
                       EXECUTE format('GRANT SELECT, UPDATE ON s%s.t%s TO %s', s, t,
                         (SELECT string_agg('r' || (s * 200 + t + g * (89 + s)) % 2000, ', ')
                          FROM generate_series(0, 20) AS g));
                       EXECUTE format('GRANT DELETE ON s%s.t%s TO r%s', s, t, (s * 200 + t * 7 + 44) % 2000);
                     END LOOP;
                     COMMIT;
                   END LOOP;
                 END $$;"
            }
        }
    }
}

const CLUSTER: &str = "CREATE ROLE revoked_agent LOGIN;
DO $$ BEGIN
  FOR n IN 0..1999 LOOP EXECUTE format('CREATE ROLE r%s; CREATE ROLE ex%s', n, n); END LOOP;
  FOR n IN 40..1999 LOOP
    EXECUTE format('GRANT r%s, r%s TO r%s',
      CASE WHEN n < 240 THEN n % 40 WHEN n < 740 THEN 40 + n % 200 ELSE 240 + n % 500 END,
      CASE WHEN n < 240 THEN (n + 7) % 40 WHEN n < 740 THEN 40 + (n + 7) % 200 ELSE 240 + (n + 7) % 500 END,
      n);
  END LOOP;
END $$;
CREATE DATABASE scale;";

const TABLES: &str = "DO $$ BEGIN
  FOR s IN 0..49 LOOP
    EXECUTE format('CREATE SCHEMA s%s', s);
    FOR t IN 0..199 LOOP
      EXECUTE format('CREATE TABLE s%s.t%s (id int PRIMARY KEY, a text, b text, c int, d int, e int, f int)', s, t);
    END LOOP;
    COMMIT;
  END LOOP;
END $$;";

/// Builds it: a minute or two.
pub(crate) fn cluster(shape: Shape) -> Cluster {
    let begun = Instant::now();
    // Durability and autovacuum would only add noise; nothing of what is measured writes.
    let settings = ["fsync=off", "synchronous_commit=off", "autovacuum=off", "max_wal_size=4GB"];
    let binaries = Binaries::find().unwrap();
    let cluster = Cluster::start(&Template::create(&binaries).unwrap(), &settings).unwrap();
    sql(&cluster, "postgres", "postgres", CLUSTER);
    sql(&cluster, "postgres", DATABASE, TABLES);
    sql(&cluster, "postgres", DATABASE, shape.grants());
    sql(&cluster, "postgres", DATABASE, "VACUUM ANALYZE");
    let counts = sql(
        &cluster,
        "postgres",
        DATABASE,
        "SELECT sum(cardinality(relacl)) || ' entries in ' || count(*) || ' lists, '
           || (SELECT count(*) FROM (SELECT FROM pg_class WHERE relacl IS NOT NULL GROUP BY relacl) AS d)
           || ' different; ' || (SELECT count(*) FROM pg_auth_members) || ' memberships; '
           || (SELECT count(*) FROM pg_shdepend) || ' dependencies'
         FROM pg_class WHERE relacl IS NOT NULL",
    );
    println!(
        "PostgreSQL {}, {}: {}; built in {:.0} s",
        cluster.major(),
        shape.name(),
        counts.trim(),
        begun.elapsed().as_secs_f64()
    );
    cluster
}
