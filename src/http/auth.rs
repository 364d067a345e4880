//! Who is asking: a bearer token over TCP, the peer's uid over the socket; and what a token may be used for.

use super::App;
use super::problem::Problem;
use crate::config::{Scope, TokenConfig};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::{HeaderMap, Method, header, request::Parts};
use nix::unistd::{Uid, User};
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use tokio::net::UnixStream;
use tokio::time::Instant;

/// The other end of the socket, as the kernel names it. Who may connect is decided by the file's mode.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub Option<u32>);

impl Peer {
    /// The other end of `stream`.
    pub(super) fn of(stream: &UnixStream) -> Self {
        Self(stream.peer_cred().ok().map(|credentials| credentials.uid()))
    }
}

/// A caller that is known, and may do what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller(pub(super) String);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let scope = scope_of(&parts.method, parts.uri.path());
        if let Some(ConnectInfo(Peer(uid))) = parts.extensions.get::<ConnectInfo<Peer>>() {
            let uid = uid.ok_or_else(|| unauthorized("nobody is at the other end"))?;
            if scope == Scope::Approve {
                is_somebody(uid).await?;
            }
            return Ok(Self(format!("uid:{uid}")));
        }
        let token = bearer(&parts.headers)
            .ok_or_else(|| unauthorized("send a token: Authorization: Bearer …"))?;
        let config = app.config.current();
        let (known, next) = find(&config.tokens, token)
            .ok_or_else(|| unauthorized("the token is not one of those configured"))?;
        app.metrics.intake.token_used(&known.id, next);
        allowed(app, &known.id, known.per_minute)?;
        if !known.scopes.contains(&scope) {
            let why = format!(
                "the token {} is not for this: it lacks the scope {}",
                known.id,
                scope.as_str()
            );
            return Err(Problem::new(403, "forbidden", "Not allowed").detail(why));
        }
        Ok(Self(known.id.clone()))
    }
}

/// Whoever approves at the socket is a user of this machine. In a user namespace everybody can be 65,536 others
/// (subuid(5)), and would be two persons alone.
async fn is_somebody(uid: u32) -> Result<(), Problem> {
    // A directory may be asked, over the network.
    let found = tokio::task::spawn_blocking(move || User::from_uid(Uid::from_raw(uid))).await;
    let why = match found {
        Ok(Ok(Some(_))) => return Ok(()),
        Ok(Ok(None)) => format!(
            "uid {uid} is no user of this machine, so nobody knows who that is: approve as a user, or with a token"
        ),
        Ok(Err(_)) | Err(_) => format!(
            "the users of this machine cannot be read, so nobody knows who uid {uid} is: try again, or use a token"
        ),
    };
    Err(Problem::new(403, "forbidden", "Not allowed").detail(why))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The token that `text` is, and whether it is the one that takes the other's place. Every token is compared, and none
/// sooner than another, so that the time tells nothing.
fn find<'a>(tokens: &'a [TokenConfig], text: &str) -> Option<(&'a TokenConfig, bool)> {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let (mut found, mut number, mut next) = (0_u32, 0_u32, 0_u8);
    for known in tokens {
        number += 1;
        let current = known.digest.ct_eq(&digest);
        found.conditional_assign(&number, current);
        if let Some(other) = &known.next {
            let other = other.ct_eq(&digest);
            found.conditional_assign(&number, other);
            next.conditional_assign(&1, other);
        }
    }
    let place = usize::try_from(found).ok()?.checked_sub(1)?;
    tokens.get(place).map(|known| (known, next == 1))
}

/// One request of `caller`, if it may come now.
pub(super) fn allowed(app: &App, caller: &str, per_minute: u32) -> Result<(), Problem> {
    app.rates.take(caller, per_minute, Instant::now()).map_err(|wait| {
        let why = format!("{caller} has {per_minute} requests in a minute");
        Problem::new(429, "too-many", "Too many requests").detail(why).after(wait)
    })
}

