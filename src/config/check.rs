//! From the file to checked values: what is wrong is said with its key.

use super::file::{File, InstanceFile, ListenFile, ProfileFile, StoreFile, TargetFile};
use super::{Config, ConfigError, Secret, TargetConfig};
use crate::domain::effective;
use crate::domain::hex::hex;
use crate::domain::milestone::Allowance;
use crate::domain::profile::Profiles;
use crate::domain::residual::ResidualKind;
use crate::domain::revocation::Reason;
use crate::domain::time::parse_duration;
use secrecy::ExposeSecret as _;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Whether what should be the path of a file is the secret itself: then it may not be named in an error.
fn is_a_secret(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("://") || (text.len() >= 32 && !text.contains(['/', '.']))
}

/// Times, as the file states them.
struct Stated {
    look: Option<String>,
    deep: Option<String>,
    delay: Option<String>,
    watch: Option<String>,
    emergency: Option<String>,
    deadline: Option<String>,
}

/// Times that were checked.
struct Times {
    look: Duration,
    deep: Duration,
    delay: Duration,
    watch: Duration,
    emergency: Duration,
    deadline: Duration,
}

/// Reads one file; its path is kept for error messages, and the files it names for watching.
pub(super) struct Reader<'a> {
    path: &'a Path,
    files: BTreeSet<PathBuf>,
    /// Subjects that the mapping file says a vendor owns.
    pub(super) owned: BTreeMap<String, BTreeSet<String>>,
    /// Of the file and of what it includes, secrets left out.
    pub(super) digest: Sha256,
}

impl<'a> Reader<'a> {
    /// A reader of the file at `path`.
    pub(super) fn new(path: &'a Path) -> Self {
        Self {
            path,
            files: [path.to_owned()].into(),
            owned: BTreeMap::new(),
            digest: Sha256::new(),
        }
    }
}

