//! Whether a standby lets in whom the primary lets in. It goes by the roles as it has replayed them, and it may be hours
//! behind: on purpose, paused, or because it is broken.

use super::cluster::Cluster;
use super::rows::{DependencyRow, MembershipRow, PositionRow, ReceiversRow, RoleRow};
use super::session::Session;
use super::share::{Partly, of_each};
use super::statements::{self as sql, Statement};
use super::trouble::Trouble;
use super::{Wanted, memberships};
use crate::domain::observation::{Cause, NotCovered, Server};
use crate::domain::residual::{Residual, ResidualKind as K, Strength as S};
use crate::domain::strength::Known;
use sqlx::postgres::PgArguments;
use std::collections::BTreeSet;
use std::time::Duration;

/// Pauses before a standby is asked again. One that follows is seconds behind at most.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(300),
    Duration::from_millis(500),
    Duration::from_millis(1_000),
];

/// What a server knows of the roles searched for, as far as it decides what they may do there: they and the roles they
/// are members of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// OID, attributes, connection limit, end of validity.
    roles: BTreeSet<(u32, i32, i32, Option<String>)>,
    /// Role, member, grantor, and the options.
    edges: BTreeSet<(u32, u32, u32, [Option<bool>; 3])>,
    /// Role, database, class, object, part of it, and how.
    dependencies: BTreeSet<(u32, u32, u32, u32, i32, String)>,
}

impl Standing {
    pub(super) fn of(
        tracked: &BTreeSet<u32>,
        roles: &[RoleRow],
        edges: &[MembershipRow],
        dependencies: &[DependencyRow],
    ) -> Self {
        let mut reached = tracked.clone();
        let mut new = reached.clone();
        while !new.is_empty() {
            let held = edges.iter().filter(|edge| new.contains(&edge.member.0));
            new = held.map(|edge| edge.role.0).filter(|role| !reached.contains(role)).collect();
            reached.extend(&new);
        }
        let of = |role: &RoleRow| {
            (role.oid.0, role.attributes, role.connection_limit, role.valid_until.clone())
        };
        let by = |edge: &MembershipRow| {
            let options = [Some(edge.admin_option), edge.inherit_option, Some(edge.set_option)];
            (edge.role.0, edge.member.0, edge.grantor.0, options)
        };
        let on = |row: &DependencyRow| {
            let object = (row.class.0, row.object.0, row.sub_object);
            (row.role.0, row.database.0, object.0, object.1, object.2, row.kind.clone())
        };
        Self {
            roles: roles.iter().filter(|role| reached.contains(&role.oid.0)).map(of).collect(),
            edges: edges.iter().filter(|edge| reached.contains(&edge.member.0)).map(by).collect(),
            dependencies: dependencies.iter().map(on).collect(),
        }
    }

    /// Who of `tracked` may log in.
    fn may_log_in(&self, tracked: &BTreeSet<u32>) -> BTreeSet<u32> {
        let login = self.roles.iter().filter(|role| role.1 & RoleRow::LOGIN != 0);
        login.map(|role| role.0).filter(|role| tracked.contains(role)).collect()
    }

    /// In what two servers differ: surfaces, and their names.
    fn differences(&self, other: &Self) -> Vec<(&'static [K], &'static str)> {
        const ROLES: &[K] = &[K::Login, K::Attribute];
        const EDGES: &[K] = &[K::Membership, K::AdminOption];
        const DEPENDENCIES: &[K] = &[K::Ownership, K::Privilege];
        let mut all = Vec::new();
        if self.roles != other.roles {
            all.push((ROLES, "logins and attributes"));
        }
        if self.edges != other.edges {
            all.push((EDGES, "memberships"));
        }
        if self.dependencies != other.dependencies {
            all.push((DEPENDENCIES, "what roles own and may do"));
        }
        all
    }
}

