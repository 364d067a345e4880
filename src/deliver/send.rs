//! Sending a row and noting what came of it.

use super::group::LATE;
use super::receiver::{Heard, Sending};
use super::{GRACE, Receiver, Worker, text};
use crate::audit::record::{self, Notification};
use crate::clock;
use crate::domain::delivery::{Answer, Effect, Row, Standing, Topic, next};
use crate::domain::time::UtcTime;
use crate::store::{Delivery, NewRecord, Settling, StoreError, Thread};
use std::time::Duration;

/// A lease is longer than the longest attempt by so much.
const SLACK: Duration = Duration::from_secs(40);
/// Nothing opens by itself what was closed for good.
const FOR_GOOD: Duration = Duration::from_secs(100 * 366 * 86_400);

impl<R: Receiver> Worker<R> {
    /// Sends a row or looks it up, and notes what came of it.
    pub(super) async fn deliver(
        &mut self,
        row: &Delivery,
        thread: &Thread,
    ) -> Result<(), StoreError> {
        let store = self.journal.store.clone();
        let now = clock::now();
        let looking = row.row.standing == Standing::Ambiguous;
        let edit = row.topic == Topic::Status;
        let cite = text::cite(&self.journal).await;
        let message = self.receiver.content(&self.journal, row, &cite).await?;
        // An edit needs what it changes.
        let Some(message) = message.filter(|_| !edit || thread.remote.is_some()) else {
            return self.settle(row, Standing::Superseded, now).await;
        };
        if looking && edit {
            // Made twice, it is the same edit.
            return self.settle(row, Standing::Due, now).await;
        }
        let mut version = row.version;
        if !looking {
            let lease = now.plus(self.receiver.patience() + SLACK);
            if !store.outbox_claim(row, now, lease).await? {
                return Ok(());
            }
            version += 1;
        }
        let destination = self.receiver.destination(&self.journal, row).await?;
        let sending = Sending {
            id: &row.id,
            record: &row.record,
            message: &message,
            plain: row.row.plain,
            destination: &destination,
            thread: thread.remote.as_deref(),
            edit,
            first_sent_at: row.first_sent_at.unwrap_or(now),
        };
        tokio::time::sleep_until(self.next_slot).await;
        let heard = self.heard(&sending, looking).await;
        self.next_slot = tokio::time::Instant::now() + self.manner.apart;
        let to = self.place(row, thread.remote.as_deref()).await?;
        self.note(row, version, &heard, &to).await
    }

