//! Forged tokens of every class open nothing.

use crate::common::http::ask;
use crate::common::issuer::{ISS, Key, Server, claims, of, part};
use crate::{PATH, RISC, about, assert_taken, push, refused, revocations, started};
use reqwest::Method;
use serde_json::{Value, json};

/// What is refused whatever its claims are.
fn badly_signed(
    good: &Value,
    known: &Key,
    rsa: &Key,
    other: &Key,
) -> Vec<(&'static str, String, &'static str)> {
    let text = good.to_string();
    let with = |key: &Key, header: Value| key.token_with(&header, &text);
    let header = |alg: &str, kid: &str| json!({"typ": "secevent+jwt", "alg": alg, "kid": kid});
    let unsigned = format!("{}.{}.", part(header("none", "e1").to_string()), part(&text));
    let fine = known.token("e1", good);
    let (signed, signature) = fine.rsplit_once('.').unwrap();
    let others = good.to_string().replace("victim", "somebody");
    let swapped = format!("{}.{}.{signature}", signed.split('.').next().unwrap(), part(others));
    let mut own = header("ES256", "e1");
    own["jwk"] = other.jwk("e1");
    let mut elsewhere = header("ES256", "e1");
    elsewhere["jku"] = json!("http://127.0.0.1:1/keys");
    elsewhere["x5u"] = json!("http://127.0.0.1:1/chain");
    let mut critical = header("ES256", "e1");
    critical["crit"] = json!(["exp"]);
    vec![
        ("no signature", unsigned, "invalid_key"),
        ("an empty signature", format!("{signed}."), "authentication_failed"),
        ("a cut signature", format!("{signed}.{}", &signature[..40]), "authentication_failed"),
        ("a signature of zeros", format!("{signed}.{}", part([0; 64])), "authentication_failed"),
        ("other claims under it", swapped, "authentication_failed"),
        ("another key", with(other, header("ES256", "e1")), "authentication_failed"),
        ("its own key in the header", with(other, own), "authentication_failed"),
        ("its own key elsewhere", with(other, elsewhere), "authentication_failed"),
        ("the algorithm of a secret", with(known, header("HS256", "e1")), "invalid_key"),
        ("an algorithm that is not taken", with(known, header("ES384", "e1")), "invalid_key"),
        ("a key of another algorithm", with(rsa, header("RS256", "e1")), "invalid_key"),
        ("crit", with(known, critical), "invalid_request"),
        (
            "another type",
            with(known, json!({"typ": "JWT", "alg": "ES256", "kid": "e1"})),
            "invalid_request",
        ),
        ("no type", with(known, json!({"alg": "ES256", "kid": "e1"})), "invalid_request"),
        ("an encrypted one", "a.b.c.d.e".to_owned(), "invalid_request"),
        ("no token", "{}".to_owned(), "invalid_request"),
        ("nothing", String::new(), "invalid_request"),
    ]
}

#[tokio::test]
async fn forged_tokens_of_every_class_open_nothing() {
    let (rsa, known, other) = (Key::rsa(2048), Key::p256(), Key::p256());
    let server = Server::start(vec![rsa.jwk("r1"), known.jwk("e1")]).await;
    let (_cluster, agent, api) = started(&server, "");
    let event = format!("{RISC}account-purged");
    let good = claims("forged", &of("victim"), &event, &json!({}));
    let mut asked = 0;
    for (what, token, err) in badly_signed(&good, &known, &rsa, &other) {
        let answer = push(&api, token).await;
        // A key of another algorithm is one that is not known: the issuer is asked, and not at once again.
        if answer.status == 503 {
            asked += 1;
            assert_eq!(what, "a key of another algorithm");
            continue;
        }
        assert_eq!(refused(&answer).0, err, "{what}: {answer:?}");
    }
    assert!(asked <= 1);
    let now = revoked::clock::now().micros() / 1_000_000;
    for (key, value, err) in [
        ("iss", json!("https://idp.example.com"), "invalid_issuer"),
        ("aud", json!("https://revoked.example"), "invalid_audience"),
        ("aud", json!([]), "invalid_audience"),
        ("exp", json!(now + 3600), "invalid_request"),
        ("sub", json!("victim"), "invalid_request"),
        ("iat", json!(now + 3600), "invalid_request"),
        ("iat", json!(1), "invalid_request"),
        ("jti", json!(""), "invalid_request"),
        ("events", json!({}), "invalid_request"),
        ("events", json!({&event: "x"}), "invalid_request"),
        ("sub_id", json!(null), "invalid_request"),
    ] {
        let mut changed = good.clone();
        changed[key] = value;
        let answer = push(&api, known.token("e1", &changed)).await;
        assert_eq!(refused(&answer).0, err, "{key}: {changed}");
    }
    let token = known.token("e1", &good);
    for kind in ["application/json", "application/jwt", ""] {
        let request = api.anonymous(Method::POST, PATH).header("content-type", kind);
        assert_eq!(refused(&ask(request.body(token.clone())).await).0, "invalid_request", "{kind}");
    }
    let large = known.token("e1", &json!({"iss": ISS, "more": "x".repeat(70_000)}));
    assert_eq!(refused(&push(&api, large).await).0, "invalid_request");
    let query = api.anonymous(Method::POST, &format!("{PATH}?x=1"));
    assert_eq!(refused(&ask(query.body(token.clone())).await).0, "invalid_request");
    assert!(revocations(&agent).is_empty());
    assert!(server.asked() <= 2, "{}", server.asked());
    assert!(!agent.log().iter().any(|line| line["type"] == "revocation_triggered"));
    // The same claims by the right key are taken: nothing else was wrong with them.
    assert_taken(&push(&api, token).await);
    assert_eq!(about(&agent, "victim").0, "full");
}

#[tokio::test]
async fn a_short_rsa_key_is_no_key() {
    let (short, good) = (Key::rsa(2048), Key::p256());
    let mut weak = short.jwk("weak");
    weak["n"] = json!(part([0xc5; 128]));
    let server = Server::start(vec![weak, good.jwk("e1")]).await;
    let (_cluster, agent, api) = started(&server, "");
    let told = claims("w", &of("a"), &format!("{RISC}account-purged"), &json!({}));
    assert_eq!(refused(&push(&api, short.token("weak", &told)).await).0, "authentication_failed");
    assert!(revocations(&agent).is_empty());
}
