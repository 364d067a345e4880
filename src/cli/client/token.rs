//! Which agent is asked, and with which token.

use anyhow::{Context as _, Result, bail};
use secrecy::SecretString;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The agent's address. It is named in errors, so it may hold no secret.
pub(super) fn address(url: &str) -> Result<String> {
    let parsed = reqwest::Url::parse(url).context("--url or REVOKED_URL is not an address")?;
    let plain = parsed.username().is_empty() && parsed.password().is_none();
    if !plain || parsed.query().is_some() || parsed.fragment().is_some() {
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
        let text = std::fs::read_to_string(&path)
            .map(Zeroizing::new)
            .with_context(|| format!("REVOKED_TOKEN_FILE: reading {}", path.display()))?;
        let from = format!("REVOKED_TOKEN_FILE: {}", path.display());
        return one_token(&text).with_context(|| from);
    }
    let text = std::env::var("REVOKED_TOKEN").map(Zeroizing::new).context(
        "an agent that is asked by --url or REVOKED_URL wants a token: put it in REVOKED_TOKEN_FILE or REVOKED_TOKEN",
    )?;
    one_token(&text).context("REVOKED_TOKEN")
}

/// A token as a header can carry it.
fn one_token(text: &str) -> Result<SecretString> {
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
        assert_eq!(one_token("abc.DEF_1=\n").unwrap().expose_secret(), "abc.DEF_1=");
        for (text, says) in [
            ("", "there is no token in it"),
            ("\n \n", "there is no token in it"),
            ("# of hr\nhush\n", "it has several lines"),
            ("hush hush", "no blanks"),
            ("hüsh", "signs of ASCII"),
        ] {
            let error = one_token(text).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("hush"), "{text:?}: {error}");
        }
    }
}
