//! What a token says: its claims (RFC 8417 section 2.2), as strictly as SSF 1.0 section 4.1 wants them. Pure.

use super::super::strict;
use super::event::Event;
use super::{Fault, Refusal, refuse};
use crate::config::SsfIssuer;
use crate::domain::time::UtcTime;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use std::time::Duration;

/// Clocks may differ by this much.
const APART: Duration = Duration::from_secs(300);
/// A token that was issued longer ago is none that somebody just sent.
const OLDEST: Duration = Duration::from_secs(366 * 86_400);
/// Longest `jti`.
const JTI: usize = 500;
/// Most events in a token.
const EVENTS: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Claims as they are written, of a token that may be anybody's.
#[derive(Debug, Deserialize)]
pub(super) struct Stated {
    /// Who says that it issued it.
    pub(super) iss: String,
    jti: Option<String>,
    iat: Option<Number>,
    aud: Option<Audience>,
    toe: Option<Number>,
    events: Option<Map<String, Value>>,
    sub_id: Option<Value>,
    #[serde(default, deserialize_with = "there")]
    exp: bool,
    #[serde(default, deserialize_with = "there")]
    sub: bool,
}

/// Whether there is one, whatever it is.
fn there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

/// An event of a token.
#[derive(Debug)]
pub(super) struct Told {
    /// Which.
    pub(super) event: Event,
    /// What it says.
    pub(super) body: Map<String, Value>,
    /// When it happened, as far as that is said.
    pub(super) at: UtcTime,
}

/// The claims of a token that its issuer signed for us.
#[derive(Debug)]
pub(super) struct Claims {
    /// The issuer's id of the token.
    pub(super) jti: String,
    /// Whom it is about.
    pub(super) sub_id: Option<Value>,
    /// What it tells, each event once.
    pub(super) told: Vec<Told>,
}

impl Stated {
    /// Reads the claims.
    ///
    /// # Errors
    /// When they are none.
    pub(super) fn read(payload: &[u8]) -> Result<Self, Refusal> {
        let unread = |why: String| {
            refuse(Fault::InvalidRequest, format!("the claims cannot be read: {why}"))
        };
        let claims = strict::read(payload).map_err(unread)?;
        serde_json::from_value(claims).map_err(|error| unread(error.to_string()))
    }

    /// Checks what a token of `issuer`, which signed it, has to say.
    ///
    /// # Errors
    /// Names the claim.
    pub(super) fn check(self, issuer: &SsfIssuer, now: UtcTime) -> Result<Claims, Refusal> {
        let wrong = |why: &str| refuse(Fault::InvalidRequest, why);
        // Both keep an ID or access token from being taken for an event (SSF 1.0 section 4.1.3).
        if self.exp {
            return Err(wrong("a security event token has no exp"));
        }
        if self.sub {
            return Err(wrong("a security event token has no sub; its subject is sub_id"));
        }
        let ours = |audience: &String| issuer.audience.contains(audience);
        let meant = match &self.aud {
            None => false,
            Some(Audience::One(one)) => ours(one),
            Some(Audience::Many(many)) => many.iter().any(ours),
        };
        if !meant {
            return Err(refuse(
                Fault::InvalidAudience,
                "none of its aud is the one configured here",
            ));
        }
        let jti = self.jti.filter(|jti| {
            !jti.trim().is_empty() && jti.len() <= JTI && !jti.contains(char::is_control)
        });
        let jti = jti.ok_or_else(|| wrong("jti is missing, or no text of 1 to 500 bytes"))?;
        let stamped = self.iat.as_ref().and_then(instant);
        let stamped = stamped.ok_or_else(|| wrong("iat is missing, or no time in seconds"))?;
        if stamped > now.plus(APART) {
            return Err(wrong("iat is in the future: set the clock that is wrong"));
        }
        if now.since(stamped) > OLDEST {
            return Err(wrong("iat is more than a year ago"));
        }
        let events = self.events.unwrap_or_default();
        if events.is_empty() || events.len() > EVENTS {
            return Err(wrong("events has 1 to 20 members"));
        }
        let toe = self.toe.as_ref().and_then(instant);
        let mut told: Vec<Told> = Vec::new();
        for (uri, body) in events {
            let Value::Object(body) = body else {
                return Err(wrong("each member of events is an object"));
            };
            let event = Event::of(&uri);
            // Several types are names of one event (SSF 1.0 section 4.2.1), unless each names its own subject.
            let same = |known: &Told| {
                known.event == event && known.body.get("subject") == body.get("subject")
            };
            if told.iter().any(same) {
                continue;
            }
            let stated = body.get("event_timestamp").and_then(Value::as_number).and_then(instant);
            let possible = |at: &UtcTime| *at <= stamped.plus(APART) && now.since(*at) <= OLDEST;
            let at = stated.or(toe).filter(possible).unwrap_or(stamped);
            told.push(Told { event, body, at: at.min(now) });
        }
        Ok(Claims { jti, sub_id: self.sub_id, told })
    }
}

