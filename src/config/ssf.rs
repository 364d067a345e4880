//! Who may push security event tokens (Shared Signals), and by which keys they are checked.

use super::ConfigError;
use super::check::Reader;
use crate::domain::revocation::Reason;
use crate::domain::words::words;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

words! {
    /// Which identifier of a token's subject is the subject's id here.
    SubjectForm {
        /// The address of an `email` identifier.
        Email = "email",
        /// The `sub` of an `iss_sub` identifier.
        Sub = "sub",
        /// The `id` of an `opaque` identifier.
        Opaque = "opaque",
        /// The `uri` of an `account` identifier, without `acct:`.
        Account = "account",
        /// The last part of the path of a `scim` identifier.
        Scim = "scim",
        /// The `externalId` of a `scim` identifier.
        ScimExternalId = "scim_external_id",
    }
}

/// One value or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// Who may push security event tokens (RFC 8417, RFC 8935) to /api/v1/ssf/events.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SsfFile {
    /// Issuers of tokens, by name.
    #[serde(default)]
    issuers: BTreeMap<String, IssuerFile>,
    /// Subjects, as tokens name them, whose credential several people know: a compromise asks for a rotation.
    #[serde(default)]
    shared: BTreeSet<String>,
}

/// An issuer of tokens: give jwks_url or jwks_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerFile {
    /// The tokens' iss, to the letter.
    issuer: String,
    /// The tokens' aud, to the letter: one or several that mean this agent.
    audience: OneOrMany,
    /// Where its keys are (JWK set): https://…, or http:// on this machine.
    jwks_url: Option<String>,
    /// File with its keys (JWK set).
    jwks_file: Option<PathBuf>,
    /// File with the bearer token, of at least 32 characters, that the transmitter has to send.
    token_file: Option<PathBuf>,
    /// Which identifier is the subject's id here: email, sub, opaque, account, scim or scim_external_id; sub
    /// without it.
    subject: Option<String>,
    /// Issuers of iss_sub identifiers that this one may speak of; itself without it.
    subject_issuers: Option<BTreeSet<String>>,
    /// Reason of the revocations that its events open, where the event says none; other without it.
    reason: Option<String>,
    /// Time after which its keys are fetched anew, 1m to 7d; 1h without it. An unknown key is asked for sooner.
    refresh: Option<String>,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SsfKeys {
    /// At an address.
    Url(String),
    /// Given: the text of the JWK set.
    Given(String),
}

/// An issuer of security event tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsfIssuer {
    /// Its name in messages, metrics and as a source.
    pub name: String,
    /// The tokens' `iss`.
    pub issuer: String,
    /// Values of `aud` that mean this agent.
    pub audience: Vec<String>,
    /// Its keys.
    pub keys: SsfKeys,
    /// SHA-256 of the bearer token that the transmitter has to send, if one is asked for.
    pub token: Option<[u8; 32]>,
    /// Which identifier is the subject's id.
    pub subject: SubjectForm,
    /// Whose `iss_sub` identifiers it may use.
    pub subject_issuers: BTreeSet<String>,
    /// Reason where the event gives none.
    pub reason: Reason,
    /// Age at which its keys are fetched anew.
    pub refresh: Duration,
}

/// Who may push security event tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ssf {
    /// By name.
    pub issuers: Vec<SsfIssuer>,
    /// Subjects whose credential several people know.
    pub shared: BTreeSet<String>,
}

