//! The sections of an attestation that are counted.

use super::{Writing, number};
use crate::audit::signed::cp1;
use crate::deliver::document::Block;
use crate::deliver::render::words::{counted, kind, lasting, milestone, reason, spaced};
use crate::deliver::storage::{Colour, Inline, cell, text};
use crate::domain::attestation::controls::{
    BLINDNESS, EXCEPTIONS, LOG, OUTCOME, POPULATION, RELAPSES, TIMELINESS,
};
use crate::domain::attestation::{Goal, Item, Met, Silence, Timeliness};
use crate::domain::revocation::State;
use std::collections::BTreeMap;

/// Revocations that are written out; the rest is in what is attached.
const ROWS: usize = 200;
/// Targets that are written out.
const TARGETS: usize = 100;

pub(super) fn of(counts: &BTreeMap<String, u64>, word: &str) -> u64 {
    counts.get(word).copied().unwrap_or(0)
}

/// Counts with their words, without those that are zero.
fn words_of(counts: &BTreeMap<String, u64>) -> Vec<Inline> {
    let some: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(word, count)| format!("{} {count}", spaced(word)))
        .collect();
    cell(if some.is_empty() { "none".to_owned() } else { some.join(", ") })
}

fn silence(times: &Silence) -> Vec<Inline> {
    if times.times == 0 {
        return cell("none");
    }
    let (all, longest) = (lasting(times.total_us), lasting(times.longest_us));
    cell(format!(
        "{}, together {all}, the longest {longest}",
        counted(times.times, "time", "times")
    ))
}

fn status(one: &Item) -> Inline {
    match (one.state, one.overdue) {
        (_, true) => Inline::Status("OVERDUE", Colour::Red),
        (State::Verified, false) => Inline::Status("VERIFIED", Colour::Green),
        (State::Regressed, false) => Inline::Status("CAME BACK", Colour::Red),
        (State::Open, false) => Inline::Status("OPEN", Colour::Yellow),
        (State::Scheduled, false) => Inline::Status("NOT DUE", Colour::Grey),
        (State::Excepted, false) => Inline::Status("EXCEPTED", Colour::Yellow),
        (State::Withdrawn, false) => Inline::Status("WITHDRAWN", Colour::Grey),
    }
}

