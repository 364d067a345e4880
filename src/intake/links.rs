//! Whose a role is, as people say it: a link at once, since it removes access; that it is not the subject's after a
//! second person agreed.

use super::IntakeError;
use super::amend::Amendment;
use super::merge::begun_anew;
use super::submission::{OneOrMany, account_names, wrong};
use crate::audit::record::{self, About, Approval, Parted};
use crate::domain::account::{Account, AccountName, LinkRule};
use crate::domain::lineage::{Unlink, Unlinked};
use crate::domain::observation::{Observation, RosterRole};
use crate::domain::request::{Asked, Request};
use crate::domain::time::UtcTime;
use crate::store::{Evidence, Evidenced, Move, NewRecord, Stored};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which link is to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unlinking {
    /// The role, as `role` or `target/role`.
    pub account: String,
    /// Its OID, where several roles bear or bore the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oid: Option<u32>,
    /// The system identifier of its cluster, where several clusters were at the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

impl Unlinking {
    /// The link that is meant.
    fn of<'a>(&self, accounts: &'a [Account]) -> Result<&'a Account, IntakeError> {
        let meant = |account: &&Account| {
            let called = |role: &str| account.called().any(|name| name == role);
            let place = format!("{}/", account.target);
            let named =
                called(&self.account) || self.account.strip_prefix(&place).is_some_and(called);
            let cluster = account.system_identifier.to_string();
            named
                && self.oid.is_none_or(|oid| oid == account.oid.0)
                && self.cluster.as_ref().is_none_or(|wanted| *wanted == cluster)
        };
        let found: Vec<&Account> = accounts.iter().filter(meant).collect();
        let listed = |accounts: &[&Account]| {
            let one = |account: &&Account| {
                let Account { target, role, oid, system_identifier, .. } = account;
                format!("{target}/{role} (OID {oid} of cluster {system_identifier})")
            };
            accounts.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        match found.as_slice() {
            [one] => Ok(one),
            [] if accounts.is_empty() => Err(wrong("/unlink", "no role is linked").into()),
            [] => {
                let all: Vec<&Account> = accounts.iter().collect();
                let said = format!("it is not linked; linked are {}", listed(&all));
                Err(wrong("/unlink", said).into())
            }
            several => {
                let said = format!("name one by oid or cluster: {}", listed(several));
                Err(wrong("/unlink", said).into())
            }
        }
    }
}

impl Unlinking {
    /// Why the role is not linked: perhaps it is named, and no look has found it since.
    fn why_not(&self, stored: &Stored, error: IntakeError) -> IntakeError {
        let means = |name: &AccountName| {
            let place = name.target.as_ref().map(|target| format!("{target}/{}", name.role));
            name.role == self.account || place.as_ref() == Some(&self.account)
        };
        if !stored.revocation.accounts.iter().any(|name| means(name) && !name.suggested()) {
            return error;
        }
        let said = "it is named, and not linked: no look has found it since. Ask again after the next one, or name it \
                    as TARGET/ROLE";
        wrong("/unlink", said).into()
    }

    /// The role that is meant, as the newest look at its target has it.
    fn seen(&self, newest: impl Fn(&str) -> Option<Arc<Observation>>) -> Option<Account> {
        let (target, name) = self.account.split_once('/')?;
        let look = newest(target)?;
        let cluster = look.server.as_ref()?.system_identifier;
        let meant =
            |role: &&RosterRole| role.name == name && self.oid.is_none_or(|oid| oid == role.oid.0);
        let role = look.roster.iter().find(meant)?;
        let here = self.cluster.as_ref().is_none_or(|wanted| *wanted == cluster.to_string());
        here.then(|| Account {
            target: target.to_owned(),
            system_identifier: cluster,
            oid: role.oid,
            role: role.name.clone(),
            names: Vec::new(),
            rule: LinkRule::Template,
            source: String::new(),
            linked_at: None,
        })
    }
}

/// Whether one of `names` was said before not to be the subject's.
pub(super) fn is_named_again(stored: &Stored, names: &[AccountName]) -> bool {
    names.iter().any(|name| stored.life.lineage.is_contradicted_by(name))
}

/// Notes, with a record, that `by` named roles of which it was said before that they are not the subject's: the later
/// word is followed, since removing access never waits.
pub(super) fn named_again(step: &mut Move, names: &[AccountName], by: &str, now: UtcTime) {
    for name in names {
        if step.life.lineage.name(name, by, now) {
            step.life = begun_anew(step.life.clone());
            let about =
                About { revocation: &step.revocation, subject: &step.from.subject_id, at: now };
            let body = record::linked_by(&about, &step.accounts, name, (LinkRule::Stated, by));
            step.records.push(NewRecord { kind: "subject_linked", body });
        }
    }
}

