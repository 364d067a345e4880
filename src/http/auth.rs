//! Who is asking: a bearer token over TCP, the peer's uid over the socket.

use super::App;
use super::problem::Problem;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::{header, request::Parts};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use tokio::net::UnixStream;

/// The other end of the socket, as the kernel names it. Who may connect is decided by the file's mode.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub Option<u32>);

impl Peer {
    /// The other end of `stream`.
    pub(super) fn of(stream: &UnixStream) -> Self {
        Self(stream.peer_cred().ok().map(|credentials| credentials.uid()))
    }
}

/// A caller that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller(pub(super) String);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(ConnectInfo(Peer(uid))) = parts.extensions.get::<ConnectInfo<Peer>>() {
            return uid
                .map(|uid| Self(format!("uid:{uid}")))
                .ok_or_else(|| unauthorized("nobody is at the other end"));
        }
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| unauthorized("send a token: Authorization: Bearer …"))?;
        let digest: [u8; 32] = Sha256::digest(token).into();
        // Every token is compared, so that the time tells nothing.
        let mut caller = None;
        for known in &app.config.current().tokens {
            let same: Choice = known.digest.ct_eq(&digest);
            if same.into() {
                caller = Some(Self(known.id.clone()));
            }
        }
        caller.ok_or_else(|| unauthorized("the token is not one of those configured"))
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(401, "unauthorized", "Not authorized").detail(detail)
}
