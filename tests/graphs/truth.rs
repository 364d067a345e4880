//! What the server says of a batch.

use super::claim::Claim;
use super::compare::Difference;
use super::rows::{Row, Rows};
use super::script::DATABASES;
use super::stage::{Stage, run};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow, SqlSafeStr as _};
use std::collections::{BTreeMap, BTreeSet};

/// A role as it is now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Role {
    pub(crate) tag: String,
    /// `None` when it is gone.
    pub(crate) name: Option<String>,
    pub(crate) superuser: bool,
    pub(crate) creates_roles: bool,
}

/// A privilege that a role has and PUBLIC has not.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct Held {
    pub(crate) role: i64,
    pub(crate) database: String,
    pub(crate) class: String,
    pub(crate) object: String,
    pub(crate) sub: String,
    pub(crate) privilege: String,
    pub(crate) option: bool,
}

/// What `pg_has_role` says of two roles.
#[derive(Clone, Debug, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "pg_has_role has that many questions")]
pub(crate) struct Reaches {
    /// Where it was asked: who owns the database is `pg_database_owner` in it.
    pub(crate) database: String,
    pub(crate) role: i64,
    pub(crate) held: String,
    pub(crate) held_oid: i64,
    pub(crate) usage: bool,
    pub(crate) set: bool,
    pub(crate) member: bool,
    pub(crate) admin: bool,
}

/// Something that was tried as a role, with its SQLSTATE and that of a role that has nothing.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Act {
    pub(crate) role: i64,
    pub(crate) database: String,
    pub(crate) class: String,
    pub(crate) object: String,
    pub(crate) privilege: String,
    pub(crate) statement: String,
    pub(crate) code: String,
    pub(crate) nobodys_code: String,
}

/// `SET ROLE` and `GRANT` of another role, tried as a role.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Take {
    pub(crate) role: i64,
    pub(crate) held: String,
    #[sqlx(rename = "take")]
    pub(crate) taken: String,
    #[sqlx(rename = "give")]
    pub(crate) given: String,
}

/// All that the oracles say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) major: u32,
    pub(crate) roles: BTreeMap<i64, Role>,
    /// Those that are there, by name.
    pub(crate) oids: BTreeMap<String, i64>,
    /// From the catalogs.
    pub(crate) claims: BTreeSet<Claim>,
    pub(crate) held: Vec<Held>,
    pub(crate) reaches: Vec<Reaches>,
    pub(crate) rows: Rows,
    /// SQLSTATE of dropping each role.
    pub(crate) drops: BTreeMap<i64, String>,
    /// Objects whose owner column names the role: catalog and how many.
    pub(crate) owns: Vec<(i64, String, i64)>,
    /// Those who stand in an access list as grantor, or granted a membership.
    pub(crate) grantors: BTreeSet<i64>,
    pub(crate) acts: Vec<Act>,
    pub(crate) takes: Vec<Take>,
    /// Whether those who were tried could log in.
    pub(crate) logins: BTreeMap<i64, bool>,
}

/// Graphs of a batch whose roles are really acted as.
const ACTED: usize = 3;
/// Roles of a batch that really try to log in, of those that may and of those that may not.
const LOGINS: usize = 2;

/// Leaves in what this version understands: `/*15 … 15*/` is for 15 and later.
pub(super) fn for_version(text: &str, major: u32) -> String {
    let mut text = text.to_owned();
    for since in 14..=major {
        text = text.replace(&format!("/*{since}"), "").replace(&format!("{since}*/"), "");
    }
    text
}

async fn ask<T>(connection: &mut PgConnection, text: &str, tags: Option<&[String]>) -> Vec<T>
where
    T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let mut query = sqlx::query_as(AssertSqlSafe(text.to_owned()).into_sql_str());
    if let Some(tags) = tags {
        query = query.bind(tags.to_vec());
    }
    query.fetch_all(connection).await.unwrap()
}

impl Stage {
    /// Asks every oracle.
    pub(crate) async fn truth(&self, tags: &[String]) -> Truth {
        let mut truth = Truth { major: self.major(), ..Truth::default() };
        for (number, database) in DATABASES.into_iter().enumerate() {
            let mut connection = self.connect(database).await;
            if number == 0 {
                self.shared(&mut connection, &mut truth).await;
            }
            self.one_database(&mut connection, &mut truth).await;
            let acted = &tags[tags.len() - ACTED.min(tags.len())..];
            self.act(&mut connection, acted, number == 0, &mut truth).await;
        }
        self.log_in(&mut truth);
        truth
    }

