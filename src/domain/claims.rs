//! Who claims which role: where two people fit one, nobody guesses whose it is. Pure.

use super::account::{Account, AccountName, LinkRule};
use super::lineage::{Barred, Lineage, Unlinked};
use super::observation::{Cause, Gap, NotCovered, Observation, RosterRole};
use super::residual::ResidualKind;
use super::revocation::Revocation;
use super::subject::{Called, Mapping, Withheld};
use super::time::UtcTime;
use std::collections::{BTreeSet, HashMap};

/// One revocation that is watched, as far as it claims roles.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'a> {
    /// Its id.
    pub revocation: &'a str,
    /// Its subject.
    pub called: Called<'a>,
    /// Further user names of it.
    pub also_called: &'a [String],
    /// When it was received.
    pub received_at: UtcTime,
    /// Nothing of its subject may remain by now.
    pub all_goes: bool,
    /// What was said about its links.
    pub lineage: &'a Lineage,
}

/// What is open about a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody knows whose the role is.
    Open {
        /// The question.
        gap: Gap,
        /// It was the subject's before that came up, so that what is seen of it is not taken out of the judgement: a
        /// question keeps absence from being proved, and hides no presence.
        known: bool,
    },
    /// A person said that it is somebody else's, of whom it has to go as well.
    Answered {
        /// What is said of it.
        note: NotCovered,
        /// When that was said.
        at: UtcTime,
    },
}

impl Claimant<'_> {
    /// Whether both are about one person: known by the same id, or the one by the user name of the other.
    fn same_person(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.called.subject, other.called.subject);
        mine == theirs || self.is_called(theirs) || other.is_called(mine)
    }

    /// Whether `name` is one of its user names.
    fn is_called(&self, name: &str) -> bool {
        self.called.username == Some(name) || self.also_called.iter().any(|also| also == name)
    }
}

/// Somebody's claim of a role.
type Claim<'a> = (Claimant<'a>, AccountName);

/// Claims of everything that is watched, by name of the role.
#[derive(Debug, Default)]
pub struct Claims<'a>(HashMap<String, Vec<Claim<'a>>>);

impl<'a> Claims<'a> {
    /// Adds what `claimant` searches for.
    pub fn add(&mut self, claimant: Claimant<'a>, names: Vec<AccountName>) {
        for name in names {
            self.0.entry(name.role.clone()).or_default().push((claimant, name));
        }
    }

    /// What is open about the link of `account` to `me`: somebody else fits as well, or nobody said that the other
    /// name is the same person's. `None`: nothing is.
    #[must_use]
    pub fn doubt(&self, me: &Claimant<'_>, account: &Account, mapping: &Mapping) -> Option<Doubt> {
        let role = format!("{}/{}", account.target, account.role);
        let mine = me.revocation;
        let open = |reason: String, fix: String| {
            Some(Doubt::Open { gap: question(&account.target, reason, fix), known: false })
        };
        let unlink = unlink(mine, &role);
        // What is declared for the id itself, or for the name that was known, is no guess by the other.
        let bears = |name: &AccountName| {
            name.applies_to(&account.target) && account.called().any(|called| *called == name.role)
        };
        let follows = account.rule.guessed()
            || (account.rule.declared() && !mapping.declared(&me.called).any(bears));
        if follows && account.called().any(|name| me.lineage.doubtful.contains(name)) {
            let reason = format!(
                "role {role} fits another user name that came for the same id: is it the same person?"
            );
            return open(
                reason,
                format!("if so: revoked expect link {mine} {role}; if not: {unlink}"),
            );
        }
        let others = mapping.declared_for_others(&me.called, &account.target, &account.role);
        if account.rule.declared() && others > 0 {
            let reason = format!("role {role} is declared for {others} more: whose is it?");
            let fix = format!(
                "declare it for one, or say revoked expect link {mine} {role}; if it is not theirs: {unlink}"
            );
            return open(reason, fix);
        }
        self.between(me, account, &role)
    }

