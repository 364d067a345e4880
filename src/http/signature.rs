//! Signatures of webhooks, over the bytes as they came. Pure.
//!
//! Standard Webhooks (<https://www.standardwebhooks.com>, `v1`), `X-Hub-Signature-256` as GitHub sends it, and Slack's `v0`. Every
//! signature is compared with every secret, so that the time tells nothing, and so that both may be changed.

use crate::config::{Scheme, Secret, Signing};
use crate::domain::time::UtcTime;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
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

/// When Slack signed `body`, if it did by `secret` and not long ago.
///
/// # Errors
/// Says what is missing or wrong.
pub(super) fn slack(
    secret: &Secret,
    headers: &HeaderMap,
    body: &[u8],
    now: UtcTime,
) -> Result<UtcTime, &'static str> {
    const MISSING: &str =
        "sign it: X-Slack-Request-Timestamp and X-Slack-Signature are needed, once each";
    let one = |name: &str| {
        let mut all = headers.get_all(name).into_iter();
        all.next().filter(|_| all.next().is_none())?.to_str().ok()
    };
    let time = one("x-slack-request-timestamp").ok_or(MISSING)?;
    let signature = one("x-slack-signature").ok_or(MISSING)?;
    let hex = signature.strip_prefix("v0=").ok_or("X-Slack-Signature is v0= and hex")?;
    let given = bytes_of(hex).ok_or("X-Slack-Signature is v0= and hex")?;
    let seconds: i64 = time.parse().map_err(|_| "X-Slack-Request-Timestamp is no time")?;
    let sent = seconds.checked_mul(1_000_000).and_then(UtcTime::from_micros);
    let sent = sent
        .filter(|sent| is_near(*sent, now))
        .ok_or("X-Slack-Request-Timestamp is more than 5 min from now")?;
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return Err("the signing secret cannot be used");
    };
    mac.update(format!("v0:{time}:").as_bytes());
    mac.update(body);
    let good: bool = mac.finalize().into_bytes().as_slice().ct_eq(&given).into();
    if good { Ok(sent) } else { Err("the signature is not Slack's over these bytes") }
}

fn is_near(sent: UtcTime, now: UtcTime) -> bool {
    now.since(sent) <= TOLERANCE && sent.since(now) <= TOLERANCE
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
    if !sent.is_some_and(|sent| is_near(sent, now)) {
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

    /// <https://docs.slack.dev/authentication/verifying-requests-from-slack>, as of the example there.
    const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const SLACK_TIME: &str = "1531420618";
    const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
                              channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&\
                              command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F\
                              commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=\
                              398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SLACK_SIGNATURE: &str =
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    #[test]
    fn the_published_vector_of_slack() {
        let secret = Secret::new(SLACK_SECRET.to_owned());
        let signed = |time: &str, signature: &str| {
            headers(&[("x-slack-request-timestamp", time), ("x-slack-signature", signature)])
        };
        let good = signed(SLACK_TIME, SLACK_SIGNATURE);
        let sent = at(1_531_420_618);
        let is = |headers: &HeaderMap, body: &str, now| {
            slack(&secret, headers, body.as_bytes(), at(now)).ok()
        };
        assert_eq!(is(&good, SLACK_BODY, 1_531_420_618), Some(sent));
        // 300 s, either way.
        for (now, taken) in [
            (1_531_420_918, true),
            (1_531_420_919, false),
            (1_531_420_318, true),
            (1_531_420_317, false),
        ] {
            assert_eq!(is(&good, SLACK_BODY, now).is_some(), taken, "{now}");
        }
        assert_eq!(is(&good, &format!("{SLACK_BODY}&"), 1_531_420_618), None);
        let cut = &SLACK_SIGNATURE[..SLACK_SIGNATURE.len() - 2];
        for (time, signature) in [
            ("1531420619", SLACK_SIGNATURE),
            ("01531420618", SLACK_SIGNATURE),
            ("+1531420618", SLACK_SIGNATURE),
            ("now", SLACK_SIGNATURE),
            ("9223372036854775807", SLACK_SIGNATURE),
            (SLACK_TIME, cut),
            (SLACK_TIME, "v0="),
            (SLACK_TIME, ""),
            (SLACK_TIME, &SLACK_SIGNATURE.replace("v0=", "v1=")),
            (SLACK_TIME, &SLACK_SIGNATURE.replace("a2", "a3")),
        ] {
            assert_eq!(
                is(&signed(time, signature), SLACK_BODY, 1_531_420_618),
                None,
                "{time} {signature}"
            );
        }
        let mut twice = good.clone();
        twice.append("x-slack-signature", SLACK_SIGNATURE.parse().unwrap());
        assert_eq!(is(&twice, SLACK_BODY, 1_531_420_618), None);
        assert_eq!(is(&HeaderMap::new(), SLACK_BODY, 1_531_420_618), None);
        let other = Secret::new("8f742231b10e8888abcd99yyyzzz85a6".to_owned());
        assert!(slack(&other, &good, SLACK_BODY.as_bytes(), sent).is_err());
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
