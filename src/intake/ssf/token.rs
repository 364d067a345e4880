//! A security event token as it comes (RFC 8417): compact JWS, checked by keys that are given. Pure.

use super::jwks::{Algorithm, JwkSet, NotSigned};
use super::{Fault, Refusal, refuse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Longest `kid`.
const KID: usize = 500;

/// What the header says. `jku`, `jwk`, `x5u` and `x5c` are not among it: a token that brings its own key is
/// checked by the configured ones, like every other.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// A token that was taken apart, and not checked yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    algorithm: Algorithm,
    /// Which key it says it is signed with.
    pub(super) kid: Option<String>,
    /// The claims, as JSON.
    pub(super) payload: Vec<u8>,
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Takes `bytes` apart.
    ///
    /// # Errors
    /// When they are no compact JWS of the type `secevent+jwt`, or signed by what is not taken.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(bytes).map_err(|_| not_compact())?;
        let (signed, signature) = text.rsplit_once('.').ok_or_else(not_compact)?;
        let (header, payload) = signed.split_once('.').ok_or_else(not_compact)?;
        if payload.contains('.') {
            return Err(refuse(Fault::InvalidRequest, "an encrypted token is not taken"));
        }
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| not_compact());
        let header: Header = serde_json::from_slice(&part(header)?).map_err(|error| {
            refuse(Fault::InvalidRequest, format!("the header cannot be read: {error}"))
        })?;
        if header.crit.is_some() {
            return Err(refuse(
                Fault::InvalidRequest,
                "the header has crit, and none of it is known here",
            ));
        }
        if !header.typ.as_deref().is_some_and(is_event) {
            return Err(refuse(Fault::InvalidRequest, "the header's typ is not secevent+jwt"));
        }
        // `none` and shared secrets are no algorithms here, whatever the keys are.
        let algorithm = Algorithm::from_word(&header.alg).ok_or_else(|| {
            refuse(Fault::InvalidKey, "the header's alg is neither RS256 nor ES256")
        })?;
        if header.kid.as_ref().is_some_and(|kid| kid.len() > KID) {
            return Err(refuse(Fault::InvalidKey, "the header's kid is too long"));
        }
        Ok(Self {
            algorithm,
            kid: header.kid,
            payload: part(payload)?,
            signed: signed.as_bytes(),
            signature: part(signature)?,
        })
    }

    /// Whether a key of `keys` signed it.
    pub(super) fn check(&self, keys: &JwkSet) -> Result<(), NotSigned> {
        keys.check(self.algorithm, self.kid.as_deref(), self.signed, &self.signature)
    }
}

fn not_compact() -> Refusal {
    refuse(
        Fault::InvalidRequest,
        "the body is not a token in compact form (three parts of base64url)",
    )
}

/// RFC 7515 section 4.1.9: a media type, whose `application/` may be left out.
fn is_event(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ) == "secevent+jwt"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compact(header: &str, payload: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(header), part(payload), part("signature"))
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = compact(r#"{"typ":"secevent+jwt","alg":"ES256","kid":"k"}"#, "{}");
        let token = Token::read(text.as_bytes()).unwrap();
        assert_eq!((token.algorithm, token.kid.as_deref()), (Algorithm::Es256, Some("k")));
        assert_eq!(
            (token.payload.as_slice(), token.signature.as_slice()),
            (&b"{}"[..], &b"signature"[..])
        );
        assert_eq!(token.signed, text.rsplit_once('.').unwrap().0.as_bytes());
        let long = compact(r#"{"typ":"application/SECEVENT+jwt","alg":"RS256"}"#, "{}");
        assert!(Token::read(long.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let with = |header: &str| compact(header, "{}");
        for (text, error, says) in [
            (String::new(), Fault::InvalidRequest, "three parts"),
            ("a.b".to_owned(), Fault::InvalidRequest, "three parts"),
            ("a.b.c.d.e".to_owned(), Fault::InvalidRequest, "encrypted"),
            ("{}".to_owned(), Fault::InvalidRequest, "three parts"),
            ("e30=.e30.e30".to_owned(), Fault::InvalidRequest, "three parts"),
            (with("[]"), Fault::InvalidRequest, "cannot be read"),
            (with(r#"{"typ":"secevent+jwt"}"#), Fault::InvalidRequest, "missing field `alg`"),
            (
                with(r#"{"typ":"secevent+jwt","alg":"ES256","alg":"none"}"#),
                Fault::InvalidRequest,
                "duplicate field",
            ),
            (with(r#"{"alg":"ES256"}"#), Fault::InvalidRequest, "typ"),
            (with(r#"{"typ":"JWT","alg":"ES256"}"#), Fault::InvalidRequest, "typ"),
            (with(r#"{"typ":"secevent+jwt","alg":"none"}"#), Fault::InvalidKey, "neither RS256"),
            (with(r#"{"typ":"secevent+jwt","alg":"HS256"}"#), Fault::InvalidKey, "neither RS256"),
            (with(r#"{"typ":"secevent+jwt","alg":"es256"}"#), Fault::InvalidKey, "neither RS256"),
            (
                with(r#"{"typ":"secevent+jwt","alg":"ES256","crit":["b64"]}"#),
                Fault::InvalidRequest,
                "crit",
            ),
        ] {
            let refusal = Token::read(text.as_bytes()).unwrap_err();
            assert_eq!(refusal.err, error, "{text}");
            assert!(refusal.description.contains(says), "{text}: {}", refusal.description);
        }
    }

    /// RFC 8417 section 2.1: the encoded form of its first figure, which is not secured.
    #[test]
    fn the_unsecured_token_of_the_standard_is_refused() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"secevent+jwt","alg":"none"}"#);
        assert_eq!(header, "eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJub25lIn0");
        let text = format!("{header}.eyJqdGkiOiI0ZDM1NTllYzY3NTA0YWFiYTY1ZDQwYjAzNjNmYWFkOCJ9.");
        let refusal = Token::read(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.err, Fault::InvalidKey);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Token::read(&bytes);
        }

        #[test]
        fn whatever_it_says_is_answered(header in ".{0,60}", payload in ".{0,60}") {
            if let Ok(token) = Token::read(compact(&header, &payload).as_bytes()) {
                let _ = super::super::claims::Stated::read(&token.payload);
            }
        }
    }
}