impl Writing<'_> {
    pub(super) fn population(&mut self) {
        self.heading(POPULATION);
        let all = &self.made.population;
        self.facts(vec![
            ("Opened in the period", number(all.opened)),
            ("Carried over from before", number(all.carried)),
            ("Verified before, and open again", number(all.came_back)),
            ("Revocations of the period", number(all.total())),
            ("Subjects of those opened", number(all.subjects)),
            ("Opened, by kind", words_of(&all.by_kind)),
            ("Opened, by reason", words_of(&all.by_reason)),
        ]);
        let rows = all.by_source.iter().map(|(name, from)| {
            vec![
                vec![Inline::Theirs(name.clone())],
                number(from.revocations),
                number(from.subjects),
                number(from.told_late),
            ]
        });
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            self.table(
                &["told by", "revocations", "subjects", "told after the end of access"],
                rows,
            );
        }
        self.say(
            "This is what the agent was told. Whether a source told of everybody is for that source's own list: \
             revoked expect reconcile compares one with what is expected.",
        );
    }

    pub(super) fn timeliness(&mut self) {
        self.heading(TIMELINESS);
        if self.made.timeliness.is_empty() {
            return self.say("No deadline fell into the period, and none was overdue before it.");
        }
        let row = |one: &Timeliness| {
            let mut row = vec![cell(milestone(one.milestone)), number(one.due)];
            let words = Met::ALL.iter().filter(|met| **met != Met::NotDue);
            row.extend(words.map(|met| number(of(&one.met, met.as_str()))));
            let time = |us: Option<u64>| cell(us.map_or_else(|| "–".to_owned(), lasting));
            row.extend([time(one.median_us), time(one.worst_us)]);
            row.push(cell(format!("{} of {}", one.settled, one.overdue_before)));
            row
        };
        let rows = self.made.timeliness.iter().map(row).collect();
        let columns = [
            "deadline",
            "fell into the period",
            "in time",
            "late",
            "overdue",
            "excepted",
            "withdrawn",
            "not known",
            "median",
            "worst",
            "overdue before, settled",
        ];
        self.table(&columns, rows);
        self.say(
            "A deadline is met by the first look that saw it met, and counts in the period into which it falls. Times run \
             from the end of access, the receipt of the notice or the end of an exception, whichever was last.",
        );
    }

    pub(super) fn outcome(&mut self) {
        self.heading(OUTCOME);
        let outcome = &self.made.outcome;
        let state = |state: State| number(of(&outcome.at_end, state.as_str()));
        self.facts(vec![
            ("Verified", state(State::Verified)),
            ("Open", state(State::Open)),
            ("Came back", state(State::Regressed)),
            ("Excepted", state(State::Excepted)),
            ("Not due yet", state(State::Scheduled)),
            ("Withdrawn", state(State::Withdrawn)),
            ("With a deadline missed and not met", number(outcome.overdue)),
            ("Verifications in the period", number(outcome.verified)),
            ("Withdrawals in the period", number(outcome.withdrawn)),
            ("Of these, of what should never have been expected", number(outcome.erroneous)),
            ("Verified at the end, of every period", number(outcome.verified_in_all)),
        ]);
    }

    pub(super) fn relapses(&mut self) {
        self.heading(RELAPSES);
        let found = &self.made.relapses;
        self.facts(vec![
            ("Access back after it was verified", number(found.regressions)),
            ("Of these revocations, verified again", number(found.verified_again)),
            ("Sessions after access had ended", number(found.uses)),
            ("Break-glass sessions without permission", number(found.break_glass_uses)),
            ("Proofs taken back without access being seen", number(found.doubted)),
        ]);
    }

    pub(super) fn exceptions(&mut self) {
        self.heading(EXCEPTIONS);
        let all = &self.made.exceptions;
        self.facts(vec![
            ("Asked for", number(all.requested)),
            ("Granted", words_of(&all.granted)),
            ("Granted by the one who asked", number(all.self_approved)),
            ("Granted after access was kept without one", number(all.uncovered)),
            ("Ended", words_of(&all.ended)),
            ("In force at the end", number(all.in_force)),
            ("Of these, beyond their end", number(all.over_limit)),
            ("Reviewed", number(all.reviewed)),
            ("Reviews that are overdue", number(all.unreviewed)),
            ("Emergencies that nobody approved in time", number(all.emergencies_unapproved)),
        ]);
    }

    pub(super) fn blindness(&mut self) {
        self.heading(BLINDNESS);
        let blind = &self.made.blindness;
        self.facts(vec![
            ("Deadlines that passed while nobody could tell", number(blind.deadlines)),
            (
                "Without sight between the first clean look and its confirmation",
                cell(if blind.blind_us == 0 {
                    "no time".to_owned()
                } else {
                    lasting(blind.blind_us)
                }),
            ),
            ("Open now, and nobody can tell", number(blind.open_now)),
        ]);
        let rows = blind.targets.iter().take(TARGETS).map(|(name, unseen)| {
            let surfaces: Vec<String> = unseen.surfaces.iter().map(|one| spaced(one)).collect();
            let canary = match (unseen.canary_missed, unseen.canary_missing) {
                (0, false) => "–".to_owned(),
                (times, true) => format!("missed {times}, and missing at the end"),
                (times, false) => format!("missed {times}, found again"),
            };
            vec![
                cell(name.as_str()),
                number(unseen.deadlines),
                cell(if surfaces.is_empty() { "–".to_owned() } else { surfaces.join(", ") }),
                cell(canary),
            ]
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            self.say(
                "At no missed deadline something could not be read, and no canary was missed.",
            );
        } else {
            self.table(&["target", "missed deadlines", "could not be read", "canary"], rows);
        }
        let more = blind.targets.len().saturating_sub(TARGETS);
        if more > 0 {
            self.say(format!("And {more} more targets: attestation.json, attached."));
        }
    }

    pub(super) fn log(&mut self) {
        self.heading(LOG);
        let log = &self.made.log;
        let range = match (log.first, log.last) {
            (Some(first), Some(last)) => format!("{first} to {last}, {} lines", log.lines),
            _ => "none".to_owned(),
        };
        let promised = match log.heartbeat_us {
            Some(0) | None => "nothing is promised".to_owned(),
            Some(us) => format!("a line at least every {}", lasting(us)),
        };
        let keys: Vec<String> =
            log.keys.iter().map(|one| format!("{} from line {}", one.key, one.seq)).collect();
        let keys = if keys.is_empty() { "none".to_owned() } else { keys.join("; ") };
        self.facts(vec![
            ("Log", vec![Inline::Code(log.origin.clone())]),
            ("Lines of the period", cell(range)),
            ("Signs of life", cell(promised)),
            ("Agent away", silence(&log.absent)),
            ("Silent for longer than promised", silence(&log.silent)),
            ("Starts, and ends in order", cell(format!("{} and {}", log.starts, log.stops))),
            ("Recoveries", number(log.recoveries)),
            (
                "Losses of records",
                cell(format!("{}; records: {}", log.losses, log.unrecorded_in_words())),
            ),
            ("Times that the clock was set", number(log.clock_changes)),
            ("Changes of the configuration", number(self.made.config_changes)),
            ("Checkpoints given to others", words_of(&log.anchors)),
            ("Changes of the key", vec![Inline::Code(keys)]),
            ("Key that signs", vec![Inline::Code(log.key.clone())]),
            ("Newest checkpoint", cell(format!("of {} lines, signed", log.size))),
        ]);
        self.say("The checkpoint, as it was signed:");
        self.blocks.push(Block::Code(log.checkpoint.clone()));
        self.say("The same in one line, which survives being copied:");
        self.blocks.push(Block::Code(cp1(&log.checkpoint)));
    }

    pub(super) fn listed(&mut self) {
        self.heading("Revocations");
        let all = &self.made.revocations;
        if all.is_empty() {
            return self.say("None.");
        }
        if self.around.beside.short {
            return self.say(format!("{} rows: revocations.csv, attached.", all.len()));
        }
        let rows = all.iter().take(ROWS).map(|one| self.row(one)).collect();
        let columns = [
            "revocation",
            "what",
            "reason",
            "received",
            "access had to end",
            "deadlines",
            "state",
            "log records",
        ];
        self.table(&columns, rows);
        if all.len() > ROWS {
            self.say(format!("And {} more: revocations.csv.", all.len() - ROWS));
        }
        if self.made.revocations_left_out > 0 {
            self.say(format!(
                "{} more are counted, and listed nowhere.",
                self.made.revocations_left_out
            ));
        }
    }

    fn row(&self, one: &Item) -> Vec<Vec<Inline>> {
        let goal = |goal: &Goal| format!("{}: {}", goal.milestone, spaced(goal.met.as_str()));
        let goals: Vec<String> = one.goals.iter().map(goal).collect();
        let mut state = vec![status(one)];
        if one.regressions > 0 {
            state.push(text(format!(" came back {}", counted(one.regressions, "time", "times"))));
        }
        if one.uses > 0 {
            state.push(text(format!(" {}", counted(one.uses, "use", "uses"))));
        }
        vec![
            vec![Inline::Code(one.id.clone())],
            cell(kind(one.kind)),
            cell(reason(one.reason)),
            cell(self.at(one.received_at)),
            cell(self.at(one.effective_at)),
            cell(if goals.is_empty() { "–".to_owned() } else { goals.join("; ") }),
            state,
            cell(format!("{} to {}", one.first_seq, one.last_seq)),
        ]
    }
}
