//! The contract of `plan -o json`.

use super::notes::head;
use super::{Planned, concerns, not_seen};
use crate::cli::look::Looked;
use crate::domain::observation::{Gap, NotCovered};
use crate::domain::plan::locks::Wait;
use crate::domain::plan::simulate::Simulation;
use crate::domain::plan::{Note, Placed};
use crate::domain::residual::Residual;
use crate::domain::time::UtcTime;
use serde::Serialize;

/// The contract of `plan -o json`.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    as_of: UtcTime,
    subjects: Vec<&'a str>,
    /// What stands against running it.
    notes: &'a [String],
    /// One plan per cluster.
    targets: Vec<TargetPlan<'a>>,
    gaps: &'a [&'a Gap],
    not_covered: Vec<&'a NotCovered>,
}

#[derive(Serialize)]
struct TargetPlan<'a> {
    name: &'a str,
    system_identifier: Option<String>,
    server_version: Option<&'a str>,
    preserve_data: bool,
    /// What stays under a legal hold.
    held: &'a [Residual],
    steps: Vec<StepReport<'a>>,
    by_hand: &'a [Note],
    #[serde(skip_serializing_if = "Option::is_none")]
    simulation: Option<&'a Simulation>,
    script: String,
}

#[derive(Serialize)]
struct StepReport<'a> {
    #[serde(flatten)]
    placed: &'a Placed,
    /// What it is for, where the statements do not say it.
    why: Option<String>,
    sql: Vec<String>,
    /// Prepared transactions of others that it would wait for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<&'a Wait>,
}

impl<'a> Answer<'a> {
    /// `told` are the gaps that are no question to a person.
    pub(super) fn new(
        looked: &'a Looked,
        planned: &'a [Planned<'a>],
        (gaps, told): (&'a [&'a Gap], &[&Gap]),
        notes: &'a [String],
    ) -> Self {
        let not_covered = looked
            .looks
            .iter()
            .flat_map(|look| &look.observation.not_covered)
            .chain(&looked.unread);
        Self {
            as_of: looked.as_of,
            subjects: looked.subjects.iter().map(|one| one.asked.subject.as_str()).collect(),
            targets: planned.iter().map(|one| TargetPlan::new(one, looked, told, notes)).collect(),
            notes,
            gaps,
            not_covered: not_covered.collect(),
        }
    }
}

impl<'a> TargetPlan<'a> {
    fn new(one: &'a Planned<'a>, looked: &Looked, gaps: &[&Gap], notes: &[String]) -> Self {
        let server = one.look.observation.server.as_ref();
        let steps = one.plan.steps.iter();
        let here = gaps.iter().filter(|gap| concerns(gap, one));
        // What is no target's may be missing in each script.
        let targets = || looked.looks.iter().map(|look| &look.observation.target);
        let elsewhere = gaps.iter().filter(|gap| !targets().any(|name| *name == gap.target));
        Self {
            name: &one.look.observation.target,
            system_identifier: server.map(|server| server.system_identifier.to_string()),
            server_version: server.map(|server| server.version.as_str()),
            preserve_data: one.preserve_data,
            held: &one.held,
            steps: steps
                .map(|placed| StepReport {
                    placed,
                    why: placed.step.why(),
                    sql: placed.step.sql(),
                    waits_for: one.plan.waits_of(placed).collect(),
                })
                .collect(),
            by_hand: &one.plan.by_hand,
            simulation: one.simulation.as_ref(),
            script: head(notes) + &one.script(looked) + &not_seen(here.chain(elsewhere)),
        }
    }
}
