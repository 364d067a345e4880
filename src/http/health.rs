//! Metrics and probes.

use super::App;
use super::problem::Problem;
use crate::clock;
use crate::metrics::CONTENT_TYPE;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

/// The exposition. No database work: it formats what the loops left.
pub(super) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let text = app.metrics.render(clock::now().seconds()).map_err(|error| {
        tracing::error!(error = error.to_string(), "the metrics could not be written");
        Problem::new(500, "internal", "Internal error")
    })?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}

/// The process serves. Nothing else is asked, or an outage elsewhere would restart the agent.
pub(super) async fn healthy() -> &'static str {
    "healthy\n"
}

/// Notices can be accepted: the log takes records and the store answers.
pub(super) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.journal.contradicted() {
        return Err(Problem::unavailable("a witness holds another history of the audit log"));
    }
    if app.journal.blocked() {
        return Err(Problem::unavailable("the audit log refuses records"));
    }
    if !app.journal.takes() {
        return Err(Problem::unavailable("the state store takes nothing"));
    }
    if !app.journal.store_is_up().await {
        return Err(Problem::unavailable("the state store does not answer"));
    }
    Ok("ready\n")
}

/// Reads the configuration anew. Whoever may scrape may ask for that: the file decides.
pub(super) async fn reload(State(app): State<App>) -> Result<&'static str, Problem> {
    match app.reload.reload().await {
        Ok(true) => Ok("reloaded\n"),
        Ok(false) => Ok("nothing changed\n"),
        // The reason may name files and keys, and this listener is open to everybody who may scrape.
        Err(_) => Err(Problem::new(500, "not-reloaded", "Not reloaded")
            .detail("the old configuration stays in force; the agent's log says why")),
    }
}
