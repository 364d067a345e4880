//! Bundles, changed in every way: no mutant is accepted, and both verifiers say the same.

use super::common::vectors::{cases, place};
use super::{Browser, CHECK, Mutant, options};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use revoked::audit::verify::{Anchor, Options, Vkey, Witness, proof};
use serde_json::{Value, json};

const PROOF_MUTANTS: &str = "
    const whole = bytes(given.proof);
    const of = ([kind, at, byte]) => {
        if (kind === 'whole') return bytes(at);
        const [head, tail] = [[...whole.subarray(0, at)], [...whole.subarray(at)]];
        if (kind === 'flip') tail[0] ^= byte;
        if (kind === 'delete') tail.shift();
        if (kind === 'insert') tail.unshift(byte);
        return Uint8Array.from(kind === 'cut' ? head : [...head, ...tail]);
    };
    const all = [];
    for (const one of given.mutants) {
        const { outcome, fault } = await revlog.core.verify({ ...given.options, proof: { name: 'proof', bytes: of(one) } });
        all.push(fault ? `${outcome} ${fault.kind} ${fault.line}` : outcome);
    }
    return all;
";

/// The proofs of a bundle, each left out, there twice, and in the place of each other one.
fn shuffled(whole: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(whole).unwrap();
    let header = "c2sp.org/tlog-proof@v1\n";
    let pieces: Vec<String> =
        text.split(header).skip(1).map(|piece| format!("{header}{piece}")).collect();
    let mut all = Vec::new();
    for at in 0..pieces.len() {
        let mut fewer = pieces.clone();
        fewer.remove(at);
        all.push(fewer);
        let mut twice = pieces.clone();
        twice.insert(at, pieces[at].clone());
        all.push(twice);
        for other in 0..at {
            let mut swapped = pieces.clone();
            swapped.swap(at, other);
            all.push(swapped);
        }
        all.push(pieces[..at].to_vec());
    }
    all.into_iter().filter(|pieces| !pieces.is_empty()).map(|all| all.concat().into()).collect()
}

/// Whether these are the first proofs of a bundle: they are one themselves.
fn is_begin(whole: &[u8], bytes: &[u8]) -> bool {
    whole.strip_prefix(bytes).is_some_and(|rest| rest.starts_with(b"c2sp.org/tlog-proof@v1\n"))
}

/// A bundle over a change of key, with an anchor, one that a witness signed, and one by a clock that was wrong: pieces left
/// out, twice and in another order, and every byte changed.
#[tokio::test]
async fn no_mutant_of_a_bundle_is_accepted_and_both_verifiers_say_the_same() {
    let browser = Browser::open().await;
    let names =
        ["bundle-change-anchored", "bundle-change-newest", "bundle-witnessed", "bundle-clock"];
    for name in names {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        let whole = std::fs::read(place().join(case.options.proof.as_ref().unwrap())).unwrap();
        let asked = Options {
            key: case.key.as_deref().map(|key| Vkey::parse(key).unwrap()),
            anchors: case
                .options
                .anchors
                .iter()
                .flat_map(|text| {
                    let origin = Vkey::parse(case.key.as_deref().unwrap()).unwrap();
                    Anchor::find("given", text.as_bytes(), origin.origin())
                })
                .collect(),
            witnesses: case
                .options
                .witnesses
                .iter()
                .map(|key| Witness::parse(key).unwrap())
                .collect(),
            require_anchor: case.options.require_anchor,
            ..Options::default()
        };
        let own = |bytes: &[u8]| {
            let report = proof::check(bytes, "proof", &asked);
            let report = serde_json::to_value(report).unwrap();
            let (outcome, fault) = (report["outcome"].as_str().unwrap(), &report["fault"]);
            match fault["kind"].as_str() {
                None => outcome.to_owned(),
                Some(kind) => format!("{outcome} {kind} {}", fault["line"]),
            }
        };
        assert_eq!(own(&whole), "verified");
        // Every seventh: a bundle is long, and both sides of a byte are met.
        let bytes = Mutant::all(whole.len()).into_iter().step_by(7);
        let bytes = bytes.map(|mutant| (mutant.told(), mutant.of(&whole)));
        let mut all: Vec<(Value, Vec<u8>)> = bytes.collect();
        assert!(all.len() > 3_000, "{}", all.len());
        let edited = all.len();
        all.extend(
            shuffled(&whole)
                .into_iter()
                .map(|bytes| (json!(["whole", STANDARD.encode(&bytes), 0]), bytes)),
        );
        let mut differ = Vec::new();
        for (n, some) in all.chunks(500).enumerate() {
            let told: Vec<&Value> = some.iter().map(|(told, _)| told).collect();
            let given = json!({"proof": STANDARD.encode(&whole), "options": options(&case), "mutants": told});
            let answers = browser.run(&format!("{CHECK}{PROOF_MUTANTS}"), given).await;
            let answers = answers.as_array().unwrap();
            assert_eq!(answers.len(), some.len());
            for (at, ((told, bytes), answer)) in some.iter().zip(answers).enumerate() {
                let own = own(bytes);
                // With a record left out it is a bundle still.
                if 500 * n + at < edited && !is_begin(&whole, bytes) {
                    assert_ne!(own, "verified", "{name}: {told}");
                    assert_ne!(*answer, "verified", "{name}: {told}");
                }
                if *answer != own.as_str() {
                    differ.push(format!("{told}: page {answer}, revoked {own}"));
                }
            }
        }
        let some = &differ[..differ.len().min(20)];
        assert!(
            differ.is_empty(),
            "{name}, {} of {}:\n{}",
            differ.len(),
            all.len(),
            some.join("\n")
        );
    }
}
