//! Who is given the log's checkpoints.

use super::ConfigError;
use super::check::Reader;
use super::file::LogFile;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::mem::take;
use std::path::PathBuf;
use std::time::Duration;

/// A witness of the log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Its name in records and metrics.
    pub name: String,
    /// Where it is asked: the submission prefix, as https://witness.example.
    pub url: String,
    /// Its public key, as `revoked witness --init` prints it.
    pub key: String,
}

/// A time-stamping authority (RFC 3161).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TsaConfig {
    /// Its name in records and metrics.
    pub name: String,
    /// Where it is asked.
    pub url: String,
}

/// A repository that takes checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitConfig {
    /// Its working tree. It has to be there; `checkpoints.txt` in it is written and committed.
    pub dir: PathBuf,
    /// Name of the remote to push to. Without it the commits stay where they are.
    pub remote: Option<String>,
}

/// Who is given the log's checkpoints, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchors {
    /// Time between two.
    pub interval: Duration,
    /// Witnesses.
    pub witnesses: Vec<WitnessConfig>,
    /// Time-stamping authorities.
    pub tsa: Vec<TsaConfig>,
    /// A repository.
    pub git: Option<GitConfig>,
}

impl Anchors {
    /// Kind and name of each.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let witnesses = self.witnesses.iter().map(|one| ("witness", one.name.as_str()));
        let tsa = self.tsa.iter().map(|one| ("tsa", one.name.as_str()));
        witnesses.chain(tsa).chain(self.git.iter().map(|_| ("git", "git")))
    }
}

impl Reader<'_> {
    /// What the section of the log says of them.
    pub(super) fn anchors(&self, log: &mut LogFile) -> Result<Anchors, ConfigError> {
        let hour = Duration::from_secs(3600);
        let interval = log.anchor_interval.take();
        let interval = self.duration("log.anchor_interval", interval, hour, (1, 86_400))?;
        let (witnesses, tsa) = (take(&mut log.witnesses), take(&mut log.tsa));
        let git = log.git.take().map(|git| GitConfig { dir: self.resolve(&git.dir), ..git });
        let remote = git.as_ref().and_then(|git| git.remote.as_deref());
        // It stands in the arguments of git.
        if remote.is_some_and(|remote| remote.is_empty() || remote.starts_with('-')) {
            return Err(self.wrong("log.git.remote", "name a remote of the repository"));
        }
        let anchors = Anchors { interval, witnesses, tsa, git };
        let urls = anchors.witnesses.iter().map(|one| ("witnesses", &one.name, &one.url));
        let urls = urls.chain(anchors.tsa.iter().map(|one| ("tsa", &one.name, &one.url)));
        let mut seen = BTreeSet::new();
        for (list, name, url) in urls {
            let key = format!("log.{list}");
            self.name_of_server(&key, name)?;
            if !seen.insert((list, name)) {
                return Err(self.wrong(&key, format!("`{name}` is there twice")));
            }
            let address = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            if !address.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '#'])) {
                let why = format!("{name}: write its url as https://host/path, without a password");
                return Err(self.wrong(&key, why));
            }
        }
        Ok(anchors)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use std::path::Path;
    use std::time::Duration;

    fn parse(log: &str) -> Result<Config, String> {
        let text = format!(
            "state_dir: /s\nlog: {{{log}}}\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n"
        );
        Config::parse(Path::new("/etc/revoked/revoked.yaml"), &text).map_err(|e| e.to_string())
    }

    #[test]
    fn anchors_are_named_and_addressed() {
        let all = parse(
            "anchor_interval: 10m, witnesses: [{name: a, url: 'https://w.example/x', key: k}], \
             tsa: [{name: a, url: 'http://tsa.example'}], git: {dir: notes, remote: origin}",
        );
        let anchors = all.unwrap().anchors;
        assert_eq!(anchors.interval, Duration::from_secs(600));
        let names: Vec<_> = anchors.names().collect();
        assert_eq!(names, [("witness", "a"), ("tsa", "a"), ("git", "git")]);
        assert_eq!(anchors.git.unwrap().dir, Path::new("/etc/revoked/notes"));
        let none = parse("").unwrap().anchors;
        assert_eq!((none.names().count(), none.interval), (0, Duration::from_secs(3600)));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_key() {
        for (log, says) in [
            ("witnesses: [{name: a, url: 'w.example', key: k}]", "a: write its url as https://"),
            ("tsa: [{name: a, url: 'https://me:secret@tsa.example'}]", "without a password"),
            ("tsa: [{name: '', url: 'https://x'}]", "log.tsa: a name has 1 to 63"),
            (
                "tsa: [{name: a, url: 'https://x'}, {name: a, url: 'https://y'}]",
                "log.tsa: `a` is there twice",
            ),
            ("witnesses: [{name: a, url: 'https://x'}]", "the key `key` is missing"),
            ("git: {dir: x, remote: '--upload-pack=sh'}", "log.git.remote: name a remote"),
            ("git: {remote: origin}", "the key `dir` is missing"),
            ("anchor_interval: 2d", "log.anchor_interval: 1 s to 86400 s"),
        ] {
            let error = parse(log).unwrap_err();
            assert!(error.contains(says), "{log}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
