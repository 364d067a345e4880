//! Where closure records are filed, and by which credential.

use super::check::Reader;
use super::slack::is_safe;
use super::{ConfigError, Secret};
use jiff::civil::Date;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Which Confluence it is: they speak differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edition {
    /// Atlassian's own, REST version 2.
    #[default]
    Cloud,
    /// One's own server.
    DataCenter,
}

/// Confluence: where a record of each closed revocation is filed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfluenceFile {
    /// Address up to the API: https://COMPANY.atlassian.net/wiki, or with a scoped token
    /// https://api.atlassian.com/ex/confluence/CLOUDID/wiki; of Data Center the address of the server.
    base_url: String,
    /// cloud or data_center; cloud without it.
    #[serde(default)]
    edition: Edition,
    /// Key of the space.
    space: String,
    /// Id of the page under which pages are filed; at the top of the space without it.
    parent: Option<String>,
    /// E-mail address of the account whose API token it is. Cloud only.
    email: Option<String>,
    /// File that holds the API token, or the personal access token of Data Center.
    token_file: PathBuf,
    /// Day on which the token ends, as 2027-05-01: doctor tells in time.
    token_expires_on: Option<String>,
    /// Time between two looks at a filed page, 1s to 30d; 1d without it.
    check_interval: Option<String>,
    /// Nobody but the account of the token may edit what is filed; who may read it is left as it is. Cloud only; false
    /// without it.
    #[serde(default)]
    restrict_edits: bool,
    /// First pause before another attempt, up to 1m; 2s without it. It doubles up to 15 minutes.
    retry: Option<String>,
    /// Pages in a minute, 1 to 60000; 30 without it.
    per_minute: Option<u32>,
}

/// Confluence, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confluence {
    /// Address up to the API, without a `/` at its end.
    pub base_url: String,
    /// Which it is.
    pub edition: Edition,
    /// Key of the space.
    pub space: String,
    /// Page under which pages are filed.
    pub parent: Option<String>,
    /// Account of the token; none for Data Center.
    pub email: Option<String>,
    /// API token, or personal access token.
    pub token: Secret,
    /// Day on which the token ends, where somebody said so.
    pub token_expires_on: Option<Date>,
    /// Time between two looks at a filed page.
    pub check_interval: Duration,
    /// Nobody but the account of the token may edit what is filed.
    pub restrict_edits: bool,
    /// First pause before another attempt.
    pub retry: Duration,
    /// Pages in a minute.
    pub per_minute: u32,
}

/// Whether `id` may be the id of a page.
pub(super) fn is_page(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())
}