impl Reader<'_> {
    /// Checks the section `ssf`.
    pub(super) fn ssf(&mut self, file: Option<SsfFile>) -> Result<Ssf, ConfigError> {
        let Some(file) = file else { return Ok(Ssf::default()) };
        if file.shared.iter().any(|name| name.trim().is_empty()) {
            return Err(self.wrong("ssf.shared", "no name is empty"));
        }
        let mut issuers: Vec<SsfIssuer> = Vec::new();
        for (name, issuer) in file.issuers {
            let issuer = self.issuer(name, issuer)?;
            if let Some(other) = issuers.iter().find(|other| other.issuer == issuer.issuer) {
                let key = format!("ssf.issuers.{}.issuer", issuer.name);
                let why =
                    format!("{} has this issuer already; list all audiences there", other.name);
                return Err(self.wrong(&key, why));
            }
            issuers.push(issuer);
        }
        Ok(Ssf { issuers, shared: file.shared })
    }

    fn issuer(&mut self, name: String, file: IssuerFile) -> Result<SsfIssuer, ConfigError> {
        let key = format!("ssf.issuers.{name}");
        self.name_of_server(&key, &name)?;
        let at = |part: &str| format!("{key}.{part}");
        if file.issuer.trim().is_empty() {
            return Err(self.wrong(&at("issuer"), "the iss of its tokens"));
        }
        let audience = file.audience.list();
        if audience.is_empty() || audience.iter().any(|one| one.trim().is_empty()) {
            return Err(self.wrong(&at("audience"), "the aud of its tokens, one or several"));
        }
        let keys = match (file.jwks_url, file.jwks_file) {
            (Some(url), None) => SsfKeys::Url(self.jwks_url(&at("jwks_url"), url)?),
            (None, Some(path)) => {
                let text = self.text_of(&at("jwks_file"), &path)?;
                self.digest.update(&text);
                SsfKeys::Given(text)
            }
            _ => return Err(self.wrong(&key, "give either jwks_url or jwks_file")),
        };
        let token = match file.token_file {
            None => None,
            Some(path) => {
                let secret = self.secret_file(&at("token_file"), &path)?;
                if secret.expose_secret().len() < 32 {
                    let why =
                        "a token has at least 32 characters; make one with: openssl rand -hex 32";
                    return Err(self.wrong(&at("token_file"), why));
                }
                Some(Sha256::digest(secret.expose_secret()).into())
            }
        };
        let subject = match file.subject {
            None => SubjectForm::Sub,
            Some(word) => {
                self.word(&at("subject"), &word, SubjectForm::from_word, SubjectForm::ALL)?
            }
        };
        let reason = match file.reason {
            None => Reason::Other,
            Some(word) => self.word(&at("reason"), &word, Reason::from_word, Reason::ALL)?,
        };
        let hour = Duration::from_secs(3600);
        Ok(SsfIssuer {
            subject_issuers: file.subject_issuers.unwrap_or_else(|| [file.issuer.clone()].into()),
            refresh: self.duration(&at("refresh"), file.refresh, hour, (60, 7 * 86_400))?,
            issuer: file.issuer,
            name,
            audience,
            keys,
            token,
            subject,
            reason,
        })
    }

    fn word<T: Copy + std::fmt::Display>(
        &self,
        key: &str,
        word: &str,
        read: impl Fn(&str) -> Option<T>,
        all: &[T],
    ) -> Result<T, ConfigError> {
        read(word).ok_or_else(|| {
            let known: Vec<_> = all.iter().map(ToString::to_string).collect();
            self.wrong(key, format!("`{word}` is none of {}", known.join(", ")))
        })
    }

    /// Keys that anybody between could replace are no keys.
    fn jwks_url(&self, key: &str, url: String) -> Result<String, ConfigError> {
        let why = "write it as https://host/path, without a password; http:// only for this machine, as \
                   127.0.0.1 or localhost";
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let own = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let near = matches!(own, "127.0.0.1" | "localhost" | "[::1]");
        let safe = scheme == "https" || (scheme == "http" && near);
        if !safe || host.is_empty() || rest.contains(['@', '#']) {
            return Err(self.wrong(key, why));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use std::path::Path;

    fn parse(ssf: &str) -> Result<Ssf, String> {
        let text = format!(
            "state_dir: /s\nssf: {{{ssf}}}\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n"
        );
        let config = Config::parse(Path::new("/etc/revoked/revoked.yaml"), &text);
        config.map(|config| config.ssf).map_err(|error| error.to_string())
    }

    #[test]
    fn an_issuer_with_what_is_usual() {
        let ssf = parse(
            "issuers: {okta: {issuer: 'https://o.example', audience: 'https://us.example', \
             jwks_url: 'https://o.example/keys'}}, shared: [svc_app]",
        )
        .unwrap();
        let okta = &ssf.issuers[0];
        assert_eq!((okta.subject, okta.reason), (SubjectForm::Sub, Reason::Other));
        assert_eq!(okta.subject_issuers, ["https://o.example".to_owned()].into());
        assert_eq!(okta.refresh, Duration::from_secs(3600));
        assert!(ssf.shared.contains("svc_app"));
        assert_eq!(parse("").unwrap(), Ssf::default());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        let one = |more: &str| format!("issuers: {{a: {{issuer: i, audience: [x], {more}}}}}");
        for (ssf, says) in [
            (one(""), "ssf.issuers.a: give either jwks_url or jwks_file"),
            (one("jwks_url: 'https://h/k', jwks_file: k"), "give either"),
            (one("jwks_url: 'http://h.example/k'"), "ssf.issuers.a.jwks_url: write it as https://"),
            (one("jwks_url: 'http://localhost.evil.example/k'"), "write it as https://"),
            (one("jwks_url: 'https://me:pw@h/k'"), "without a password"),
            (one("jwks_url: 'https://'"), "write it as"),
            (one("jwks_url: 'https://h/k', subject: phone"), "`phone` is none of email, sub"),
            (one("jwks_url: 'https://h/k', reason: fired"), "`fired` is none of terminated"),
            (one("jwks_url: 'https://h/k', refresh: 1s"), "60 s to 604800 s"),
            (one("jwks_url: 'https://h/k', token_file: /nowhere/t"), "ssf.issuers.a.token_file: reading"),
            (one("jwks_url: 'https://h/k', alg: none"), "there is no key `alg` here"),
            ("issuers: {a: {issuer: '', audience: x, jwks_url: 'https://h/k'}}".to_owned(), "issuer: the iss"),
            ("issuers: {a: {issuer: i, audience: [], jwks_url: 'https://h/k'}}".to_owned(), "audience: the aud"),
            (
                "issuers: {a: {issuer: i, audience: x, jwks_url: 'https://h/k'}, b: {issuer: i, audience: z, \
                 jwks_url: 'https://h/k'}}"
                    .to_owned(),
                "ssf.issuers.b.issuer: a has this issuer already",
            ),
        ] {
            let error = parse(&ssf).unwrap_err();
            assert!(error.contains(says), "{ssf}: {error}");
        }
        assert!(parse(&one("jwks_url: 'http://127.0.0.1:8080/k'")).is_ok());
    }
}
