//! `external`: systems other than Postgres that are asked about a subject, over HTTP or by a command.

use super::check::Reader;
use super::probes::{Asking, CommonFile};
use super::template::Template;
use super::{ConfigError, Secret, TargetConfig};
use crate::domain::probes::{Declared, Expect, Parameter};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);
/// One second to a minute.
const RANGE: (u64, u64) = (1, 60);
/// Most checks of one system, and most systems.
const MOST: usize = 64;
/// User and group that a command runs as where the agent is root: those of nobody.
const NOBODY: (u32, u32) = (65_534, 65_534);

/// A system that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalConfig {
    /// Its name in answers, as a target has one.
    pub name: String,
    /// What is asked there.
    pub checks: Vec<Check>,
}

/// One question to a system. What is there counts as one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What every probe declares.
    pub declared: Arc<Declared>,
    /// Longest time to the whole answer.
    pub timeout: Duration,
    /// How it is asked.
    pub means: Means,
}

/// How a system is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// By a GET.
    Http(HttpCheck),
    /// By a program of this machine.
    Command(CommandCheck),
}

/// A GET and what its answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// Address; the host is fixed.
    pub url: Template,
    /// Statuses that mean that nothing is there.
    pub gone: BTreeSet<u16>,
    /// Statuses that mean that something is there, or that `pointer` decides.
    pub present: BTreeSet<u16>,
    /// JSON Pointer (RFC 6901) into the body, and the value there that means that nothing is there.
    pub pointer: Option<(String, serde_json::Value)>,
    /// Headers that are sent along.
    pub headers: BTreeMap<String, Secret>,
}

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandCheck {
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<Template>,
    /// User and group that it runs as where the agent is root.
    pub run_as: (u32, u32),
}

/// A system that is asked about each subject.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExternalFile {
    /// What is asked there, by name.
    checks: BTreeMap<String, CheckFile>,
}

/// One question: give http or command.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckFile {
    /// By a GET.
    http: Option<HttpFile>,
    /// By a program: its absolute path and its arguments, in which {username} and so on are filled in. No shell
    /// reads them. It ends with 0: nothing is there; 1: something is; anything else is not known.
    command: Option<Vec<String>>,
    /// User and group, by number, that the command runs as where the agent is root; 65534:65534 without it.
    run_as: Option<String>,
    /// Longest time to the whole answer, 1s to 60s; 10s without it.
    timeout: Option<String>,
    /// What every probe declares.
    #[serde(flatten)]
    common: CommonFile,
}

/// A GET and what its answer means. Any other status is not known; redirects are not followed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HttpFile {
    /// https://host/path, in whose path and query {username} and so on are filled in.
    url: String,
    /// Statuses that mean that nothing is there.
    #[serde(default)]
    gone: Vec<u16>,
    /// Statuses that mean that something is there, or that pointer decides.
    #[serde(default)]
    present: Vec<u16>,
    /// JSON Pointer into the body of an answer with one of the statuses in present.
    pointer: Option<String>,
    /// Value there that means that nothing is there; false without it.
    gone_value: Option<serde_json::Value>,
    /// Headers that are sent along, by name.
    #[serde(default)]
    headers: BTreeMap<String, HeaderFile>,
}

/// A header: give value or value_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderFile {
    /// Its value, if that is no secret.
    value: Option<Secret>,
    /// File that holds the value, such as: Bearer …
    value_file: Option<PathBuf>,
}

