//! A server whose every process stands still.

use revoked::throwaway::Cluster;
use std::process::Command;

/// Stands still as long as this lives: it takes connections and answers nothing.
pub(crate) struct Frozen(Vec<String>);

impl Frozen {
    pub(crate) fn freeze(cluster: &Cluster) -> Self {
        let pid = postmaster(cluster);
        // The postmaster first, so that it makes no more.
        signal("STOP", std::slice::from_ref(&pid));
        let mut frozen = Self(vec![pid.clone()]);
        frozen.0.extend(children(&pid).into_iter().map(|(child, _)| child));
        signal("STOP", &frozen.0);
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

fn signal(name: &str, pids: &[String]) {
    // Some may have ended meanwhile.
    let _ = Command::new("kill").arg(format!("-{name}")).args(pids).output().unwrap();
}

/// Process id of the server.
fn postmaster(cluster: &Cluster) -> String {
    let text = std::fs::read_to_string(cluster.socket_dir().join("data/postmaster.pid")).unwrap();
    text.lines().next().unwrap().to_owned()
}

/// What the server's processes for clients call themselves, also those that are not yet, or no longer, in
/// `pg_stat_activity`.
pub(crate) fn processes(cluster: &Cluster) -> Vec<String> {
    children(&postmaster(cluster)).into_iter().map(|(_, title)| title).collect()
}

/// Processes begun by `pid`, with their titles.
fn children(pid: &str) -> Vec<(String, String)> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|name| {
            let stat = std::fs::read_to_string(format!("/proc/{name}/stat")).ok()?;
            // The name of the program may have anything in it; its end is the last parenthesis.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.to_owned();
            let title = std::fs::read(format!("/proc/{name}/cmdline")).ok()?;
            let title = String::from_utf8_lossy(&title).replace('\0', " ").trim().to_owned();
            (parent == pid).then_some((name, title))
        })
        .collect()
}