/// A `NumericDate` (RFC 7519): seconds since 1970.
fn instant(seconds: &Number) -> Option<UtcTime> {
    let whole = seconds.as_i64().or_else(|| {
        let part = seconds.as_f64().filter(|part| (0.0..1e12).contains(part))?;
        format!("{part:.0}").parse().ok()
    })?;
    UtcTime::from_micros(whole.checked_mul(1_000_000)?)
}

#[cfg(test)]
mod tests {
    use super::super::sample::issuer;
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_520_364_100;

    fn at(seconds: i64) -> UtcTime {
        UtcTime::from_micros(seconds * 1_000_000).unwrap()
    }

    fn check(claims: &Value) -> Result<Claims, Refusal> {
        Stated::read(claims.to_string().as_bytes())?.check(&issuer(), at(NOW))
    }

    /// SSF 1.0, "Example: SET Containing a RISC Event with a Phone Number Subject".
    fn example() -> Value {
        json!({
            "iss": "https://idp.example.com/",
            "jti": "756E69717565206964656E746966696572",
            "iat": 1_520_364_019,
            "txn": 8_675_309,
            "aud": "636C69656E745F6964",
            "sub_id": {"format": "phone_number", "phone_number": "+1 206 555 0123"},
            "events": {
                "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {"reason": "hijacking"}
            }
        })
    }

    fn with(changes: &Value) -> Value {
        let mut claims = example();
        let all = claims.as_object_mut().unwrap();
        for (key, value) in changes.as_object().unwrap() {
            if value == "-" {
                all.remove(key);
            } else {
                all.insert(key.clone(), value.clone());
            }
        }
        claims
    }

    #[test]
    fn the_example_of_the_standard() {
        let claims = check(&example()).unwrap();
        assert_eq!(claims.jti, "756E69717565206964656E746966696572");
        assert_eq!(claims.told.len(), 1);
        let told = &claims.told[0];
        assert_eq!((told.event, told.at), (Event::AccountDisabled, at(1_520_364_019)));
        assert_eq!(told.body["reason"], "hijacking");
    }

