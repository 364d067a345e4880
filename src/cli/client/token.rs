//! Which agent is asked, and with which token.

use anyhow::{Context as _, Result, bail};
use secrecy::SecretString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The agent's address. It is named in errors, so it may hold no secret.
pub(super) fn address(url: &str) -> Result<String> {
    // What a parser says of it may quote it.
    let parsed =
        reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let plain = |url: &reqwest::Url| {
        let named = url.username().is_empty() && url.password().is_none();
        named && url.query().is_none() && url.fragment().is_none()
    };
    if !parsed.is_some_and(|url| plain(&url)) {
        bail!(
            "--url or REVOKED_URL: write it as https://agent.example:7390; a token belongs in REVOKED_TOKEN_FILE or \
             REVOKED_TOKEN"
        );
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// The caller's token, from the environment.
pub(super) fn token() -> Result<SecretString> {
    if let Some(path) = std::env::var_os("REVOKED_TOKEN_FILE") {
        let path = PathBuf::from(path);
        let bytes = std::fs::read(&path)
            .map(Zeroizing::new)
            .with_context(|| format!("REVOKED_TOKEN_FILE: reading {}", path.display()))?;
        let from = format!("REVOKED_TOKEN_FILE: {}", path.display());
        return one_token(&bytes).with_context(|| from);
    }
    let Some(text) = std::env::var_os("REVOKED_TOKEN") else {
        bail!(
            "an agent that is asked by --url or REVOKED_URL wants a token: put it in REVOKED_TOKEN_FILE or REVOKED_TOKEN"
        );
    };
    one_token(&Zeroizing::new(text.into_vec())).context("REVOKED_TOKEN")
}

/// A token as a header can carry it.
fn one_token(bytes: &[u8]) -> Result<SecretString> {
    let Ok(text) = std::str::from_utf8(bytes) else { bail!("it is no text, but other bytes") };
    let text = text.trim();
    if text.is_empty() {
        bail!("there is no token in it");
    }
    if text.lines().count() > 1 {
        bail!("it has several lines; a token is one line, and the file holds nothing else");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("a token has letters, digits and signs of ASCII, and no blanks");
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn what_is_no_token_is_said_to_be_none() {
        assert_eq!(one_token(b"abc.DEF_1=\n").unwrap().expose_secret(), "abc.DEF_1=");
        assert!(one_token(b"hush\xff").unwrap_err().to_string().contains("no text"));
        for (text, says) in [
            ("", "there is no token in it"),
            ("\n \n", "there is no token in it"),
            ("# of hr\nhush\n", "it has several lines"),
            ("hush hush", "no blanks"),
            ("hüsh", "signs of ASCII"),
        ] {
            let error = one_token(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("hush"), "{text:?}: {error}");
        }
    }

    #[test]
    fn an_address_has_no_secret_and_is_not_repeated() {
        assert_eq!(address("http://127.0.0.1:7390/").unwrap(), "http://127.0.0.1:7390");
        for url in
            ["", "hush", "localhost:7390", "ftp://hush", "https://u:hush@h", "https://h?t=hush"]
        {
            let error = format!("{:#}", address(url).unwrap_err());
            assert!(
                error.contains("write it as https://") && !error.contains("hush"),
                "{url}: {error}"
            );
        }
    }
}
