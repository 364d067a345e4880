//! A full disk.

use crate::common::agent::Agent;
use crate::common::cluster;
use crate::stage::{Stage, agent_of};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that gives its child file systems of its own. Root needs no other names for users, and would
/// lose its rights to the files of the server with them.
fn namespace() -> Vec<String> {
    let root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0;
    let flags = if root { "-m" } else { "-Urm" };
    vec!["unshare".to_owned(), flags.to_owned(), "sh".to_owned(), "-c".to_owned()]
}

/// Lets the agent keep its state on a small disk at `place`, which only it can see.
fn on_a_small_disk(agent: &mut Agent, place: &Path) {
    let shell = format!("mount -t tmpfs -o size=3m,mode=0700 small '{}'", place.display());
    let mut starter = namespace();
    std::fs::create_dir_all(place).unwrap();
    let tried = Command::new(&starter[0]).args(&starter[1..]).arg(&shell).output();
    let tried = tried.expect("this test needs the program unshare (Debian: util-linux)");
    assert!(
        tried.status.success(),
        "this test needs to mount a file system: run it as root, or where users may make namespaces \
         (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces). It said: {}",
        String::from_utf8_lossy(&tried.stderr)
    );
    starter.extend([format!("{shell} && exec \"$@\""), "sh".to_owned()]);
    agent.starter = starter;
}

/// Writes until nothing more fits.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).unwrap();
    let block = [b'x'; 4096];
    let full = loop {
        if let Err(error) = file.write_all(&block) {
            break error;
        }
    };
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
}

pub(crate) async fn the_store_has_no_room() {
    let cluster = cluster();
    let mut agent = agent_of(&cluster);
    let small = agent.dir().join("small");
    on_a_small_disk(&mut agent, &small);
    agent.keep_at(&format!("sqlite://{}", small.join("revoked.db").display()));
    let stage = Stage::begin(agent, cluster);
    // The agent's own view of the directory.
    let seen = PathBuf::from(format!("/proc/{}/root{}", stage.agent.pid(), small.display()));
    let filler = seen.join("filler");
    assert!(seen.join("revoked.db").is_file(), "the small disk cannot be reached");

    fill(&filler);
    // What still fits into the last page may be kept; sooner or later nothing is.
    let mut refused = Vec::new();
    let mut kept = Vec::new();
    for number in 0..40 {
        let who = format!("leaver {number}");
        let answer = stage.notice(&who).await;
        match answer.status {
            202 => kept.push((who, answer.json()["id"].as_str().unwrap().to_owned())),
            503 => {
                assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
                refused.push(who);
            }
            other => panic!("{other}: {answer:?}"),
        }
        if refused.len() >= 3 {
            break;
        }
    }
    assert_eq!(refused.len(), 3, "the disk is full, and yet: {}", stage.agent.stderr());
    stage.assert_alive();
    stage.assert_kept();

    std::fs::remove_file(&filler).unwrap();
    for who in &refused {
        let id = stage.sent_again(who).await;
        stage.agent.until_state(&id, "verified");
    }
    for (who, id) in &kept {
        assert_eq!(&stage.accepted(who).await, id);
    }
    stage.finish();
}

/// No file may become larger than this: the log goes on in other ones.
pub(crate) async fn the_log_may_not_grow() {
    let (target, store) = (cluster(), cluster());
    let mut agent = agent_of(&target);
    // In the database, so that only the log meets the limit.
    agent.keep_at(&store.url("postgres", "postgres"));
    // 160 blocks of 512 or 1024 bytes. SIGXFSZ ends whoever does not handle it.
    agent.starter = ["sh", "-c", "ulimit -f 160; exec \"$@\"", "sh"].map(str::to_owned).to_vec();
    let stage = Stage::begin(agent, target);
    let mut acknowledged = Vec::new();
    while stage.agent.log_files().len() < 4 {
        let who = format!("leaver {}", acknowledged.len());
        acknowledged.push((stage.accepted(&who).await, who));
        assert!(acknowledged.len() < 500, "no file was begun");
    }
    for file in &stage.agent.log_files() {
        let length = std::fs::metadata(file).unwrap().len();
        assert!(length <= 160 * 1024, "{length} bytes in {}", file.display());
    }
    for (id, who) in &acknowledged {
        assert_eq!(&stage.accepted(who).await, id);
    }
    stage.finish();
}
