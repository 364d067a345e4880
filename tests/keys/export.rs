//! Evidence for an auditor, taken from the log of an agent that runs.

use super::*;

#[test]
fn evidence_is_exported_while_the_agent_runs() {
    let (_cluster, mut agent) = stopped();
    agent.start();
    let dir = agent.dir().join("evidence");
    good(&agent, &["log", "export", text(&dir)]);
    let mut found = names(&dir);
    found.sort();
    let wanted =
        ["README.txt", "checkpoint.cp1", "checkpoint.txt", "log", "log.vkey", "verify.html"];
    assert_eq!(found, wanted);
    let key = std::fs::read_to_string(dir.join("log.vkey")).unwrap();
    let (code, report) = verify(&dir.join("log"), key.trim());
    assert_eq!(code, 0, "{report}");
    let anchored =
        run(revoked().args(["verify", text(&dir.join("log")), "--key", key.trim()]).args([
            "--anchor",
            text(&dir.join("checkpoint.txt")),
            "--anchor",
            std::fs::read_to_string(dir.join("README.txt"))
                .unwrap()
                .lines()
                .find(|l| l.starts_with("cp1."))
                .unwrap(),
            "--require-anchor",
        ]));
    assert_eq!(anchored.0, 0, "{anchored:?}");
    for name in ["README.txt", "log/revlog-000000000000.jsonl", "checkpoint.txt"] {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        assert!(!text.contains("can4ry"), "{name}");
    }
    assert!(refused(&agent, &["log", "export", text(&dir)]).contains("is there already"));
    let one = agent.dir().join("one");
    let lines = agent.log();
    let id = lines.iter().find_map(|line| line["what"]["revocation"].as_str()).unwrap();
    good(&agent, &["log", "export", text(&one), "--revocation", id]);
    let proof = one.join("revocation.tlog-proof");
    let proved = run(revoked().args(["verify", "--proof", text(&proof), "--key", key.trim()]));
    assert_eq!(proved.0, 0, "{proved:?}");
    let nothing = agent.dir().join("nothing");
    refused(&agent, &["log", "export", text(&nothing), "--revocation", "rev_none"]);
    assert!(!nothing.exists());
    agent.stop();
    // What does not verify is not handed out.
    let mut bytes = std::fs::read(agent.log_file()).unwrap();
    bytes[20] ^= 1;
    std::fs::write(agent.log_file(), bytes).unwrap();
    let other = agent.dir().join("other");
    let (code, _, err) = agent.run(&["log", "export", text(&other)]);
    assert!(code == 1 || code == 4, "{code}: {err}");
    assert!(!other.exists() && !names(&agent.dir()).iter().any(|name| name.contains(".part")));
}