/// Whether `key` may be the key of a space.
pub(super) fn is_space(key: &str) -> bool {
    let personal = key.strip_prefix('~').unwrap_or(key);
    (1..=255).contains(&personal.len()) && personal.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_email(text: &str) -> bool {
    let known = text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    known && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

impl Reader<'_> {
    /// Checks the section `confluence`.
    pub(super) fn confluence(
        &mut self,
        file: Option<ConfluenceFile>,
    ) -> Result<Option<Confluence>, ConfigError> {
        let Some(file) = file else { return Ok(None) };
        let token = self.secret_file("confluence.token_file", &file.token_file)?;
        // It stands in a header.
        if !token.expose_secret().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(self.wrong("confluence.token_file", "a token is one word"));
        }
        match (file.edition, &file.email) {
            (Edition::Cloud, Some(email)) if is_email(email) => {}
            (Edition::Cloud, _) => {
                let why = "the e-mail address of the account whose API token it is";
                return Err(self.wrong("confluence.email", why));
            }
            (Edition::DataCenter, Some(_)) => {
                let why = "a personal access token of Data Center needs none";
                return Err(self.wrong("confluence.email", why));
            }
            (Edition::DataCenter, None) => {}
        }
        if file.edition == Edition::DataCenter && file.restrict_edits {
            let why = "of Cloud alone; with Data Center, restrict who may edit below the page `parent` there";
            return Err(self.wrong("confluence.restrict_edits", why));
        }
        let base_url = file.base_url.trim_end_matches('/').to_owned();
        if !is_safe(&base_url) || base_url.contains('?') {
            let why = "it is told secrets: write https://host/path, or http:// on 127.0.0.1, ::1 and localhost";
            return Err(self.wrong("confluence.base_url", why));
        }
        if !is_space(&file.space) {
            return Err(self.wrong("confluence.space", "the key of a space, as SEC"));
        }
        if file.parent.as_ref().is_some_and(|id| !is_page(id)) {
            let why = "the id of a page: the number in its address";
            return Err(self.wrong("confluence.parent", why));
        }
        let expires = file.token_expires_on.map(|text| {
            text.parse::<Date>()
                .map_err(|_| self.wrong("confluence.token_expires_on", "a day, as 2027-05-01"))
        });
        let per_minute = file.per_minute.unwrap_or(30);
        if !(1..=60_000).contains(&per_minute) {
            return Err(self.wrong("confluence.per_minute", "1 to 60000"));
        }
        let (day, month) = (Duration::from_secs(86_400), 30 * 86_400);
        let check = file.check_interval;
        Ok(Some(Confluence {
            base_url,
            edition: file.edition,
            space: file.space,
            parent: file.parent,
            email: file.email,
            token,
            token_expires_on: expires.transpose()?,
            check_interval: self.duration("confluence.check_interval", check, day, (1, month))?,
            restrict_edits: file.restrict_edits,
            retry: self.duration(
                "confluence.retry",
                file.retry,
                Duration::from_secs(2),
                (0, 60),
            )?,
            per_minute,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(section: &str) -> Result<Option<Confluence>, String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), "kanarienvogel").unwrap();
        let text = format!(
            "state_dir: /s\n{section}\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n"
        );
        let config = Config::parse(&home.path().join("revoked.yaml"), &text);
        config.map(|config| config.confluence).map_err(|error| error.to_string())
    }

    const CLOUD: &str = "base_url: 'https://acme.example/wiki/', space: SEC, token_file: token";

    #[test]
    fn where_records_are_filed() {
        let cloud = parse(&format!("confluence: {{{CLOUD}, email: a@b.example, parent: '77'}}"));
        let cloud = cloud.unwrap().unwrap();
        assert_eq!(cloud.base_url, "https://acme.example/wiki");
        assert_eq!((cloud.edition, cloud.parent.as_deref()), (Edition::Cloud, Some("77")));
        assert_eq!((cloud.check_interval.as_secs(), cloud.retry.as_secs()), (86_400, 2));
        assert!(!format!("{cloud:?}").contains("kanarienvogel"), "{cloud:?}");
        assert!(!cloud.restrict_edits);
        let own = parse(&format!(
            "confluence: {{{CLOUD}, edition: data_center, token_expires_on: 2027-05-01}}"
        ));
        let own = own.unwrap().unwrap();
        assert_eq!(own.edition, Edition::DataCenter);
        assert_eq!(own.token_expires_on, Some(jiff::civil::date(2027, 5, 1)));
        assert_eq!(parse("").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        let usual = format!("{CLOUD}, email: a@b.example");
        for (section, says) in [
            (CLOUD.to_owned(), "confluence.email: the e-mail address"),
            (format!("{CLOUD}, email: nobody"), "confluence.email: the e-mail address"),
            (format!("{usual}, edition: data_center"), "confluence.email: a personal"),
            (
                format!("{CLOUD}, edition: data_center, restrict_edits: true"),
                "confluence.restrict_edits: of Cloud alone",
            ),
            (format!("{usual}, parent: Home"), "confluence.parent: the id of a page"),
            (usual.replace("SEC", "'a b'"), "confluence.space: the key of a space"),
            (usual.replace("https", "http"), "confluence.base_url: it is told secrets"),
            (format!("{usual}, token_expires_on: soon"), "confluence.token_expires_on: a day"),
            (format!("{usual}, check_interval: 90d"), "confluence.check_interval: 1 s to"),
            (format!("{usual}, per_minute: 0"), "confluence.per_minute: 1 to"),
            (format!("{usual}, edition: server"), "confluence.edition: `server` is none of"),
            (format!("{usual}, token: x"), "there is no key `token` here"),
        ] {
            let error = parse(&format!("confluence: {{{section}}}")).unwrap_err();
            assert!(error.contains(says), "{section}: {error}");
            assert!(!error.contains("kanarienvogel"), "{error}");
        }
    }
}
