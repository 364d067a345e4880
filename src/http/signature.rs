//! Signatures of webhooks, over the bytes as they came. Pure.
//!
//! Standard Webhooks (<https://www.standardwebhooks.com>, `v1`) and `X-Hub-Signature-256` as GitHub sends it. Every
//! signature is compared with every secret, so that the time tells nothing, and so that both may be changed.

use crate::config::{Scheme, Signing};
use crate::domain::time::UtcTime;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq as _};

/// A delivery may be this old, or this far ahead.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Most signatures that are compared.
const MOST: usize = 16;

/// Whether one of the signatures in `headers` is one of `signing` over `body`.
///
/// # Errors
/// Says what is missing or wrong.
pub(super) fn check(
    signing: &Signing,
    headers: &HeaderMap,
    body: &[u8],
    now: UtcTime,
) -> Result<(), &'static str> {
    let given = match signing.scheme {
        Scheme::Standard => standard(headers, now)?,
        Scheme::Github => github(headers)?,
    };
    let mut good = Choice::from(0);
    for key in signing.keys() {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { continue };
        mac.update(given.before.as_bytes());
        mac.update(body);
        let own = mac.finalize().into_bytes();
        for signature in &given.signatures {
            good |= own.as_slice().ct_eq(signature);
        }
    }
    if good.into() {
        Ok(())
    } else {
        Err("the signature is not one of its sender over these bytes")
    }
}

/// What the headers say.
struct Given {
    /// What is signed before the body.
    before: String,
    signatures: Vec<Vec<u8>>,
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn standard(headers: &HeaderMap, now: UtcTime) -> Result<Given, &'static str> {
    const MISSING: &str = "sign it: webhook-id, webhook-timestamp and webhook-signature are needed";
    let id = header(headers, "webhook-id").ok_or(MISSING)?;
    let time = header(headers, "webhook-timestamp").ok_or(MISSING)?;
    let signatures = header(headers, "webhook-signature").ok_or(MISSING)?;
    let seconds: i64 = time.parse().map_err(|_| "webhook-timestamp is not in Unix seconds")?;
    let sent = seconds.checked_mul(1_000_000).and_then(UtcTime::from_micros);
    let near = |sent: UtcTime| now.since(sent) <= TOLERANCE && sent.since(now) <= TOLERANCE;
    if !sent.is_some_and(near) {
        return Err("webhook-timestamp is more than 5 min from now: sign each delivery anew");
    }
    let signatures = signatures
        .split(' ')
        .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok())
        .take(MOST)
        .collect();
    Ok(Given { before: format!("{id}.{time}."), signatures })
}

fn github(headers: &HeaderMap) -> Result<Given, &'static str> {
    let signature =
        header(headers, "x-hub-signature-256").ok_or("sign it: X-Hub-Signature-256 is needed")?;
    let hex = signature.strip_prefix("sha256=").ok_or("X-Hub-Signature-256 is sha256= and hex")?;
    let bytes = bytes_of(hex).ok_or("X-Hub-Signature-256 is sha256= and hex")?;
    Ok(Given { before: String::new(), signatures: vec![bytes] })
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signing(scheme: Scheme, secrets: &[&str]) -> Signing {
        Signing::new(scheme, secrets.iter().map(|text| Secret::new((*text).to_owned())).collect())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn at(seconds: i64) -> UtcTime {
        UtcTime::from_micros(seconds * 1_000_000).unwrap()
    }

    fn published(id: &str, time: &str, signature: &str) -> HeaderMap {
        headers(&[
            ("webhook-id", id),
            ("webhook-timestamp", time),
            ("webhook-signature", signature),
        ])
    }

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: &str = "1614265330";
    const OURS: &[&str] = &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

    #[test]
    fn the_published_vector_of_standard_webhooks() {
        let ours = signing(Scheme::Standard, OURS);
        let good = published(ID, TIME, SIGNATURE);
        assert_eq!(check(&ours, &good, BODY.as_bytes(), at(1_614_265_330)), Ok(()));
        // 300 s, either way.
        for (now, taken) in [
            (1_614_265_630, true),
            (1_614_265_631, false),
            (1_614_265_030, true),
            (1_614_265_029, false),
        ] {
            assert_eq!(check(&ours, &good, BODY.as_bytes(), at(now)).is_ok(), taken, "{now}");
        }
        let several = format!("v1,AAAA v1a,{SIGNATURE} {SIGNATURE} v2,x");
        let good = published(ID, TIME, &several);
        assert_eq!(check(&ours, &good, BODY.as_bytes(), at(1_614_265_330)), Ok(()));
        let both = signing(Scheme::Standard, &["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", OURS[0]]);
        assert_eq!(check(&both, &good, BODY.as_bytes(), at(1_614_265_330)), Ok(()));
    }

    #[test]
    fn whatever_is_altered_is_refused() {
        let ours = signing(Scheme::Standard, OURS);
        let now = at(1_614_265_330);
        let other = signing(Scheme::Standard, &["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
        let good = published(ID, TIME, SIGNATURE);
        assert!(check(&other, &good, BODY.as_bytes(), now).is_err());
        assert!(check(&ours, &good, format!("{BODY} ").as_bytes(), now).is_err());
        for (id, time, signature) in [
            ("msg_x", TIME, SIGNATURE),
            (ID, "1614265331", SIGNATURE),
            (ID, "now", SIGNATURE),
            (ID, "9223372036854775807", SIGNATURE),
            (ID, TIME, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="),
            (ID, TIME, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            (ID, TIME, "v1,"),
            (ID, TIME, ""),
        ] {
            let headers = published(id, time, signature);
            assert!(
                check(&ours, &headers, BODY.as_bytes(), now).is_err(),
                "{id} {time} {signature}"
            );
        }
        assert!(check(&ours, &HeaderMap::new(), BODY.as_bytes(), now).is_err());
    }

    #[test]
    fn the_published_vector_of_github() {
        let ours = signing(Scheme::Github, &["It's a Secret to Everybody"]);
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signed = |value: &str| headers(&[("x-hub-signature-256", value)]);
        let now = at(0);
        assert_eq!(check(&ours, &signed(good), b"Hello, World!", now), Ok(()));
        for wrong in [&good[..70], &good.replace("757", "758"), "sha1=757107", "sha256=xx", ""] {
            assert!(check(&ours, &signed(wrong), b"Hello, World!", now).is_err(), "{wrong}");
        }
        assert!(check(&ours, &signed(good), b"Hello, World", now).is_err());
    }
}
