//! What the newest judgement of each revocation said, so that one that says the same again is known by that, and
//! nobody has to read what was found before.

use super::locked;
use crate::domain::observation::Observation;
use crate::domain::verdict::Judgement;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Mutex;

/// Of each revocation: the version that its evidence belongs to, and what the judgement said that made it.
#[derive(Default)]
pub(super) struct Echoes {
    said: Mutex<HashMap<String, (i64, u64)>>,
    /// With keys of its own: nobody can aim at two judgements that look the same.
    hasher: RandomState,
}

impl Echoes {
    /// What a judgement says that is evidence, all but its time.
    pub(super) fn of(&self, judged: &Judgement, looks: &[&Observation], held: bool) -> u64 {
        let mut hash = self.hasher.build_hasher();
        (judged.verdict, judged.no_account, held).hash(&mut hash);
        (&judged.residual, &judged.kept, &judged.missing).hash(&mut hash);
        (&judged.gaps, &judged.not_covered).hash(&mut hash);
        // What remained on a target that is silent now is still told.
        for look in looks.iter().filter(|look| look.is_silent()) {
            look.target.hash(&mut hash);
        }
        hash.finish()
    }

    /// Whether `said` is what made the evidence of the revocation at this version. Judging it by that again makes the
    /// same of it: what is carried over from before is in it already.
    pub(super) fn is(&self, revocation: &str, version: i64, said: u64) -> bool {
        locked(&self.said).get(revocation) == Some(&(version, said))
    }

    /// Notes that it is.
    pub(super) fn note(&self, revocation: &str, version: i64, said: u64) {
        let mut all = locked(&self.said);
        match all.get_mut(revocation) {
            Some(known) => *known = (version, said),
            None => drop(all.insert(revocation.to_owned(), (version, said))),
        }
    }

    /// Forgets those that are not among `watched`, once they are the most.
    pub(super) fn prune<'a>(&self, watched: impl ExactSizeIterator<Item = &'a str>) {
        let mut all = locked(&self.said);
        if all.len() / 2 <= watched.len() {
            return;
        }
        let watched: std::collections::HashSet<&str> = watched.collect();
        all.retain(|id, _| watched.contains(id.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observation::{Cause, Gap};
    use crate::domain::residual::ResidualKind;
    use crate::domain::time::UtcTime;
    use crate::domain::verdict::Verdict;

    #[test]
    fn the_same_again_is_known_and_nothing_else() {
        let gap = Gap {
            surface: ResidualKind::Login,
            target: "main".into(),
            database: None,
            reason: "silent".into(),
            fix: "start it".into(),
            cause: Cause::Unreachable,
        };
        let judged = Judgement {
            verdict: Verdict::Inconclusive,
            login: Verdict::Inconclusive,
            disabled: false,
            residual: Vec::new(),
            kept: Vec::new(),
            missing: Vec::new(),
            gaps: vec![gap.clone()],
            not_covered: Vec::new(),
            no_account: false,
        };
        let mut look = Observation::begun("main", UtcTime::EPOCH);
        let echoes = Echoes::default();
        let said = echoes.of(&judged, &[&look], false);
        echoes.note("rev_1", 3, said);
        assert!(echoes.is("rev_1", 3, echoes.of(&judged, &[&look], false)));
        assert!(!echoes.is("rev_1", 4, said) && !echoes.is("rev_2", 3, said));
        assert!(!echoes.is("rev_1", 3, echoes.of(&judged, &[&look], true)));
        let other = Judgement { gaps: Vec::new(), ..judged.clone() };
        assert!(!echoes.is("rev_1", 3, echoes.of(&other, &[&look], false)));
        look.gaps.push(gap);
        assert!(!echoes.is("rev_1", 3, echoes.of(&judged, &[&look], false)), "it is silent now");

        echoes.prune(["rev_1"].into_iter());
        assert!(echoes.is("rev_1", 3, said));
        echoes.note("rev_2", 1, said);
        echoes.note("rev_3", 1, said);
        echoes.note("rev_4", 1, said);
        echoes.prune(["rev_2"].into_iter());
        assert!(echoes.is("rev_2", 1, said) && !echoes.is("rev_1", 3, said));
    }
}
