//! What a periodic attestation says: of a period, from what the log holds. Pure.
//!
//! It says no more than the log. What the log does not tell stands in [`Attestation::not_known`], and what nobody looked at
//! in time is not counted as done in time.

pub mod controls;
mod count;
mod lines;
mod parts;
mod replay;
mod schedule;
mod track;

pub use controls::Control;
pub use lines::{KeyChange, LineFacts, LinesTally, LogPart, Silence};
pub use parts::{
    Blindness, Exceptions, FromSource, Outcome, Population, Relapses, Timeliness, Unseen,
};
pub use replay::{Entry, Replay, Stood};
pub use schedule::{NotASchedule, Schedule, due_periods};

use super::milestone::Milestone;
use super::revocation::{Kind, Reason, State};
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most revocations that are listed one by one. What is more is counted, and said to be left out.
pub const LISTED: usize = 50_000;

/// Seconds in which an agent may be away without that being told of: a restart.
const AWAY: u64 = 300;

/// A span of time: from `from` up to `to`, which is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestationPeriod)]
pub struct Period {
    /// Its first instant.
    pub from: UtcTime,
    /// The first instant after it.
    pub to: UtcTime,
}

impl Period {
    /// Whether `at` lies in it.
    #[must_use]
    pub fn has(&self, at: UtcTime) -> bool {
        self.from <= at && at < self.to
    }
}

/// Periods that are not attested one by one, since too many were missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedLeftOut)]
pub struct LeftOut {
    /// How many.
    #[schema(minimum = 0)]
    pub periods: u64,
    /// Where the first of them began.
    pub from: UtcTime,
    /// Where the last of them ended.
    pub to: UtcTime,
}

words! {
    /// What became of a deadline.
    Met {
        /// It was seen to be met before it passed.
        InTime = "in_time",
        /// It was seen to be met after it had passed.
        Late = "late",
        /// It passed, and was not met by the end of the period.
        Overdue = "overdue",
        /// It passed while an exception kept access.
        Excepted = "excepted",
        /// Nothing was expected any more.
        Withdrawn = "withdrawn",
        /// It passed, and the log does not tell what was so then.
        NotKnown = "not_known",
        /// It lies after the period.
        NotDue = "not_due",
    }
}

/// A deadline of a revocation, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedGoal)]
pub struct Goal {
    /// Which.
    pub milestone: Milestone,
    /// By when.
    pub deadline: UtcTime,
    /// When it was seen to be met.
    pub met_at: Option<UtcTime>,
    /// What became of it.
    pub met: Met,
}

/// A revocation of the period. Its subject stands here by its id in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedRevocation)]
pub struct Item {
    /// `rev_…`.
    pub id: String,
    /// Id of the subject in the log.
    pub subject: String,
    /// What must be gone.
    pub kind: Kind,
    /// Why, as a class.
    pub reason: Reason,
    /// Who told us.
    pub source: String,
    /// When we were told.
    pub received_at: UtcTime,
    /// When access had to end.
    pub effective_at: UtcTime,
    /// It was accepted in the period; else it was there before.
    pub opened: bool,
    /// Its deadlines.
    pub goals: Vec<Goal>,
    /// Newest first clean look.
    pub first_clean_at: Option<UtcTime>,
    /// When it was last verified.
    pub verified_at: Option<UtcTime>,
    /// Where it stands at the end of the period.
    pub state: State,
    /// At the end of the period a deadline is missed and not met.
    pub overdue: bool,
    /// How often access came back in the period.
    #[schema(minimum = 0)]
    pub regressions: u64,
    /// Sessions that began after the end, in the period.
    #[schema(minimum = 0)]
    pub uses: u64,
    /// Exceptions that were granted in the period.
    #[schema(minimum = 0)]
    pub exceptions: u64,
    /// Line of the log by which it was accepted.
    #[schema(minimum = 0)]
    pub first_seq: u64,
    /// The newest line of the log that was counted of it.
    #[schema(minimum = 0)]
    pub last_seq: u64,
}

