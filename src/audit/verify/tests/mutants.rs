//! Damage by the thousand: no edit of a log verifies, and no bytes make the verifier panic.

use super::samples::{Log, ORIGIN, verify, verify_with};
use crate::audit::verify::{Chunk, Outcome, Verifier, Vkey};
use proptest::prelude::*;
use serde_json::json;
use std::ops::Range;

/// A log of two commits, about 1.5 kB.
fn small() -> Log {
    let mut log = Log::new(ORIGIN, 7);
    log.record("observation", &json!({ "at": "2026-11-21T21:00:00.000000Z", "residual": [] }));
    log.checkpoint();
    log.record("heartbeat", &json!({}));
    log.checkpoint();
    log
}

/// A log of one commit, about as long. Few of its mutants come as far as the signature, which is
/// slow to check in a debug build.
fn one_commit() -> Log {
    let mut log = small();
    log.lines.truncate(2);
    log.record("access_revoked", &json!({ "roles": ["alice", "bob"], "verdict": "revoked" }));
    log.record("heartbeat", &json!({}));
    log.checkpoint();
    log
}

/// Flips the bits that `flips` lists for each byte, each by itself.
fn no_flip_verifies(log: &Log, flips: impl Fn(usize) -> Range<u8>) {
    let bytes = log.bytes();
    assert!((1200..1800).contains(&bytes.len()), "{}", bytes.len());
    let key = Vkey::parse(&log.vkey()).unwrap();
    // "revlog/1" with one bit flipped may name a later format, which is no accusation but no proof.
    let version = log.lines[0].find("revlog/1").unwrap() + 7;
    for at in 0..bytes.len() {
        for bit in flips(at) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let outcome = verify_with(&flipped, Some(key.clone())).outcome;
            let is_refused = match outcome {
                Outcome::Tampered => true,
                // Without its line feed the last line is merely torn.
                Outcome::Incomplete => at + 1 == bytes.len(),
                Outcome::Error => at == version,
                Outcome::Verified | Outcome::HistoryDiffers | Outcome::NotProved => false,
            };
            assert!(is_refused, "byte {at} bit {bit}: {outcome:?}");
        }
    }
}

#[test]
fn no_bit_flip_verifies() {
    no_flip_verifies(&one_commit(), |_| 0..8);
}

/// One bit of every byte of a log of two commits.
#[test]
fn no_bit_flip_in_a_later_commit_verifies() {
    no_flip_verifies(&small(), |at| {
        let bit = u8::try_from(at % 8).unwrap();
        bit..bit + 1
    });
}

#[test]
fn a_truncated_log_verifies_only_after_a_checkpoint() {
    let log = small();
    let bytes = log.bytes();
    let key = Vkey::parse(&log.vkey()).unwrap();
    let commits: Vec<usize> =
        [3, 5].map(|lines| log.edited(|all| all.truncate(lines)).len()).to_vec();
    for length in 0..=bytes.len() {
        let report = verify_with(&bytes[..length], Some(key.clone()));
        let expected =
            if commits.contains(&length) { Outcome::Verified } else { Outcome::Incomplete };
        assert_eq!(report.outcome, expected, "{length} bytes");
        let sealed = commits.iter().filter(|end| **end <= length).max().copied().unwrap_or(0);
        assert_eq!(report.unsealed_bytes, (length - sealed) as u64, "{length} bytes");
        assert_eq!(report.torn_tail, length > 0 && bytes[length - 1] != b'\n', "{length} bytes");
    }
}

#[test]
fn no_byte_can_be_left_out() {
    let log = one_commit();
    let bytes = log.bytes();
    let key = Vkey::parse(&log.vkey()).unwrap();
    for at in 0..bytes.len() {
        let mut shorter = bytes.clone();
        shorter.remove(at);
        let report = verify_with(&shorter, Some(key.clone()));
        assert!(report.exit_code == 4 || at + 1 == bytes.len() && report.exit_code == 3, "{at}");
    }
}

