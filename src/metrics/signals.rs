//! What comes in by security event tokens and by the inbox.

use super::declare::{Declare, family};
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec};
use std::sync::{Mutex, PoisonError};

/// What is known of the inbox since it was read last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InboxLevel {
    /// It could be read.
    pub readable: bool,
    /// Files that lie in it.
    pub waiting: i64,
    /// Since when the oldest of them is known to, Unix seconds.
    pub oldest: Option<f64>,
}

/// Families of both.
pub struct Signals {
    events: IntCounterVec,
    refused: IntCounterVec,
    heard: GaugeVec,
    verified: GaugeVec,
    keys: GaugeVec,
    key_failures: IntCounterVec,
    files: IntCounterVec,
    rows: IntCounterVec,
    readable: IntGaugeVec,
    waiting: IntGaugeVec,
    oldest: GaugeVec,
    inbox: Mutex<Option<InboxLevel>>,
}

impl Signals {
    #[rustfmt::skip]
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            events: declare.counter(family("access_revocation_ssf_events_total", &["issuer", "event", "outcome"], "Security events of tokens that their issuer signed.").more("`outcome`: `accepted` (opened a revocation), `tightened`, `known` (nothing new), `noted` (kept, and a look was asked for), `ignored` (nothing follows from it), `conflict` (its id came before with other claims), `unusable` (names no user, or cannot be a notice). One per notice, where an event comes to several."))?,
            refused: declare.counter(family("access_revocation_ssf_refused_total", &["issuer", "err"], "Security event tokens that were refused, by the code of RFC 8935; issuer is the one that they name.").more("Nobody has proved who sent them: a claimed issuer is not a known one."))?,
            heard: declare.gauge(family("access_revocation_ssf_last_token_timestamp_seconds", &["issuer"], "When the issuer's newest token came that it signed.").absent("before the first token"))?,
            verified: declare.gauge(family("access_revocation_ssf_last_verification_timestamp_seconds", &["issuer"], "When the issuer tried the stream last.").absent("before the first token of that kind"))?,
            keys: declare.gauge(family("access_revocation_ssf_keys_timestamp_seconds", &["issuer"], "When the issuer's keys were fetched last.").absent("before the first time; with `jwks_file` always"))?,
            key_failures: declare.counter(family("access_revocation_ssf_key_failures_total", &["issuer"], "Times that the issuer's keys could not be fetched.").more("Those that are known are used on."))?,
            files: declare.counter(family("access_revocation_inbox_files_total", &["outcome"], "Files of the inbox, by what became of them.").more("`done` and `rejected`: moved there. `later`: attempts after which a file stayed where it was."))?,
            rows: declare.counter(family("access_revocation_inbox_rows_total", &["outcome"], "Rows of files of the inbox that were moved.").more("`expected` `tightened` `already_expected` `refused`."))?,
            readable: declare.int_gauge(family("access_revocation_inbox_readable", &[], "1 when the inbox could be read the last time.").flag().absent("before the first reading; without an inbox always"))?,
            waiting: declare.int_gauge(family("access_revocation_inbox_waiting_files", &[], "Files that lie in the inbox, as of the last reading.").absent("before the first reading; without an inbox always"))?,
            oldest: declare.gauge(family("access_revocation_inbox_oldest_file_age_seconds", &[], "How long the oldest file of the inbox is known to lie there, 0 without a file.").more("It grows at the scrape.").absent("before the first reading; without an inbox always"))?,
            inbox: Mutex::default(),
        })
    }

    /// Shows the issuer and what can become of its tokens, before the first of them.
    pub fn expect_issuer(&self, issuer: &str, faults: &[&str], events: &[(&str, &str)]) {
        for err in faults {
            let _ = self.refused.with_label_values(&[issuer, err]);
        }
        for (event, outcome) in events {
            let _ = self.events.with_label_values(&[issuer, event, outcome]);
        }
        let _ = self.key_failures.with_label_values(&[issuer]);
    }

    /// Shows what can become of files and rows, before the first of them.
    pub fn expect_inbox(&self, files: &[&str], rows: &[&str]) {
        for outcome in files {
            let _ = self.files.with_label_values(&[outcome]);
        }
        for outcome in rows {
            let _ = self.rows.with_label_values(&[outcome]);
        }
    }

    /// An event came.
    pub fn event(&self, issuer: &str, event: &str, outcome: &str) {
        self.events.with_label_values(&[issuer, event, outcome]).inc();
    }

    /// A token was refused.
    pub fn refused(&self, issuer: &str, err: &str) {
        self.refused.with_label_values(&[issuer, err]).inc();
    }

    /// A token of the issuer came at `at` (Unix seconds).
    pub fn heard(&self, issuer: &str, at: f64) {
        self.heard.with_label_values(&[issuer]).set(at);
    }

    /// The issuer tried the stream at `at` (Unix seconds).
    pub fn verified(&self, issuer: &str, at: f64) {
        self.verified.with_label_values(&[issuer]).set(at);
    }

    /// The issuer's keys came at `at` (Unix seconds).
    pub fn keys_fetched(&self, issuer: &str, at: f64) {
        self.keys.with_label_values(&[issuer]).set(at);
    }

    /// The issuer's keys could not be fetched.
    pub fn keys_failed(&self, issuer: &str) {
        self.key_failures.with_label_values(&[issuer]).inc();
    }

    /// A file of the inbox was moved, or left for later.
    pub fn file(&self, outcome: &str) {
        self.files.with_label_values(&[outcome]).inc();
    }

    /// Rows of a file that was moved.
    pub fn rows(&self, outcome: &str, count: u64) {
        self.rows.with_label_values(&[outcome]).inc_by(count);
    }

    /// Replaces what is known of the inbox; `None`: there is none.
    pub fn set_inbox(&self, level: Option<InboxLevel>) {
        *self.inbox.lock().unwrap_or_else(PoisonError::into_inner) = level;
    }

    pub(super) fn set(&self, now: f64) {
        let none: &[&str] = &[];
        let level = *self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        match level {
            None => {
                self.readable.reset();
                self.waiting.reset();
                self.oldest.reset();
            }
            Some(level) => {
                self.readable.with_label_values(none).set(i64::from(level.readable));
                self.waiting.with_label_values(none).set(level.waiting);
                let age = level.oldest.map_or(0.0, |oldest| (now - oldest).max(0.0));
                self.oldest.with_label_values(none).set(age);
            }
        }
    }
}
