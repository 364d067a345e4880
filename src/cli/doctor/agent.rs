//! The agent: whether it runs, and who can reach it. And the room that is left for its files.

use super::section::{Level, Section};
use crate::config::{Config, WebConfig};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

/// Less than this much room is worth a word.
const LITTLE: u64 = 1024 * 1024 * 1024;

/// An answer takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks at the agent.
pub(super) async fn section(config: &Config) -> Section {
    let mut section = Section::new("agent", config.socket.display().to_string());
    let running = socket(&mut section, &config.socket).await;
    let metrics = config.metrics_listen;
    section.fact("running", running);
    section.fact("metrics", metrics.to_string());
    section.fact("api", config.api_listen.to_string());
    if !running {
        return section;
    }
    if config.metrics_web.as_ref().is_some_and(WebConfig::guards) {
        guarded(&mut section, metrics).await;
    } else {
        readiness(&mut section, metrics).await;
    }
    let api = config.api_listen;
    match answer(api, "/api/v1/revocations").await {
        Ok(_) => section.say(Level::Ok, format!("API at http://{api}/api/v1")),
        Err(why) => section.advise(
            Level::Warn,
            format!("the API at http://{api} does not answer: {why}"),
            "if listen.api was changed, restart the agent",
        ),
    }
    section
}

/// Nobody gave this command a password or a certificate, so it only looks whether somebody is there.
async fn guarded(section: &mut Section, metrics: SocketAddr) {
    match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(here(metrics))).await {
        Ok(Ok(_)) => section.say(
            Level::Note,
            format!("metrics at {metrics}, guarded by listen.metrics_web_config; not asked whether it is ready"),
        ),
        Ok(Err(_)) | Err(_) => section.advise(
            Level::Warn,
            format!("nobody listens at {metrics}"),
            "if listen.metrics was changed, restart the agent",
        ),
    }
}

/// Whether it can accept notices.
async fn readiness(section: &mut Section, metrics: SocketAddr) {
    match answer(metrics, "/-/ready").await {
        Ok(status) if status.is_success() => {
            section.fact("ready", true);
            section.say(Level::Ok, format!("ready to accept notices; metrics at http://{metrics}"));
        }
        Ok(status) => {
            section.fact("ready", false);
            section.advise(
                Level::Broken,
                format!("it says that it cannot accept notices (http://{metrics}: {status})"),
                "read its log on stderr, and the store and the log in this answer",
            );
        }
        Err(why) => section.advise(
            Level::Warn,
            format!("http://{metrics}/-/ready does not answer: {why}"),
            "if listen.metrics was changed, restart the agent",
        ),
    }
}

/// Whether somebody answers at the socket, and who may connect.
async fn socket(section: &mut Section, path: &Path) -> bool {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            section.say(Level::Note, "not running: there is no socket");
            return false;
        }
        Err(error) => {
            let text = format!("whether it runs cannot be seen: {}: {error}", path.display());
            section.advise(Level::Unchecked, text, "run doctor as a member of group revoked");
            return false;
        }
    };
    let group = group_name(meta.gid()).unwrap_or_else(|| meta.gid().to_string());
    let mode = meta.mode() & 0o777;
    section.fact("socket_group", group.as_str());
    section.fact("socket_mode", format!("{mode:04o}"));
    match tokio::net::UnixStream::connect(path).await {
        Ok(_) => section.say(Level::Ok, "running: its socket answers"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            section.advise(
                Level::Unchecked,
                format!("this user may not use the socket (group {group}, mode {mode:04o})"),
                format!("add this user to group {group}, or use REVOKED_URL with a token"),
            );
            return false;
        }
        Err(_) if meta.file_type().is_socket() => {
            section.say(Level::Note, "not running: nobody answers at the socket it left behind");
            return false;
        }
        Err(error) => {
            section.say(Level::Broken, format!("{} is no socket: {error}", path.display()));
            return false;
        }
    }
    access(section, &group, mode);
    true
}

/// Groups that programs share which belong to nobody in particular.
const NOBODYS: &[&str] = &["nogroup", "nobody", "65534"];

/// Who may use the socket: whoever may is an operator.
fn access(section: &mut Section, group: &str, mode: u32) {
    if mode.trailing_zeros() < 3 {
        section.advise(
            Level::Warn,
            format!("everybody on this machine may use the socket (mode {mode:04o})"),
            "restart the agent: it sets mode 0660",
        );
    } else if NOBODYS.contains(&group) && mode & 0o070 != 0 {
        section.advise(
            Level::Warn,
            format!(
                "group {group} may use the socket (mode {mode:04o}): that is every program of this machine without a \
                 group of its own, and each would be an operator"
            ),
            "make a group for the operators (groupadd --system revoked), run the agent as a user of its own that is in \
             it, and restart it",
        );
    } else {
        section.say(Level::Ok, format!("group {group} may use the socket (mode {mode:04o})"));
    }
    if group != "revoked" {
        section
            .say(Level::Note, "this machine has no group revoked that could be given the socket");
    }
}

/// An agent that listens everywhere is here, too.
fn here(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port())
    } else {
        address
    }
}

async fn answer(address: SocketAddr, path: &str) -> Result<reqwest::StatusCode, String> {
    let host = here(address);
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .tls_certs_only(std::iter::empty())
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())?;
    let answer = client.get(format!("http://{host}{path}")).send().await;
    answer.map(|answer| answer.status()).map_err(|error| {
        if error.is_timeout() { "no answer within 3 s" } else { "nobody listens there" }.to_owned()
    })
}

fn group_name(id: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

/// Room at the state and at the log.
pub(super) fn disk(config: &Config) -> Section {
    let mut section = Section::new("disk", "space");
    for (key, path) in [("state_free", &config.state_dir), ("log_free", &config.log_dir)] {
        match rustix::fs::statvfs(path.as_path()) {
            Ok(room) => {
                let free = room.f_bavail.saturating_mul(room.f_frsize);
                section.fact(key, free);
                let text = format!("{:.1} GB free at {}", gigabytes(free), path.display());
                if free < LITTLE {
                    let fix = "make room: when the log cannot be written, notices are refused";
                    section.advise(Level::Warn, text, fix);
                } else {
                    section.say(Level::Ok, text);
                }
            }
            Err(error) => section.say(
                Level::Unchecked,
                format!("room at {}: {}", path.display(), std::io::Error::from(error)),
            ),
        }
    }
    section
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_nobodys_group_is_not_in_order() {
        let level = |group: &str, mode: u32| {
            let mut section = Section::new("agent", "socket");
            access(&mut section, group, mode);
            section.level()
        };
        assert_eq!(level("revoked", 0o660), Level::Ok);
        assert_eq!(level("dba", 0o660), Level::Note);
        assert_eq!(level("nogroup", 0o660), Level::Warn);
        assert_eq!(level("65534", 0o660), Level::Warn);
        assert_eq!(level("nogroup", 0o600), Level::Note, "its owner alone");
        assert_eq!(level("revoked", 0o666), Level::Warn);
    }
}
