//! The agent against the server itself, on random graphs of roles and rights.

mod common;
#[path = "graphs/mod.rs"]
mod graphs;

use graphs::coverage::Coverage;
use graphs::{Batch, compare, run, seed_alone};
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
