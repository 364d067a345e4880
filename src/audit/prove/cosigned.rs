//! Which checkpoint a proof is made under: one that witnesses signed says more than one that the log's key alone did.

use super::lines::{Lines, kind};
use super::pick::{Line, Picked};
use super::{Head, ProveError, Prover};
use crate::audit::format::TOLERANCE;
use crate::audit::signed::Note;
use crate::domain::time::UtcTime;
use serde_json::Value;

/// Receipts beyond these are left out: a note has up to 64 signature lines, two of them by keys of the log.
const MAX_RECEIPTS: usize = 62;

/// The receipts of witnesses for the tree of one size.
#[derive(Debug, Default)]
struct Receipts {
    size: u64,
    lines: Vec<String>,
}

impl Receipts {
    /// Takes what an `anchor` record says, if it is of a witness and about a tree that has line `last`.
    fn take(&mut self, line: &[u8], last: u64) {
        let Some((size, receipt)) = receipt(line) else { return };
        if size <= last || size < self.size {
            return;
        }
        if size > self.size {
            *self = Self { size, lines: Vec::new() };
        }
        if self.lines.len() < MAX_RECEIPTS && !self.lines.contains(&receipt) {
            self.lines.push(receipt);
        }
    }
}

/// Size and signature line in an `anchor` record of a witness.
fn receipt(line: &[u8]) -> Option<(u64, String)> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let what = line.get("what")?;
    if what.get("kind")?.as_str()? != "witness" {
        return None;
    }
    let text = what.get("receipt")?.as_str()?.trim_end_matches('\n');
    // A second line would be part of the note's text.
    let is_line = text.starts_with('\u{2014}') && !text.contains('\n');
    is_line.then(|| Some((what.get("size")?.as_u64()?, format!("{text}\n"))))?
}

/// Whether the time of one of `lines` is later than a witness allows that signed `head`: the clock of the agent was wrong
/// when the line was written.
fn is_late(head: &Head, lines: &[&Line]) -> bool {
    let note = Note::parse(&head.note);
    let seen = note.iter().flat_map(Note::seen_at).min();
    let Some(seen) = seen.and_then(|seen| i64::try_from(seen).ok()?.checked_mul(1_000_000)) else {
        return false;
    };
    let latest = seen.saturating_add(TOLERANCE);
    lines.iter().any(|(_, line)| time(line).is_some_and(|time| time.micros() > latest))
}

/// The time of a line; a checkpoint has none.
fn time(line: &[u8]) -> Option<UtcTime> {
    let line: Value = serde_json::from_slice(line).ok()?;
    line.get("time")?.as_str()?.parse().ok()
}

impl Prover {
    /// The checkpoint to prove `picked` under, see [`Prover::cosigned`]. Where its witnesses say that a clock was wrong,
    /// what the log says of that is picked as well, and the checkpoint is one that has this too.
    pub(super) fn under(
        &self,
        head: &Head,
        picked: &mut Picked,
        has_chain: bool,
    ) -> Result<Head, ProveError> {
        let cosigned = self.cosigned(head, picked.last())?;
        if !is_late(&cosigned, &picked.lines(cosigned.size, has_chain)) {
            return Ok(cosigned);
        }
        picked.add_clocks(self.dir(), head)?;
        self.cosigned(head, picked.last())
    }

