//! Telling people by Slack: a real store, log and deliverer against a stand-in that fails in every way.
//!
//! What may go wrong between the agent and Slack, and the test of it. That each of these exists is a test as well.
//!
//! | fault | test |
//! |---|---|
//! | 429 with a pause: the whole channel waits, each is told once | `a_pause_that_slack_asks_for_holds_the_whole_channel` |
//! | 429 without a pause, with garbage, a date, a day | `a_pause_is_believed_within_bounds` |
//! | a pause beyond the time for which a message is worth sending | `what_would_be_too_late_after_a_pause_is_given_up_at_once` |
//! | 200 with `rate_limited` | `a_pause_without_a_time_is_half_a_minute_and_a_full_channel_waits_for_an_hour` |
//! | `message_limit_exceeded` | `a_pause_without_a_time_is_half_a_minute_and_a_full_channel_waits_for_an_hour` |
//! | `invalid_auth`, `token_expired` | `a_refused_token_keeps_everything_and_is_told_elsewhere_once` |
//! | `missing_scope` | `a_missing_scope_is_named_and_a_reload_tries_at_once` |
//! | `channel_not_found`, `is_archived`, `not_in_channel` | `a_channel_that_is_closed_holds_nothing_else_up` |
//! | the beginning of a thread is deleted | `a_thread_whose_beginning_is_gone_begins_anew` |
//! | a thread is locked | `a_thread_that_is_locked_goes_on_in_a_new_one` |
//! | `invalid_blocks`, `msg_blocks_too_long` | `a_form_that_is_refused_goes_plain_once_and_is_dead_then` |
//! | an error nobody knows | `the_table` |
//! | 500, 502, 503 with HTML; half a body; no JSON | `what_slack_may_have_kept_is_looked_up_and_never_sent_twice` |
//! | a connection that is reset before or after it was kept | `what_slack_may_have_kept_is_looked_up_and_never_sent_twice` |
//! | connection refused | `nobody_at_the_other_end_is_no_doubt` |
//! | no TLS, no such host | `no_encryption_and_no_such_host_are_no_doubt_either` |
//! | killed between sending and noting it | `an_agent_that_is_killed_while_it_sends_looks_first` |
//! | killed with SIGKILL, at any time, many times | `each_is_there_once_whatever_happens` |
//! | an answer that takes too long | `an_answer_that_never_comes_is_looked_up` |
//! | the history fails, is long, may not be read | `looking_up_may_fail_too` |
//! | | `a_message_is_found_behind_many_others` |
//! | | `what_cannot_be_looked_up_is_sent_again_and_says_so` |
//! | two who send | `two_who_send_send_each_message_once` |
//! | 5,000 findings | `of_5000_findings_twenty_are_listed_and_all_are_counted` |
//! | names that mention, link, format, hide; empty and endless ones | `what_others_wrote_neither_mentions_nor_links_nor_formats` |
//! | | `what_others_wrote_is_seen_and_not_read` |
//! | settled while it waited | `what_is_true_no_more_when_its_turn_comes_is_not_told` |
//! | | `what_was_decided_meanwhile_is_not_told` |
//! | away for three days | `after_days_without_slack_there_is_one_message_that_says_so` |
//! | a redirect to a login page, or to another host | `credentials_never_follow_to_another_host` |
//! | the store takes nothing when it is queued | `what_cannot_be_told_is_not_accepted` |
//! | secrets, wherever they might show | `no_secret_is_in_anything_that_is_said_or_kept` |
//! | the webhook fails too | `a_fallback_that_fails_too_is_counted_and_nothing_follows` |
//! | 10,000 at once | `a_layoff_is_one_thread` |
//! | somebody presses the button: once, again, when nothing is late | `a_press_lets_reminders_rest_and_proves_nothing` |
//! | a press that Slack did not sign, an old one, by a stranger | `what_slack_did_not_sign_is_refused` |
//! | a press while the log takes nothing | `what_the_log_does_not_take_is_not_acknowledged` |
//! | nobody would answer a button | `without_a_signing_secret_there_is_no_button` |
//! | what is not an audience's to know | `a_manager_and_compliance_learn_what_is_theirs`, `who_is_narrowed_is_told_nothing_that_was_queued_for_more` |

mod common;

#[path = "slack/button.rs"]
mod button;
#[path = "slack/closed.rs"]
mod closed;

#[path = "slack/desk.rs"]
mod desk;
#[path = "slack/digests.rs"]
mod digests;
#[path = "slack/doubts.rs"]
mod doubts;
#[path = "slack/faults.rs"]
mod faults;
#[path = "slack/routes.rs"]
mod routes;
#[path = "slack/sdk.rs"]
mod sdk;
#[path = "slack/soak.rs"]
mod soak;
#[path = "slack/whole.rs"]
mod whole;

/// Every test that the table names is there.
#[test]
fn each_fault_has_its_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for dir in [
        "tests/slack",
        "tests/store",
        "src/deliver",
        "src/deliver/slack",
        "src/deliver/render",
        "src/domain/delivery",
    ] {
        for entry in std::fs::read_dir(root.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "rs") {
                code.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let table = include_str!("slack.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let named = table.filter_map(|line| line.rsplit('`').nth(1));
    let named: Vec<_> = named.collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        assert!(code.contains(&format!("fn {name}(")), "there is no test {name}");
    }
}