/// An attestation of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attestation {
    /// Its name in the configuration; `null` where it was asked for by its times.
    pub name: Option<String>,
    /// What it is about.
    pub period: Period,
    /// When it was made.
    pub made_at: UtcTime,
    /// Lines of the log before this one were counted.
    #[schema(minimum = 0)]
    pub up_to: u64,
    /// Periods before it that are not attested.
    pub left_out: Option<LeftOut>,
    /// What the log does not tell.
    pub not_known: Vec<String>,
    /// Which revocations it is about.
    pub population: Population,
    /// Deadlines that fell into the period.
    pub timeliness: Vec<Timeliness>,
    /// How they stand at its end.
    pub outcome: Outcome,
    /// Access that came back.
    pub relapses: Relapses,
    /// Permission to keep access.
    pub exceptions: Exceptions,
    /// What nobody could tell.
    pub blindness: Blindness,
    /// Changes of the configuration in the period.
    #[schema(minimum = 0)]
    pub config_changes: u64,
    /// How complete the log is.
    pub log: LogPart,
    /// Which section is evidence for a part of which control.
    pub controls: Vec<Control>,
    /// The revocations of the period, by when they were accepted.
    pub revocations: Vec<Item>,
    /// How many more there are than are listed.
    #[schema(minimum = 0)]
    pub revocations_left_out: u64,
}

/// What is known beside the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name of the attestation in the configuration.
    pub name: Option<String>,
    /// When it is made.
    pub made_at: UtcTime,
    /// Lines of the log before this one are counted.
    pub up_to: u64,
    /// Periods before it that are not attested.
    pub left_out: Option<LeftOut>,
    /// Open revocations whose newest look could not tell, now.
    pub open_blind: u64,
    /// Revocations whose records are of a log that was given up.
    pub of_another_log: u64,
    /// How complete the log is.
    pub log: LogPart,
}

/// Puts together what the records told and what else is known.
#[must_use]
pub fn attest(replay: Replay, setting: Setting) -> Attestation {
    let period = replay.period();
    let mut made = count::count(replay);
    made.blindness.open_now = setting.open_blind;
    let (items, left) = made.listed();
    Attestation {
        not_known: not_known(&period, &setting, left),
        name: setting.name,
        period,
        made_at: setting.made_at,
        up_to: setting.up_to,
        left_out: setting.left_out,
        population: made.population,
        timeliness: made.timeliness,
        outcome: made.outcome,
        relapses: made.relapses,
        exceptions: made.exceptions,
        blindness: made.blindness,
        config_changes: made.config_changes,
        log: setting.log,
        controls: controls::all(),
        revocations: items,
        revocations_left_out: left,
    }
}

/// What the log does not tell of the period.
fn not_known(period: &Period, setting: &Setting, left: u64) -> Vec<String> {
    let log = &setting.log;
    let mut said = Vec::new();
    if let Some(begun) = log.begun_at.filter(|at| *at > period.from) {
        said.push(format!(
            "The log begins at {begun}: of the period before that nothing is known."
        ));
    }
    if let Some(oldest) = log.oldest.filter(|_| !log.whole) {
        said.push(format!(
            "Files of the log before line {oldest} are not here: lines of the period in them are not counted among lines, \
             signs of life and keys. Revocations are."
        ));
    }
    if setting.of_another_log > 0 {
        said.push(format!(
            "{} revocations were accepted in a log that was given up: nothing is said of them here.",
            setting.of_another_log
        ));
    }
    if log.lines > 0 && log.heartbeat_us == Some(0) {
        said.push(
            "The log promises no sign of life, so it does not tell whether the agent was there between two lines."
                .to_owned(),
        );
    }
    if log.first.is_none() {
        said.push("The log has no line of the period: nobody knows what was so then.".to_owned());
    }
    let away = log.absent.total_us.saturating_add(log.silent.total_us) / 1_000_000;
    if away > AWAY {
        said.push(format!(
            "For {away} s of the period the agent was away, or silent: what happened then was seen afterwards, or not at \
             all."
        ));
    }
    if log.losses > 0 {
        said.push(format!(
            "Records of the period were lost ({}): what they told is not counted.",
            log.unrecorded_in_words()
        ));
    }
    if log.clock_changes > 0 {
        said.push(
            "The clock was set in the period: times before and after that are by different clocks."
                .to_owned(),
        );
    }
    if left > 0 {
        said.push(format!("{left} revocations are counted, and not listed one by one."));
    }
    said
}

#[cfg(test)]
#[path = "attestation/stood_tests.rs"]
mod stood_tests;
#[cfg(test)]
#[path = "attestation/tests.rs"]
mod tests;