    /// The newest checkpoint up to `head` that has line `last` and that witnesses signed, by the receipts in the log,
    /// with their signature lines in its note; `head` where there is none. Whose receipt is good is for those who
    /// know the witness: it stands in the log as it came.
    fn cosigned(&self, head: &Head, last: u64) -> Result<Head, ProveError> {
        let (mut lines, mut receipts) = (Lines::of(self.dir())?, Receipts::default());
        while let Some((_, line)) = lines.next()?.filter(|(seq, _)| *seq < head.size) {
            if kind(line) == b"anchor" {
                receipts.take(line, last);
            }
        }
        if receipts.lines.is_empty() || receipts.size > head.size {
            return Ok(head.clone());
        }
        let signed = match self.checkpoint(receipts.size) {
            Ok(signed) => signed,
            // The record is about no checkpoint of this log: it is not what a witness was given.
            Err(ProveError::NoCheckpoint { .. } | ProveError::Beyond { .. }) => {
                return Ok(head.clone());
            }
            Err(error) => return Err(error),
        };
        let note = signed.note + &receipts.lines.concat();
        Ok(Head::of(&note).unwrap_or_else(|| head.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::cosign::{cosign, cosigner};
    use crate::audit::file::{Entry, LogFile, Moment, create};
    use crate::audit::key::LogKey;
    use crate::audit::verify::{Options, Outcome, Vkey, Witness, proof};
    use serde_json::json;
    use std::path::Path;
    use zeroize::Zeroizing;

    /// By the right clock, in seconds.
    const BEGAN: i64 = 1_772_701_200;
    const HOUR: i64 = 3_600;

    fn key(name: &str, seed: u8) -> LogKey {
        LogKey::from_seed(name, &Zeroizing::new([seed; 32]))
    }

    /// So many seconds later, by a clock that is `ahead`.
    fn at(seconds: u64, ahead: i64) -> Moment {
        let micros = (BEGAN + i64::try_from(seconds).unwrap() + ahead) * 1_000_000;
        Moment::new(UtcTime::from_micros(micros).unwrap(), Some(seconds * 1_000_000))
    }

    /// The witness signs the log as it is, by the right clock, and the log says so by its own.
    fn give_away(log: &mut LogFile, dir: &Path, seconds: u64, ahead: i64) {
        let head = Prover::new(dir).head().unwrap();
        let body = Note::parse(&head.note).unwrap().body.to_owned();
        let time = u64::try_from(BEGAN).unwrap() + seconds;
        let receipt = cosign(&key("witness.example/w", 9), &body, time);
        let what = json!({"kind": "witness", "size": head.size, "receipt": receipt});
        log.append(&[Entry::of("anchor", what)], at(seconds, ahead)).unwrap();
    }

    /// What the bundle of the revocation, and its record alone, prove to who knows the witness; witnesses and warnings of
    /// the bundle; and the types of its lines.
    fn proved(dir: &Path) -> ([Outcome; 2], [usize; 2], Vec<String>) {
        let prover = Prover::new(dir);
        let head = prover.head().unwrap();
        let options = Options {
            key: Some(Vkey::parse(&key("test/log", 7).vkey()).unwrap()),
            witnesses: vec![Witness::parse(&cosigner(&key("witness.example/w", 9))).unwrap()],
            ..Options::default()
        };
        let check = |text: String| proof::check(text.as_bytes(), "proof", &options);
        let bundle = check(prover.bundle(&head, "rev_1").unwrap());
        let line = check(prover.line(&head, 2).unwrap());
        let kinds = bundle.lines.into_iter().map(|line| line.kind).collect();
        let counts = [bundle.witnesses.len(), bundle.warnings.len()];
        ([bundle.outcome, line.outcome], counts, kinds)
    }

    #[test]
    fn a_bundle_explains_times_by_a_clock_that_was_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        create(dir, &key("test/log", 7), "next", at(0, HOUR)).unwrap();
        let mut log = LogFile::open(dir, key("test/log", 7), at(0, HOUR)).unwrap();
        let what = json!({"id": "rev_1.1", "revocation": "rev_1"});
        log.append(&[Entry::of("revocation_triggered", what)], at(10, HOUR)).unwrap();
        let bundle = ["genesis", "revocation_triggered"];
        assert_eq!(proved(dir).2, bundle);
        give_away(&mut log, dir, 20, HOUR);
        // As the whole log, as long as nothing in it tells of another clock.
        assert_eq!(proved(dir).0, [Outcome::Tampered; 2]);
        log.append(&[Entry::of("heartbeat", json!({}))], at(40, 0)).unwrap();
        let with_clock = [&bundle[..], &["clock"]].concat();
        // No witness signed a tree that has the clock record.
        assert_eq!(
            proved(dir),
            ([Outcome::NotProved; 2], [0, 0], with_clock.iter().map(|s| (*s).to_owned()).collect())
        );
        give_away(&mut log, dir, 60, 0);
        let (outcomes, counts, kinds) = proved(dir);
        assert_eq!(outcomes, [Outcome::Verified; 2]);
        assert_eq!((counts, kinds), ([1, 1], with_clock.iter().map(|s| (*s).to_owned()).collect()));
        // An hour later the witness signs a later time than that of the line: nothing has to be explained.
        give_away(&mut log, dir, 4_000, 0);
        assert_eq!(
            proved(dir),
            ([Outcome::Verified; 2], [1, 0], bundle.map(str::to_owned).to_vec())
        );
    }
}
