//! Filing closure records: a real store, log and deliverer against a stand-in of Confluence that fails in every way.
//!
//! What may go wrong between the agent and Confluence, and the test of it. That each of these exists is a test as well.
//!
//! | fault | test |
//! |---|---|
//! | 409, and the newest version is ours | `a_version_of_ours_that_came_late_is_no_conflict` |
//! | 409, or an earlier look, and a person wrote | `what_a_person_wrote_meanwhile_is_never_written_over` |
//! | the title exists, and the page is ours | `whatever_is_lost_on_the_way_there_is_one_page` |
//! | the title exists, and the page is another's, in the trash, in the archive | `a_title_that_is_ours_is_taken_up_and_one_of_others_is_left` |
//! | somebody made a page with our title, key and property before us | `a_page_that_somebody_made_before_us_is_not_taken_for_ours` |
//! | an answer is lost: reset, cut, no JSON, an error of theirs, at each step | `whatever_is_lost_on_the_way_there_is_one_page` |
//! | | `data_center_goes_on_where_it_stopped_too` |
//! | a new page is not shown yet | `a_page_that_is_not_shown_yet_is_not_made_again` |
//! | a page is deleted or archived after it was filed | `a_page_that_was_removed_is_filed_again_and_stays_removed` |
//! | a page is edited, saved anew, edited and taken back, moved, stripped | `who_changes_a_page_is_found_out_once` |
//! | 401 | `a_refused_token_closes_the_circuit_and_keeps_the_queue` |
//! | 403, 404 by permission | `a_page_that_may_not_be_made_is_told_from_a_space_that_is_gone` |
//! | | `what_cannot_be_looked_at_says_nothing` |
//! | the space is archived, or not shown | `a_space_that_is_archived_or_not_shown_is_left_alone_and_nothing_is_lost` |
//! | 413; a body that is too long, or refused | `what_is_refused_in_full_is_filed_short_and_then_given_up` |
//! | | `a_page_that_would_be_too_long_leaves_its_tables_to_the_files_and_says_so` |
//! | 5,000 findings | `a_page_of_many_findings_is_kept_short_and_the_file_has_all` |
//! | 429 with its reason, 503 with a pause | `a_pause_that_is_asked_for_is_kept` |
//! | made, and killed before each of the further steps | `an_agent_that_is_killed_at_any_step_goes_on_with_the_same_page` |
//! | a redirect, a page to log in | `whatever_is_lost_on_the_way_there_is_one_page` |
//! | an error nobody knows | `an_answer_that_nobody_knows_is_tried_three_times` |
//! | connection refused | `nobody_at_the_other_end_is_waited_for` |
//! | an answer that takes too long; one while the agent stops | `an_answer_that_never_comes_is_given_up_and_looked_up` |
//! | | `a_stop_does_not_wait_for_an_answer_that_does_not_come` |
//! | looking up fails too | `reading_may_fail_too` |
//! | two who file | `two_who_file_make_one_page` |
//! | the same of the attestation of a period | `an_attestation_is_one_page_whatever_is_lost_on_the_way` |
//! | | `an_agent_that_is_killed_goes_on_with_the_same_attestation` |
//! | | `an_attestation_on_which_a_person_wrote_is_left_and_amended` |
//! | | `a_filed_attestation_is_watched_like_other_pages` |
//! | nobody could file for many periods | `periods_that_were_missed_are_made_up_for_and_too_many_are_named` |
//! | an attestation is taken out of the configuration while its page waits | `what_is_taken_out_of_the_configuration_is_filed_where_it_was_to_be` |
//! | hundreds of files of others on a page | `what_was_attached_is_found_behind_hundreds_of_other_files` |
//! | who else may edit it | `nobody_else_may_edit_what_is_filed_where_that_is_configured` |
//! | names that are markup, hide, or are formulas | `what_others_wrote_is_text_on_a_page` |
//! | secrets, wherever they might show | `no_secret_is_in_anything_that_is_said_or_kept` |

mod common;

#[path = "confluence/changes.rs"]
mod changes;
#[path = "confluence/desk.rs"]
mod desk;
#[path = "confluence/doubts.rs"]
mod doubts;
#[path = "confluence/faults.rs"]
mod faults;
#[path = "confluence/pages.rs"]
mod pages;
#[path = "confluence/periods.rs"]
mod periods;
#[path = "confluence/sample.rs"]
mod sample;
#[path = "confluence/whole.rs"]
mod whole;

/// Every test that the table names is there.
#[test]
fn every_fault_has_its_test() {
    let files = ["changes", "doubts", "faults", "pages", "periods", "whole"];
    let read = |name: &str| {
        std::fs::read_to_string(format!("{}/tests/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let all: String = files.iter().map(|name| read(&format!("confluence/{name}"))).collect();
    let table = read("confluence");
    let named: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("//! |"))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        assert!(all.contains(&format!("fn {name}(")), "{name}");
    }
}
