//! What an answer of Slack means (its Web API answers 200 to nearly everything, with the error in the body).

use crate::deliver::wire::{LONGEST, UNSAID};
use crate::domain::delivery::Answer;
use serde::Deserialize;
use std::time::Duration;

/// The body of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Body {
    pub(super) ok: bool,
    #[serde(default)]
    pub(super) error: String,
    /// Scope that is missing.
    #[serde(default)]
    pub(super) needed: Option<String>,
    #[serde(default)]
    pub(super) channel: Option<String>,
    #[serde(default)]
    pub(super) ts: Option<String>,
    #[serde(default)]
    pub(super) messages: Vec<Kept>,
    #[serde(default)]
    pub(super) has_more: bool,
    #[serde(default)]
    pub(super) response_metadata: Meta,
}

/// What is said beside the answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Meta {
    #[serde(default)]
    pub(super) next_cursor: String,
    #[serde(default)]
    pub(super) messages: Vec<String>,
}

/// A message of a channel's history.
#[derive(Debug, Deserialize)]
pub(super) struct Kept {
    pub(super) ts: String,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
}

/// What its sender put beside it.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) event_type: String,
    #[serde(default)]
    pub(super) event_payload: serde_json::Value,
}

/// What an error means, and the word for it.
pub(super) fn of_error(error: &str, wait: Option<Duration>) -> Answer {
    match error {
        "ratelimited" | "rate_limited" => Answer::Later(Some(wait.unwrap_or(UNSAID))),
        // For hours.
        "message_limit_exceeded" => Answer::Later(Some(LONGEST)),
        "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "external_channel_migrating"
        | "update_failed"
        | "streaming_state_conflict" => Answer::Later(None),
        // Some aspect of the operation may have succeeded, as Slack says.
        "fatal_error" | "internal_error" => Answer::Doubtful,
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "org_login_required"
        | "ekm_access_denied"
        | "access_denied"
        | "accesslimited"
        | "team_access_not_granted"
        | "two_factor_setup_required" => Answer::Token,
        "message_not_found"
        | "cant_update_message"
        | "edit_window_closed"
        | "cannot_reply_to_message"
        | "restricted_action_thread_locked"
        | "restricted_action_non_threadable_channel" => Answer::Thread,
        "channel_not_found"
        | "not_in_channel"
        | "is_archived"
        | "is_inactive"
        | "messages_tab_disabled"
        | "user_not_found" => Answer::Destination,
        "msg_blocks_too_long"
        | "msg_too_long"
        | "no_text"
        | "markdown_text_conflict"
        | "too_many_attachments"
        | "invalid_array_arg"
        | "invalid_charset"
        | "invalid_form_data"
        | "invalid_post_type"
        | "missing_post_type"
        | "invalid_json" => Answer::Payload,
        other if other.starts_with("restricted_action") => Answer::Destination,
        other
            if ["invalid_blocks", "metadata_", "invalid_metadata", "invalid_arg"]
                .iter()
                .any(|begin| other.starts_with(begin)) =>
        {
            Answer::Payload
        }
        _ => Answer::Unknown,
    }
}

/// A word of Slack as it may stand in rows and lines: what is no word is not repeated.
pub(super) fn plain(error: &str) -> &str {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let word = !error.is_empty() && error.len() <= 64 && error.bytes().all(good);
    if word { error } else { "unreadable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_the_contract_has_its_class() {
        let of = |error| of_error(error, None).class();
        for (class, errors) in [
            (
                "retry",
                "ratelimited rate_limited service_unavailable request_timeout team_added_to_org external_channel_migrating update_failed streaming_state_conflict message_limit_exceeded",
            ),
            ("ambiguous", "fatal_error internal_error"),
            (
                "token",
                "invalid_auth not_authed account_inactive token_revoked token_expired missing_scope no_permission not_allowed_token_type org_login_required ekm_access_denied access_denied accesslimited team_access_not_granted two_factor_setup_required",
            ),
            (
                "destination",
                "channel_not_found not_in_channel is_archived is_inactive restricted_action restricted_action_read_only_channel messages_tab_disabled user_not_found",
            ),
            (
                "thread",
                "message_not_found cant_update_message edit_window_closed cannot_reply_to_message restricted_action_thread_locked restricted_action_non_threadable_channel",
            ),
            (
                "payload",
                "invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long no_text markdown_text_conflict metadata_too_large metadata_must_be_sent_from_app invalid_metadata_format invalid_metadata_schema too_many_attachments invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data invalid_post_type missing_post_type invalid_json",
            ),
            ("unknown", "something_new duplicate_message_not_found"),
        ] {
            for error in errors.split(' ') {
                assert_eq!(of(error), class, "{error}");
            }
        }
        assert_eq!(of_error("ratelimited", None), Answer::Later(Some(UNSAID)));
        assert_eq!(of_error("message_limit_exceeded", None), Answer::Later(Some(LONGEST)));
    }

    #[test]
    fn only_words_are_repeated() {
        assert_eq!(plain("not_in_channel"), "not_in_channel");
        for text in ["", "xoxb-secret", "<html>", &"a".repeat(65)] {
            assert_eq!(plain(text), "unreadable");
        }
    }
}