impl Amendment {
    /// The role that a person says is the subject's.
    pub(super) fn linked(&self) -> Result<Vec<AccountName>, IntakeError> {
        let link = self.link.clone().map(OneOrMany::One);
        let names = account_names(link.as_ref())?.into_iter();
        Ok(names.map(|name| AccountName { rule: LinkRule::Person, ..name }).collect())
    }

    /// Notes who said it, with its record; and who named a role again that was said not to be the subject's.
    pub(super) fn link(&self, step: &mut Move, by: &str, now: UtcTime) -> Result<(), IntakeError> {
        for name in self.linked()? {
            // What was not looked at while it was barred is not proved.
            if step.life.lineage.name(&name, by, now) {
                step.life = begun_anew(step.life.clone());
            }
            step.life.lineage.link(&name, by, now);
            let about =
                About { revocation: &step.revocation, subject: &step.from.subject_id, at: now };
            let body = record::linked_by(&about, &step.accounts, &name, (LinkRule::Person, by));
            step.records.push(NewRecord { kind: "subject_linked", body });
        }
        named_again(step, &account_names(self.account.as_ref())?, by, now);
        Ok(())
    }

    /// The request to remove a link. `newest` gives the newest look at a target: where another cluster is there now,
    /// or none, the link is only forgotten.
    pub(super) fn parting(
        &self,
        stored: &Stored,
        newest: impl Fn(&str) -> Option<Arc<Observation>>,
        by: &str,
        now: UtcTime,
    ) -> Result<Option<Request>, IntakeError> {
        let Some(unlinking) = &self.unlink else { return Ok(None) };
        let account = match unlinking.of(&stored.accounts) {
            Ok(account) => account.clone(),
            // What is not linked may be a question all the same.
            Err(error) => {
                unlinking.seen(&newest).ok_or_else(|| unlinking.why_not(stored, error))?
            }
        };
        let there =
            newest(&account.target).and_then(|look| Some(look.server.as_ref()?.system_identifier));
        let bar = there == Some(account.system_identifier);
        let request = self.request(Asked::Unlink, by, now)?;
        Ok(Some(Request { unlink: Some(Unlink { account, bar }), ..request }))
    }
}

/// Removes the link from `step`, with what was found of it; gives the record.
pub(super) fn parted(
    stored: &Evidenced,
    step: &mut Move,
    (account, request): (&Account, &Request),
    by: &str,
    now: UtcTime,
) -> NewRecord {
    forget(step, &stored.evidence, std::slice::from_ref(account));
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let approval = Some(Approval { request, approved_by: by });
    let parted = Parted { because: Unlinked::Person, by: &request.requested_by, approval };
    let removed = std::slice::from_ref(account);
    let body = record::unlinked(&about, &step.accounts, removed, &parted);
    NewRecord { kind: "subject_linked", body }
}

/// What was found of accounts that are linked no more is no finding of this revocation.
pub(super) fn forget(step: &mut Move, found: &Evidence, removed: &[Account]) {
    step.accounts.retain(|account| !removed.iter().any(|gone| gone.is(account)));
    let mut evidence = found.clone();
    for list in [&mut evidence.residual, &mut evidence.kept] {
        list.retain(|found| {
            let of = |gone: &Account| {
                (&gone.target, gone.oid) == (&found.account.target, found.account.oid)
            };
            !removed.iter().any(of) || step.accounts.iter().any(of)
        });
    }
    step.evidence = Some(evidence);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{RoleOid, SystemIdentifier};

    fn account(target: &str, cluster: u64, oid: u32) -> Account {
        Account {
            target: target.into(),
            system_identifier: SystemIdentifier(cluster),
            oid: RoleOid(oid),
            role: "jd".into(),
            names: vec!["jd".into(), "john".into()],
            rule: LinkRule::Template,
            source: String::new(),
            linked_at: None,
        }
    }

    #[test]
    fn one_link_is_meant_or_the_choice_is_told() {
        let accounts = [account("main", 7, 20), account("main", 8, 20), account("other", 7, 30)];
        let asked = |account: &str, oid: Option<u32>, cluster: Option<&str>| {
            let account = account.to_owned();
            let asked = Unlinking { account, oid, cluster: cluster.map(str::to_owned) };
            asked.of(&accounts).map(|one| (one.target.clone(), one.system_identifier.0))
        };
        assert_eq!(asked("other/jd", None, None).unwrap(), ("other".into(), 7));
        assert_eq!(asked("john", Some(30), None).unwrap(), ("other".into(), 7));
        assert_eq!(asked("main/jd", None, Some("8")).unwrap(), ("main".into(), 8));
        for (account, why) in [("main/jd", "name one by"), ("main/x", "linked are main/jd")] {
            let refused = asked(account, None, None).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
