//! An identity provider: keys made here, tokens signed with them, and the address where its keys are.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// `iss` of its tokens.
pub(crate) const ISS: &str = "https://idp.example.com/";
/// `aud` of its tokens.
pub(crate) const AUD: &str = "https://revoked.example/ssf";

pub(crate) fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs.
pub(crate) enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl Key {
    /// Made by OpenSSL.
    pub(crate) fn rsa(bits: u32) -> Self {
        let bits = format!("rsa_keygen_bits:{bits}");
        let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits, "-outform", "DER"];
        let made = Command::new("openssl").args(arguments).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Which of the two forms it writes depends on its version.
        let pair = RsaKeyPair::from_pkcs8(&made.stdout);
        Self::Rsa(pair.or_else(|_| RsaKeyPair::from_der(&made.stdout)).unwrap())
    }

    pub(crate) fn p256() -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(kind, der.as_ref(), &random).unwrap())
    }

    pub(crate) fn alg(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
        }
    }

    /// As a member of a JWK set.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256",
                    "n": part(&public.n), "e": part(&public.e)})
            }
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig",
                    "x": part(&point[1..33]), "y": part(&point[33..])})
            }
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }

    /// A token with this header, whatever it says.
    pub(crate) fn token_with(&self, header: &Value, claims: &str) -> String {
        let signed = format!("{}.{}", part(header.to_string()), part(claims));
        let signature = part(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// A token as it should be.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        let header = json!({"typ": "secevent+jwt", "alg": self.alg(), "kid": kid});
        self.token_with(&header, &claims.to_string())
    }
}

/// Claims of an event about `sub`, issued now.
pub(crate) fn claims(jti: &str, sub_id: &Value, event: &str, body: &Value) -> Value {
    let now = revoked::clock::now().micros() / 1_000_000;
    json!({"iss": ISS, "aud": AUD, "jti": jti, "iat": now, "sub_id": sub_id, "events": {event: body}})
}

/// The subject of this issuer called `sub`.
pub(crate) fn of(sub: &str) -> Value {
    json!({"format": "iss_sub", "iss": ISS, "sub": sub})
}

#[derive(Default)]
struct Kept {
    /// `None`: it is down.
    keys: Option<Vec<Value>>,
    asked: u32,
}

/// Where the keys are.
pub(crate) struct Server {
    kept: Arc<Mutex<Kept>>,
    pub(crate) port: u16,
    _serving: JoinSet<()>,
}

async fn answer(State(kept): State<Arc<Mutex<Kept>>>) -> impl IntoResponse {
    let mut kept = kept.lock().unwrap();
    kept.asked += 1;
    match &kept.keys {
        None => (StatusCode::BAD_GATEWAY, String::new()),
        Some(keys) => (StatusCode::OK, json!({"keys": keys}).to_string()),
    }
}

impl Server {
    pub(crate) async fn start(keys: Vec<Value>) -> Self {
        let kept = Arc::new(Mutex::new(Kept { keys: Some(keys), asked: 0 }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/keys", get(answer)).with_state(kept.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { kept, port, _serving: serving }
    }

    /// Replaces the keys; `None`: it answers no more.
    pub(crate) fn set(&self, keys: Option<Vec<Value>>) {
        self.kept.lock().unwrap().keys = keys;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> u32 {
        self.kept.lock().unwrap().asked
    }

    /// The section `ssf` of a configuration that trusts it as `idp`.
    pub(crate) fn section(&self, more: &str) -> String {
        format!(
            "ssf: {{issuers: {{idp: {{issuer: '{ISS}', audience: '{AUD}', \
             jwks_url: 'http://127.0.0.1:{}/keys'{more}}}}}, shared: [svc_app]}}",
            self.port
        )
    }
}
