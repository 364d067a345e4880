//! One GET. Only the configured host is asked, nobody is followed elsewhere, and only listed statuses mean anything.

use super::silent;
use crate::config::{Check, HttpCheck};
use crate::domain::observation::Cause;
use crate::domain::probes::Silent;
use anyhow::{Context as _, Result};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Url, redirect::Policy};
use secrecy::ExposeSecret as _;
use std::fmt::Write as _;
use std::time::Duration;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Most bytes of a body that is read.
const BODY: usize = 1024 * 1024;

/// A client that verifies certificates and goes where it is sent, and nowhere else.
pub(super) fn client() -> Result<Client> {
    Client::builder()
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("revoked/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("setting up HTTP")
}

/// Whether something is there.
pub(super) async fn ask(
    client: &Client,
    check: &Check,
    http: &HttpCheck,
    values: &[String],
) -> Result<bool, Silent> {
    let wrong = |cause, reason: &str, fix: &str| silent(check, cause, reason, fix);
    // `.` and `..` would be taken out of the path, and another address asked.
    if values.iter().any(|value| value.is_empty() || value.chars().all(|c| c == '.')) {
        return Err(wrong(
            Cause::Internal,
            "what is known of the subject cannot stand in an address",
            "ask by another field",
        ));
    }
    let text = http.url.fill(values, encoded);
    let url = Url::parse(&text)
        .map_err(|_| wrong(Cause::Internal, "its url is no address", "mend the url"))?;
    let request = with_headers(client.get(url), http).ok_or_else(|| {
        wrong(Cause::Internal, "one of its headers cannot be sent", "mend its headers")
    })?;
    let whole = tokio::time::timeout(check.timeout, answered(request, http)).await;
    match whole {
        Ok(Ok(Said::Gone)) => Ok(false),
        Ok(Ok(Said::Present)) => Ok(true),
        Ok(Ok(Said::Unclear(reason))) => Err(wrong(
            Cause::Internal,
            &reason,
            "look at the system; if that is an answer, list it under gone or present",
        )),
        Ok(Err(error)) => Err(wrong(
            Cause::Unreachable,
            &format!("the system was not reached: {}", why(&error)),
            "check that it is up, its url, and its certificate",
        )),
        Err(_) => Err(wrong(
            Cause::Timeout,
            &format!("no answer within {} s", check.timeout.as_secs()),
            "let the system answer faster, or raise timeout",
        )),
    }
}

enum Said {
    Gone,
    Present,
    /// Neither, and how.
    Unclear(String),
}

async fn answered(request: RequestBuilder, http: &HttpCheck) -> reqwest::Result<Said> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    if http.gone.contains(&status) {
        return Ok(Said::Gone);
    }
    if !http.present.contains(&status) {
        return Ok(Said::Unclear(format!("the system answered {status}")));
    }
    let Some((pointer, gone)) = &http.pointer else { return Ok(Said::Present) };
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY {
            return Ok(Said::Unclear(format!("the answer has more than {BODY} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    let value: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    Ok(match value.as_ref().and_then(|value| value.pointer(pointer)) {
        Some(value) if value == gone => Said::Gone,
        Some(_) => Said::Present,
        None => Said::Unclear(format!("the answer has nothing at {pointer}")),
    })
}

fn with_headers(mut request: RequestBuilder, http: &HttpCheck) -> Option<RequestBuilder> {
    for (name, value) in &http.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    Some(request)
}

/// The innermost cause, without the address, which has the subject in it.
fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::addr_eq(cause, error) {
        "the request failed".to_owned()
    } else {
        cause.to_string()
    }
}

/// `text` as a part of a path or a query: everything but what is plain in both is escaped (RFC 3986, 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn nothing_of_a_name_leaves_its_place_in_the_address() {
        assert_eq!(encoded("a-b_c.d~9"), "a-b_c.d~9");
        assert_eq!(encoded("../x?y=z&q#f@ä"), "..%2Fx%3Fy%3Dz%26q%23f%40%C3%A4");
    }
}
