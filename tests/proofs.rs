//! Proofs over logs written by hand, held against the definitions of RFC 6962, and the commands that print them.

mod common;

use common::agent::{Agent, TOKEN};
use common::byhand::{
    Inclusion, Log, both_roots, hash, head, inclusions, leads_to, leaf, node, note, root, signer,
    vkey,
};
use common::cluster;
use common::http::{Api, prepared};
use common::{revoked, run};
use revoked::audit::prove::{ProveError, Prover};
use revoked::audit::signed::cp1;
use revoked::audit::verify::{Options, Vkey, proof};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// A log of `size` lines, some of which are checkpoints; where files may begin.
fn grown(size: usize) -> (Log, Vec<usize>) {
    let (mut log, mut begins) = (Log::new(1), vec![0]);
    let mut until = 1;
    while log.lines.len() < size {
        if log.lines.len() > until || log.lines.len() + 1 == size {
            log.seal(&[&signer(1)]);
            until = log.lines.len() + log.lines.len() % 5;
            begins.push(log.lines.len());
        } else {
            log.record("heartbeat", json!({"n": log.lines.len()}));
        }
    }
    begins.retain(|begin| *begin < log.lines.len());
    (log, begins)
}

fn is_good(proof: &Inclusion) -> bool {
    let (size, root) = head(&proof.note);
    leads_to(leaf(&proof.line), proof.index, size, &proof.path) == Some(root)
}

#[test]
fn every_line_of_small_logs_is_proved_and_every_pair_of_trees() {
    let dir = tempfile::tempdir().unwrap();
    let prover = Prover::new(dir.path());
    for size in 2..=70 {
        let (log, begins) = grown(size);
        // In one file, and in as many as there can be.
        for begins in [&begins[..1], &begins] {
            log.write(dir.path(), begins);
            let newest = prover.head().unwrap();
            let covered = usize::try_from(newest.size).unwrap();
            assert_eq!(covered + 1, size, "the last line is a checkpoint");
            let leaves = log.leaves();
            assert_eq!(newest.root, root(&leaves[..covered]));
            for index in 0..covered {
                let text = prover.line(&newest, index as u64).unwrap();
                let [proof] = &inclusions(&text)[..] else { panic!("one proof: {text}") };
                assert_eq!(proof.index, index);
                assert_eq!(proof.line, log.lines[index].as_bytes());
                assert_eq!(proof.note, newest.note);
                assert!(is_good(proof), "{index} of {size}");
            }
            assert!(matches!(prover.line(&newest, newest.size), Err(ProveError::Beyond { .. })));
            for old in 1..=covered {
                let proof = prover.consistency(old as u64, &newest).unwrap();
                let before = root(&leaves[..old]);
                assert_eq!(proof.old_root, before);
                let path: Vec<_> = proof.path.clone();
                let roots = both_roots(old, covered, &path, Some(before));
                assert_eq!(roots, Some((before, newest.root)), "{old} to {covered}");
                let text = proof.to_string();
                let (lines, after) = text.split_once("\n\n").unwrap();
                assert_eq!(lines.lines().next(), Some(format!("old {old}").as_str()));
                assert_eq!(lines.lines().skip(1).map(hash).collect::<Vec<_>>(), path);
                assert_eq!(after, newest.note);
            }
        }
    }
}

#[test]
fn nothing_beyond_what_is_signed_is_proved() {
    let dir = tempfile::tempdir().unwrap();
    let prover = Prover::new(dir.path());
    let (log, begins) = grown(20);
    let write = |log: &Log| log.write(dir.path(), &begins);
    let covered = |log: &Log| {
        write(log);
        prover.head().map(|head| head.size)
    };
    assert_eq!(covered(&log).unwrap(), 19);
    let mut more = log.clone();
    more.record("planted", json!({}));
    assert_eq!(covered(&more).unwrap(), 19, "a line without a checkpoint");
    more.seal(&[&signer(9)]);
    assert_eq!(covered(&more).unwrap(), 19, "a checkpoint of somebody else");
    let mut replayed = log.clone();
    replayed.lines.push(log.lines[19].clone());
    assert_eq!(covered(&replayed).unwrap(), 19, "an old checkpoint once more");
    let newest = prover.head().unwrap();
    assert!(matches!(prover.line(&newest, 19), Err(ProveError::Beyond { size: 19 })));
    assert!(matches!(prover.checkpoint(25), Err(ProveError::Beyond { size: 19 })));
    assert!(matches!(prover.checkpoint(3), Err(ProveError::NoCheckpoint { size: 3, next: 7 })));
    // A line that was changed after it was signed: nothing is proved any more, also not of the other lines.
    let mut edited = log.clone();
    edited.lines[4] = edited.lines[4].replace("heartbeat", "heartbeet");
    write(&edited);
    let older = prover.head().unwrap_err();
    assert!(matches!(older, ProveError::Damaged(_)), "an older head is not the newest: {older}");
    for index in 0..19 {
        let error = prover.line(&newest, index).unwrap_err();
        assert!(matches!(error, ProveError::Damaged(_)), "{index}: {error}");
    }
    assert!(matches!(prover.consistency(3, &newest), Err(ProveError::Damaged(_))));
    // A key of the right name that nobody knows.
    let forged = note(19, &root(&log.leaves()[..19]), &[&signer(9)]);
    let forged = revoked::audit::prove::Head::of(&forged).unwrap();
    write(&log);
    assert!(matches!(prover.line(&forged, 3), Err(ProveError::Damaged(_))));
    assert!(matches!(prover.consistency(3, &forged), Err(ProveError::Damaged(_))));
}