/// What a token needs for this. Whatever changes something and is not named here needs `expect`.
fn scope_of(method: &Method, path: &str) -> Scope {
    let last = path.rsplit('/').next().unwrap_or_default();
    let sent = ["/api/v1/webhooks/", "/webhooks/", "/api/v1/ssf/"];
    if sent.iter().any(|begin| path.starts_with(begin)) {
        return if last == "vendor-offboarding" { Scope::Vendor } else { Scope::Hr };
    }
    if method == Method::GET || method == Method::HEAD {
        return Scope::Read;
    }
    match last {
        "approve" | "dismiss" | "review" => Scope::Approve,
        "recheck" => Scope::Recheck,
        _ if method == Method::DELETE && path.starts_with("/api/v1/subjects/") => Scope::Approve,
        _ => Scope::Expect,
    }
}

pub(super) fn unauthorized(detail: &str) -> Problem {
    Problem::new(401, "unauthorized", "Not authorized").detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn token(id: &str, text: &str, next: Option<&str>) -> TokenConfig {
        TokenConfig {
            id: id.to_owned(),
            digest: Sha256::digest(text).into(),
            next: next.map(|text| Sha256::digest(text).into()),
            scopes: BTreeSet::new(),
            per_minute: 1,
        }
    }

    #[test]
    fn a_token_is_found_by_either_of_its_texts() {
        let tokens = [token("hr", "one", Some("two")), token("ci", "three", None)];
        let found = |text| find(&tokens, text).map(|(token, next)| (token.id.as_str(), next));
        assert_eq!(found("one"), Some(("hr", false)));
        assert_eq!(found("two"), Some(("hr", true)));
        assert_eq!(found("three"), Some(("ci", false)));
        assert_eq!(found("four"), None);
        assert_eq!(find(&[], "one"), None);
    }

    #[tokio::test]
    async fn who_has_no_name_on_this_machine_approves_nothing() {
        assert!(is_somebody(0).await.is_ok());
        // The first of a range that useradd(8) gives to somebody's namespaces, far above the users.
        let refused = is_somebody(3_000_000_007).await.unwrap_err();
        assert!(format!("{refused:?}").contains("no user of this machine"), "{refused:?}");
    }

    #[test]
    fn every_address_has_its_scope() {
        for (method, path, scope) in [
            (Method::POST, "/api/v1/webhooks/hr-events", Scope::Hr),
            (Method::POST, "/webhooks/hr-events", Scope::Hr),
            (Method::POST, "/api/v1/webhooks/workday", Scope::Hr),
            (Method::POST, "/api/v1/webhooks/vendor-offboarding", Scope::Vendor),
            (Method::POST, "/api/v1/revocations", Scope::Expect),
            (Method::PATCH, "/api/v1/revocations/rev_1", Scope::Expect),
            (Method::DELETE, "/api/v1/revocations/rev_1", Scope::Expect),
            (Method::POST, "/api/v1/revocations/rev_1/probe", Scope::Expect),
            (Method::POST, "/api/v1/revocations/rev_1/approve", Scope::Approve),
            (Method::POST, "/api/v1/revocations/rev_1/recheck", Scope::Recheck),
            (Method::GET, "/api/v1/revocations", Scope::Read),
            (Method::GET, "/api/v1/revocations/approve", Scope::Read),
            (Method::HEAD, "/api/v1/coverage", Scope::Read),
            (Method::DELETE, "/api/v1/subjects/EMP-1", Scope::Approve),
            (Method::POST, "/api/v1/notices/ntc_1/retry", Scope::Expect),
            (Method::POST, "/api/v1/notices/ntc_1/dismiss", Scope::Approve),
            (Method::POST, "/api/v1/outbox/rev_1.2:slack/retry", Scope::Expect),
            (Method::GET, "/api/v1/outbox/rev_1.2:slack/message", Scope::Read),
            (Method::POST, "/api/v1/something/new", Scope::Expect),
        ] {
            assert_eq!(scope_of(&method, path), scope, "{method} {path}");
        }
    }
}
