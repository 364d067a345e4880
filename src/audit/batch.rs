//! What becomes one commit: the records that somebody sent, and those of others that waited behind them.
//!
//! A commit costs a sync however long it is. Where several wait for the disk, one sync is enough for them.

use super::commit::{Landed, SEAL};
use super::entry::Entry;
use super::error::LogError;
use super::format::MAX_LINE;
use super::moment::Moment;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Most bytes that records of several senders have together: with their checkpoint they fit the room that is there for sure
/// after a disk was full. What one sent lands together, however long it is. What is too long for a line is alone.
pub(super) const MOST: usize = MAX_LINE - SEAL;

/// What became of what somebody sent. The records are given back, to be freed by who made them.
pub(super) type Answer = (Result<Vec<Landed>, Arc<LogError>>, Vec<Entry>);

/// Records that land together, and who waits for them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) now: Moment,
    /// It lands after what was sent before it, or not at all.
    pub(super) follows: bool,
    /// Bytes of its lines, or a few more; `None` where it is empty, or a record has no canonical form.
    bytes: Option<usize>,
    /// Who waits for how many of the records, in their order.
    senders: Vec<(usize, oneshot::Sender<Answer>)>,
}

impl Batch {
    /// What one sender sent, and where the answer will be.
    pub(super) fn new(
        entries: Vec<Entry>,
        now: Moment,
        follows: bool,
    ) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let bytes = entries.iter().map(Entry::bytes).sum::<Option<usize>>();
        let bytes = bytes.filter(|_| !entries.is_empty());
        let senders = vec![(entries.len(), reply)];
        (Self { entries, now, follows, bytes, senders }, answer)
    }

    /// Takes in what was sent next. Gives it back where that has to be a commit of its own.
    pub(super) fn join(&mut self, next: Self) -> Option<Self> {
        let bytes = self.bytes.zip(next.bytes).map(|(ours, more)| ours + more);
        // What follows a commit that is refused is refused untried, which is right for what follows it alone.
        let is_fit = bytes.is_some_and(|bytes| bytes <= MOST) && (next.follows || !self.follows);
        if !is_fit {
            return Some(next);
        }
        self.bytes = bytes;
        self.now = next.now;
        self.entries.extend(next.entries);
        self.senders.extend(next.senders);
        None
    }

    /// Tells all who wait.
    pub(super) fn answer(self, result: Result<Vec<Landed>, Arc<LogError>>) {
        let mut entries = self.entries.into_iter();
        let mut result = result.map(Vec::into_iter);
        for (count, sender) in self.senders {
            let landed = result.as_mut().map(|landed| landed.take(count).collect());
            let landed = landed.map_err(|error| error.clone());
            let _ = sender.send((landed, entries.by_ref().take(count).collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn entry(what: Value) -> Entry {
        Entry::of("observation", what)
    }

    fn batch(count: usize, follows: bool) -> (Batch, oneshot::Receiver<Answer>) {
        let entries = (0..count).map(|n| entry(json!({ "n": n }))).collect();
        Batch::new(entries, Moment::from("2026-03-05T09:00:00.000000Z"), follows)
    }

    #[test]
    fn each_is_told_of_its_own() {
        for fails in [false, true] {
            let (mut all, first) = batch(2, false);
            let (second, third) = (batch(1, true), batch(3, false));
            assert!(all.join(second.0).is_none() && all.join(third.0).is_none());
            let landed = |seq| Landed { seq, hash: [0; 32] };
            let error = || Arc::new(LogError::refused(std::path::Path::new("x"), "no"));
            all.answer(if fails { Err(error()) } else { Ok((10..16).map(landed).collect()) });
            let expected = [vec![10, 11], vec![12], vec![13, 14, 15]];
            for (mut answer, seqs) in [first, second.1, third.1].into_iter().zip(expected) {
                let (result, entries) = answer.try_recv().unwrap();
                assert_eq!(entries.len(), seqs.len());
                assert_eq!(entries[0], entry(json!({"n": 0})));
                let told = result.map(|landed| landed.iter().map(|line| line.seq).collect());
                assert_eq!(told.ok(), (!fails).then_some(seqs));
            }
        }
    }

    #[test]
    fn some_are_commits_of_their_own() {
        let long = |bytes| {
            let entries = vec![entry(json!({"text": "x".repeat(bytes)}))];
            Batch::new(entries, Moment::from(""), false).0
        };
        let is_joined = |mut one: Batch, next: Batch| one.join(next).is_none();
        let (plain, behind) = (|| batch(1, false).0, || batch(1, true).0);
        assert!(is_joined(plain(), plain()) && is_joined(plain(), behind()));
        assert!(is_joined(behind(), behind()));
        assert!(!is_joined(behind(), plain()), "the first may be refused untried");
        for other in [
            batch(0, false).0,
            Batch::new(vec![entry(json!({"a": 0.5}))], Moment::from(""), false).0,
        ] {
            assert!(!is_joined(plain(), other), "it asks, or will be refused");
        }
        assert!(!is_joined(batch(0, false).0, plain()));
        assert!(is_joined(long(MOST / 2), long(MOST / 2 - 1_000)));
        assert!(!is_joined(long(MOST / 2), long(MOST / 2)));
        assert!(!is_joined(long(2 * MOST), plain()) && !is_joined(plain(), long(2 * MOST)));
        assert!(!is_joined(plain(), long(MAX_LINE)), "no line is so long");
    }
}