fn about(id: &str, n: usize) -> serde_json::Value {
    json!({"id": format!("{id}.{n}"), "revocation": id, "subject": "sub_1"})
}

#[test]
fn a_bundle_has_all_of_a_revocation_and_every_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new(1);
    log.seal(&[&signer(1)]);
    log.record("subject", json!({"subject": "sub_0", "commit": "x"}));
    log.record("subject", json!({"subject": "sub_1", "commit": "y"}));
    log.record("revocation_triggered", about("rev_1", 1));
    log.record("revocation_triggered", about("rev_11", 1));
    log.seal(&[&signer(1)]);
    log.change_key(2);
    log.record("observation", about("rev_1", 2));
    // It only speaks of it.
    log.record("observation", json!({"id": "rev_2.1", "note": "rev_1", "revocation": "rev_2"}));
    log.seal(&[&signer(2)]);
    log.change_key(3);
    log.record("access_revoked", about("rev_1", 3));
    log.seal(&[&signer(3)]);
    log.write(dir.path(), &[0, 7]);
    let prover = Prover::new(dir.path());
    let newest = prover.head().unwrap();
    let keys: Vec<String> = prover.keys(&newest).unwrap().texts().map(str::to_owned).collect();
    assert_eq!(keys, [1, 2, 3].map(|seed| vkey(&signer(seed))));
    let proofs = inclusions(&prover.bundle(&newest, "rev_1").unwrap());
    let places: Vec<_> = proofs.iter().map(|proof| (proof.index, head(&proof.note).0)).collect();
    // Line 0, each change with its checkpoint, then the records and the subject; all under one note.
    let indexes = [0, 7, 8, 12, 13, 4, 9, 14, 3];
    assert_eq!(places, indexes.map(|index| (index, 15)));
    for proof in &proofs {
        assert!(is_good(proof), "{proof:?}");
        assert_eq!(proof.line, log.lines[proof.index].as_bytes());
    }
    let verified = |text: &str, seed: u8| {
        let key = Some(Vkey::parse(&vkey(&signer(seed))).unwrap());
        let report = proof::check(text.as_bytes(), "x", &Options { key, ..Options::default() });
        assert_eq!(report.exit_code, 0, "key {seed}: {report}");
        report
    };
    let line0 = prover.line(&newest, 0).unwrap();
    for seed in 1..=3 {
        verified(&prover.bundle(&newest, "rev_1").unwrap(), seed);
        let report = verified(&line0, seed);
        assert_eq!(report.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [0, 7, 8, 12, 13]);
    }
    // The newest checkpoint is that of a change itself.
    log.lines.truncate(14);
    log.write(dir.path(), &[0, 7]);
    let newest = prover.head().unwrap();
    assert_eq!(newest.size, 13);
    let bundle = prover.bundle(&newest, "rev_1").unwrap();
    let places: Vec<_> = inclusions(&bundle).iter().map(|proof| proof.index).collect();
    assert_eq!(places, [0, 7, 8, 12, 4, 9, 3]);
    (1..=3).for_each(|seed| drop(verified(&bundle, seed)));
    assert!(matches!(prover.bundle(&newest, "rev_3"), Err(ProveError::NoRecord(_))));
    assert!(matches!(prover.bundle(&newest, "rev"), Err(ProveError::NoRecord(_))));
    // A change that the old key did not sign is none.
    let mut stolen = Log::new(1);
    stolen.record("key", json!({"key": vkey(&signer(2)), "next": "", "reason": "scheduled"}));
    stolen.seal(&[&signer(2)]);
    stolen.write(dir.path(), &[0]);
    assert!(matches!(prover.head(), Err(ProveError::Beyond { size: 0 })));
}