impl Reader<'_> {
    /// The error that `key` has a value that cannot be used.
    pub(super) fn wrong(&self, key: &str, reason: impl Into<String>) -> ConfigError {
        ConfigError::Value {
            path: self.path.to_owned(),
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(path)
    }

    /// What is in the file that `key` names.
    pub(super) fn text_of(&mut self, key: &str, path: &Path) -> Result<String, ConfigError> {
        let path = self.resolve(path);
        self.files.insert(path.clone());
        std::fs::read_to_string(&path).map_err(|source| ConfigError::Read {
            key: key.to_owned(),
            path,
            source,
        })
    }

    pub(super) fn secret_file(&mut self, key: &str, path: &Path) -> Result<Secret, ConfigError> {
        if is_a_secret(path) {
            return Err(
                self.wrong(key, "name the file that holds the secret, not the secret itself")
            );
        }
        let text = Zeroizing::new(self.text_of(key, path)?);
        let text = text.trim();
        if text.is_empty() {
            return Err(self.wrong(key, "the file is empty"));
        }
        Ok(Secret::new(text.to_owned()))
    }

    pub(super) fn one_of(
        &mut self,
        key: &str,
        url: Option<Secret>,
        file: Option<PathBuf>,
    ) -> Result<Secret, ConfigError> {
        match (url, file) {
            (Some(url), None) => Ok(url),
            (None, Some(file)) => self.secret_file(&format!("{key}.url_file"), &file),
            _ => Err(self.wrong(key, "give either url or url_file")),
        }
    }

    pub(super) fn duration(
        &self,
        key: &str,
        text: Option<String>,
        default: Duration,
        range: (u64, u64),
    ) -> Result<Duration, ConfigError> {
        let Some(text) = text else { return Ok(default) };
        let wrong = |why: String| self.wrong(key, why);
        let duration = parse_duration(&text).map_err(|error| wrong(error.to_string()))?;
        if duration < Duration::from_secs(range.0) || duration > Duration::from_secs(range.1) {
            return Err(wrong(format!("{} s to {} s, not {text}", range.0, range.1)));
        }
        Ok(duration)
    }

    fn address(
        &self,
        key: &str,
        text: Option<String>,
        default: &str,
    ) -> Result<SocketAddr, ConfigError> {
        let text = text.unwrap_or_else(|| default.to_owned());
        text.parse().map_err(|_| {
            self.wrong(key, format!("`{text}` is not an address with a port, such as {default}"))
        })
    }

    /// Where metrics and the API are served: two addresses.
    fn listeners(&self, listen: ListenFile) -> Result<(SocketAddr, SocketAddr), ConfigError> {
        let metrics = self.address("listen.metrics", listen.metrics, "127.0.0.1:7391")?;
        let api = self.address("listen.api", listen.api, "127.0.0.1:7390")?;
        if metrics == api && api.port() != 0 {
            let why = format!("{api} is that of listen.metrics; each needs one of its own");
            return Err(self.wrong("listen.api", why));
        }
        Ok((metrics, api))
    }

    fn targets(
        &mut self,
        file: BTreeMap<String, TargetFile>,
    ) -> Result<Vec<TargetConfig>, ConfigError> {
        if file.is_empty() {
            return Err(self.wrong("targets", "name at least one cluster to look at"));
        }
        file.into_iter()
            .map(|(name, target)| {
                let key = format!("targets.{name}");
                self.name_of_server(&key, &name)?;
                Ok(TargetConfig {
                    url: self.one_of(&key, target.url, target.url_file)?,
                    instances: self.instances(&key, &name, target.instances)?,
                    canary: target
                        .canary
                        .map(|canary| self.canary(&format!("{key}.canary"), canary))
                        .transpose()?,
                    probes: self.probes(&key, &name, target.probes)?,
                    name,
                    shdepend_only: target.shdepend_only,
                    required: self.required(&key, &target.required)?,
                    store_on_target: target.store_on_target,
                })
            })
            .collect()
    }

    /// The name stands in metrics, messages and the names of roles asked for.
    pub(super) fn name_of_server(&self, key: &str, name: &str) -> Result<(), ConfigError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
            return Err(self.wrong(key, "a name has 1 to 63 letters, digits, `-`, `_` or `.`"));
        }
        Ok(())
    }

    fn instances(
        &mut self,
        target: &str,
        own: &str,
        file: BTreeMap<String, InstanceFile>,
    ) -> Result<BTreeMap<String, Secret>, ConfigError> {
        file.into_iter()
            .map(|(name, instance)| {
                let key = format!("{target}.instances.{name}");
                self.name_of_server(&key, &name)?;
                if name == own {
                    return Err(self.wrong(&key, "the target's own url bears this name already"));
                }
                Ok((name, self.one_of(&key, instance.url, instance.url_file)?))
            })
            .collect()
    }

    fn required(&self, key: &str, words: &[String]) -> Result<BTreeSet<ResidualKind>, ConfigError> {
        let optional = |word: &String| {
            let kind = ResidualKind::from_word(word);
            kind.filter(|kind| ResidualKind::OPTIONAL.contains(kind)).ok_or_else(|| {
                let known: Vec<_> =
                    ResidualKind::OPTIONAL.iter().map(|kind| kind.as_str()).collect();
                let reason = format!(
                    "`{word}` is none of {}; all others are always required",
                    known.join(", ")
                );
                self.wrong(&format!("{key}.required"), reason)
            })
        };
        words.iter().map(optional).collect()
    }

    fn profiles(&self, file: BTreeMap<String, ProfileFile>) -> Result<Profiles, ConfigError> {
        let mut profiles = Profiles::default();
        for (name, profile) in file {
            let key = format!("profiles.{name}");
            let reason = Reason::from_word(&name).ok_or_else(|| {
                let known: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
                self.wrong(&key, format!("no such reason; they are {}", known.join(", ")))
            })?;
            let before = profiles.allowance(reason);
            let read = |part: &str, text: Option<String>, before: Option<Duration>| {
                let key = format!("{key}.{part}");
                self.duration(&key, text, before.unwrap_or_default(), (0, 366 * 86_400)).map(Some)
            };
            profiles.set(
                reason,
                Allowance {
                    login: read("login", profile.login, before.login)?,
                    access: read("access", profile.access, before.access)?,
                    credentials: read("credentials", profile.credentials, before.credentials)?,
                },
            );
        }
        Ok(profiles)
    }

    /// A permission that no role gives would be gone for everybody.
    fn permissions(
        &self,
        file: BTreeMap<String, Vec<String>>,
    ) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
        for (name, roles) in &file {
            if roles.is_empty() || roles.iter().any(String::is_empty) {
                let key = format!("permissions.{name}");
                return Err(self.wrong(&key, "name the roles that give it, none of them empty"));
            }
        }
        Ok(file)
    }

    pub(super) fn zone(
        &self,
        key: &str,
        name: Option<String>,
    ) -> Result<Option<String>, ConfigError> {
        if let Some(name) = &name {
            effective::zone(name).map_err(|error| self.wrong(key, error.to_string()))?;
        }
        Ok(name)
    }

    fn store(&mut self, file: Option<StoreFile>, state_dir: &Path) -> Result<Secret, ConfigError> {
        let store = match file {
            Some(store) => self.one_of("store", store.url, store.url_file)?,
            None => Secret::new(format!("sqlite://{}", state_dir.join("revoked.db").display())),
        };
        // A relative path here is like every other one: relative to this file.
        Ok(match store.expose_secret().strip_prefix("sqlite://") {
            Some(path) => {
                Secret::new(format!("sqlite://{}", self.resolve(Path::new(path)).display()))
            }
            None => store,
        })
    }

    /// Times between things, and how long they may last.
    fn times(&self, file: Stated) -> Result<Times, ConfigError> {
        const DAY: u64 = 86_400;
        let seconds = Duration::from_secs;
        let (look, deep) = (("look_interval", (1, 3600)), ("deep_interval", (10, DAY)));
        let (delay, watch) = (("verification_delay", (1, DAY)), ("watch", (DAY, 3_700 * DAY)));
        let emergency = ("emergency_approval", (1, 30 * DAY));
        let deadline = ("longest_deadline", (60, 3_700 * DAY));
        Ok(Times {
            look: self.duration(look.0, file.look, seconds(8), look.1)?,
            deep: self.duration(deep.0, file.deep, seconds(300), deep.1)?,
            delay: self.duration(delay.0, file.delay, seconds(60), delay.1)?,
            watch: self.duration(watch.0, file.watch, seconds(400 * DAY), watch.1)?,
            emergency: self.duration(
                emergency.0,
                file.emergency,
                crate::domain::emergency::APPROVAL,
                emergency.1,
            )?,
            deadline: self.duration(deadline.0, file.deadline, seconds(90 * DAY), deadline.1)?,
        })
    }

    /// Checks the whole file, whose text is `text`.
    pub(super) fn check(mut self, mut file: File, text: &str) -> Result<Config, ConfigError> {
        let mut notes = Vec::new();
        let not_required = self.seed(&mut file, &mut notes)?;
        self.digest.update(text);
        let store = self.store(file.store, &file.state_dir)?;
        let state_dir = self.resolve(&file.state_dir);
        let (mut log, mut listen) = (file.log.unwrap_or_default(), file.listen.unwrap_or_default());
        let anchors = self.anchors(&mut log)?;
        let targets = self.targets(file.targets)?;
        let subjects = self.subjects(file.subjects, &targets)?;
        let (tokens, sources) = (self.tokens(file.tokens)?, self.sources(file.sources)?);
        let vendors = self.vendors(file.vendors)?;
        let inbox = self.inbox(file.inbox, &state_dir)?;
        let external = self.external(file.external, &targets)?;
        let inactivity = self.inactivity(file.inactivity, &targets)?;
        let secrets = self.secrets(file.secrets, &targets)?;
        let chaser = self.chaser(file.chaser, file.time_zone.as_deref(), &targets)?;
        let slack = self.slack(file.slack, chaser.as_ref(), &targets)?;
        let confluence = self.confluence(file.confluence)?;
        let zone = file.time_zone.as_deref();
        let attestations = self.attestations(file.attestations, zone, confluence.as_ref())?;
        let metrics_web = self.web(listen.metrics_web_config.take().as_deref())?;
        let (metrics_listen, api_listen) = self.listeners(listen)?;
        let times = self.times(Stated {
            look: file.look_interval,
            deep: file.deep_interval,
            delay: file.verification_delay,
            watch: file.watch,
            emergency: file.emergency_approval,
            deadline: file.longest_deadline,
        })?;
        Ok(Config {
            path: self.path.to_owned(),
            store,
            log: self.log(&log)?,
            log_dir: log.dir.map_or_else(|| state_dir.join("log"), |dir| self.resolve(&dir)),
            key_file: log
                .key_file
                .map_or_else(|| state_dir.join("keys/log.key"), |file| self.resolve(&file)),
            anchors,
            external,
            checklist: self.checklist(file.checklist)?,
            secrets,
            socket: state_dir.join(super::SOCKET),
            state_dir,
            metrics_listen,
            metrics_web,
            api_listen,
            tokens,
            look_interval: times.look,
            deep_interval: times.deep,
            verification_delay: times.delay,
            watch: times.watch,
            profiles: self.profiles(file.profiles)?,
            time_zone: self.zone("time_zone", file.time_zone)?,
            sources,
            vendors,
            exceptions: self.exceptions(file.exceptions, &targets)?,
            approvals: file.approvals,
            emergency_approval: times.emergency,
            longest_deadline: times.deadline,
            ticket_pattern: self.ticket_pattern(file.ticket_pattern.as_deref())?,
            subjects,
            targets,
            permissions: self.permissions(file.permissions)?,
            ssf: self.ssf(file.ssf)?,
            inbox,
            slack,
            chaser,
            confluence,
            attestations,
            webhooks_out: self.webhooks_out(file.webhooks_out)?,
            inactivity,
            not_required,
            notes,
            sha256: hex(&self.digest.finalize()),
            files: self.files,
        })
    }
}
