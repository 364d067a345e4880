//! Public keys of an issuer (RFC 7517), and whether one of them signed. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// Most keys of an issuer.
const KEYS: usize = 100;

/// How tokens may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 to 8192 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// The algorithm of a header's `alg`.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// Why no key says that it signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSigned {
    /// No key bears this `kid`, or none fits the algorithm.
    NoKey,
    /// Not by the key that it names.
    Wrong,
}

#[derive(Debug)]
enum Key {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The uncompressed point.
    P256(Vec<u8>),
}

/// One key as it is written. Unknown members are none of ours.
#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// The key, if it is one that signs as we take it.
    fn key(&self) -> Option<Key> {
        let signs = self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let fits =
            |algorithm: Algorithm| self.alg.as_deref().is_none_or(|alg| alg == algorithm.as_str());
        let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
        if !signs {
            return None;
        }
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) if fits(Algorithm::Rs256) => {
                Some(Key::Rsa { n: number(part(&self.n)?), e: number(part(&self.e)?) })
            }
            ("EC", Some("P-256")) if fits(Algorithm::Es256) => {
                let (x, y) = (part(&self.x)?, part(&self.y)?);
                (x.len() == 32 && y.len() == 32).then(|| Key::P256([vec![4], x, y].concat()))
            }
            _ => None,
        }
    }
}

/// Without the zeros before it, which some write and ring refuses.
fn number(bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.into_iter().skip(zeros).collect()
}

impl Key {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
        }
    }
}

/// The keys of an issuer that can be used.
#[derive(Debug)]
pub(super) struct JwkSet(Vec<(Option<String>, Key)>);

impl JwkSet {
    /// Reads a JWK set. Keys of other kinds are left out.
    ///
    /// # Errors
    /// When it is none, or none of its keys can be used.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no JWK set: {error}"))?;
        if set.keys.len() > KEYS {
            return Err(format!("it has more than {KEYS} keys"));
        }
        let read = |value: Value| {
            let jwk: Jwk = serde_json::from_value(value).ok()?;
            let key = jwk.key()?;
            Some((jwk.kid, key))
        };
        let keys: Vec<_> = set.keys.into_iter().filter_map(read).collect();
        if keys.is_empty() {
            return Err("it has no key for RS256 (RSA) or ES256 (P-256)".to_owned());
        }
        Ok(Self(keys))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the key that `kid` names signed `message`; without a `kid`, whether any did.
    pub(super) fn check(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), NotSigned> {
        let mut fit = self.0.iter().filter(|(own, key)| {
            key.algorithm() == algorithm && kid.is_none_or(|kid| own.as_deref() == Some(kid))
        });
        let mut tried = false;
        let signed = fit.any(|(_, key)| {
            tried = true;
            key.signed(message, signature)
        });
        match (signed, tried) {
            (true, _) => Ok(()),
            (false, true) => Err(NotSigned::Wrong),
            (false, false) => Err(NotSigned::NoKey),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    fn pair() -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap()
    }

    fn jwk(pair: &EcdsaKeyPair, more: &str) -> String {
        let point = pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = (part(&point[1..33]), part(&point[33..]));
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#)
    }

    fn set(keys: &[String]) -> Result<JwkSet, String> {
        JwkSet::read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
    }

    #[test]
    fn the_named_key_and_no_other_decides() {
        let (one, other) = (pair(), pair());
        let keys = set(&[jwk(&one, r#","kid":"a""#), jwk(&other, r#","kid":"b""#)]).unwrap();
        let signature = one.sign(&SystemRandom::new(), b"said").unwrap();
        let check =
            |kid, message: &[u8]| keys.check(Algorithm::Es256, kid, message, signature.as_ref());
        assert_eq!(check(Some("a"), b"said"), Ok(()));
        assert_eq!(check(None, b"said"), Ok(()));
        assert_eq!(check(Some("b"), b"said"), Err(NotSigned::Wrong));
        assert_eq!(check(Some("a"), b"Said"), Err(NotSigned::Wrong));
        assert_eq!(check(None, b"Said"), Err(NotSigned::Wrong));
        assert_eq!(check(Some("c"), b"said"), Err(NotSigned::NoKey));
        let as_rsa = keys.check(Algorithm::Rs256, Some("a"), b"said", signature.as_ref());
        assert_eq!(as_rsa, Err(NotSigned::NoKey), "a key is of one algorithm");
    }

    #[test]
    fn what_is_no_key_for_signatures_is_left_out() {
        let one = pair();
        for more in [
            r#","use":"enc""#,
            r#","alg":"ES384""#,
            r#","key_ops":["sign"]"#,
            r#","kty2":1,"use":"sig","key_ops":[]"#,
        ] {
            let error = set(&[jwk(&one, more)]).unwrap_err();
            assert!(error.contains("no key for RS256"), "{more}: {error}");
        }
        assert_eq!(
            set(&[jwk(&one, r#","use":"sig","x5c":["…"],"key_ops":["verify"]"#)]).unwrap().len(),
            1
        );
        let secret = r#"{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}"#.to_owned();
        let short = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#.to_owned();
        assert!(set(&[secret, short, "7".to_owned()]).is_err());
        assert!(JwkSet::read(b"[]").unwrap_err().contains("no JWK set"));
        assert!(set(&vec![jwk(&one, ""); KEYS + 1]).unwrap_err().contains("more than"));
    }

    /// RFC 7515 appendices A.2 and A.3.
    #[test]
    fn the_examples_of_the_standard_are_good() {
        let rsa = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
        let p256 = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
        let keys = set(&[rsa.to_owned(), p256.to_owned()]).unwrap();
        assert_eq!(keys.len(), 2);
        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        for (algorithm, header, signature) in [
            (
                Algorithm::Rs256,
                "eyJhbGciOiJSUzI1NiJ9",
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                Algorithm::Es256,
                "eyJhbGciOiJFUzI1NiJ9",
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
        ] {
            let signed = format!("{header}.{payload}");
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let check = |signed: &str| keys.check(algorithm, None, signed.as_bytes(), &signature);
            assert_eq!(check(&signed), Ok(()), "{algorithm:?}");
            assert_eq!(check(&signed.replace("eyJpc3M", "eyJpc3N")), Err(NotSigned::Wrong));
        }
    }
}