    /// RFC 8417 figures 1 and 2: an array of audiences and a type that is none of ours; and a logout token, which
    /// has `sub`.
    #[test]
    fn the_figures_of_rfc_8417() {
        let scim = json!({
            "iss": "https://scim.example.com",
            "iat": 1_458_496_404,
            "jti": "4d3559ec67504aaba65d40b0363faad8",
            "aud": ["https://scim.example.com/Feeds/98d52461fa5bbc879593b7754",
                    "https://scim.example.com/Feeds/5d7604516b1d08641d7676ee7"],
            "events": {"urn:ietf:params:scim:event:create": {
                "ref": "https://scim.example.com/Users/44f6142df96bd6ab61e7521d9",
                "attributes": ["id", "name", "userName", "password", "emails"]}}
        });
        let audience = vec!["https://scim.example.com/Feeds/5d7604516b1d08641d7676ee7".to_owned()];
        let theirs = SsfIssuer { audience, ..issuer() };
        let claims = Stated::read(scim.to_string().as_bytes()).unwrap();
        let claims = claims.check(&theirs, at(1_458_496_500)).unwrap();
        assert_eq!(claims.told[0].event, Event::Other);
        let logout =
            with(&json!({"sub": "248289761001", "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}));
        assert!(check(&logout).unwrap_err().description.contains("no sub"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (changes, fault, says) in [
            (json!({"exp": 1}), Fault::InvalidRequest, "no exp"),
            (json!({"exp": null}), Fault::InvalidRequest, "no exp"),
            (json!({"sub": ""}), Fault::InvalidRequest, "no sub"),
            (json!({"aud": "-"}), Fault::InvalidAudience, "aud"),
            (json!({"aud": "636c69656e745f6964"}), Fault::InvalidAudience, "aud"),
            (json!({"aud": ["x"]}), Fault::InvalidAudience, "aud"),
            (json!({"jti": "-"}), Fault::InvalidRequest, "jti"),
            (json!({"jti": " "}), Fault::InvalidRequest, "jti"),
            (json!({"jti": "a\u{0}b"}), Fault::InvalidRequest, "jti"),
            (json!({"iat": "-"}), Fault::InvalidRequest, "iat is missing"),
            (json!({"iat": NOW + 301}), Fault::InvalidRequest, "future"),
            (json!({"iat": NOW * 1000}), Fault::InvalidRequest, "no time in seconds"),
            (json!({"iat": 0}), Fault::InvalidRequest, "more than a year"),
            (json!({"iat": "1520364019"}), Fault::InvalidRequest, "cannot be read"),
            (json!({"events": "-"}), Fault::InvalidRequest, "events has"),
            (json!({"events": {}}), Fault::InvalidRequest, "events has"),
            (json!({"events": {"urn:x": null}}), Fault::InvalidRequest, "an object"),
            (json!({"iss": 7}), Fault::InvalidRequest, "cannot be read"),
        ] {
            let refusal = check(&with(&changes)).unwrap_err();
            assert_eq!(refusal.err, fault, "{changes}");
            assert!(refusal.description.contains(says), "{changes}: {}", refusal.description);
        }
        let twice = example().to_string().replacen('{', r#"{"jti":"other","#, 1);
        assert!(Stated::read(twice.as_bytes()).is_err(), "one of the two would be chosen");
    }

    #[test]
    fn when_it_happened() {
        let event = |timestamp: Value| {
            let body = json!({"event_timestamp": timestamp});
            let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
            with(&json!({"events": {uri: body}}))
        };
        for (claims, seconds) in [
            (event(json!(1_520_364_000)), 1_520_364_000),
            (event(json!(1_520_364_000.4)), 1_520_364_000),
            (event(json!(NOW * 1000)), 1_520_364_019),
            (event(json!(0)), 1_520_364_019),
            (event(json!("x")), 1_520_364_019),
            (with(&json!({"toe": 1_520_000_000})), 1_520_000_000),
            (with(&json!({"iat": NOW + 60})), NOW),
        ] {
            assert_eq!(check(&claims).unwrap().told[0].at, at(seconds), "{claims}");
        }
    }

    #[test]
    fn two_names_of_one_event_are_one() {
        let both = with(&json!({"events": {
            "urn:ietf:params:scim:event:prov:deactivate": {},
            "urn:ietf:params:SCIM:event:prov:deactivate": {},
            "urn:ietf:params:scim:event:prov:delete": {}}}));
        let told = check(&both).unwrap().told;
        let mut events: Vec<_> = told.iter().map(|told| told.event).collect();
        events.sort();
        assert_eq!(events, [Event::Deactivated, Event::Deleted]);
    }

    /// The older form, in which each event names its subject itself.
    #[test]
    fn two_names_of_one_event_about_two_people_are_two() {
        let of = |who: &str| json!({"subject": {"format": "opaque", "id": who}});
        let both = with(&json!({"events": {
            "urn:ietf:params:scim:event:prov:delete": of("one"),
            "urn:ietf:params:SCIM:event:prov:delete": of("two")}}));
        let told = check(&both).unwrap().told;
        let mut about: Vec<_> =
            told.iter().map(|told| told.body["subject"]["id"].clone()).collect();
        about.sort_by_key(ToString::to_string);
        assert_eq!(about, ["one", "two"]);
    }
}
