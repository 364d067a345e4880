//! What is asked of a revocation beyond the catalogs: probes, other systems, and what must be there.

use super::Reconciler;
use super::question::{is_since, names_of};
use crate::clock;
use crate::config::{Config, TargetConfig};
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::observation::{Cause, Observation};
use crate::domain::probes::{Parameter, Person, SqlProbe};
use crate::domain::revocation::{Kind, Reason};
use crate::domain::verdict::Required;
use crate::external;
use crate::store::{StoreError, Stored};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

/// Whom the probes of a revocation are asked about.
pub(crate) fn person_of(stored: &Stored, config: &Config) -> Person {
    let asked = &stored.revocation;
    let mut accounts = names_of(stored, config);
    // What was taken back is nobody's name, until a role bears it.
    let taken_back = &stored.life.lineage.taken_back;
    accounts.retain(|name| !name.suggested() || !taken_back.contains(&name.role));
    for account in &stored.accounts {
        let under = |role: &String| AccountName {
            target: Some(account.target.clone()),
            role: role.clone(),
            rule: LinkRule::Stated,
        };
        accounts.extend(account.names.iter().chain([&account.role]).map(under));
    }
    Person {
        key: asked.id.clone(),
        subject: asked.subject.clone(),
        usernames: asked.usernames().map(str::to_owned).collect(),
        nobody: nobody(stored),
        emails: asked.emails.clone(),
        accounts,
        tickets: asked.tickets().map(str::to_owned).collect(),
        kind: Some(asked.kind),
        permissions: asked.permissions.clone(),
        required: asked.required_permissions.clone(),
    }
}

/// Why nobody in particular is the subject: it was erased, or it is an account and no person, of which no system knows a
/// name or an address.
fn nobody(stored: &Stored) -> Option<&'static str> {
    let asked = &stored.revocation;
    if stored.is_erased() {
        return Some("who the subject is was erased, so nobody can be asked about");
    }
    let vendor = asked.reason == Reason::VendorOffboarded && asked.username.is_none();
    let of_vendor = |name: &AccountName| {
        let role = match &name.target {
            Some(target) => format!("/{target}/{}", name.role),
            None => format!("/{}", name.role),
        };
        asked.subject.ends_with(&role)
    };
    let account = asked.inactive.is_some()
        || asked.because.is_some()
        || (vendor && asked.accounts.iter().any(of_vendor));
    account
        .then_some("the subject is an account, and nobody in particular who could be asked about")
}

/// The newest look at each external system; of one that was not asked yet as it is configured, one without answers.
fn external_looks(
    config: &Config,
    newest: impl Fn(&str) -> Option<Arc<Observation>>,
) -> Vec<Arc<Observation>> {
    let look = |system| {
        let blank = external::blank(system);
        let known =
            newest(&system.name).filter(|look| look.probing.declared == blank.probing.declared);
        known.unwrap_or_else(|| Arc::new(blank))
    };
    config.external.iter().map(look).collect()
}

/// What the probes of targets told of `person` where nobody is `searched` for: each subject is asked about, wherever its
/// roles are. One that asks by role has nobody to ask about there. Of a target that was not asked yet as it is configured,
/// or where a canary was missed, without answers.
pub(crate) fn probed_beside<L: Deref<Target = Observation>>(
    config: &Config,
    person: &Person,
    searched: &BTreeSet<&str>,
    newest: impl Fn(&str) -> Option<L>,
) -> Vec<Arc<Observation>> {
    let mut all = Vec::new();
    for target in beside(config, person, searched) {
        let asks = |probe: &&SqlProbe| is_asked_beside(probe, person);
        let declared: Vec<_> =
            target.probes.iter().filter(asks).map(|probe| probe.declared.clone()).collect();
        let mut told = Observation::begun(&target.name, clock::now());
        let is_good = |look: &L| {
            asked_the_same(target, look)
                && !look.gaps.iter().any(|gap| gap.cause == Cause::CanaryMissed)
        };
        if let Some(look) = newest(&target.name).filter(is_good) {
            (told.started_at, told.ended_at, told.deep_at) =
                (look.started_at, look.ended_at, look.deep_at);
            let answers = declared.iter().filter_map(|probe| {
                let answered = look.probing.answer(&probe.name, &person.key)?;
                Some(((probe.name.clone(), person.key.clone()), answered.clone()))
            });
            told.probing.answers = answers.collect();
        }
        told.probing.declared = declared;
        all.push(Arc::new(told));
    }
    all
}

/// Targets whose probes are asked about `person`, who is not searched for there.
fn beside<'a>(
    config: &'a Config,
    person: &Person,
    searched: &BTreeSet<&str>,
) -> impl Iterator<Item = &'a TargetConfig> {
    let asks =
        |target: &&TargetConfig| target.probes.iter().any(|probe| is_asked_beside(probe, person));
    config.targets.iter().filter(|target| !searched.contains(&*target.name)).filter(asks)
}

/// Whether a look asked what is configured now.
fn asked_the_same(target: &TargetConfig, look: &Observation) -> bool {
    let configured = target.probes.iter().map(|probe| &probe.declared);
    configured.eq(look.probing.declared.iter())
}

/// Whether `probe` is asked about `person` where nobody is searched for.
pub(crate) fn is_asked_beside(probe: &SqlProbe, person: &Person) -> bool {
    probe.declared.applies(person) && !probe.declared.parameters.contains(&Parameter::Account)
}

impl Reconciler {
    /// What the probes of other systems told, and of targets where `person` is not searched for; `None` while one of these was
    /// not looked at since the notice.
    pub(super) fn probed_elsewhere(
        &self,
        stored: &Stored,
        config: &Config,
        person: &Person,
        looks: &[Arc<Observation>],
    ) -> Option<Vec<Arc<Observation>>> {
        let searched = looks.iter().map(|look| look.target.as_str()).collect();
        let newest = |name: &str| self.board.newest(name);
        let is_told = |target: &TargetConfig| {
            newest(&target.name)
                .is_some_and(|look| is_since(stored, &look) && asked_the_same(target, &look))
        };
        if !beside(config, person, &searched).all(is_told) {
            return None;
        }
        let mut told = external_looks(config, newest);
        told.extend(probed_beside(config, person, &searched, newest));
        Some(told)
    }

    /// Whom probes are asked about now.
    pub(super) fn people(watched: &[Arc<Stored>], config: &Config) -> Vec<Person> {
        watched.iter().map(|stored| person_of(stored, config)).collect()
    }

    /// What must be there, with every name of the roles that are it or give it.
    pub(super) async fn required(
        &self,
        stored: &Stored,
        config: &Config,
        looks: &[Arc<Observation>],
    ) -> Result<Vec<Required>, StoreError> {
        let asked = &stored.revocation;
        if asked.kind != Kind::Partial {
            return Ok(Vec::new());
        }
        let none = Vec::new();
        let mut required = Vec::new();
        for role in &asked.required_roles {
            let roles = self.known_as(std::slice::from_ref(role), looks).await?.names;
            required.push(Required { name: role.clone(), permission: false, roles });
        }
        for name in &asked.required_permissions {
            let giving = config.permissions.get(name).unwrap_or(&none);
            let roles = self.known_as(giving, looks).await?.names;
            required.push(Required { name: name.clone(), permission: true, roles });
        }
        Ok(required)
    }
}
