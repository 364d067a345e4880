//! Sessions of break-glass roles, and whether anybody permitted them.

use super::Reconciler;
use super::exceptions::has_open_glass;
use super::question::names_of;
use crate::audit::record;
use crate::clock;
use crate::config::Config;
use crate::domain::account::AccountName;
use crate::domain::hex::hex;
use crate::domain::observation::Observation;
use crate::domain::residual::Residual;
use crate::domain::time::UtcTime;
use crate::domain::uses::Begun;
use crate::domain::verdict::SESSIONS;
use crate::store::{NewRecord, StoreError, Stored};
use sha2::{Digest, Sha256};
use std::sync::Arc;

impl Reconciler {
    /// Break-glass roles to search for on `target`.
    pub(super) fn glass_of<'a>(
        config: &'a Config,
        target: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let roles = config.exceptions.break_glass_roles.iter();
        roles.filter(move |name| name.applies_to(target)).map(|name| name.role.as_str())
    }

    /// Counts sessions of break-glass roles that no open exception permits, and puts each of them on record once.
    ///
    /// # Errors
    /// When the store does not take it; the next look says it anew.
    pub(super) async fn watch_glass(
        &self,
        look: &Observation,
        watched: &[Arc<Stored>],
    ) -> Result<(), StoreError> {
        let config = self.in_force();
        let roles: Vec<&AccountName> = config
            .exceptions
            .break_glass_roles
            .iter()
            .filter(|name| name.applies_to(&look.target))
            .collect();
        // While nobody answers, what was seen last is what is known.
        if look.server.is_none() {
            return Ok(());
        }
        let now = clock::now();
        let used = unpermitted(look, &roles, watched, &config, now);
        let count = i64::try_from(used.len()).unwrap_or(i64::MAX);
        self.metrics.set_glass(&look.target, (!roles.is_empty()).then_some(count));
        for session in used.iter().filter_map(|found| Begun::of(found, look)) {
            let id = incident_id(&session);
            // It may be on record from an earlier look, or from before a restart.
            if self.journal.store.landed(&id).await?.is_some() {
                continue;
            }
            let body = record::glass_used(&session, look.started_at, now);
            let note = NewRecord { kind: "use_after_effective", body };
            self.journal.store.queue_note(&id, &note, now).await?;
            self.journal.wake();
            let (target, role) = (&look.target, &session.role);
            tracing::warn!(target, role, "a break-glass role is used, and no exception is open");
        }
        Ok(())
    }
}

/// Sessions of `roles` for which no break-glass is open.
fn unpermitted<'a>(
    look: &'a Observation,
    roles: &[&AccountName],
    watched: &[Arc<Stored>],
    config: &Config,
    now: UtcTime,
) -> Vec<&'a Residual> {
    let glass = |found: &&Residual| {
        let role = found.account.role.as_ref();
        SESSIONS.contains(&found.kind) && roles.iter().any(|name| Some(&name.role) == role)
    };
    let permitted = |found: &Residual| {
        watched.iter().filter(|stored| has_open_glass(&stored.life, now)).any(|stored| {
            let linked = |account: &crate::domain::account::Account| {
                account.target == look.target && account.oid == found.account.oid
            };
            // Before its first look nothing is linked yet.
            let named = || {
                names_of(stored, config).iter().any(|name| {
                    name.applies_to(&look.target) && Some(&name.role) == found.account.role.as_ref()
                })
            };
            stored.accounts.iter().any(linked) || named()
        })
    };
    look.residual.iter().filter(glass).filter(|found| !permitted(found)).collect()
}

/// The same for the same session, whenever it is seen.
fn incident_id(begun: &Begun) -> String {
    let mut hash = Sha256::new();
    let cluster = begun.system_identifier.to_string();
    for part in [Some(&cluster), Some(&begun.session), begun.instance.as_ref()] {
        hash.update(part.map_or("", String::as_str));
        hash.update([0]);
    }
    hash.update(begun.oid.0.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    format!("glass_{}", hex(digest.get(..16).unwrap_or_default()))
}
