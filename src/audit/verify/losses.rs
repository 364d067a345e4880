//! What the log says of itself that it lacks.

use super::line::Line;
use super::members::{What, shown};
use super::note::decimal;
use super::report::{Continued, FaultKind, LossReport};

/// More are counted and not listed.
const MAX_LOSSES: usize = 64;

/// The `loss` records.
#[derive(Debug, Default)]
pub(super) struct Losses {
    pub(super) listed: Vec<LossReport>,
    pub(super) omitted: u64,
}

impl Losses {
    /// Takes a `loss` record.
    pub(super) fn record(&mut self, line: &Line<'_>) {
        let [unrecorded] = What::of(line, FaultKind::Members, "").find(["unrecorded"]);
        let unrecorded = unrecorded.and_then(|number| decimal(number.text));
        if self.listed.len() >= MAX_LOSSES {
            // Where nothing was lost there is nothing to say.
            self.omitted += u64::from(unrecorded != Some(0));
            return;
        }
        self.listed.push(LossReport {
            record: line.parsed.seq,
            cause: shown(line, "cause"),
            unrecorded,
        });
    }

    /// Those that a checkpoint over `size` lines seals.
    pub(super) fn sealed(&mut self, size: Option<u64>) -> Vec<LossReport> {
        let mut listed = std::mem::take(&mut self.listed);
        listed.retain(|loss| size.is_some_and(|size| loss.record < size));
        listed
    }
}

/// What is not in the log, by its own word.
pub(super) fn sentences(
    continues: Option<&Continued>,
    losses: &[LossReport],
    omitted: u64,
) -> Vec<String> {
    let mut said: Vec<String> =
        losses.iter().filter_map(|loss| sentence(continues, loss)).collect();
    if omitted > 0 {
        said.push(format!("What {omitted} more records say was lost."));
    }
    said
}

fn sentence(continues: Option<&Continued>, loss: &LossReport) -> Option<String> {
    let LossReport { record, cause, unrecorded } = loss;
    if cause != "log_replaced" {
        let how_many = match unrecorded {
            // Nothing was lost: the records waited until there was room.
            Some(0) => return None,
            Some(1) => "1 record".to_owned(),
            Some(number) => format!("{number} records"),
            None => "records, nobody knows how many,".to_owned(),
        };
        return Some(format!(
            "What was to be written before record {record}: it says that {how_many} could not be kept ({cause})."
        ));
    }
    let before = continues.map_or_else(
        || "an earlier one, of which nothing was good".to_owned(),
        |old| format!("the log {}, of which the first {} records were good", old.origin, old.size),
    );
    let how_many = match unrecorded {
        Some(0) => "no other record of it is known to be lost".to_owned(),
        Some(1) => "1 record of it is lost".to_owned(),
        Some(number) => format!("{number} records of it are lost"),
        None => "nobody knows how many records of it are lost".to_owned(),
    };
    Some(format!(
        "What happened before this log: it was begun in place of {before}. It has none of these, and record {record} \
         says that {how_many}."
    ))
}