    /// What is open between `me` and others who claim the role.
    fn between(&self, me: &Claimant<'_>, account: &Account, role: &str) -> Option<Doubt> {
        let others = self.others(me, account);
        let before = |other: &Claimant<'_>| {
            account.linked_at.is_none_or(|linked| linked <= other.received_at)
        };
        let (mine, unlink) = (me.revocation, unlink(me.revocation, role));
        let mut said = others.iter().filter(|(_, name)| name.rule == LinkRule::Person);
        let said = said.find_map(|(other, _)| Some((other, other.lineage.said_of(account)?)));
        if let Some((other, linked)) = said.filter(|_| account.rule.guessed()) {
            let theirs = other.revocation;
            // Whose it is one person said, so that this takes nothing away that has to go, or was seen here before.
            if let Some(at) = linked.at.filter(|_| other.all_goes && !before(other)) {
                let reason = format!("said to be of the subject of {theirs}, and judged there");
                let note = NotCovered { surface: format!("role {role}"), reason };
                return Some(Doubt::Answered { note, at });
            }
            let reason = format!(
                "role {role} fits the subject, and somebody said that it is of the subject of {theirs}"
            );
            let fix = format!(
                "if that is so: {unlink}; if it is theirs as well: revoked expect link {mine} {role}"
            );
            let gap = question(&account.target, reason, fix);
            return Some(Doubt::Open { gap, known: before(other) });
        }
        let (other, _) = others.iter().find(|(other, _)| !before(other)).or(others.first())?;
        let theirs = other.revocation;
        let reason = format!(
            "role {role} fits the subject of {theirs} as well, and nothing says whose it is"
        );
        let fix = format!(
            "say whose it is: revoked expect link {mine} {role}, or the same for {theirs}; where it is not theirs: \
             {unlink}"
        );
        let gap = question(&account.target, reason, fix);
        Some(Doubt::Open { gap, known: before(other) })
    }

    /// Claims of the role by other people.
    ///
    /// Whatever is asked of them, and from whenever on: that a role fits somebody who only changes jobs, or leaves next
    /// year, is as good a reason to ask before the one who leaves now is said to have it.
    fn others(&self, me: &Claimant<'_>, account: &Account) -> Vec<&Claim<'a>> {
        if !account.rule.guessed() && !account.rule.declared() {
            return Vec::new();
        }
        let barred = |claimant: &Claimant<'_>, name: &AccountName| {
            let Account { target, system_identifier, oid, .. } = account;
            claimant.lineage.bars(target, *system_identifier, *oid, &name.role)
        };
        let claims = account.called().filter_map(|name| self.0.get(name)).flatten();
        let theirs = |(claimant, name): &&Claim<'a>| {
            let weighs = account.rule.guessed() || name.rule.declared();
            weighs
                && name.applies_to(&account.target)
                && !me.same_person(claimant)
                && !barred(claimant, name)
        };
        claims.filter(theirs).collect()
    }
}

/// Roles of `look` that are declared for `me` although it was said that they are not theirs. A declaration has no time:
/// it may have been there then, or contradict it since.
#[must_use]
pub fn declared_yet_barred(
    me: &Claimant<'_>,
    (accounts, names): (&[Account], &[AccountName]),
    look: &Observation,
) -> Vec<Gap> {
    let Some(server) = &look.server else { return Vec::new() };
    let cluster = server.system_identifier;
    let mut gaps = Vec::new();
    for name in names.iter().filter(|name| name.rule.declared() && name.applies_to(&look.target)) {
        let by_oid = |role: &RosterRole| {
            let same = |barred: &Barred| barred.oid == Some(role.oid) && barred.role == name.role;
            me.lineage.barred.iter().any(same)
        };
        let roles = look.roster.iter().filter(|role| {
            (role.name == name.role || by_oid(role))
                && me.lineage.bars(&look.target, cluster, role.oid, &name.role)
                && !linked(accounts, look, role)
        });
        for role in roles {
            let (mine, role) = (me.revocation, format!("{}/{}", look.target, role.name));
            let reason = format!(
                "role {role} is declared for the subject, and it was said that it is not theirs: whose is it?"
            );
            let fix = format!(
                "take it out of the mapping; or, if it is theirs: revoked expect link {mine} {role}"
            );
            gaps.push(question(&look.target, reason, fix));
        }
    }
    gaps
}

/// Roles of `look` by a name that became somebody else's before `me` was told, and that `me` is called by all the same:
/// the later word may mean another role, or be of a list that nobody put right. `own` are the names that follow from what
/// it is called.
#[must_use]
pub fn called_yet_barred(
    me: &Claimant<'_>,
    (accounts, own): (&[Account], &[AccountName]),
    look: &Observation,
) -> Vec<Gap> {
    let Some(server) = &look.server else { return Vec::new() };
    let cluster = server.system_identifier;
    let barred = &me.lineage.barred;
    let mut gaps = Vec::new();
    for name in own.iter().filter(|name| name.applies_to(&look.target)) {
        let earlier = |role: &RosterRole| {
            barred.iter().find(|barred| {
                barred.because == Unlinked::Recycled
                    && barred.said_at() < me.received_at
                    && barred.bars(cluster, role.oid, &name.role)
            })
        };
        let open = |role: &&RosterRole| {
            let person = |barred: &Barred| {
                barred.system_identifier == cluster && barred.oid == Some(role.oid)
            };
            role.name == name.role
                && me.lineage.bars(&look.target, cluster, role.oid, &name.role)
                && !linked(accounts, look, role)
                && !barred.iter().any(person)
        };
        for role in look.roster.iter().filter(open) {
            let Some(Barred { by, since, .. }) = earlier(role) else { continue };
            let (mine, oid) = (me.revocation, role.oid);
            let role = format!("{}/{}", look.target, role.name);
            let reason = format!(
                "role {role} bears a name that is somebody else's since {since}, says {by}, and by which the subject was \
                 named since: is it theirs?"
            );
            // One that bore the name before may be linked beside it.
            let unlink = unlink(mine, &format!("{role} --oid {oid}"));
            let fix = format!("if so: revoked expect link {mine} {role}; if not: {unlink}");
            gaps.push(question(&look.target, reason, fix));
        }
    }
    gaps
}