/// 256 bytes at every place of the head, some elsewhere.
#[test]
fn no_byte_can_be_put_in() {
    let log = one_commit();
    let bytes = log.bytes();
    let key = Vkey::parse(&log.vkey()).unwrap();
    let mut mutants = 0;
    for at in 0..=bytes.len() {
        let all = (0..=255_u8).filter(|byte| at < 8 || usize::from(*byte) % 32 == at % 32);
        for byte in all {
            let mut longer = bytes.clone();
            longer.insert(at, byte);
            let report = verify_with(&longer, Some(key.clone()));
            let is_torn = at == bytes.len() && byte != b'\n' && report.exit_code == 3;
            assert!(report.exit_code == 4 || is_torn, "{byte} at {at}: {report}");
            mutants += 1;
        }
    }
    assert!(mutants > 10_000, "{mutants}");
}

fn in_pieces(bytes: &[u8], cuts: &[usize], key: Option<Vkey>) -> crate::audit::verify::Report {
    let mut verifier = Verifier::new(key);
    verifier.begin_file("a.jsonl");
    let mut rest = bytes;
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        verifier.push_bytes(piece);
        rest = after;
    }
    verifier.push_bytes(rest);
    verifier.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_make_no_difference(
        cuts in prop::collection::vec(0..800_usize, 0..8),
        at in 0..4000_usize,
        byte in any::<u8>(),
        is_pinned in any::<bool>(),
    ) {
        let log = small();
        let mut bytes = log.bytes();
        // Beyond the end: left as it is, so that good logs are among the cases.
        if let Some(old) = bytes.get_mut(at) {
            *old = byte;
        }
        let key = is_pinned.then(|| Vkey::parse(&log.vkey()).unwrap());
        prop_assert_eq!(in_pieces(&bytes, &cuts, key.clone()), in_pieces(&bytes, &[], key));
    }

    #[test]
    fn chunks_make_no_difference(
        cuts in prop::collection::vec(0..800_usize, 0..8),
        at in 0..4000_usize,
        byte in any::<u8>(),
    ) {
        let log = small();
        let mut bytes = log.bytes();
        if let Some(old) = bytes.get_mut(at) {
            *old = byte;
        }
        let key = Vkey::parse(&log.vkey()).unwrap();
        let mut verifier = Verifier::new(Some(key.clone()));
        verifier.begin_file("a.jsonl");
        let mut rest = bytes.as_slice();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut % (rest.len() + 1));
            verifier.push_chunk(&Chunk::read(piece.to_vec()));
            rest = after;
        }
        verifier.push_chunk(&Chunk::read(rest.to_vec()));
        prop_assert_eq!(verifier.finish(), in_pieces(&bytes, &[], Some(key)));
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        is_pinned in any::<bool>(),
    ) {
        let key = small().vkey();
        let report = verify(&bytes, is_pinned.then_some(key.as_str()));
        prop_assert!(matches!(report.outcome, Outcome::Incomplete | Outcome::Tampered));
        prop_assert!(!report.to_string().contains(|c: char| c.is_control() && c != '\n'));
    }

    #[test]
    fn no_lines_in_good_form_make_it_panic(
        kind in "[a-z]{1,10}|checkpoint|genesis|clock",
        what in "\\{\\}|\\{\"note\":\"[a\\\\n +]{0,9}\"\\}|\\{\"format\":\"revlog/[0-9]{1,20}\"\\}",
        time in "(,\"time\":\"2026-1[0-9]-2[0-9]T21:00:01.000000Z\")?",
        position in 0..6_usize,
    ) {
        let mut log = small();
        log.lines.truncate(position);
        let head = format!("\"prev\":\"PREV\",\"seq\":SEQ{time}");
        log.raw(&format!("{{{head},\"type\":\"{kind}\",\"what\":{what}}}"));
        prop_assert!(log.verify().exit_code != 0);
    }
}