/// Up to where the primary had written when its snapshot was taken; asked only where there are further instances.
pub(super) async fn written(session: &mut Session<'_>, follow: bool) -> Option<i64> {
    let primary = session.observation.server.as_ref().is_some_and(|server| !server.in_recovery);
    if follow && primary { position(session, &sql::WRITTEN).await } else { None }
}

async fn position(session: &mut Session<'_>, statement: &Statement) -> Option<i64> {
    let rows: Option<Vec<PositionRow>> = session.rows(statement, PgArguments::default()).await;
    rows.and_then(|mut rows| rows.pop()).and_then(|row| row.position)
}

/// Compares a standby with the snapshot of its primary. One that has replayed all of it shows what that showed, or
/// something newer. Where it is behind, what it shows decides: if that is the same, it lets nobody else in. Else it is
/// waited for, and then told what it has that the primary has no more.
pub(super) async fn compare(
    session: &mut Session<'_>,
    cluster: &Cluster,
    wanted: &Wanted,
    name: &str,
    this: &Server,
) {
    let primary = session.observation.server.as_ref().filter(|server| !server.in_recovery);
    // Without a primary everything is a gap already, and so it is with two.
    let Some(primary) = primary.filter(|_| this.in_recovery) else { return };
    // Of another timeline the same place says nothing. After a promotion the control file is behind for some time.
    let written = cluster.written.filter(|_| primary.timeline == this.timeline);
    let mut seen = None;
    for pause in std::iter::once(None).chain(PAUSES.map(Some)) {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        session.begin().await;
        let replayed = position(session, &sql::REPLAYED).await;
        if written.is_some_and(|written| replayed.is_some_and(|replayed| replayed >= written)) {
            session.end().await;
            return;
        }
        seen = standing(session, cluster, wanted).await;
        session.end().await;
        if wanted.secrets.is_none() && seen.as_ref() == Some(&cluster.standing) {
            return;
        }
        if session.broken().is_some() {
            return;
        }
    }
    // What could not be read is a gap already.
    let Some(seen) = seen else { return };
    differs(session, cluster, name, &seen);
    if wanted.secrets.is_some() {
        lags(session, name, &[K::Credential], "passwords");
    }
}

/// What the standby knows, in the transaction that is open. Who bears a name there that is searched for may be unknown to the
/// primary by now.
async fn standing(
    session: &mut Session<'_>,
    cluster: &Cluster,
    wanted: &Wanted,
) -> Option<Standing> {
    let roles: Vec<RoleRow> = session.rows(&sql::ROLES, PgArguments::default()).await?;
    let edges = memberships::rows(session, cluster.version_num).await;
    let dependencies =
        of_each(session, cluster, &sql::DEPENDENCIES, &mut Partly::default()).await?;
    let named = roles.iter().filter(|role| wanted.names.contains(&role.name));
    let whose: BTreeSet<u32> =
        named.map(|role| role.oid.0).chain(cluster.tracked.iter().copied()).collect();
    Some(Standing::of(&whose, &roles, &edges, &dependencies))
}

fn differs(session: &mut Session<'_>, cluster: &Cluster, name: &str, seen: &Standing) {
    for (surfaces, what) in cluster.standing.differences(seen) {
        lags(session, name, surfaces, what);
    }
    let here = cluster.standing.may_log_in(&cluster.tracked);
    for role in seen.may_log_in(&cluster.tracked).difference(&here) {
        let mut found =
            Residual::new(K::Login, S::of(K::Login, Known::NOTHING), cluster.account(*role));
        found.instance = Some(name.to_owned());
        found.object = Some(format!("on instance {name}"));
        found.detail =
            Some(format!("on instance {name}, which has not replayed what the primary did"));
        session.observation.residual.push(found.described());
    }
}

fn lags(session: &mut Session<'_>, name: &str, surfaces: &[K], what: &str) {
    let trouble = Trouble {
        cause: Cause::Internal,
        reason: format!(
            "instance {name} is behind the primary, and lets in by what held earlier: {what} may differ there"
        ),
        fix: format!(
            "let instance {name} catch up: see whether it is paused (SELECT pg_catalog.pg_wal_replay_resume(); on \
             it), recovery_min_apply_delay, and its log; or keep clients away from it and end its server"
        ),
    };
    for surface in surfaces {
        session.trouble_at(*surface, &trouble, "replayed");
    }
}

