//! The role that `initdb` made: the server itself needs what it is and owns.

use super::{Note, Setting};
use crate::domain::ids::RoleOid;
use crate::domain::residual::{Residual, ResidualKind as K};
use std::collections::BTreeMap;

/// OID of the bootstrap superuser on every server (`BOOTSTRAP_SUPERUSERID` of `pg_authid.dat`).
pub const BOOTSTRAP: RoleOid = RoleOid(10);

/// What the server needs of this role.
const STUCK: &[K] =
    &[K::Attribute, K::Ownership, K::Privilege, K::Subscription, K::DefaultPrivilege];

/// What SQL can take away, and in words what it cannot: the server refuses NOSUPERUSER (from 16 on) and
/// REASSIGN OWNED for this role, and its privileges come with ownership of the catalogs.
pub(super) fn apart(residual: &[Residual], setting: &Setting) -> (Vec<Residual>, Vec<Note>) {
    let mut notes = Vec::new();
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let mut stuck = Vec::new();
    let mut removable = Vec::new();
    for found in residual {
        if found.account.oid != BOOTSTRAP {
            removable.push(found.clone());
            continue;
        }
        if STUCK.contains(&found.kind) {
            let place = found.database.as_deref().unwrap_or("the whole cluster");
            *left.entry(place.to_owned()).or_default() += 1;
            stuck.push(found.identity());
        } else if found.kind == K::Login && !somebody_else(found, setting) {
            notes.push(Note {
                about: vec![found.identity()],
                text: format!(
                    "{} is the only superuser: make another one before you take its login away",
                    found.account
                ),
            });
        } else {
            removable.push(found.clone());
        }
    }
    if let Some(found) = residual.iter().find(|found| found.account.oid == BOOTSTRAP) {
        let counts: Vec<_> =
            left.iter().map(|(place, count)| format!("{count} in {place}")).collect();
        let counts =
            if counts.is_empty() { "nothing was read".to_owned() } else { counts.join(", ") };
        let text = format!(
            "{} is the bootstrap superuser (OID 10). Its powers cannot be removed with GRANT or REVOKE: the \
             server needs the role, its attributes and what it owns ({counts}). Change its password, keep it out \
             in pg_hba.conf, and let people use roles of their own",
            found.account,
        );
        notes.push(Note { about: stuck, text });
    }
    (removable, notes)
}

/// Whether a superuser is left who can give the login back.
fn somebody_else(found: &Residual, setting: &Setting) -> bool {
    setting.superusers.iter().any(|name| Some(name) != found.account.role.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::plan;
    use crate::domain::residual::{AccountRef, Strength};

    fn of(oid: u32, kind: K) -> Residual {
        let account = AccountRef {
            target: "main".to_owned(),
            oid: RoleOid(oid),
            role: Some("postgres".to_owned()),
        };
        let mut found = Residual::new(kind, Strength::CanRegain, account);
        found.database = Some("orders".to_owned());
        found.class = Some("pg_class".to_owned());
        found.object = Some("pg_catalog.pg_class".to_owned());
        found.described()
    }

    #[test]
    fn what_initdb_made_is_one_note_and_not_a_script() {
        let mut residual = vec![of(10, K::Login), of(10, K::Attribute)];
        residual.extend((0..1_000).map(|_| of(10, K::Ownership)));
        let alone = plan(&residual, &Setting::default());
        assert_eq!((alone.steps.len(), alone.by_hand.len()), (0, 2));
        assert!(alone.by_hand.iter().any(|note| note.text.contains("1001 in orders")), "{alone:?}");

        let superusers = ["postgres".to_owned(), "boss".to_owned()].into();
        let with_boss = plan(&residual, &Setting { superusers, ..Setting::default() });
        let sql: Vec<_> = with_boss.steps.iter().flat_map(|placed| placed.step.sql()).collect();
        assert_eq!(sql.first().map(String::as_str), Some("ALTER ROLE \"postgres\" NOLOGIN;"));
        assert!(sql.iter().skip(1).all(|line| line.contains("pg_terminate_backend")), "{sql:?}");
    }

    #[test]
    fn everybody_else_is_planned_for() {
        assert!(plan(&[of(16_384, K::Ownership)], &Setting::default()).by_hand.len() == 1);
    }
}
