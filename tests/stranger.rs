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

/// Takes the last note apart. jq is not a part of every system; sed and printf are.
fn take_apart() -> String {
    let commands = commands("jq -j .what.note");
    let jq = "tail -n 1 \"$LOG\" | jq -j .what.note > note\n";
    let sed = r#"printf '%b' "$(tail -n 1 "$LOG" | sed 's/.*"note":"\(.*\)"}}$/\1/')" > note"#;
    assert!(commands.contains(jq), "{commands}");
    commands.replace(jq, &format!("{sed}\n"))
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
