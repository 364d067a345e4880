//! What the agent says of a batch.

use super::claim::{Claim, Derived};
use super::stage::Made;
use revoked::domain::account::{Account, LinkRule};
use revoked::domain::graph::Can;
use revoked::domain::ids::RoleOid;
use revoked::domain::observation::Observation;
use revoked::domain::residual::ResidualKind as K;
use revoked::domain::revocation::Kind;
use revoked::domain::verdict::{Question, Verdict, judge};
use std::collections::{BTreeMap, BTreeSet};

/// Findings and verdicts of one look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Every finding that something in a catalog says by itself.
    pub(crate) claims: BTreeSet<Claim>,
    /// Every other.
    pub(crate) derived: Vec<Derived>,
    /// Role, what it is a member of, and what that lets it do.
    pub(crate) cans: BTreeMap<i64, BTreeMap<String, BTreeSet<String>>>,
    /// Of a full revocation of each role alone.
    pub(crate) verdicts: BTreeMap<i64, Verdict>,
    /// What the look could not see: nothing, on a server that shows everything.
    pub(crate) gaps: Vec<String>,
}

impl Answer {
    pub(crate) fn read(look: &Observation, made: &[Made]) -> Self {
        let mut answer = Self {
            gaps: look.gaps.iter().map(|gap| format!("{}: {}", gap.surface, gap.reason)).collect(),
            ..Self::default()
        };
        for residual in &look.residual {
            match Derived::of(residual) {
                Some(derived) => answer.derived.push(derived),
                None => _ = answer.claims.insert(Claim::of(residual)),
            }
        }
        let system_identifier = look.server.as_ref().unwrap().system_identifier;
        for role in made {
            let account = Account {
                target: look.target.clone(),
                system_identifier,
                oid: RoleOid(u32::try_from(role.oid).unwrap()),
                role: role.name.clone(),
                names: vec![role.name.clone()],
                rule: LinkRule::Stated,
                source: String::new(),
                linked_at: None,
            };
            let question = Question {
                kind: Kind::Full,
                accounts: &[account],
                names: &[],
                roles: &[],
                unmapped: &[],
                no_account: false,
                not_required: &BTreeSet::new(),
                known_as: &[],
                seen: &[],
                gone_since: None,
                rotation: None,
            };
            answer.verdicts.insert(role.oid, judge(&question, &[look]).verdict);
        }
        answer.gather();
        answer
    }

    /// Roles that a role is a member of in any way, and what each lets it do.
    pub(crate) fn cans(&self, role: i64) -> &BTreeMap<String, BTreeSet<String>> {
        static NONE: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        self.cans.get(&role).unwrap_or(&NONE)
    }

    /// Whether a membership is listed that lets it do this.
    pub(crate) fn can(&self, role: i64, held: &str, can: Can) -> bool {
        self.cans(role).get(held).is_some_and(|cans| cans.contains(can.as_str()))
    }

    /// Roles whose rights it has at once.
    pub(crate) fn uses(&self, role: i64) -> impl Iterator<Item = &str> {
        let used = |(_, cans): &(&String, &BTreeSet<String>)| cans.contains(Can::UsesNow.as_str());
        self.cans(role).iter().filter(used).map(|(held, _)| held.as_str())
    }

    /// Findings of that kind that a role has through others, or as owner.
    pub(crate) fn derived_of(&self, role: i64, kind: K) -> impl Iterator<Item = &Derived> {
        self.derived.iter().filter(move |derived| (derived.role, derived.kind) == (role, kind))
    }

    /// The finding that it is `pg_database_owner` there.
    pub(crate) fn owner_of(&self, role: i64, database: &str) -> Option<&Derived> {
        self.derived_of(role, K::Membership).find(|derived| derived.database == database)
    }

    /// Whether ADMIN on a role is listed, which it can use.
    pub(crate) fn may_give(&self, role: i64, held: &str) -> bool {
        self.has_admin(role, held)
            || self.derived_of(role, K::AdminOption).any(|d| d.held == held && d.grantable)
    }

    /// Whether a row's ADMIN is listed.
    pub(crate) fn has_admin(&self, role: i64, held: &str) -> bool {
        self.claims_of(role).any(|c| c.kind == "admin_option" && c.privilege == held && c.grantable)
    }

    /// Findings of a role.
    pub(crate) fn claims_of(&self, role: i64) -> impl Iterator<Item = &Claim> {
        let from = |role| Claim { role, ..Claim::default() };
        self.claims.range(from(role)..from(role + 1))
    }

    /// Gathers what memberships let each role do, after findings were read or changed.
    pub(crate) fn gather(&mut self) {
        self.cans.clear();
        let direct = self.claims.iter().filter(|claim| claim.kind == "membership").flat_map(|c| {
            c.sub.split_whitespace().map(|can| (c.role, &c.privilege, can.to_owned()))
        });
        let through = self.derived.iter().filter(|d| d.kind == K::Membership);
        let through = through
            .filter(|d| d.database.is_empty())
            .flat_map(|d| d.ways.iter().map(|way| (d.role, &d.held, way.can.as_str().to_owned())));
        for (role, held, can) in direct.chain(through) {
            let cans = self.cans.entry(role).or_default();
            cans.entry(held.clone()).or_default().insert(can);
        }
    }

    /// Everything said of a role, for people.
    pub(crate) fn of(&self, role: i64) -> Vec<String> {
        let claims = self.claims_of(role).map(|c| format!("{c:?}"));
        let derived = self.derived.iter().filter(|d| d.role == role).map(|d| format!("{d:?}"));
        claims.chain(derived).collect()
    }
}
