//! Whether passwords change: digests of verifiers, where the agent may read them.

use super::Wanted;
use super::session::Session;
use super::statements::{CREDENTIAL_TERMS, CREDENTIALS};
use crate::domain::credential::{Seen, Verifier};
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Cause, RosterRole};
use crate::domain::time::UtcTime;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::Oid;
use std::collections::{BTreeMap, BTreeSet};

/// Whose passwords are asked about.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// What the digests are salted with: the same at each look, and never shown.
    pub salt: SecretString,
    /// Role names.
    pub names: BTreeSet<String>,
    /// Roles known by OID.
    pub oids: BTreeSet<RoleOid>,
}

#[derive(Debug, sqlx::FromRow)]
struct TermsRow {
    role: Oid,
    expires_us: Option<i64>,
    readable: bool,
}

#[derive(Debug, sqlx::FromRow)]
struct DigestRow {
    role: Oid,
    digest: Option<String>,
}

/// Reads what is asked about, in the snapshot of the roles. What may not be read is no gap here: it matters to
/// rotations alone, and can be made up for.
pub(super) async fn read(session: &mut Session<'_>, wanted: &Wanted) {
    let Some(secrets) = &wanted.secrets else { return };
    let asked =
        |role: &&RosterRole| secrets.oids.contains(&role.oid) || secrets.names.contains(&role.name);
    let roster = session.observation.roster.iter();
    let roles: Vec<Oid> = roster.filter(asked).map(|role| Oid(role.oid.0)).collect();
    if roles.is_empty() {
        return;
    }
    let mut arguments = PgArguments::default();
    if arguments.add(&roles).is_err() {
        session.gap(&CREDENTIAL_TERMS, Cause::Internal, "the OIDs could not be bound");
        return;
    }
    let terms: Option<Vec<TermsRow>> = session.rows(&CREDENTIAL_TERMS, arguments).await;
    let Some(terms) = terms else { return };
    let digests = if terms.iter().any(|row| row.readable) {
        let Some(digests) = digests(session, secrets, &roles).await else { return };
        Some(digests)
    } else {
        None
    };
    let seen = terms.into_iter().map(|row| Seen {
        oid: RoleOid(row.role.0),
        verifier: match &digests {
            None => Verifier::Unread,
            Some(digests) => {
                digests.get(&row.role.0).cloned().map_or(Verifier::Absent, Verifier::Digest)
            }
        },
        expires_at: row.expires_us.and_then(UtcTime::from_micros),
    });
    session.observation.credentials.extend(seen);
}

/// The digest of each role that has a password.
async fn digests(
    session: &mut Session<'_>,
    secrets: &Secrets,
    roles: &[Oid],
) -> Option<BTreeMap<u32, String>> {
    let mut arguments = PgArguments::default();
    if arguments.add(roles).is_err() || arguments.add(secrets.salt.expose_secret()).is_err() {
        session.gap(&CREDENTIALS, Cause::Internal, "the OIDs could not be bound");
        return None;
    }
    let rows: Vec<DigestRow> = session.rows(&CREDENTIALS, arguments).await?;
    Some(rows.into_iter().filter_map(|row| Some((row.role.0, row.digest?))).collect())
}