/// What `log` prints with these arguments, of the directory.
fn of(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(revoked().arg("log").args(arguments).arg("--dir").arg(dir))
}

#[test]
fn two_histories_are_told_apart_and_strangers_say_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (dir, kept) = (home.path().join("log"), home.path().join("kept.txt"));
    std::fs::create_dir(&dir).unwrap();
    let (log, begins) = grown(30);
    log.write(&dir, &begins);
    let leaves = log.leaves();
    let sizes: Vec<usize> = (1..30).filter(|n| log.lines[*n].contains("\"checkpoint\"")).collect();
    let of_size = |size: usize| note(size, &root(&leaves[..size]), &[&signer(1)]);
    let (old, new) = (sizes[1], sizes[3]);
    std::fs::write(&kept, format!("posted:\n  {}\n", cp1(&of_size(old)))).unwrap();
    let kept = kept.to_str().unwrap();
    let by_size = of(&dir, &["consistency", &old.to_string(), &new.to_string()]);
    assert_eq!(by_size.0, 0, "{}", by_size.2);
    assert!(
        by_size
            .2
            .contains(&format!("of size {new} continues the tree of size {old}, whose root is "))
    );
    for (a, b) in [(kept, of_size(new)), (&of_size(old), of_size(new))] {
        let a = if a == kept { a.to_owned() } else { cp1(a) };
        assert_eq!(of(&dir, &["consistency", &a, &cp1(&b)]), by_size);
    }
    let (code, out, _) = of(&dir, &["consistency", kept]);
    assert_eq!(code, 0);
    assert!(out.ends_with(&of_size(29)), "to the newest");
    // The note in whatever form it was kept, as `verify --anchor` finds it.
    let page = home.path().join("page.html");
    std::fs::write(&page, format!("<p>of today: <code>{}</code></p>", cp1(&of_size(old)))).unwrap();
    let (code, out, err) = of(&dir, &["consistency", page.to_str().unwrap(), &new.to_string()]);
    assert_eq!((code, out), (by_size.0, by_size.1.clone()), "{err}");
    let named = home.path().join("cp1.txt");
    std::fs::write(&named, of_size(old)).unwrap();
    let (code, out, err) = run(revoked()
        .args(["log", "consistency", "cp1.txt", &new.to_string(), "--dir"])
        .arg(&dir)
        .current_dir(home.path()));
    assert_eq!((code, out), (by_size.0, by_size.1.clone()), "{err}");
    // The same key, another history; a longer one; and what anybody can write.
    let fork = cp1(&note(old, &node(&[1; 32], &[2; 32]), &[&signer(1)]));
    let later = cp1(&note(40, &[5; 32], &[&signer(1)]));
    let strangers = cp1(&note(old, &root(&leaves[..old]), &[&signer(7)]));
    for (a, b, code, says) in [
        (fork.as_str(), None, 5, "HISTORY DIFFERS: the note given and this log have other lines"),
        ("3", Some(fork.as_str()), 5, "HISTORY DIFFERS"),
        (kept, Some(&later), 5, "the log was cut, or an older copy was put back"),
        (&later, None, 5, "the log was cut, or an older copy was put back"),
        (&strangers, None, 6, "NOT PROVED: the note given is not signed by the log"),
        ("9", Some("3"), 64, "give the earlier one first"),
        ("3", Some("4000"), 1, "has size 29"),
        ("cp1.AAAA", None, 6, "NOT PROVED: the note given has no note of the log"),
        ("/nonexistent", None, 1, "neither a size, nor cp1.…, nor a file"),
    ] {
        let arguments: Vec<&str> = ["consistency", a].into_iter().chain(b).collect();
        let (found, out, err) = of(&dir, &arguments);
        assert_eq!(found, code, "{a} {b:?}: {err}");
        assert!(err.contains(says), "{a} {b:?}: {err}");
        assert_eq!(out, "", "nothing is printed that proves nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_and_its_directory_prove_the_same() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    let id = agent.expect("john", &[]);
    agent.expect("jane", &[]);
    quiet(&agent);
    let dir = agent.dir().join("state/log");
    let log = |arguments: &[&str]| {
        let arguments = [&["log"], arguments].concat();
        let (code, out, err) = agent.run(&arguments);
        assert_eq!(code, 0, "{arguments:?}: {err}");
        out
    };
    let note = log(&["checkpoint"]);
    let size = head(&note).0;
    assert_eq!(log(&["checkpoint", "--cp1"]), format!("{}\n", cp1(&note)));
    let text = std::fs::read_to_string(agent.log_file()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let bundle = log(&["prove", &id]);
    let proofs = inclusions(&bundle);
    assert!(proofs.iter().all(is_good));
    let kinds: Vec<String> = proofs
        .iter()
        .map(|proof| serde_json::from_slice::<serde_json::Value>(&proof.line).unwrap())
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[..2], ["genesis", "revocation_triggered"]);
    assert_eq!(kinds.last().map(String::as_str), Some("subject"));
    let five = log(&["prove", "5"]);
    let written = agent.dir().join("five.tlog-proof");
    log(&["prove", "5", "-o", written.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&written).unwrap(), five);
    let steps = log(&["consistency", "1"]);
    assert!(steps.ends_with(&note));
    assert_eq!(log(&["tail", "-n", "3"]), lines[size - 2..].join("\n") + "\n");
    assert_eq!(log(&["tail", "-n", "5000"]), text);
    // Over the API.
    let api = Api::of(&agent);
    for (path, is) in [
        ("audit/proof/5".to_owned(), &five),
        (format!("revocations/{id}/proof"), &bundle),
        (format!("audit/consistency?old=1&new={size}"), &steps),
    ] {
        let answer = api.get(&format!("/api/v1/{path}")).await;
        assert_eq!((answer.status, &answer.text), (200, is), "{path}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
    let old_root = api.get("/api/v1/audit/consistency?old=3").await;
    let leaves: Vec<_> = lines.iter().map(|line| leaf(line.as_bytes())).collect();
    assert_eq!(hash(old_root.header("revoked-old-root")), root(&leaves[..3]));
    for (path, status) in [
        ("audit/proof/99999", 404),
        ("audit/proof/-1", 404),
        ("audit/proof/many", 404),
        ("revocations/rev_none/proof", 404),
        ("audit/consistency", 400),
        ("audit/consistency?old=9&new=3", 404),
        ("audit/consistency?old=1&new=99999", 404),
        ("audit/consistency?old=99999", 404),
        ("audit/proof/5?x=1", 400),
    ] {
        api.get(&format!("/api/v1/{path}")).await.problem(status);
    }
    // An agent elsewhere, with a token.
    let elsewhere = run(revoked()
        .args(["log", "prove", "5"])
        .env("REVOKED_URL", format!("http://127.0.0.1:{}", agent.api))
        .env("REVOKED_TOKEN", TOKEN));
    assert_eq!((elsewhere.0, &elsewhere.1), (0, &five), "{}", elsewhere.2);
    // Notes that were kept, against the running agent.
    let fork = byhand_fork(&note);
    let (code, _, err) = agent.run(&["log", "consistency", &fork]);
    assert_eq!(code, 6, "a note that its key did not sign: {err}");
    assert_eq!(agent.run(&["log", "consistency", &cp1(&note)]).0, 0);
    let (code, _, err) = agent.run(&["log", "prove", "rev_none"]);
    assert_eq!(code, 1);
    assert!(err.contains("is about rev_none"), "{err}");
    // The files alone say the same, while the agent runs and without it.
    let same = |arguments: &[&str], is: &str| {
        let (code, out, err) = of(&dir, arguments);
        assert_eq!((code, out.as_str()), (0, is), "{arguments:?}: {err}");
    };
    for running in [true, false] {
        if !running {
            agent.kill();
        }
        same(&["prove", "5"], &five);
        same(&["prove", &id], &bundle);
        same(&["checkpoint"], &note);
        same(&["tail", "-n", "3"], &(lines[size - 2..].join("\n") + "\n"));
    }
}

/// Waits until the looks have nothing new to say.
fn quiet(agent: &Agent) {
    let mut before = 0;
    loop {
        let now = agent.log().len();
        if now == before {
            return;
        }
        before = now;
        std::thread::sleep(Duration::from_secs(4));
    }
}

/// The note with another root, and the signature as it was.
fn byhand_fork(note: &str) -> String {
    let root = note.lines().nth(2).unwrap();
    let other = if root.starts_with('A') { 'B' } else { 'A' };
    cp1(&note.replace(root, &format!("{other}{}", &root[1..])))
}

#[test]
fn a_log_that_is_followed_is_printed_once() {
    use std::io::{BufRead as _, BufReader};
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    let mut command = agent.command(&["log", "tail", "-n", "2", "--follow"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = vec![lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap()];
    agent.expect("john", &[]);
    agent.expect("jane", &[]);
    seen.extend((0..4).map(|_| lines.next().unwrap().unwrap()));
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(agent.log_file()).unwrap();
    let all: Vec<&str> = text.lines().collect();
    let first = all.iter().position(|line| *line == seen[0]).unwrap();
    assert_eq!(all[first..first + 6], seen[..]);
}
