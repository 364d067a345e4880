//! What the newest look found: in a table of its own, and of what is watched only the gist in memory.

use super::{Store, StoreError, from_json, reading, statement, to_json};
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Gap, NotCovered};
use crate::domain::probes::Missing;
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::time::UtcTime;
use crate::domain::verdict::{SESSIONS, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the newest look found, kept for people to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Answer of the look.
    pub verdict: Option<Verdict>,
    /// When it began.
    pub as_of: Option<UtcTime>,
    /// What remains. While nobody can tell, what remained when it was last seen: not seeing it does not
    /// take it away.
    pub residual: Vec<Residual>,
    /// Every role was read, and none is the subject's.
    #[serde(default)]
    pub no_account: bool,
    /// The subject's data are under a legal hold, so that what is owned decides nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What may stay.
    pub kept: Vec<Residual>,
    /// What must be there and is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What the answer does not speak about, in order.
    #[serde(with = "grouped")]
    pub not_covered: Vec<NotCovered>,
}

impl Evidence {
    /// As it is kept; none where nobody has looked.
    pub(super) fn read(text: Option<&str>) -> Result<Self, StoreError> {
        text.map_or_else(|| Ok(Self::default()), |text| from_json(text, "a revocation's evidence"))
    }

    pub(super) fn text(&self) -> Result<String, StoreError> {
        to_json(self, "evidence")
    }
}

/// What is needed of the evidence between looks: whatever shows how things stand. A revocation with access on many
/// targets has a hundred times as much, and there are thousands of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gist {
    /// Answer of the look.
    pub verdict: Option<Verdict>,
    /// Every role was read, and none is the subject's.
    pub no_account: bool,
    /// How much remains, by target and surface.
    pub found: Arc<[Found]>,
    /// Whose accounts something was found of, what may stay included: target and role.
    pub whose: Box<[(Arc<str>, RoleOid)]>,
    /// Open sessions among it, by target, role and how findings name them.
    pub sessions: Vec<(String, RoleOid, String)>,
}

/// How many residuals of one surface a target has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Target.
    pub target: Arc<str>,
    /// Surface.
    pub surface: ResidualKind,
    /// How many.
    pub count: i64,
}

impl Gist {
    /// That of `evidence`.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let mut found = BTreeMap::<(&str, ResidualKind), i64>::new();
        let mut sessions = Vec::new();
        for one in &evidence.residual {
            let account = &one.account;
            *found.entry((&account.target, one.kind)).or_default() += 1;
            if let Some(session) = one.object.as_ref().filter(|_| SESSIONS.contains(&one.kind)) {
                sessions.push((account.target.clone(), account.oid, session.clone()));
            }
        }
        let found = found.into_iter().map(|((target, surface), count)| Found {
            target: target.into(),
            surface,
            count,
        });
        let all = evidence.residual.iter().chain(&evidence.kept);
        let whose = all.map(|one| (one.account.target.as_str(), one.account.oid));
        let whose: BTreeSet<_> = whose.collect();
        Self {
            verdict: evidence.verdict,
            no_account: evidence.no_account,
            found: found.collect(),
            whose: whose.into_iter().map(|(target, oid)| (target.into(), oid)).collect(),
            sessions,
        }
    }
}

impl Store {
    /// What the newest look found of the revocation `id`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn evidence(&self, id: &str) -> Result<Evidence, StoreError> {
        let text: Option<String> = reading!(self, pool =>
            sqlx::query_scalar(statement!("evidence_of")).bind(id).fetch_optional(pool).await?
        );
        Evidence::read(text.as_deref())
    }
}

/// What is not covered is mostly the same for every target, with the target's name at its end. It is kept once for
/// all of them: `{"surface": "poolers", "of": ["a", "b"], …}` is what it is for `poolers of a` and `poolers of b`.
mod grouped {
    use super::NotCovered;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    /// Between a surface and where it is.
    const OF: &str = " of ";