    /// What the receiver answers. While the agent stops, no longer than is left.
    async fn heard(&self, sending: &Sending<'_, R::Content>, looking: bool) -> Heard {
        let ending = async {
            self.stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let asked = async {
            if looking {
                self.receiver.find(sending).await
            } else {
                self.receiver.send(sending).await
            }
        };
        tokio::select! {
            heard = asked => heard,
            () = ending => Heard::new(Answer::Doubtful, "stopped"),
        }
    }

    /// A row stands otherwise, without having been sent.
    async fn settle(
        &self,
        row: &Delivery,
        standing: Standing,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        let after = Row { standing, ..row.row };
        let settling = Settling { row: after, remote: None, error: "", note: None };
        self.journal.store.outbox_settle(row, row.version, &settling, now).await.map(drop)
    }

    /// Notes what was answered, and what follows from it.
    async fn note(
        &mut self,
        row: &Delivery,
        version: i64,
        heard: &Heard,
        to: &str,
    ) -> Result<(), StoreError> {
        let (store, name) = (self.journal.store.clone(), self.receiver.name().to_owned());
        let name = name.as_str();
        let now = clock::now();
        let class = heard.answer.class();
        if Answer::CLASSES.contains(&class) {
            self.metrics.delivery.attempts.with_label_values(&[name, class]).inc();
        }
        let (after, effect) = next(
            &Row { standing: sending(row), ..row.row },
            &heard.answer,
            now,
            self.manner.pace,
            Self::dice(),
        );
        let remote = match &heard.answer {
            Answer::Sent(remote) | Answer::Found(remote) => Some(remote.as_str()),
            Answer::Later(_)
            | Answer::Doubtful
            | Answer::Token
            | Answer::Destination
            | Answer::Thread
            | Answer::Gone
            | Answer::Payload
            | Answer::Unknown
            | Answer::Absent
            | Answer::Unsure => None,
        };
        let edit = row.topic == Topic::Status;
        if let Some(remote) = remote.filter(|_| !edit && row.lane != LATE) {
            // Before the row is settled: whoever is killed in between finds the message again.
            store.thread_told(name, &row.lane, remote, now).await?;
        }
        let note = self.record_of(row, &after, heard, remote, now).await?;
        let note = note.as_ref().map(|(id, note)| (id.as_str(), note));
        let error = if after.standing == Standing::Sent { "" } else { heard.word.as_str() };
        let settling = Settling { row: after, remote, error, note };
        if store.outbox_settle(row, version, &settling, now).await? {
            self.journal.wake();
        }
        tracing::debug!(
            delivery = row.id,
            answer = class,
            word = heard.word,
            state = after.standing.as_str(),
            "a message was sent or looked up"
        );
        if after.standing == Standing::Dead {
            tracing::error!(delivery = row.id, word = heard.word, "a message cannot be told");
            let text = dead(name, to, &heard.word);
            self.alarm(&row.id, &heard.word, &text).await;
        }
        self.follow(effect, row, heard, to, now).await
    }

    /// What an answer means for what else is to be sent.
    async fn follow(
        &mut self,
        effect: Effect,
        row: &Delivery,
        heard: &Heard,
        to: &str,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        let name = self.receiver.name().to_owned();
        let name = name.as_str();
        match effect {
            Effect::None => {}
            Effect::Good => {
                self.circuit = self.circuit.good();
                self.is_well(to);
            }
            Effect::Strike => {
                self.circuit = self.circuit.strike(now, self.manner.open_for());
                if self.circuit.is_open() {
                    let text = closed(name, to, &heard.word);
                    // Why it does not answer changes from one attempt to the next.
                    self.alarm(name, "no answer", &text).await;
                }
            }
            Effect::Hold(wait) => {
                self.held.insert(to.to_owned(), now.plus(wait));
            }
            Effect::Trip => {
                self.circuit = self.circuit.trip(now, self.manner.open_for());
                let text = closed(name, to, &heard.word);
                self.alarm(name, &heard.word, &text).await;
            }
            Effect::Park => {
                self.parked.insert(to.to_owned(), now.plus(self.manner.park_for()));
                let text = closed(name, to, &heard.word);
                self.alarm(&format!("{name} {to}"), &heard.word, &text).await;
            }
            Effect::Close => {
                self.parked.insert(to.to_owned(), now.plus(FOR_GOOD));
                let text = gone(name, to, &heard.word);
                self.alarm(&format!("{name} {to}"), &heard.word, &text).await;
            }
            Effect::Rethread => self.journal.store.thread_cut(name, &row.lane).await?,
        }
        Ok(())
    }

    /// Says that it works again, if it did not.
    fn is_well(&self, to: &str) {
        let name = self.receiver.name();
        let closed = self.trouble.is_over(name);
        if self.trouble.is_over(&format!("{name} {to}")) || closed {
            tracing::info!(receiver = name, "people are told again");
        }
    }

    /// Asks whether the credential is good again, or somebody answers. What it answers is worth no message.
    pub(super) async fn probed(&mut self, now: UtcTime) -> bool {
        let heard = self.receiver.probe().await;
        if matches!(heard.answer, Answer::Sent(_)) {
            if self.receiver.probe_proves() {
                self.circuit = self.circuit.good();
                self.is_well("");
            } else {
                self.circuit = self.circuit.tried();
            }
            return true;
        }
        self.circuit = self.circuit.trip(now, self.manner.open_for());
        false
    }

    /// Tells beside the usual way that it is closed: once, and again when the reason changes. Whether that is heard or
    /// not, nothing follows from it.
    async fn alarm(&self, thing: &str, word: &str, text: &str) {
        if !self.trouble.is(thing, word) {
            return;
        }
        let name = self.receiver.name();
        tracing::error!(receiver = name, word, "people cannot be told as usual");
        let Some(heard) = self.receiver.alarm(text).await else { return };
        let result = if heard { "sent" } else { "failed" };
        self.metrics.delivery.fallback.with_label_values(&[name, result]).inc();
        if !heard {
            tracing::error!(receiver = name, "nor can they be told by the fallback");
        }
    }

    /// What the log says of it, if anything.
    async fn record_of(
        &self,
        row: &Delivery,
        after: &Row,
        heard: &Heard,
        remote: Option<&str>,
        now: UtcTime,
    ) -> Result<Option<(String, NewRecord)>, StoreError> {
        let id = |what: &str| format!("{what}.{}.{}", row.id.replace(':', "."), row.version);
        let change = |change: &str| {
            let body = record::outbox_changed(&row.id, change, None, &heard.word, now);
            Some((id("obx"), NewRecord { kind: "outbox_changed", body }))
        };
        if after.standing == Standing::Dead {
            return Ok(change("dead"));
        }
        if heard.answer == Answer::Thread && after.standing == Standing::Due {
            return Ok(change("new_thread"));
        }
        let told = row.topic != Topic::Status && !self.receiver.files();
        let Some(remote) = remote.filter(|_| told) else { return Ok(None) };
        let records = if row.topic == Topic::Digest {
            let counts = self.journal.store.outbox_counts(&row.id).await?;
            let told =
                |word: &str| Topic::from_word(word).is_some_and(|one| self.receiver.tells(one));
            let counts = counts.iter().filter(|(topic, _, _, _)| told(topic));
            counts.map(|(_, _, count, _)| u64::try_from(*count).unwrap_or(0)).sum()
        } else {
            1
        };
        let body = record::notification_sent(&Notification {
            delivery: &row.id,
            receiver: &row.receiver,
            topic: row.topic.as_str(),
            revocation: Some(row.about.as_str()).filter(|about| about.starts_with("rev_")),
            record: &row.record,
            records,
            remote,
            possible_duplicate: after.doubled,
            at: now,
        });
        Ok(Some((id("ntf"), NewRecord { kind: "notification_sent", body })))
    }
}

/// How a row stands while somebody is at it.
fn sending(row: &Delivery) -> Standing {
    if row.row.standing == Standing::Ambiguous { Standing::Ambiguous } else { Standing::Sending }
}

/// Who it is, in a sentence.
fn whom(name: &str, to: &str) -> String {
    if to.is_empty() { name.to_owned() } else { format!("{name} {to}") }
}

fn gone(name: &str, to: &str, word: &str) -> String {
    let whom = whom(name, to);
    format!(
        "{whom} wants nothing any more ({word}). revoked sends nothing there until its configuration is read anew or it \
         is started again. Take it out of the configuration, or correct it."
    )
}

fn closed(name: &str, to: &str, word: &str) -> String {
    let whom = whom(name, to);
    format!(
        "revoked cannot tell {whom} ({word}). Nothing is lost: messages wait until it can. `revoked outbox list` \
         shows them."
    )
}

fn dead(name: &str, to: &str, word: &str) -> String {
    let whom = whom(name, to);
    format!(
        "revoked could not tell {whom} a message ({word}), and does not try it again. `revoked outbox list \
         --state dead` shows it."
    )
}