impl Reader<'_> {
    /// Checks the section `external`.
    pub(super) fn external(
        &mut self,
        file: BTreeMap<String, ExternalFile>,
        targets: &[TargetConfig],
    ) -> Result<Vec<ExternalConfig>, ConfigError> {
        if file.len() > MOST {
            return Err(self.wrong("external", format!("at most {MOST} systems")));
        }
        let mut systems = Vec::new();
        for (name, system) in file {
            let key = format!("external.{name}");
            self.name_of_server(&key, &name)?;
            if targets.iter().any(|target| target.name == name) {
                return Err(self.wrong(&key, "a target bears this name already"));
            }
            if system.checks.is_empty() || system.checks.len() > MOST {
                return Err(self.wrong(&key, format!("name 1 to {MOST} checks")));
            }
            let mut checks = Vec::new();
            for (check, file) in system.checks {
                let key = format!("{key}.checks.{check}");
                self.name_of_server(&key, &check)?;
                checks.push(self.check_of(&key, check, &name, file)?);
            }
            systems.push(ExternalConfig { name, checks });
        }
        Ok(systems)
    }

    fn check_of(
        &mut self,
        key: &str,
        name: String,
        system: &str,
        file: CheckFile,
    ) -> Result<Check, ConfigError> {
        let mut parameters = Vec::new();
        let mut digest = Sha256::new();
        let run_as = self.run_as(key, file.run_as.as_deref())?;
        let means = match (file.http, file.command) {
            (Some(http), None) => {
                digest.update(format!(
                    "{}\0{:?}\0{:?}\0{:?}\0{:?}",
                    http.url, http.gone, http.present, http.pointer, http.gone_value
                ));
                Means::Http(self.http(&format!("{key}.http"), http, &mut parameters)?)
            }
            (None, Some(words)) => {
                for word in &words {
                    digest.update(format!("{word}\0"));
                }
                let key = format!("{key}.command");
                Means::Command(self.command(&key, &words, run_as, &mut parameters)?)
            }
            _ => return Err(self.wrong(key, "give either http or command")),
        };
        if parameters.is_empty() {
            let why =
                "it says nothing of the subject; write {username}, {email} or the like into it";
            return Err(self.wrong(key, why));
        }
        let asking = Asking {
            name,
            place: system.to_owned(),
            database: None,
            expect: Expect::ZeroRows,
            columns: Vec::new(),
            parameters,
            digest,
        };
        let timeout = self.duration(&format!("{key}.timeout"), file.timeout, TIMEOUT, RANGE)?;
        Ok(Check { declared: self.declared(key, asking, file.common)?, timeout, means })
    }

    fn run_as(&self, key: &str, text: Option<&str>) -> Result<(u32, u32), ConfigError> {
        let Some(text) = text else { return Ok(NOBODY) };
        let ids = text.split_once(':').and_then(|(user, group)| {
            Some((user.parse::<u32>().ok()?, group.parse::<u32>().ok()?))
        });
        ids.filter(|(user, _)| *user != 0).ok_or_else(|| {
            self.wrong(&format!("{key}.run_as"), "two numbers such as 998:998, and not root")
        })
    }

    fn http(
        &mut self,
        key: &str,
        file: HttpFile,
        parameters: &mut Vec<Parameter>,
    ) -> Result<HttpCheck, ConfigError> {
        let url = self.url(&format!("{key}.url"), &file.url, parameters)?;
        let (gone, present): (BTreeSet<u16>, BTreeSet<u16>) =
            (file.gone.into_iter().collect(), file.present.into_iter().collect());
        let status = |status: &u16| (200..=499).contains(status);
        if !gone.iter().chain(&present).all(status) || !gone.is_disjoint(&present) {
            return Err(
                self.wrong(key, "gone and present are statuses from 200 to 499, none in both")
            );
        }
        let pointer = match (file.pointer, file.gone_value) {
            (None, None) => None,
            (None, Some(_)) => {
                return Err(self.wrong(key, "gone_value is the value at pointer: name that too"));
            }
            (Some(pointer), value) if pointer.is_empty() || pointer.starts_with('/') => {
                Some((pointer, value.unwrap_or(serde_json::Value::Bool(false))))
            }
            (Some(_), _) => {
                let key = format!("{key}.pointer");
                return Err(self.wrong(&key, "a JSON Pointer begins with a slash, as in /active"));
            }
        };
        // Without a status for each answer it could never say one of the two.
        let both = !present.is_empty() && (!gone.is_empty() || pointer.is_some());
        if !both {
            let why = "name the statuses for both: gone: [404] and present: [200]";
            return Err(self.wrong(key, why));
        }
        let mut headers = BTreeMap::new();
        for (name, header) in file.headers {
            let key = format!("{key}.headers.{name}");
            headers.insert(name, self.header(&key, header)?);
        }
        Ok(HttpCheck { url, gone, present, pointer, headers })
    }

    /// The value of a header.
    pub(super) fn header(&mut self, key: &str, file: HeaderFile) -> Result<Secret, ConfigError> {
        match (file.value, file.value_file) {
            (Some(value), None) => Ok(value),
            (None, Some(path)) => self.secret_file(&format!("{key}.value_file"), &path),
            _ => Err(self.wrong(key, "give either value or value_file")),
        }
    }

    /// The host is what is configured, whatever the subject is called, and somebody vouches for it.
    fn url(
        &self,
        key: &str,
        text: &str,
        parameters: &mut Vec<Parameter>,
    ) -> Result<Template, ConfigError> {
        let why = "write it as https://host/path, without a password and with nothing of the subject in the host; \
                   http:// is for this machine alone";
        let (scheme, rest) = text.split_once("://").ok_or_else(|| self.wrong(key, why))?;
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let here =
            host.starts_with("127.0.0.1:") || host.starts_with("[::1]:") || host == "127.0.0.1";
        let safe = scheme == "https" || (scheme == "http" && here);
        if !safe || host.is_empty() || text.contains(['#', '@', ' ']) || host.contains('{') {
            return Err(self.wrong(key, why));
        }
        Template::parse(text, parameters).map_err(|reason| self.wrong(key, reason))
    }

    fn command(
        &self,
        key: &str,
        words: &[String],
        run_as: (u32, u32),
        parameters: &mut Vec<Parameter>,
    ) -> Result<CommandCheck, ConfigError> {
        let (program, arguments) =
            words.split_first().ok_or_else(|| self.wrong(key, "name the program"))?;
        if !Path::new(program).is_absolute() || words.iter().any(|word| word.contains('\0')) {
            return Err(
                self.wrong(key, "a list: the absolute path of the program, then its arguments")
            );
        }
        let arguments: Result<Vec<Template>, String> =
            arguments.iter().map(|word| Template::parse(word, parameters)).collect();
        let arguments = arguments.map_err(|reason| self.wrong(key, reason))?;
        Ok(CommandCheck { program: PathBuf::from(program), arguments, run_as })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(check: &str) -> Result<Config, String> {
        let text = format!(
            "state_dir: /s\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n\
             external: {{github: {{checks: {{member: {{sentence: s, {check}}}}}}}}}\n"
        );
        Config::parse(Path::new("/etc/revoked/revoked.yaml"), &text).map_err(|e| e.to_string())
    }

    #[test]
    fn systems_are_asked_over_http_or_by_a_command() {
        let http = "http: {url: 'https://api.example/users/{username}?mail={email}', gone: [404], present: [200]}";
        let check = parse(http).unwrap().external.remove(0).checks.remove(0);
        assert_eq!(check.declared.parameters, [Parameter::Username, Parameter::Email]);
        let Means::Http(http) = check.means else { panic!("{check:?}") };
        let filled = http.url.fill(&["a b".into(), "c".into()], |value| value.replace(' ', "%20"));
        assert_eq!(filled, "https://api.example/users/a%20b?mail=c");
        let check = parse("command: [/bin/x, '--user={username}', '{username}'], run_as: '9:8'");
        let check = check.unwrap().external.remove(0).checks.remove(0);
        assert_eq!(check.declared.parameters, [Parameter::Username]);
        let Means::Command(command) = check.means else { panic!("{check:?}") };
        assert_eq!(command.run_as, (9, 8));
        let first: Vec<bool> =
            command.arguments.iter().map(Template::begins_with_a_value).collect();
        assert_eq!(first, [false, true]);
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_key() {
        let http = |url: &str| format!("http: {{url: '{url}', gone: [404], present: [200]}}");
        for (check, says) in [
            (String::new(), "give either http or command"),
            (http("ftp://h/{username}"), "http.url: write it as https://host/path"),
            (http("http://api.example/{username}"), "http:// is for this machine alone"),
            (http("https://{username}.example/"), "nothing of the subject in the host"),
            (http("https://a:b@h/{username}"), "without a password"),
            (http("https://h/users"), "it says nothing of the subject"),
            (http("https://h/{shoe}"), "`{shoe}` is not known of a subject"),
            (
                "http: {url: 'https://h/{username}', gone: [404]}".into(),
                "name the statuses for both",
            ),
            (
                "http: {url: 'https://h/{username}', gone: [200], present: [200]}".into(),
                "none in both",
            ),
            (
                "http: {url: 'https://h/{username}', gone: [500], present: [200]}".into(),
                "200 to 499",
            ),
            (
                "http: {url: 'https://h/{username}', present: [200], pointer: active}".into(),
                "begins with a slash",
            ),
            ("command: [x, '{username}']".into(), "the absolute path of the program"),
            ("command: [/bin/x]".into(), "it says nothing of the subject"),
            ("command: [/bin/x, '{username}'], run_as: '0:0'".into(), "run_as: two numbers"),
            ("command: [/bin/x, '{username}'], timeout: 2m".into(), "timeout: 1 s to 60 s"),
        ] {
            let error = parse(&check).unwrap_err();
            assert!(error.contains(says), "{check}: {error}");
        }
    }
}