    async fn shared(&self, connection: &mut PgConnection, truth: &mut Truth) {
        let now: Vec<(i64, String, bool, bool)> = ask(
            connection,
            "SELECT oid::int8, rolname::text, rolsuper, rolcreaterole FROM pg_authid",
            None,
        )
        .await;
        for made in &self.made {
            let found = now.iter().find(|(oid, ..)| *oid == made.oid);
            let role = Role {
                tag: made.tag.clone(),
                name: found.map(|row| row.1.clone()),
                superuser: found.is_some_and(|row| row.2),
                creates_roles: found.is_some_and(|row| row.3),
            };
            truth.oids.extend(role.name.clone().map(|name| (name, made.oid)));
            truth.roles.insert(made.oid, role);
        }
        let cluster = for_version(include_str!("sql/cluster.sql"), truth.major);
        let claims: Vec<Claim> = ask(connection, &cluster, None).await;
        truth.claims.extend(claims);
        let hops = for_version(include_str!("sql/hops.sql"), truth.major);
        truth.rows.all = ask::<Row>(connection, &hops, None).await.into_iter().collect();
        let powers = include_str!("sql/powers.sql");
        truth.rows.attributes = ask(connection, powers, None).await.into_iter().collect();
        let databases = "SELECT datname::text, pg_get_userbyid(datdba)::text FROM pg_database";
        truth.rows.databases = ask(connection, databases, None).await.into_iter().collect();
        if truth.major < 16 {
            let reserved = "SELECT rolname::text FROM pg_authid WHERE NOT rolinherit";
            let reserved: Vec<(String,)> = ask(connection, reserved, None).await;
            truth.rows.reserved = reserved.into_iter().map(|(name,)| name).collect();
        }
        let drops = "SELECT r.oid::int8, oracle.try_drop(r.rolname::text) \
                     FROM pg_roles r JOIN oracle.roles USING (oid)";
        truth.drops = ask(connection, drops, None).await.into_iter().collect();
    }

    async fn one_database(&self, connection: &mut PgConnection, truth: &mut Truth) {
        let versioned = |text| for_version(text, truth.major);
        let local = versioned(include_str!("sql/local.sql"));
        let held = versioned(include_str!("sql/held.sql"));
        let reaches = versioned(include_str!("sql/reaches.sql"));
        let claims: Vec<Claim> = ask(connection, &local, None).await;
        truth.claims.extend(claims);
        truth.held.extend(ask::<Held>(connection, &held, None).await);
        truth.reaches.extend(ask::<Reaches>(connection, &reaches, None).await);
        let grantors = "SELECT DISTINCT x.grantor::int8 FROM oracle.lists, aclexplode(list) x \
                        WHERE list IS NOT NULL UNION SELECT grantor::int8 FROM pg_auth_members";
        let grantors: Vec<(i64,)> = ask(connection, grantors, None).await;
        truth.grantors.extend(grantors.into_iter().map(|(oid,)| oid));
        let owners = "SELECT owner::int8, catalog, objects FROM oracle.owners()";
        truth.owns.extend(ask::<(i64, String, i64)>(connection, owners, None).await);
    }

    async fn act(
        &self,
        connection: &mut PgConnection,
        tags: &[String],
        first: bool,
        truth: &mut Truth,
    ) {
        // Everybody may enter the schemas and take the roles' names into the mouth; undone at the end.
        run(
            connection,
            "BEGIN; DO $$ DECLARE s text; BEGIN \
             FOR s IN SELECT nspname FROM pg_namespace WHERE oracle.tag(nspname) IS NOT NULL AND nspname !~ 'waiting' \
             LOOP EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', s); END LOOP; END $$",
        )
        .await;
        let acts = for_version(include_str!("sql/acts.sql"), truth.major);
        truth.acts.extend(ask::<Act>(connection, &acts, Some(tags)).await);
        if first {
            let takes = include_str!("sql/takes.sql");
            truth.takes.extend(ask::<Take>(connection, takes, Some(tags)).await);
        }
        run(connection, "ROLLBACK").await;
    }

    fn log_in(&self, truth: &mut Truth) {
        let listed: BTreeSet<i64> =
            truth.claims.iter().filter(|c| c.kind == "login").map(|c| c.role).collect();
        let there = self.made.iter().filter_map(|made| {
            let name = truth.roles.get(&made.oid)?.name.clone()?;
            Some((made.oid, name))
        });
        let (may, may_not): (Vec<_>, Vec<_>) = there.partition(|(oid, _)| listed.contains(oid));
        truth.logins = may
            .iter()
            .take(LOGINS)
            .chain(may_not.iter().take(LOGINS))
            .map(|(oid, name)| (*oid, self.logs_in(name)))
            .collect();
    }
}

impl Truth {
    /// Name of a role as it was last known.
    pub(crate) fn name(&self, role: i64) -> &str {
        self.roles.get(&role).and_then(|role| role.name.as_deref()).unwrap_or("a dropped role")
    }

    /// The role of that name.
    pub(crate) fn oid(&self, name: &str) -> Option<i64> {
        self.oids.get(name).copied()
    }

    pub(crate) fn told(&self, difference: &Difference) -> String {
        match difference.role {
            Some(role) => format!("{} (OID {role}): {}", self.name(role), difference.what),
            None => difference.what.clone(),
        }
    }

    /// Everything said of a role, for people.
    pub(crate) fn of(&self, role: i64) -> Vec<String> {
        let mut lines =
            vec![format!("{:?}, drop {:?}", self.roles.get(&role), self.drops.get(&role))];
        lines.extend(self.claims.iter().filter(|c| c.role == role).map(|c| format!("{c:?}")));
        lines.extend(self.held.iter().filter(|h| h.role == role).map(|h| format!("{h:?}")));
        lines.extend(self.reaches.iter().filter(|r| r.role == role).map(|r| format!("{r:?}")));
        lines.extend(self.owns.iter().filter(|o| o.0 == role).map(|o| format!("{o:?}")));
        lines
    }
}
