//! Landing records: from the queue into the log, and back to the store as landed.
//!
//! The log writes while the store is told of what was written before, and a full batch is sent while another is under
//! way, so that it is built and signed by the time the disk is free. Answers are taken in the order of sending, and what
//! was sent behind something that is refused is refused with it (`LogWriter::send_behind`): the records of a
//! revocation stand in the log in the order in which they were queued.

use super::{Journal, JournalError, moment, told};
use crate::audit::file::Entry;
use crate::audit::writer::Sent;
use crate::domain::hex::hex;
use crate::store::{LandedRecord, QueuedRecord};
use std::collections::{BTreeSet, VecDeque};

/// Records that are sent at once, to land in one commit.
const BATCH: usize = 128;
/// Commits that are under way at once.
const AHEAD: usize = 2;

/// Records between queue and mark. They are still queued in the store, and must not be sent again.
#[derive(Default)]
pub(super) struct Landing {
    /// On their way into the log, the first one first.
    sent: VecDeque<(Vec<QueuedRecord>, Sent)>,
    /// In the log; the store does not know yet.
    untold: Vec<LandedRecord>,
    /// What says how much was passed over, on its way into the log, with what it counts.
    loss: Option<(BTreeSet<String>, Sent)>,
}

impl Landing {
    /// Ids of all of them.
    fn known(&self) -> BTreeSet<String> {
        let sent = self.sent.iter().flat_map(|(queued, _)| queued);
        let all = sent.chain(self.untold.iter().map(|one| &one.record));
        all.map(|record| record.id.clone()).collect()
    }
}

impl Journal {
    /// Lands everything that is queued now. Each record goes to the log once, also when an earlier call was
    /// given up halfway or the store failed after the log took the records.
    ///
    /// # Errors
    /// When the store or the log refuses.
    pub async fn drain(&self) -> Result<(), JournalError> {
        let mut landing = self.landing.lock().await;
        loop {
            if self.refuses() || self.overflow.is_untold() {
                self.finish(&mut landing).await?;
                self.clear_the_way(&mut landing.loss).await?;
            }
            // What an earlier call could not tell.
            self.tell(&mut landing.untold).await?;
            let known = landing.known();
            self.feed(&mut landing.sent, known).await?;
            if landing.sent.is_empty() {
                return Ok(());
            }
            self.hear(&mut landing).await?;
            // The log does not wait for the store.
            let known = landing.known();
            let Landing { sent, untold, .. } = &mut *landing;
            let (fed, told) = tokio::join!(self.feed(sent, known), self.tell(untold));
            told?;
            fed?;
        }
    }

    /// Where the log took nothing: is there room again? And says what was passed over meanwhile: once, also when an earlier
    /// call was given up before the log answered.
    async fn clear_the_way(
        &self,
        loss: &mut Option<(BTreeSet<String>, Sent)>,
    ) -> Result<(), JournalError> {
        if self.refuses() {
            // Nothing is sent: it is asked whether there is room again.
            self.taken(self.writer.append(Vec::new(), moment()).await)?;
        }
        if loss.is_none()
            && let Some((entry, counted)) = self.overflow.record()
        {
            let sent = self.writer.send(vec![entry], moment()).await;
            *loss = Some((counted, sent.map_err(|error| self.refused(error))?));
        }
        if let Some((_, sent)) = loss {
            let answer = sent.answer().await;
            let told = loss.take();
            self.taken(answer)?;
            self.overflow.forget(&told.map(|(counted, _)| counted).unwrap_or_default());
        }
        Ok(())
    }

    /// Sends what waits in the queue and is not `known`: all that fits a commit to a log that has nothing to do, and whole
    /// commits behind another. Smaller ones would cost the disk a sync each.
    async fn feed(
        &self,
        sent: &mut VecDeque<(Vec<QueuedRecord>, Sent)>,
        mut known: BTreeSet<String>,
    ) -> Result<(), JournalError> {
        while sent.len() < AHEAD {
            let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let queued = self.store.queued_beside(&known, most).await?;
            let is_whole = queued.len() == BATCH;
            if queued.is_empty() || !is_whole && !sent.is_empty() {
                return Ok(());
            }
            known.extend(queued.iter().map(|record| record.id.clone()));
            let entries = queued.iter().map(|record| Entry::new(&record.kind, &record.body));
            let entries = entries.collect();
            let given = if sent.is_empty() {
                self.writer.send(entries, moment()).await
            } else {
                self.writer.send_behind(entries, moment()).await
            };
            sent.push_back((queued, given.map_err(|error| self.refused(error))?));
            if !is_whole {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits for all answers of the log, then tells the store.
    pub(super) async fn finish(&self, landing: &mut Landing) -> Result<(), JournalError> {
        while !landing.sent.is_empty() {
            self.hear(landing).await?;
        }
        self.tell(&mut landing.untold).await
    }

    /// Waits for the log's answer to the first commit. If it is a refusal, all that was sent behind it is refused too, and
    /// is in the queue only.
    async fn hear(&self, landing: &mut Landing) -> Result<(), JournalError> {
        let Some((_, sent)) = landing.sent.front_mut() else { return Ok(()) };
        let answer = sent.answer().await;
        let Some((queued, _)) = landing.sent.pop_front() else { return Ok(()) };
        match self.taken(answer) {
            Ok(lines) => {
                landing.untold.extend(queued.into_iter().zip(lines).map(|(record, line)| {
                    LandedRecord { record, seq: line.seq, hash: hex(&line.hash) }
                }));
                Ok(())
            }
            Err(error) => {
                while let Some((_, sent)) = landing.sent.front_mut() {
                    let _ = sent.answer().await;
                    landing.sent.pop_front();
                }
                Err(error)
            }
        }
    }

    /// Tells the store what is in the log, and those who wait.
    async fn tell(&self, untold: &mut Vec<LandedRecord>) -> Result<(), JournalError> {
        if untold.is_empty() {
            return Ok(());
        }
        self.store.land(untold).await?;
        for one in untold.drain(..) {
            told::count(&self.metrics, &one.record);
            told::say(&one);
            for waiter in self.waiters().remove(&one.record.id).into_iter().flatten() {
                let _ = waiter.send(());
            }
        }
        self.landings.send_modify(|count| *count += 1);
        self.show().await
    }
}