/// Roles of `look` that a convention suggests for `me` and that are declared for somebody else: questions where a query
/// told so, whose rows are written on a target, and notes where the operator did.
#[must_use]
pub fn withheld_from(
    me: &Claimant<'_>,
    withheld: &[Withheld],
    accounts: &[Account],
    look: &Observation,
) -> (Vec<Gap>, Vec<NotCovered>) {
    let (mut gaps, mut notes) = (Vec::new(), Vec::new());
    let Some(server) = &look.server else { return (gaps, notes) };
    let barred = |role: &RosterRole| {
        me.lineage.bars(&look.target, server.system_identifier, role.oid, &role.name)
    };
    for one in withheld.iter().filter(|one| one.name.applies_to(&look.target)) {
        let bears = |role: &&RosterRole| {
            role.name == one.name.role && !linked(accounts, look, role) && !barred(role)
        };
        let Some(role) = look.roster.iter().find(bears) else { continue };
        let role = format!("{}/{}", look.target, role.name);
        let (mine, whose) = (me.revocation, &one.subject);
        if one.rule == LinkRule::MappingQuery {
            let reason = format!(
                "role {role} is called as the subject's would be, and subjects.mapping_query says that it is of {whose}"
            );
            let fix = format!(
                "if it is the subject's: revoked expect link {mine} {role}; if not: {}",
                unlink(mine, &role)
            );
            gaps.push(question(&look.target, reason, fix));
        } else {
            let reason = format!(
                "called as the subject's would be, and declared for {whose}; if it is the subject's: revoked expect \
                 link {mine} {role}"
            );
            notes.push(NotCovered { surface: format!("role {role}"), reason });
        }
    }
    (gaps, notes)
}

/// Roles of `look` that nothing of `asked` reaches but a user name by which a notice calls the subject of which nobody said
/// whether it means the same person. They are linked to nobody. `names` are those that are searched for.
#[must_use]
pub fn called_in_question(
    me: &Claimant<'_>,
    (asked, mapping): (&Revocation, &Mapping),
    (accounts, names): (&[Account], &[AccountName]),
    look: &Observation,
) -> Vec<Gap> {
    let Some(server) = &look.server else { return Vec::new() };
    let mut gaps = Vec::new();
    for unsure in &me.lineage.unsure {
        let Some(username) = unsure.username.as_deref() else { continue };
        let plain =
            AccountName { target: None, role: username.to_owned(), rule: LinkRule::Template };
        let plain: Vec<AccountName> = unsure.plain.then_some(plain).into_iter().collect();
        let called = Called { subject: &asked.subject, username: Some(username) };
        let certain = |role: &str| {
            names.iter().any(|name| name.role == role && name.applies_to(&look.target))
        };
        let doubted = mapping.names(&called, &plain).into_iter();
        let doubted: BTreeSet<String> = doubted
            .filter(|name| name.applies_to(&look.target) && !certain(&name.role))
            .map(|name| name.role)
            .collect();
        let open = |role: &&RosterRole| {
            let cluster = server.system_identifier;
            doubted.contains(&role.name)
                && !linked(accounts, look, role)
                && !me.lineage.bars(&look.target, cluster, role.oid, &role.name)
        };
        for role in look.roster.iter().filter(open) {
            let (notice, role) = (&unsure.notice, format!("{}/{}", look.target, role.name));
            let reason = format!(
                "role {role} fits the user name by which {notice} calls the person: is it the same person?"
            );
            let fix = format!(
                "answer {notice}; if the role is theirs all the same: revoked expect link {} {role}",
                me.revocation
            );
            gaps.push(question(&look.target, reason, fix));
        }
    }
    gaps
}

fn linked(accounts: &[Account], look: &Observation, role: &RosterRole) -> bool {
    accounts.iter().any(|account| account.target == look.target && account.oid == role.oid)
}

pub(super) fn unlink(revocation: &str, role: &str) -> String {
    format!("revoked expect unlink {revocation} {role}, which a second person approves")
}

pub(super) fn question(target: &str, reason: String, fix: String) -> Gap {
    Gap {
        surface: ResidualKind::Login,
        target: target.to_owned(),
        database: None,
        reason,
        fix,
        cause: Cause::Internal,
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
