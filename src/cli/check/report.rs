//! The contract of `check -o json`, and the same in rows.

use crate::cli::covered;
use crate::cli::look::{Answered, Look, Looked};
use crate::cli::output::{self, Rows};
use crate::domain::observation::{Coverage, Gap, Instance, NotCovered};
use crate::domain::probes::Missing;
use crate::domain::residual::Residual;
use crate::domain::revocation::{Kind, State};
use crate::domain::time::UtcTime;
use crate::domain::verdict::{Judgement, Verdict};
use crate::http::exceptions::ExceptionView;
use serde::Serialize;

/// The contract of `check -o json`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Report<'a> {
    verdict: Verdict,
    as_of: UtcTime,
    subjects: Vec<SubjectReport<'a>>,
    targets: Vec<TargetReport<'a>>,
    residual: Vec<&'a Residual>,
    possibly: Vec<&'a Residual>,
    ambient: Vec<String>,
    kept: Vec<&'a Residual>,
    missing: Vec<&'a Missing>,
    gaps: Vec<&'a Gap>,
    not_covered: Vec<&'a NotCovered>,
    coverage: Vec<&'a Coverage>,
    over_privileged: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SubjectReport<'a> {
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<&'a str>,
    kind: Kind,
    verdict: Verdict,
    held: bool,
    /// Where the revocation stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    /// When access has to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<UtcTime>,
    /// The person works here again since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    rehired_at: Option<UtcTime>,
    exceptions: &'a [ExceptionView],
    accounts: Vec<AccountReport<'a>>,
}

#[derive(Debug, Serialize)]
struct AccountReport<'a> {
    target: &'a str,
    oid: u32,
    role: &'a str,
    exists: bool,
}

#[derive(Debug, Serialize)]
struct TargetReport<'a> {
    name: &'a str,
    system_identifier: Option<String>,
    server_version: Option<&'a str>,
    in_recovery: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instances: Vec<&'a Instance>,
}

impl<'a> Report<'a> {
    pub(in crate::cli) fn new(looked: &'a Looked) -> Self {
        let judged = || looked.subjects.iter().map(|one| &one.judged);
        let seen = || looked.looks.iter().map(|look| &look.observation);
        let per_target = |texts: fn(&Look) -> &[String]| {
            let looks = looked.looks.iter();
            looks
                .flat_map(|look| texts(look).iter().map(|text| looked.of_target(look, text)))
                .collect()
        };
        let mut gaps: Vec<&Gap> = judged().flat_map(|j| &j.gaps).collect();
        gaps.sort();
        gaps.dedup();
        let in_order = |list: fn(&Judgement) -> &[Residual]| {
            let mut all: Vec<&Residual> = judged().flat_map(list).collect();
            all.sort();
            all.dedup();
            all
        };
        let mut not_covered: Vec<&NotCovered> =
            judged().flat_map(|judged| &judged.not_covered).chain(&looked.unread).collect();
        not_covered.sort();
        not_covered.dedup();
        Self {
            verdict: output::worst(judged().map(|judged| judged.verdict)),
            as_of: looked.as_of,
            subjects: looked.subjects.iter().map(|one| subject(one, &looked.looks)).collect(),
            targets: looked.looks.iter().map(target).collect(),
            residual: in_order(|judged| &judged.residual),
            possibly: seen().flat_map(|look| &look.vanished).collect(),
            ambient: per_target(|look| &look.observation.ambient),
            kept: in_order(|judged| &judged.kept),
            missing: judged().flat_map(|judged| &judged.missing).collect(),
            gaps,
            not_covered,
            coverage: seen().flat_map(|look| &look.coverage).collect(),
            over_privileged: per_target(|look| &look.observation.excess),
        }
    }

    /// The worst verdict of all.
    pub(in crate::cli) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What everybody has.
    pub(in crate::cli) fn ambient(&self) -> &[String] {
        &self.ambient
    }

    /// What no verdict speaks about, for people: what is the same on several targets once.
    pub(in crate::cli) fn not_covered(&self) -> Vec<String> {
        covered::lines(self.not_covered.iter().copied())
    }

