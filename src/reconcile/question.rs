//! What is asked of the looks for one revocation, and which looks answer.

use super::Reconciler;
use crate::clock;
use crate::config::Config;
use crate::domain::account::AccountName;
use crate::domain::hex::hex;
use crate::domain::observation::{Cause, Gap, Observation};
use crate::domain::residual::ResidualKind;
use crate::domain::subject::Called;
use crate::domain::time::UtcTime;
use crate::store::{StoreError, Stored};
use crate::target::Secrets;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Reconciler {
    /// Whose passwords a look at `target` has to tell apart: those of rotations.
    pub(super) async fn secrets(
        &self,
        target: &str,
        watched: &[Arc<Stored>],
    ) -> Result<Option<Secrets>, StoreError> {
        let config = self.in_force();
        let (mut names, mut oids) = (BTreeSet::new(), BTreeSet::new());
        for stored in watched.iter().filter(|stored| stored.revocation.kind.is_about_a_secret()) {
            let theirs = names_of(stored, &config);
            names.extend(theirs.into_iter().filter(|n| n.applies_to(target)).map(|n| n.role));
            let linked = stored.accounts.iter().filter(|account| account.target == target);
            oids.extend(linked.map(|account| account.oid));
        }
        if names.is_empty() && oids.is_empty() {
            return Ok(None);
        }
        let salt = self.salt.get_or_try_init(|| async {
            let fresh = clock::random::<32>().map_err(|error| {
                StoreError::Held(format!("a salt for digests of passwords cannot be made: {error}"))
            })?;
            let salt = self.journal.store.meta_once("credential_salt", &hex(&fresh)).await?;
            Ok::<_, StoreError>(SecretString::from(salt))
        });
        Ok(Some(Secrets { salt: salt.await?.clone(), names, oids }))
    }

    /// The newest look at each target of a revocation; `None` while one of them has not been looked at for
    /// it yet.
    pub(super) fn looks_for(
        &self,
        stored: &Stored,
        config: &Config,
    ) -> Option<Vec<Arc<Observation>>> {
        let names = names_of(stored, config);
        targets_of(stored, &names, config)
            .into_iter()
            .map(|target| {
                if config.target(target).is_none() {
                    return Some(Arc::new(removed(target)));
                }
                let look = self.board.newest(target)?;
                let searched = names
                    .iter()
                    .filter(|name| name.applies_to(target))
                    .all(|name| look.searched.contains(&name.role));
                // A look begun before the notice came says nothing about what was expected then, nor one begun before
                // an attempt with the old secret was attested.
                // One that came before the clock was set back must not wait for the clock, though.
                // One that asked other probes than are configured now waits for the next.
                let probes = config.target(target).map(|target| &target.probes);
                let same = probes.is_none_or(|probes| {
                    let now = probes.iter().map(|probe| &probe.declared);
                    now.eq(look.probing.declared.iter())
                });
                (searched && is_since(stored, &look) && same).then_some(look)
            })
            .collect()
    }
}

/// Whether a look began after what it is judged by was told; also where the clock was set back since.
pub(super) fn is_since(stored: &Stored, look: &Observation) -> bool {
    let told = told_at(stored);
    look.started_at >= told || told > clock::now()
}

/// When the newest of what it is judged by was told: the notice, or an attempt with an old secret.
fn told_at(stored: &Stored) -> UtcTime {
    let probes = stored.life.credentials.iter().flat_map(|held| &held.standing.probes);
    probes.map(|probe| probe.at).fold(stored.revocation.received_at, UtcTime::max)
}

/// The targets whose looks answer for a revocation that searches for `names`.
pub(super) fn targets_of<'a>(
    stored: &'a Stored,
    names: &'a [AccountName],
    config: &'a Config,
) -> BTreeSet<&'a str> {
    let mut targets: BTreeSet<&str> =
        stored.accounts.iter().map(|account| account.target.as_str()).collect();
    for target in &config.targets {
        // Where there is no name to search for, that there is none is asked of every target.
        if names.is_empty() || names.iter().any(|name| name.applies_to(&target.name)) {
            targets.insert(&target.name);
        }
    }
    targets.extend(names.iter().filter_map(|name| name.target.as_deref()));
    targets
}

/// What to search for: the notices' names, and what the configuration says of the subject now.
pub(crate) fn names_of(stored: &Stored, config: &Config) -> Vec<AccountName> {
    config.subjects.names_of(&stored.revocation)
}

/// Roles that must be gone: those named, those that give the permissions named, and the permissions of which
/// nobody said which roles give them.
pub(crate) fn roles_of(stored: &Stored, config: &Config) -> (Vec<String>, Vec<String>) {
    let (mut roles, mut unmapped) = (stored.revocation.roles.clone(), Vec::new());
    for permission in &stored.revocation.permissions {
        match config.permissions.get(permission) {
            Some(giving) if !giving.is_empty() => roles.extend(giving.iter().cloned()),
            // A probe that is switched off shows nothing.
            _ if config.probes_show(permission)
                && !config.not_required.contains(&ResidualKind::Probe) => {}
            _ => unmapped.push(permission.clone()),
        }
    }
    roles.sort();
    roles.dedup();
    (roles, unmapped)
}

/// Somebody said that the subject has no account: a second person, or a mapping that is complete, where no
/// notice named one.
pub(crate) fn has_no_account(stored: &Stored, config: &Config) -> bool {
    let asked = &stored.revocation;
    let named = asked.accounts.iter().any(|name| !name.suggested());
    let none = |called: &Called<'_>| config.subjects.knows_of_none(called);
    let by_no_name = none(&asked.called()) && asked.otherwise_called().all(|called| none(&called));
    asked.no_account || (!named && by_no_name)
}

/// What is known of a target that the configuration no longer has: nothing.
fn removed(target: &str) -> Observation {
    let mut look = Observation::begun(target, clock::now());
    look.gaps.push(Gap {
        surface: ResidualKind::Login,
        target: target.to_owned(),
        database: None,
        reason: "the configuration no longer has this target".to_owned(),
        fix: format!("put targets.{target} back into the configuration"),
        cause: Cause::Internal,
    });
    look
}