/// Connections that take WAL from the instances that were looked at, and how many of these take WAL.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streams {
    sent: i32,
    received: i32,
}

impl Streams {
    /// Counts those of the server that `session` is connected to, in the transaction that is open.
    pub(super) async fn count(&mut self, session: &mut Session<'_>) {
        let rows: Option<Vec<ReceiversRow>> =
            session.rows(&sql::RECEIVERS, PgArguments::default()).await;
        let Some(row) = rows.and_then(|mut rows| rows.pop()) else { return };
        self.sent += row.sends;
        self.received += i32::from(row.receives);
    }

    /// Says that somebody takes WAL who was not looked at.
    pub(super) fn strangers(self, target: &str) -> Option<NotCovered> {
        strangers(target, self.sent, self.received)
    }
}

fn strangers(target: &str, sent: i32, received: i32) -> Option<NotCovered> {
    let strangers = sent - received;
    let (what, whose) = match strangers {
        ..=0 => return None,
        1 => ("1 more takes".to_owned(), "its"),
        more => (format!("{more} more take"), "their"),
    };
    Some(NotCovered {
        surface: format!("standbys of {target} that are not configured"),
        reason: format!(
            "{what} WAL from it than the instances that were looked at: a standby's sessions, and logins by roles as \
             it has them, are seen only if it stands under instances (a backup that streams takes WAL as well); \
             {whose} server is named in pg_stat_replication"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::types::Oid;

    fn role(oid: u32, attributes: i32) -> RoleRow {
        RoleRow {
            oid: Oid(oid),
            name: oid.to_string(),
            attributes,
            connection_limit: -1,
            valid_until: None,
            expired: None,
        }
    }

    fn edge(role: u32, member: u32) -> MembershipRow {
        MembershipRow {
            role: Oid(role),
            member: Oid(member),
            grantor: Oid(10),
            admin_option: false,
            inherit_option: None,
            set_option: true,
        }
    }

    /// Roles 7, which is searched for, 8 and 9, of which it is a member, and 6, which is nobody's matter.
    fn standing(login: i32, edges: &[MembershipRow], other: i32) -> Standing {
        let roles = [role(7, login), role(8, 0), role(9, 0), role(6, other)];
        Standing::of(&[7].into(), &roles, edges, &[])
    }

    #[test]
    fn what_decides_what_a_role_may_do_is_compared_and_nothing_else() {
        let edges = [edge(8, 7), edge(9, 8), edge(6, 5)];
        let here = standing(0, &edges, 0);
        assert_eq!(here, standing(0, &[edge(8, 7), edge(9, 8)], RoleRow::LOGIN));
        assert!(here.differences(&standing(0, &edges, 1)).is_empty());
        let names = |there: &Standing| -> Vec<&str> {
            here.differences(there).into_iter().map(|(_, name)| name).collect()
        };
        assert_eq!(names(&standing(RoleRow::LOGIN, &edges, 0)), ["logins and attributes"]);
        // The second step of its way.
        let there = standing(0, &[edge(8, 7)], 0);
        assert_eq!(names(&there), ["logins and attributes", "memberships"]);
        let may = standing(RoleRow::LOGIN, &edges, RoleRow::LOGIN).may_log_in(&[7].into());
        assert_eq!(may, [7].into());
    }

    #[test]
    fn only_more_receivers_than_were_looked_at_are_strangers() {
        assert_eq!(strangers("main", 0, 0), None);
        assert_eq!(strangers("main", 1, 1), None);
        assert_eq!(strangers("main", 0, 1), None);
        assert!(strangers("main", 2, 1).unwrap().reason.starts_with("1 more takes WAL"));
        assert!(strangers("main", 2, 0).unwrap().reason.starts_with("2 more take WAL"));
    }
}
