//! The agent against the server itself, on random graphs of roles and rights.

mod common;
#[path = "graphs/mod.rs"]
mod graphs;

use graphs::claim::Derived;
use graphs::coverage::Coverage;
use graphs::{Batch, compare, run, seed_alone};
use revoked::domain::graph::Can;
use revoked::domain::residual::ResidualKind;
use revoked::throwaway::Binaries;
use std::collections::BTreeSet;

/// Graphs per version.
const GRAPHS: u64 = 200;

async fn on(binaries: &Binaries) {
    if let Some(seed) = seed_alone() {
        run(binaries, &[seed], |_| {}).await;
        return;
    }
    let seeds: Vec<u64> = (1..=GRAPHS).collect();
    let mut first = true;
    let coverage = run(binaries, &seeds, |batch| {
        if std::mem::take(&mut first) {
            what_is_left_out_or_invented_is_noticed(batch);
        }
    })
    .await;
    enough(binaries, &coverage);
}

/// With one finding of each kind left out of a real answer, or one invented, the two differ.
fn what_is_left_out_or_invented_is_noticed(batch: &Batch) {
    let mut kinds = BTreeSet::new();
    for claim in &batch.answer.claims {
        if !kinds.insert(claim.kind.clone()) {
            continue;
        }
        let mut less = batch.answer.clone();
        less.claims.remove(claim);
        less.gather();
        assert!(!compare::compare(&batch.truth, &less).is_empty(), "left out: {claim:?}");
        let mut more = batch.answer.clone();
        let mut invented = claim.clone();
        invented.object.push_str(" of nobody");
        more.claims.insert(invented);
        more.gather();
        assert!(!compare::compare(&batch.truth, &more).is_empty(), "invented: {claim:?}");
    }
    assert!(kinds.len() > 8, "{kinds:?}");
    through_others_too(batch);
}

/// The same for findings without a row of their own; and one that says something else of the way.
fn through_others_too(batch: &Batch) {
    let mut seen = BTreeSet::new();
    for (at, finding) in batch.answer.derived.iter().enumerate() {
        let can = finding.ways.first().map(|way| way.can);
        if !seen.insert((finding.kind, finding.database.is_empty(), can)) {
            continue;
        }
        let noticed = |doctored: &str, change: &dyn Fn(&mut Derived)| {
            let mut other = batch.answer.clone();
            change(&mut other.derived[at]);
            other.gather();
            let differences = compare::compare(&batch.truth, &other);
            assert!(!differences.is_empty(), "{doctored}: {finding:?}");
        };
        noticed("of another role", &|finding| finding.role = -1);
        noticed("another thing", &|finding| finding.held.push_str(" of nobody"));
        // ADMIN of one whose rights it has, and to whom it can SET ROLE, is exercised in either way.
        let same = |can: Can| {
            let either = finding.kind == ResidualKind::AdminOption && can == Can::UsesNow;
            if either { Can::SetRole } else { can }
        };
        for can in Can::ALL.iter().filter(|o| can.is_some_and(|can| same(can) != same(**o))) {
            noticed("another way", &|finding| finding.ways[0].can = *can);
        }
        noticed("elsewhere", &|finding| finding.database.push_str(" or another"));
        if can.is_some() {
            noticed("without a way", &|finding| finding.ways.clear());
            noticed("a step left out", &|finding| _ = finding.ways[0].via.pop());
            noticed("a step too many", &|finding| finding.ways[0].via.insert(0, "nobody".into()));
            noticed("another first", &|finding| finding.ways[0].at = Some("nobody".into()));
        }
        let mut less = batch.answer.clone();
        less.derived.remove(at);
        less.gather();
        assert!(!compare::compare(&batch.truth, &less).is_empty(), "left out: {finding:?}");
    }
    assert!(seen.len() > 4, "{seen:?}");
}

fn enough(binaries: &Binaries, coverage: &Coverage) {
    let missing = coverage.missing(binaries.major);
    assert!(missing.is_empty(), "never on {}: {missing:#?}\n{}", binaries.version, coverage.told());
    let share = coverage.revoked * 100 / coverage.roles;
    assert!((15..=60).contains(&share), "{share} % of {} roles revoked", coverage.roles);
    eprintln!("PostgreSQL {}: {coverage}", binaries.version);
}

/// One test per version, so that they run beside each other and say where the time goes.
macro_rules! on_version {
    ($($test:ident $major:literal),+ $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            match common::versions().into_iter().find(|binaries| binaries.major == $major) {
                Some(binaries) => on(&binaries).await,
                None => eprintln!("PostgreSQL {} is not installed", $major),
            }
        })+

        #[test]
        fn no_version_is_left_out() {
            for binaries in common::versions() {
                assert!([$($major),+].contains(&binaries.major), "no test for {}", binaries.major);
            }
        }
    };
}

on_version! {
    agree_on_13 13, agree_on_14 14, agree_on_15 15, agree_on_16 16, agree_on_17 17, agree_on_18 18,
}
