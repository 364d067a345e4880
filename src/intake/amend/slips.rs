//! Names that are a slip of the pen, and roles that are nobody's.

use super::{Amendment, unchanged};
use crate::audit::record::{self, About, Parted};
use crate::config::Config;
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::lineage::Unlinked;
use crate::domain::observation::Observation;
use crate::domain::plan::bootstrap::BOOTSTRAP;
use crate::domain::time::UtcTime;
use crate::intake::submission::{account_name, account_names, wrong};
use crate::intake::{Intake, IntakeError};
use crate::store::{Move, NewRecord, Stored};
use std::sync::Arc;

impl Intake {
    /// The role that is to be unlinked, where no target has or had it: taking it back takes nothing away.
    pub(super) async fn never_seen(
        &self,
        amendment: &Amendment,
    ) -> Result<Option<AccountName>, IntakeError> {
        let Some(unlink) = &amendment.unlink else { return Ok(None) };
        let config = self.config.current();
        let named = account_name(&unlink.account);
        let known = |target: &str| config.target(target).is_some();
        // A role may have a slash in its name.
        let named = match &named.target {
            Some(target) if !known(target) => {
                AccountName { target: None, role: unlink.account.clone(), rule: named.rule }
            }
            _ => named,
        };
        if !self.journal.store.roles_called(&named.role).await?.is_empty() {
            return Ok(None);
        }
        let targets = config.targets.iter().map(|target| target.name.as_str());
        let mut looks =
            targets.filter(|name| named.applies_to(name)).map(|name| self.board.newest(name));
        let lacks = |look: Option<Arc<Observation>>| {
            look.is_some_and(|look| {
                look.roles_read() && look.roster.iter().all(|role| role.name != named.role)
            })
        };
        Ok(looks.all(lacks).then_some(named))
    }

    /// Nobody's access ends with the role that a cluster was made with, or with the one by which it is looked at.
    pub(super) fn may_be_theirs(
        &self,
        stored: &Stored,
        amendment: &Amendment,
        config: &Config,
    ) -> Result<(), IntakeError> {
        if stored.revocation.kind.is_about_a_secret() {
            return Ok(());
        }
        let (linked, named) = (amendment.linked()?, account_names(amendment.account.as_ref())?);
        for (field, name) in linked
            .iter()
            .map(|name| ("/link", name))
            .chain(named.iter().map(|name| ("/account", name)))
        {
            for target in config.targets.iter().filter(|target| name.applies_to(&target.name)) {
                let Some(look) = self.board.newest(&target.name) else { continue };
                let why = |what: &str| {
                    let (role, target) = (&name.role, &target.name);
                    wrong(field, format!("{role} on {target} is {what}; it is no person's role"))
                };
                let bootstrap =
                    look.roster.iter().any(|role| role.name == name.role && role.oid == BOOTSTRAP);
                if bootstrap {
                    return Err(
                        why("the bootstrap superuser (OID 10), which the server needs").into()
                    );
                }
                let own = look.server.as_ref().map(|server| server.agent_role.as_str());
                if own == Some(name.role.as_str()) {
                    return Err(why("the role that looks there: without it nothing is seen").into());
                }
            }
        }
        Ok(())
    }
}

/// The move by which `name`, which no target ever had, is named no more; `None`: nobody named it.
pub(super) fn forgotten(
    stored: &Stored,
    name: &AccountName,
    by: &str,
    now: UtcTime,
) -> Option<Move> {
    let is = |known: &AccountName| {
        known.role == name.role && (name.target.is_none() || known.target == name.target)
    };
    let linked = stored.accounts.iter().any(|one| one.called().any(|called| *called == name.role));
    let named = stored.revocation.accounts.iter().any(|known| is(known) && !known.suggested());
    if linked || !named {
        return None;
    }
    let mut step = unchanged(stored, now);
    let left = &mut step.revocation.accounts;
    if stored.revocation.kind.is_about_a_secret() {
        // All that fits it is judged, and nothing asked about.
        left.retain(|known| !is(known) || known.suggested());
    } else {
        // A role that gets the name later is searched for all the same, and asked about: one person says that nothing is
        // there, and not whose what comes is.
        for known in left.iter_mut().filter(|known| is(known)) {
            known.rule = LinkRule::Template;
        }
        step.life.lineage.taken_back.insert(name.role.clone());
    }
    let asked = &stored.revocation;
    let role = asked.username.clone().unwrap_or_else(|| asked.subject.clone());
    if left.iter().all(AccountName::suggested) && !left.iter().any(|known| known.role == role) {
        // As if no role had been named.
        left.push(AccountName { target: None, role, rule: LinkRule::Template });
    }
    step.life.lineage.linked.retain(|known| {
        known.role != name.role || (name.target.is_some() && known.target != name.target)
    });
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let parted = Parted { because: Unlinked::Person, by, approval: None };
    let body = record::unlinked(&about, &step.accounts, &[], &parted);
    step.records.push(NewRecord { kind: "subject_linked", body });
    let body = record::amended(&about, None);
    step.records.push(NewRecord { kind: "revocation_amended", body });
    Some(step)
}
