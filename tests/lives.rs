//! Whole lives of revocations, text in and text out, for each danger that a company meets; and what holds whatever
//! happens in whatever order.
//!
//! A script in `tests/lives/` has one event a line, and behind `=>` where the revocation stands then and what the event
//! did. `REVOKED_BLESS=1` writes what comes out; review the difference.

#[path = "lives/world.rs"]
mod world;

#[path = "lives/play.rs"]
mod play;

#[path = "lives/always.rs"]
mod always;

use play::play;
use std::path::{Path, PathBuf};

/// What can go wrong, what has to hold, and what shows it: scripts (`*.txt`), and names of tests where it is not, or not
/// only, a matter of a revocation's life.
const DANGERS: &[(&str, &[&str])] = &[
    (
        "It is called clean and is not: a place not read, a role renamed, one look too few",
        &[
            "false_clean.txt",
            "the_table",
            "a_renamed_role_is_followed",
            "a_dependency_without_its_entry_is_a_gap",
        ],
    ),
    (
        "The agent, or a sender, is silent, and nobody notices",
        &[
            "silence.txt",
            "rules_are_valid_and_fire_and_resolve_as_told",
            "a_target_that_is_down_is_a_gap",
        ],
    ),
    ("So many messages that nobody reads them", &["noise.txt"]),
    (
        "The agent itself is what an attacker wants: it may do little, and that is looked at",
        &["an_over_privileged_agent_is_named", "every_statement_prepares_on_every_version"],
    ),
    (
        "Names that mean something to whoever prints them",
        &["markup.txt", "one_bad_row_stops_no_other_and_each_has_its_result"],
    ),
    (
        "Somebody else's account: who is meant is known by an id, and a name is only a guess",
        &["namesake.txt", "a_suggested_name_that_is_declared_for_somebody_else_is_theirs"],
    ),
    ("An old name with a new person", &["namesake.txt"]),
    (
        "Dates without a time, without a zone, or in an hour that does not exist",
        &["zones.txt", "zones_default.txt"],
    ),
    (
        "Which instant is late, and from when time counts",
        &["deadlines.txt", "late_notice.txt", "violation.txt", "postponed.txt"],
    ),
    (
        "Data that must be kept are taken for an account that may stay",
        &["legal_hold.txt", "nothing_is_verified_while_data_are_held"],
    ),
    (
        "Somebody stays after all, or comes back",
        &["rescinded.txt", "withdrawing_waits_for_somebody_else"],
    ),
    ("An account that several people use", &["shared_account.txt"]),
    ("A program's account that belonged to a leaver", &["service_account.txt"]),
    (
        "A contract that goes on, told in time or too late",
        &["contractor.txt", "an_extension_moves_the_end_once_somebody_else_approves"],
    ),
    (
        "Old access beside new: for four hours, not for ever",
        &["role_change.txt", "a_transition_moves_the_deadline_and_nothing_else"],
    ),
    ("Something is to go, and nobody says what", &["partial_of_nothing.txt"]),
    (
        "Access for an emergency that stays",
        &["break_glass.txt", "a_glass_that_is_broken_is_looked_at_afterwards"],
    ),
    (
        "A few more days that nobody approved",
        &["grace.txt", "grace_ends_by_itself_and_the_time_allowed_counts_from_there"],
    ),
    ("Access for some days that nobody takes away", &["temporary.txt"]),
    ("Suspended is taken for removed", &["suspension.txt"]),
    ("An account that nobody uses", &["inactive.txt"]),
    ("More is taken away than should be", &["too_much.txt"]),
    (
        "A backup, a copy or a failover brings access back",
        &["restored.txt", "another_cluster_at_the_same_address_proves_nothing"],
    ),
    ("A superuser leaves", &["superuser.txt"]),
    (
        "Whoever has the key writes another history",
        &["no_bit_flip_verifies", "no_mutant_is_accepted_and_both_verifiers_say_the_same"],
    ),
    ("Thousands leave on one day", &["the_file_of_the_manual_is_expected_once"]),
    (
        "Reasons and names come to be known",
        &["a_running_agent_says_none", "assert_nobody_is_named"],
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scripts() -> Vec<PathBuf> {
    let found = std::fs::read_dir(root().join("tests/lives")).unwrap();
    let mut found: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    found.sort();
    found
}

#[test]
fn every_script_ends_as_it_says() {
    let bless = std::env::var_os("REVOKED_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in scripts() {
        let script = std::fs::read_to_string(&path).unwrap();
        let played = play(&script);
        if bless {
            std::fs::write(&path, &played).unwrap();
        } else if played != script {
            wrong.push(format!("{}:\n{played}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_danger_is_shown_by_something_that_exists() {
    let mut text = String::new();
    sources(&root().join("src"), &mut text);
    sources(&root().join("tests"), &mut text);
    let named: Vec<&str> = DANGERS.iter().flat_map(|(_, shown)| shown.iter().copied()).collect();
    let exists = |name: &&str| match name.strip_suffix(".txt") {
        Some(_) => root().join("tests/lives").join(name).is_file(),
        None => text.contains(&format!("fn {name}(")),
    };
    let absent: Vec<_> = named.iter().filter(|name| !exists(name)).collect();
    assert!(absent.is_empty(), "{absent:?}");
    for script in scripts() {
        let name = script.file_name().unwrap().to_str().unwrap();
        assert!(named.contains(&name), "{name} shows nothing");
    }
}
