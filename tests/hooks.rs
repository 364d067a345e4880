//! Telling other systems by signed requests: a real store, log and deliverer against a stand-in that verifies each request
//! and fails in every way.
//!
//! What may go wrong on the way, and the test of it. That each of these exists is a test as well.
//!
//! | fault | test |
//! |---|---|
//! | 500, 502, 503, 504; the connection is reset before or after it was kept | `what_may_have_arrived_is_sent_again_with_the_same_id` |
//! | an answer that takes too long | `an_answer_that_never_comes_is_sent_again` |
//! | killed with SIGKILL while it sends | `an_agent_that_is_killed_sends_the_same_event_again` |
//! | 429 and 503 with `Retry-After` | `a_pause_that_is_asked_for_is_kept` |
//! | 410 | `who_wants_nothing_any_more_is_left_alone_until_a_reload` |
//! | 410, and much that waits | `what_waits_for_a_closed_endpoint_costs_nothing` |
//! | a redirect, 404, 405 | `nothing_follows_to_another_address` |
//! | 401, 403: the secret is not theirs | `a_refused_signature_holds_everything_back_until_it_is_good` |
//! | 401 or 500 for every event, and a `HEAD` that is answered | `what_is_refused_again_and_again_is_told_elsewhere_once` |
//! | the secret is changed, on either side first | `two_secrets_sign_while_one_is_changed` |
//! | 400, 413, 422 | `what_is_refused_is_dead_and_told_elsewhere` |
//! | a status nobody knows | `the_table` |
//! | one of several endpoints is away | `one_endpoint_that_is_away_holds_no_other_up` |
//! | away for days | `after_days_there_is_one_event_that_lists_what_was_missed` |
//! | connection refused, a certificate of somebody else | `only_a_certificate_of_the_configured_authority_is_taken` |
//! | an endpoint is added and taken out while the agent runs | `endpoints_come_and_go` |
//! | a person's name, a reason, a role where it is nobody's business | `a_manager_learns_nothing_of_what_it_is` |
//! | fewer events, or another audience, than when it was queued | `who_is_narrowed_gets_nothing_of_what_was_queued_for_more`, `what_is_told_late_is_what_the_endpoint_is_told_of_by_now` |
//! | secrets, wherever they might show | `no_secret_is_in_anything_that_is_said_or_kept` |

mod common;

#[path = "slack/desk.rs"]
#[expect(dead_code, reason = "the tests of Slack use more of it")]
mod desk;
#[path = "hooks/faults.rs"]
mod faults;
#[path = "hooks/office.rs"]
mod office;
#[path = "hooks/quiet.rs"]
mod quiet;
#[path = "hooks/refused.rs"]
mod refused;
#[path = "hooks/tls.rs"]
mod tls;
#[path = "hooks/whole.rs"]
mod whole;

/// Every test that the table names is there.
#[test]
fn each_fault_has_its_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for dir in ["tests/hooks", "src/domain/delivery"] {
        for entry in std::fs::read_dir(root.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "rs") {
                code.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let table = include_str!("hooks.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let named: Vec<_> = table.filter_map(|line| line.rsplit('`').nth(1)).collect();
    assert!(named.len() > 12, "{named:?}");
    for name in named {
        assert!(code.contains(&format!("fn {name}(")), "there is no test {name}");
    }
}