    #[derive(Serialize, Deserialize)]
    struct Group<'a> {
        surface: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<Cow<'a, str>>,
        reason: Cow<'a, str>,
    }

    pub(super) fn serialize<S: Serializer>(
        list: &[NotCovered],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut groups = BTreeMap::<(&str, bool, &str), Vec<Cow<'_, str>>>::new();
        for one in list {
            let (surface, of) = match one.surface.rsplit_once(OF) {
                Some((surface, of)) => (surface, Some(of)),
                None => (one.surface.as_str(), None),
            };
            let group = groups.entry((surface, of.is_some(), &one.reason)).or_default();
            group.extend(of.map(Cow::Borrowed));
        }
        serializer.collect_seq(groups.into_iter().map(|((surface, _, reason), of)| Group {
            surface: surface.into(),
            of,
            reason: reason.into(),
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<NotCovered>, D::Error> {
        let mut list = Vec::new();
        for Group { surface, of, reason } in Vec::<Group<'_>>::deserialize(deserializer)? {
            let each = of.iter().map(|of| format!("{surface}{OF}{of}"));
            let alone = of.is_empty().then(|| surface.to_string());
            let one = |surface| NotCovered { surface, reason: reason.to_string() };
            list.extend(each.chain(alone).map(one));
        }
        list.sort();
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::residual::{AccountRef, Strength};

    fn skipped(surface: &str, reason: &str) -> NotCovered {
        NotCovered { surface: surface.to_owned(), reason: reason.to_owned() }
    }

    #[test]
    fn what_is_alike_is_kept_once_and_comes_back_as_it_was() {
        let reason = "no look reads them";
        let mut all = vec![
            skipped("poolers of a", reason),
            skipped("poolers of b", reason),
            skipped("poolers of b", "another reason"),
            skipped("poolers", reason),
            skipped("access lists of a/of of b", reason),
            skipped("poolers of ", reason),
        ];
        all.sort();
        let evidence = Evidence { not_covered: all, ..Evidence::default() };
        let text = evidence.text().unwrap();
        assert_eq!(text.matches("no look reads them").count(), 3, "{text}");
        assert!(text.contains(r#"{"surface":"poolers","of":["","a","b"],"reason""#), "{text}");
        assert_eq!(Evidence::read(Some(&text)).unwrap(), evidence);
    }

    #[test]
    fn what_an_earlier_version_stored_is_still_read() {
        let stored = r#"{"verdict":"revoked","as_of":null,"residual":[],"kept":[],"gaps":[],"not_covered":[
            {"surface":"poolers of a","reason":"no look reads them"}]}"#;
        let evidence = Evidence::read(Some(stored)).unwrap();
        assert_eq!(evidence.not_covered, [skipped("poolers of a", "no look reads them")]);
        assert_eq!(Evidence::read(None).unwrap(), Evidence::default());
    }

    #[test]
    fn the_gist_has_how_much_remains_where() {
        let account = |target: &str| AccountRef {
            target: target.to_owned(),
            oid: RoleOid(7),
            role: Some("john".to_owned()),
        };
        let mut session = Residual::new(ResidualKind::Session, Strength::ActsNow, account("b"));
        session.object = Some("pid 9".to_owned());
        let held =
            |target| Residual::new(ResidualKind::Membership, Strength::Latent, account(target));
        let residual = vec![session, held("a"), held("b"), held("a")];
        let gist = Gist::of(&Evidence { residual, no_account: true, ..Evidence::default() });
        let found = |target: &str, surface, count| Found { target: target.into(), surface, count };
        assert_eq!(
            *gist.found,
            [
                found("a", ResidualKind::Membership, 2),
                found("b", ResidualKind::Membership, 1),
                found("b", ResidualKind::Session, 1),
            ]
        );
        assert_eq!(gist.sessions, [("b".to_owned(), RoleOid(7), "pid 9".to_owned())]);
        assert_eq!(*gist.whose, [("a".into(), RoleOid(7)), ("b".into(), RoleOid(7))]);
        assert!(gist.no_account && gist.verdict.is_none());
    }
}
