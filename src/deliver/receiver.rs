//! What a receiver of messages does. It keeps nothing: what was sent is in the outbox.

use super::message::Message;
use super::render::Cite;
use crate::domain::delivery::{Answer, Topic};
use crate::domain::time::UtcTime;
use crate::journal::Journal;
use crate::store::{Delivery, StoreError};
use std::time::Duration;

/// One message on its way, or one of what else a receiver takes.
#[derive(Debug)]
pub struct Sending<'a, C = Message> {
    /// Its id, under which it can be found again.
    pub id: &'a str,
    /// The record it tells.
    pub record: &'a str,
    /// What it says.
    pub message: &'a C,
    /// It goes without form.
    pub plain: bool,
    /// Which channel or space, where it begins a thread.
    pub destination: &'a str,
    /// The message that it follows, or changes.
    pub thread: Option<&'a str>,
    /// It changes the message at `thread`.
    pub edit: bool,
    /// When it was sent first.
    pub first_sent_at: UtcTime,
}

/// An answer, and the word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What it means.
    pub answer: Answer,
    /// In a word of the receiver or of ours. Never a secret, and never a text of theirs.
    pub word: String,
}

impl Heard {
    /// An answer and its word.
    #[must_use]
    pub fn new(answer: Answer, word: impl Into<String>) -> Self {
        Self { answer, word: word.into() }
    }
}

/// Somebody who is told. One set of methods for all of them.
pub trait Receiver: Send + Sync {
    /// What it is given: messages, or pages.
    type Content: Send + Sync;

    /// As configuration, rows and metrics name it.
    fn name(&self) -> &str;

    /// Longest time that any of these takes.
    fn patience(&self) -> Duration;

    /// It files each row by itself and writes down what it filed.
    fn files(&self) -> bool {
        false
    }

    /// It takes each row by itself: nothing of it becomes a digest, but for what expired. Where each goes says the
    /// configuration, so that [`destination`](Self::destination) reads nothing; or, of a few rows, their records.
    fn takes_each(&self) -> bool {
        self.files()
    }

    /// Whether it is told of this by now: it may have been told of more when a row was queued.
    fn tells(&self, topic: Topic) -> bool;

    /// What a row says now; `None`: there is nothing to tell any more, or not to this receiver.
    fn content(
        &self,
        journal: &Journal,
        row: &Delivery,
        cite: &Cite,
    ) -> impl Future<Output = Result<Option<Self::Content>, StoreError>> + Send;

    /// Where what a row tells goes, where it begins a thread.
    fn destination(
        &self,
        journal: &Journal,
        row: &Delivery,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Where a message is that was sent, of what `send` gave.
    fn destination_of<'a>(&self, remote: &'a str) -> &'a str;

    /// Sends or changes a message.
    fn send(&self, sending: &Sending<'_, Self::Content>) -> impl Future<Output = Heard> + Send;

    /// Looks whether it has a message that may have been sent.
    fn find(&self, sending: &Sending<'_, Self::Content>) -> impl Future<Output = Heard> + Send;

    /// Asks whether the credential is good, without telling anybody anything.
    fn probe(&self) -> impl Future<Output = Heard> + Send;

    /// A good answer to that shows that messages are taken. Where it does not, the next message has to.
    fn probe_proves(&self) -> bool {
        true
    }

    /// Tells on another way that the usual one is closed. True: it was heard; `None`: there is no other way.
    fn alarm(&self, text: &str) -> impl Future<Output = Option<bool>> + Send;

    /// What `send` would send, checked as far as that goes without sending it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn preview(
        &self,
        sending: &Sending<'_, Self::Content>,
    ) -> impl Future<Output = Result<serde_json::Value, String>> + Send;
}
