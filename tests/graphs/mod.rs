//! Random graphs of roles and rights, and whether the agent's answer about each role is what the server itself
//! says: `has_*_privilege`, `pg_has_role`, `DROP ROLE`, catalogs, and acting as the role.
//!
//! The same seed gives the same graph. `REVOKED_GRAPH_SEED=17` runs that one alone.
#![expect(dead_code, reason = "the test and the bench each use their own part of this")]

pub(crate) mod answer;
pub(crate) mod claim;
pub(crate) mod compare;
pub(crate) mod coverage;
mod draw;
mod rng;
pub(crate) mod rows;
mod script;
pub(crate) mod stage;
pub(crate) mod truth;

use answer::Answer;
use coverage::Coverage;
use draw::Graph;
use revoked::throwaway::Binaries;
use stage::Stage;
use std::fmt::Write as _;
use truth::Truth;

/// Graphs that are built together, and looked at in one look.
pub(crate) const BATCH: usize = 25;

/// What both sides said of one batch.
pub(crate) struct Batch {
    pub(crate) truth: Truth,
    pub(crate) answer: Answer,
}

/// Builds the graphs of these seeds on a fresh cluster and asks both sides.
pub(crate) async fn ask(binaries: &Binaries, seeds: &[u64], coverage: &mut Coverage) -> Batch {
    let graphs: Vec<Graph> = seeds.iter().map(|seed| Graph::draw(*seed, binaries.major)).collect();
    let stage = Stage::build(binaries, &graphs).await;
    let answer = stage.answer().await;
    let truth = stage.truth(&seeds.iter().map(|seed| draw::tag(*seed)).collect::<Vec<_>>()).await;
    coverage.count(&truth, &answer, stage.refused());
    Batch { truth, answer }
}

/// Runs graphs in batches; panics with seed, SQL and both answers when they differ.
pub(crate) async fn run(
    binaries: &Binaries,
    seeds: &[u64],
    mut each: impl FnMut(&Batch),
) -> Coverage {
    let mut coverage = Coverage::default();
    for seeds in seeds.chunks(BATCH) {
        let batch = ask(binaries, seeds, &mut coverage).await;
        let differences = compare::compare(&batch.truth, &batch.answer);
        assert!(differences.is_empty(), "{}", told(binaries, seeds, &batch, &differences));
        each(&batch);
    }
    coverage
}

/// The seed that was asked for alone.
pub(crate) fn seed_alone() -> Option<u64> {
    std::env::var("REVOKED_GRAPH_SEED").ok().map(|text| text.parse().unwrap())
}

/// What somebody needs who wants to know why: the first graph that differs, whole.
fn told(
    binaries: &Binaries,
    seeds: &[u64],
    batch: &Batch,
    differences: &[compare::Difference],
) -> String {
    let mut text = format!("PostgreSQL {}: {} differences\n", binaries.version, differences.len());
    for difference in differences.iter().take(40) {
        let _ = writeln!(text, "- {}", batch.truth.told(difference));
    }
    let first = differences.iter().find_map(|difference| difference.role);
    let tag = first.and_then(|role| batch.truth.roles.get(&role)).map(|role| role.tag.clone());
    let seed = seeds.iter().find(|seed| Some(draw::tag(**seed)) == tag);
    let (Some(seed), Some(role)) = (seed, first) else { return text };
    let graph = Graph::draw(*seed, binaries.major);
    for phase in [script::Phase::Roles, script::Phase::Objects, script::Phase::Ends] {
        let _ = write!(text, "--- {phase:?}\n{}", graph.script.text(phase));
    }
    let _ = write!(
        text,
        "--- the agent: {:?} {:#?}\n--- the server: {:#?}\nREVOKED_GRAPH_SEED={seed} runs this graph alone\n",
        batch.answer.verdicts.get(&role),
        batch.answer.of(role),
        batch.truth.of(role),
    );
    text
}
