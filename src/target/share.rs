//! Each role's share of the rows. A role of which there is very much is read up to a limit of its own: the rest is
//! open for that role, and for nobody else.

use super::cluster::Cluster;
use super::rows::{AclScanRow, DependencyRow, OwnedRow, PolicyRow};
use super::session::Session;
use super::statements::{SHARE, Statement};
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Cause, Gap, Observation};
use crate::domain::residual::ResidualKind;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::Oid;
use std::collections::{BTreeMap, BTreeSet};

/// Roles of which more is there than was read, with what that leaves open.
#[derive(Clone, Debug, Default)]
pub(super) struct Partly(BTreeMap<RoleOid, Vec<Gap>>);

impl Partly {
    /// Who they are.
    pub(super) fn roles(&self) -> BTreeSet<u32> {
        self.0.keys().map(|role| role.0).collect()
    }

    /// Forgets all but these roles.
    pub(super) fn retain(&mut self, tracked: &BTreeSet<u32>) {
        self.0.retain(|role, _| tracked.contains(&role.0));
    }

    /// Writes it into the look.
    pub(super) fn tell(self, observation: &mut Observation) {
        for (role, gaps) in self.0 {
            observation.partly.entry(role).or_default().extend(gaps);
        }
    }

    fn note(&mut self, session: &Session<'_>, cluster: &Cluster, statement: &Statement, role: u32) {
        let name = cluster.role_name(role).map_or_else(|| format!("OID {role}"), str::to_owned);
        // Who owns subscriptions is read by itself as well.
        let surfaces =
            statement.surfaces.iter().filter(|surface| **surface != ResidualKind::Subscription);
        let gaps = surfaces.map(|surface| Gap {
            surface: *surface,
            target: session.observation.target.clone(),
            database: Some(session.database().to_owned()),
            reason: format!(
                "{name} has more than {SHARE} rows in {}; no more are read of one role",
                statement.name
            ),
            fix: "remove what is listed (revoked plan), then look again".to_owned(),
            cause: Cause::Internal,
        });
        self.0.entry(RoleOid(role)).or_default().extend(gaps);
    }
}

/// A row about one tracked role, or about nobody.
pub(super) trait OfRole {
    /// Whom it is about.
    fn role(&self) -> Option<Oid>;
}

impl OfRole for DependencyRow {
    fn role(&self) -> Option<Oid> {
        Some(self.role)
    }
}

impl OfRole for OwnedRow {
    fn role(&self) -> Option<Oid> {
        Some(self.role)
    }
}

impl OfRole for PolicyRow {
    fn role(&self) -> Option<Oid> {
        Some(self.role)
    }
}

impl OfRole for AclScanRow {
    fn role(&self) -> Option<Oid> {
        self.role
    }
}

/// Runs a statement whose parameters are the tracked OIDs and how many rows it may give of each. Of whom there is
/// more is noted in `partly`.
pub(super) async fn of_each<T>(
    session: &mut Session<'_>,
    cluster: &Cluster,
    statement: &Statement,
    partly: &mut Partly,
) -> Option<Vec<T>>
where
    T: OfRole + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let mut arguments = PgArguments::default();
    // One more than its share tells that there is more.
    let bound = arguments.add(cluster.tracked_oids()).and_then(|()| arguments.add(SHARE + 1));
    if bound.is_err() {
        session.gap(statement, Cause::Internal, "the OIDs could not be bound");
        return None;
    }
    let rows: Vec<T> = session.rows(statement, arguments).await?;
    for role in beyond(rows.iter().filter_map(OfRole::role)) {
        partly.note(session, cluster, statement, role);
    }
    Some(rows)
}

/// The roles that stand more often among those of the rows than one may.
fn beyond(of_rows: impl Iterator<Item = Oid>) -> Vec<u32> {
    let mut counts: BTreeMap<u32, i64> = BTreeMap::new();
    for role in of_rows {
        *counts.entry(role.0).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > SHARE).map(|(role, _)| role).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UtcTime;

    impl Partly {
        /// Of each of `roles` more privileges than were read.
        pub(in crate::target) fn of(database: &str, roles: &[u32]) -> Self {
            let gap = |role: &u32| Gap {
                surface: ResidualKind::Privilege,
                target: "main".to_owned(),
                database: Some(database.to_owned()),
                reason: role.to_string(),
                fix: String::new(),
                cause: Cause::Internal,
            };
            Self(roles.iter().map(|role| (RoleOid(*role), vec![gap(role)])).collect())
        }
    }

    #[test]
    fn a_role_with_exactly_its_share_was_read_whole() {
        let share = usize::try_from(SHARE).unwrap();
        let rows = |role, count| std::iter::repeat_n(Oid(role), count);
        let all = rows(1, share).chain(rows(2, share + 1)).chain(rows(3, 1)).chain(rows(4, share));
        assert_eq!(beyond(all), [2]);
        // What others have does not count.
        assert_eq!(beyond(rows(1, share).chain(rows(3, 1))), [0; 0]);
    }

    /// What an earlier look noted comes in beside what this one noted of the same role, and in no other's place.
    #[test]
    fn what_is_told_is_added_and_only_of_those_who_are_asked_about() {
        let mut observation = Observation::begun("main", UtcTime::from_micros(0).unwrap());
        let mut recalled = Partly::of("recalled", &[7, 8, 9]);
        recalled.retain(&[7, 9, 10].into());
        assert_eq!(recalled.roles(), [7, 9].into());
        recalled.tell(&mut observation);
        Partly::of("read", &[9, 11]).tell(&mut observation);
        let told = |role| {
            let gaps = observation.partly.get(&RoleOid(role)).into_iter().flatten();
            gaps.map(|gap| format!("{} {}", gap.database.as_deref().unwrap(), gap.reason)).collect()
        };
        let of: [Vec<String>; 5] = [7, 8, 9, 10, 11].map(told);
        assert_eq!(of[0], ["recalled 7"]);
        assert_eq!(of[2], ["recalled 9", "read 9"]);
        assert_eq!(of[4], ["read 11"]);
        assert_eq!((of[1].len(), of[3].len()), (0, 0));
    }
}
