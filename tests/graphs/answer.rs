//! What the agent says of a batch.

use super::claim::Claim;
use super::stage::Made;
use revoked::domain::account::{Account, LinkRule};
use revoked::domain::ids::RoleOid;
use revoked::domain::observation::Observation;
use revoked::domain::residual::ResidualKind;
use revoked::domain::revocation::Kind;
use revoked::domain::verdict::{Question, Verdict, judge};
use std::collections::{BTreeMap, BTreeSet};

/// Findings and verdicts of one look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Every finding but what is reached through others.
    pub(crate) claims: BTreeSet<Claim>,
    /// Role, what it reaches, and the way there.
    pub(crate) ways: Vec<(i64, String, Vec<String>)>,
    /// Role, and what it holds or reaches.
    pub(crate) reached: BTreeMap<i64, BTreeSet<String>>,
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
            let claim = Claim::of(residual);
            if residual.kind == ResidualKind::Membership && !residual.via.is_empty() {
                answer.ways.push((claim.role, claim.privilege, residual.via.clone()));
            } else {
                answer.claims.insert(claim);
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
                gone_since: None,
                rotation: None,
            };
            answer.verdicts.insert(role.oid, judge(&question, &[look]).verdict);
        }
        answer.gather();
        answer
    }

    /// Roles that a role holds or reaches.
    pub(crate) fn reached(&self, role: i64) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.reached.get(&role).unwrap_or(&NONE)
    }

    /// Findings of a role.
    pub(crate) fn claims_of(&self, role: i64) -> impl Iterator<Item = &Claim> {
        let from = |role| Claim { role, ..Claim::default() };
        self.claims.range(from(role)..from(role + 1))
    }

    /// Gathers what each role reaches, after findings were read or changed.
    pub(crate) fn gather(&mut self) {
        self.reached.clear();
        let direct = self.claims.iter().filter(|claim| claim.kind == "membership");
        let direct = direct.map(|claim| (claim.role, &claim.privilege));
        let ways = self.ways.iter().map(|(role, end, _)| (*role, end));
        for (role, held) in direct.chain(ways) {
            self.reached.entry(role).or_default().insert(held.clone());
        }
    }

    /// Everything said of a role, for people.
    pub(crate) fn of(&self, role: i64) -> Vec<String> {
        let claims = self.claims_of(role).map(|c| format!("{c:?}"));
        let ways = self.ways.iter().filter(|w| w.0 == role).map(|w| format!("{w:?}"));
        claims.chain(ways).collect()
    }
}