    /// Verdicts, findings and gaps: without all three, rows would look better than the answer is.
    pub(in crate::cli) fn rows(&self) -> Rows {
        let mut rows = Vec::new();
        for one in &self.subjects {
            let mut cells = vec![String::new(); HEADER.len()];
            set(&mut cells, "row", "verdict");
            set(&mut cells, "subject", one.subject);
            set(&mut cells, "kind", one.verdict.as_str());
            rows.push(cells);
        }
        let found =
            [("residual", &self.residual), ("possibly", &self.possibly), ("kept", &self.kept)];
        for (word, list) in found {
            rows.extend(list.iter().map(|found| residual(word, found)));
        }
        for lacks in &self.missing {
            let mut cells = vec![String::new(); HEADER.len()];
            set(&mut cells, "row", "missing");
            set(&mut cells, "kind", lacks.what.as_str());
            set(&mut cells, "target", lacks.target.as_deref().unwrap_or_default());
            set(&mut cells, "object", &lacks.name);
            set(&mut cells, "sentence", &lacks.sentence);
            rows.push(cells);
        }
        for gap in &self.gaps {
            let mut cells = vec![String::new(); HEADER.len()];
            set(&mut cells, "row", "gap");
            set(&mut cells, "kind", gap.surface.as_str());
            set(&mut cells, "target", &gap.target);
            set(&mut cells, "database", gap.database.as_deref().unwrap_or_default());
            set(&mut cells, "sentence", &format!("{}; to fix: {}", gap.reason, gap.fix));
            rows.push(cells);
        }
        Rows { header: HEADER, rows }
    }
}

const HEADER: &[&str] = &[
    "row",
    "subject",
    "strength",
    "kind",
    "target",
    "role",
    "oid",
    "database",
    "object",
    "privilege",
    "grantor",
    "via",
    "tampered",
    "sentence",
];

fn set(cells: &mut [String], column: &str, text: &str) {
    let place = HEADER.iter().position(|name| *name == column);
    if let Some(cell) = place.and_then(|place| cells.get_mut(place)) {
        text.clone_into(cell);
    }
}

fn residual(word: &str, found: &Residual) -> Vec<String> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    vec![
        word.to_owned(),
        String::new(),
        found.strength.to_string(),
        found.kind.to_string(),
        found.account.target.clone(),
        text(&found.account.role),
        found.account.oid.to_string(),
        text(&found.database),
        text(&found.object),
        text(&found.privilege),
        text(&found.grantor),
        found.via.join(" > "),
        found.tampered.to_string(),
        found.sentence.clone(),
    ]
}

fn subject<'a>(one: &'a Answered, looks: &'a [Look]) -> SubjectReport<'a> {
    let exists = |account: &crate::domain::account::Account| {
        looks.iter().map(|look| &look.observation).any(|look| {
            look.target == account.target
                && look
                    .server
                    .as_ref()
                    .is_some_and(|server| server.system_identifier == account.system_identifier)
                && look.role(account.oid).is_some()
        })
    };
    SubjectReport {
        subject: &one.asked.subject,
        revocation: one.asked.revocation.as_deref(),
        kind: one.asked.kind,
        verdict: one.judged.verdict,
        held: one.asked.held,
        state: one.asked.expected.as_ref().map(|stored| stored.life.state),
        effective_at: one.asked.expected.as_ref().map(|stored| stored.revocation.effective_at),
        rehired_at: one.asked.rehired(),
        exceptions: &one.asked.exceptions,
        accounts: one
            .accounts
            .iter()
            .map(|account| AccountReport {
                target: &account.target,
                oid: account.oid.0,
                role: &account.role,
                exists: exists(account),
            })
            .collect(),
    }
}

fn target(look: &Look) -> TargetReport<'_> {
    let server = look.observation.server.as_ref();
    TargetReport {
        name: &look.observation.target,
        system_identifier: server.map(|s| s.system_identifier.to_string()),
        server_version: server.map(|s| s.version.as_str()),
        in_recovery: server.map(|s| s.in_recovery),
        instances: look.observation.instances.iter().collect(),
    }
}
