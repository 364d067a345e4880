//! What docs/audit-log.md tells a stranger to type, typed on the log of a real agent: OpenSSL and text tools
//! accept what `revoked` wrote, and nothing else.

mod common;

use common::cluster;
use common::http::{Api, started};
use std::path::Path;
use std::process::{Command, Output};

/// The shell commands of docs/audit-log.md that contain `part`.
fn commands(part: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/audit-log.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.contains(part)).unwrap_or_else(|| panic!("no {part}")).to_owned()
}

struct Desk {
    dir: tempfile::TempDir,
    vkey: String,
}

impl Desk {
    fn type_in(&self, commands: &str) -> Output {
        Command::new("sh")
            .args(["-eu", "-c", commands])
            .current_dir(self.dir.path())
            .env("LOG", "log.jsonl")
            .env("PROOF", "proof")
            .env("VKEY", &self.vkey)
            .output()
            .unwrap()
    }

    fn read(&self, commands: &str) -> String {
        let output = self.type_in(commands);
        assert!(output.status.success(), "{commands}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Desk {
    /// A test vector that has `log` and `proof`; the first key of its log is the one held.
    fn of_vectors(log: &str, proof: &str) -> Self {
        let vectors = common::vectors::place();
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(vectors.join(log), dir.path().join("log.jsonl")).unwrap();
        std::fs::copy(vectors.join(proof), dir.path().join("proof")).unwrap();
        let cases = common::vectors::cases();
        let vkey = cases.iter().find(|case| case.name == "rotated").unwrap().key.clone().unwrap();
        Self { dir, vkey }
    }
}

/// The log of an agent that accepted a revocation and stopped, and its public key.
async fn desk() -> Desk {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let notice = r#"{"username":"postgres","reason":"terminated"}"#;
    assert_eq!(Api::of(&agent).post(notice, None).await.status, 202);
    assert!(agent.stop().success(), "{}", agent.stderr());
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(agent.log_file(), dir.path().join("log.jsonl")).unwrap();
    let vkey = std::fs::read_to_string(agent.dir().join("log.vkey")).unwrap().trim().to_owned();
    Desk { dir, vkey }
}

/// Takes the last note apart, or as the commands that contain `part` do. jq is not a part of every system; sed and
/// printf are.
fn apart(part: &str, line: &str) -> String {
    let commands = commands(part);
    let jq = format!("{line} \"$LOG\" | jq -j .what.note > note\n");
    let sed =
        format!(r#"printf '%b' "$({line} "$LOG" | sed 's/.*"note":"\(.*\)"}}}}$/\1/')" > note"#);
    assert!(commands.contains(&jq), "{commands}");
    commands.replace(&jq, &format!("{sed}\n"))
}

fn take_apart() -> String {
    apart("tail -n 1 \"$LOG\" | jq -j", "tail -n 1")
}

#[tokio::test]
async fn openssl_accepts_the_last_checkpoint_and_no_other_text_or_key() {
    let desk = desk().await;
    let verify = commands("openssl pkeyutl -verify");
    desk.read(&take_apart());
    assert_eq!(desk.read(&verify), "Signature Verified Successfully\n");
    let body = desk.read("cat body");
    let lines: Vec<_> = body.lines().collect();
    assert_eq!(Some(lines[0]), desk.vkey.split('+').next(), "the origin");
    assert_eq!(
        desk.read("wc -l < log.jsonl").trim(),
        (lines[1].parse::<u64>().unwrap() + 1).to_string()
    );

    let refused = |change: &str| {
        desk.read(&take_apart());
        let output = desk.type_in(&format!("{change}\n{verify}"));
        assert!(!output.status.success(), "{change}: {output:?}");
    };
    refused("sed -i 2s/$/0/ body");
    refused("printf ' ' >> body");
    refused("head -c 63 sig > cut; printf x >> cut; mv cut sig");
    refused("openssl rand 64 > sig");
    let other = Desk {
        vkey: "example/docs/0011223344556677+db5f1665+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
            .to_owned(),
        ..desk
    };
    other.read(&take_apart());
    assert!(!other.type_in(&verify).status.success(), "a key of somebody else");
}

#[tokio::test]
async fn links_and_key_id_are_as_the_page_says() {
    let desk = desk().await;
    let [hash, prev] = <[String; 2]>::try_from(
        desk.read(&commands("sed -n 4p"))
            .lines()
            .map(|line| line.chars().take(64).collect())
            .collect::<Vec<String>>(),
    )
    .unwrap();
    assert_eq!(hash, prev, "one link");
    assert_eq!(desk.read(&commands("while IFS= read -r line")), "", "all links");

    desk.read(&take_apart());
    desk.read(&commands("openssl pkeyutl -verify"));
    let ids = desk.read(&commands("${VKEY%%+*}"));
    let ids: Vec<_> = ids.lines().collect();
    assert_eq!(ids[0], ids[1], "the key's id and that in the note");
    assert_eq!(Some(ids[0]), desk.vkey.split('+').nth(1));

    desk.read("sed -i '3s/start/stop_/' log.jsonl");
    let broken = desk.read(&commands("while IFS= read -r line"));
    assert_eq!(broken.matches("broken before:").count(), 1, "{broken}");
    assert!(broken.contains("\"seq\":3,"), "the line after the changed one: {broken}");
}

/// The keys in the log of the vector, as text.
fn keys(desk: &Desk) -> Vec<String> {
    let found = desk.read(r#"sed -n 's/.*"key":"\([^"]*\)".*/\1/p' log.jsonl"#);
    found.lines().map(str::to_owned).collect()
}

#[test]
fn a_change_of_key_is_followed_by_hand() {
    let desk = Desk::of_vectors("rotated/revlog-000000000000.jsonl", "bundle-change.tlog-proof");
    let said = desk.read(&commands("while read -r key"));
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said.len(), 3, "two promises, one change: {said:?}");
    assert_eq!(said[0], said[2], "the key that came is the one promised");
    assert_ne!(said[1], said[2]);

    let line = "sed -n \"$((n + 1))p\"";
    let both = apart("head -n 1 | cut -d: -f1", line);
    assert!(both.contains("sed -n 1p"), "{both}");
    let verify = commands("openssl pkeyutl -verify");
    let [old, new] = <[String; 2]>::try_from(keys(&desk)).unwrap();
    let desk_of = |vkey: &str, desk: Desk| Desk { vkey: vkey.to_owned(), ..desk };
    let desk = desk_of(&old, desk);
    desk.read(&both);
    assert_eq!(desk.read(&verify), "Signature Verified Successfully\n", "the old key");
    desk.read(&both.replace("sed -n 1p", "sed -n 2p"));
    assert!(!desk.type_in(&verify).status.success(), "the second is not of the old key");
    let desk = desk_of(&new, desk);
    assert_eq!(desk.read(&verify), "Signature Verified Successfully\n", "the new key");
}

#[test]
fn a_proof_is_checked_by_hand() {
    let desk = Desk::of_vectors("rotated/revlog-000000000000.jsonl", "bundle-change.tlog-proof");
    let take_apart = commands("c2sp.org/tlog-proof@v1\" {");
    let climb = commands("_, extra, index, *path");
    let verify = commands("openssl pkeyutl -verify");
    let before = commands("left = step if left is None");
    let [_, new] = <[String; 2]>::try_from(keys(&desk)).unwrap();
    let mut desk = desk;
    desk.vkey = new;
    let count: usize = desk.read("grep -c tlog-proof@v1 proof").trim().parse().unwrap();
    for n in 1..=count {
        let seq =
            desk.read(&format!("N={n}\n{take_apart}\nsed -n 's/^index //p' one")).trim().to_owned();
        let root = desk.read("sed -n 3p body");
        assert_eq!(desk.read(&climb), root, "proof {n}");
        assert!(desk.read("cat line").contains(&format!("\"seq\":{seq},")), "proof {n}");
        assert_eq!(desk.read(&verify), "Signature Verified Successfully\n", "proof {n}");
        if n == 3 {
            let roots = desk.read(&before);
            let roots: Vec<&str> = roots.lines().collect();
            assert!(matches!(roots[..], [signed, own] if signed == own), "{roots:?}");
        }
        // Another line in its place leads elsewhere.
        desk.read("sed -i 's/^extra ..../extra AAAA/' one");
        assert_ne!(desk.read(&climb), root, "proof {n}");
    }
    assert!(count > 4, "{count}");
}
