//! Signatures of what we send, as Standard Webhooks has them (<https://www.standardwebhooks.com>, `v1`): HMAC-SHA256 over
//! `id.timestamp.body`, one for each secret that is good. Pure.

use crate::config::Signing;
use crate::domain::hex::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// The id of a message: the same for every attempt at a delivery. It has no full stop, which parts what is signed.
pub(super) fn id(delivery: &str) -> String {
    let mut digest = hex(&Sha256::digest(delivery.as_bytes()));
    digest.truncate(32);
    format!("msg_{digest}")
}

/// What stands in `webhook-signature`.
pub(super) fn signatures(signing: &Signing, id: &str, timestamp: i64, body: &str) -> String {
    let one = |key: zeroize::Zeroizing<Vec<u8>>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    signing.keys().filter_map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Scheme, Secret};

    fn signing(secrets: &[&str]) -> Signing {
        let secrets = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        Signing::new(Scheme::Standard, secrets)
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

    #[test]
    fn the_published_vector_of_standard_webhooks() {
        let body = r#"{"test": 2432232314}"#;
        let of = |secrets: &[&str]| signatures(&signing(secrets), ID, 1_614_265_330, body);
        let published = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(of(&[SECRET]), published);
        let both = of(&[OTHER, SECRET]);
        let parts: Vec<_> = both.split(' ').collect();
        assert_eq!((parts.len(), parts[1]), (2, published));
        assert_ne!(parts[0], published);
    }

    #[test]
    fn an_id_stays_and_parts_nothing() {
        let one = id("rev_01.2:webhook:tickets");
        assert_eq!(one, id("rev_01.2:webhook:tickets"));
        assert_ne!(one, id("rev_01.3:webhook:tickets"));
        assert!(one.len() == 36 && !one.contains('.'), "{one}");
    }
}
