//! The HTTP side: bytes in, answers or problems out. No rules, no SQL, no targets.

mod amend;
pub mod attest;
pub mod attestation;
mod audit;
mod auth;
pub mod before;
pub mod called;
pub mod campaigns;
mod coverage;
mod events;
pub mod exceptions;
mod health;
mod held;
mod hide;
pub mod list;
mod notice;
pub mod notices;
mod openapi;
pub mod outbox;
mod page;
pub mod paging;
pub mod probe;
pub mod problem;
mod proof;
mod question;
mod rates;
pub mod recheck;
mod revocations;
pub mod roster;
mod serve;
mod signature;
mod slack;
mod ssf;
mod subjects;
pub mod view;
mod web;
pub mod webhooks;

pub use auth::Peer;
pub use rates::Rates;
pub use serve::{Limits, Listener, serve};
pub use web::{Web, usable};

use crate::board::Board;
use crate::config::Live;
pub use crate::intake::BODY;
use crate::intake::Intake;
use crate::intake::ssf::Receiver;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::reload::Asker;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use problem::Problem;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

/// What handlers use.
#[derive(Clone)]
pub struct App {
    /// The door for notices.
    pub intake: Arc<Intake>,
    /// The door for security event tokens.
    pub signals: Arc<Receiver>,
    /// Store and log.
    pub journal: Arc<Journal>,
    /// Configuration.
    pub config: Live,
    /// What the newest looks saw.
    pub board: Arc<Board>,
    /// Takes a changed configuration into force.
    pub reload: Asker,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// How often each caller may ask.
    pub rates: Arc<Rates>,
}

/// Every route of the API, with its description: what is not here is neither served nor described.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(revocations::list, revocations::submit))
        .routes(routes!(revocations::show, amend::change, amend::withdraw))
        .routes(routes!(amend::approve))
        .routes(routes!(exceptions::list, exceptions::request))
        .routes(routes!(exceptions::approve))
        .routes(routes!(exceptions::revoke))
        .routes(routes!(exceptions::review))
        .routes(routes!(before::before))
        .routes(routes!(recheck::recheck))
        .routes(routes!(probe::attest))
        .routes(routes!(attest::attest_item))
        .routes(routes!(subjects::erase))
        .routes(routes!(webhooks::hr_events))
        .routes(routes!(webhooks::hr_events_short))
        .routes(routes!(webhooks::vendor_offboarding))
        .routes(routes!(webhooks::source))
        .routes(routes!(notices::journal))
        .routes(routes!(notices::show))
        .routes(routes!(held::retry))
        .routes(routes!(held::dismiss))
        .routes(routes!(ssf::receive))
        .routes(routes!(slack::interact).layer(DefaultBodyLimit::max(slack::BODY)))
        .routes(routes!(outbox::list))
        .routes(routes!(outbox::message))
        .routes(routes!(outbox::retry))
        .routes(routes!(outbox::drop_it))
        .routes(routes!(campaigns::list))
        .routes(routes!(campaigns::show))
        .routes(routes!(campaigns::confirm))
        .routes(routes!(campaigns::sweep))
        .routes(routes!(coverage::coverage))
        .routes(routes!(roster::roster))
        .routes(routes!(called::called))
        .routes(routes!(attestation::attest))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(audit::records))
        .routes(routes!(proof::line))
        .routes(routes!(proof::bundle))
        .routes(routes!(proof::consistency))
        .routes(routes!(openapi::describe))
        .routes(routes!(page::verifier))
}

/// The description of the API, OpenAPI 3.1.
#[must_use]
pub fn description() -> OpenApi {
    routes().into_openapi()
}

/// The API: for systems with a token, and for commands through the socket.
pub fn api(app: App) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(missing)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(app)
}

/// Metrics and probes: a listener of their own, so that a scraper sees nothing else. `web` lets in who may.
pub fn telemetry(app: App, web: Arc<Web>) -> Router {
    Router::new()
        .route("/metrics", get(health::metrics))
        .route("/-/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready))
        .route("/-/reload", post(health::reload))
        .fallback(missing)
        .method_not_allowed_fallback(not_allowed)
        .layer(axum::middleware::from_fn_with_state(web, web::guard))
        .with_state(app)
}

async fn missing() -> Problem {
    Problem::not_found("there is nothing at this address")
}

async fn not_allowed() -> Problem {
    Problem::new(405, "method-not-allowed", "Method not allowed")
}

#[cfg(test)]
#[path = "http/openapi_tests.rs"]
mod tests;
