//! `/api/v1/slack/interactions`: somebody pressed a button below a message of ours.

use super::App;
use super::auth;
use super::openapi::{Common, Presses};
use super::problem::Problem;
use super::revocations::problem_of;
use super::signature;
use crate::clock;
use crate::config::{Acknowledge, is_slack_id};
use crate::deliver::slack::blocks::ACKNOWLEDGE;
use crate::domain::time::UtcTime;
use crate::intake::acknowledge::{Press, Pressed};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Largest request: Slack sends the whole message along.
pub(super) const BODY: usize = 256 * 1024;
/// Slack tells who pressed that it failed when the answer takes 3 s.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// Presses in a minute.
const PER_MINUTE: u32 = 600;

/// A form with one field, as the description has it. It is read from the bytes that are signed.
#[derive(Serialize, ToSchema)]
#[schema(as = SlackInteraction)]
pub(super) struct Interaction {
    /// JSON of Slack, with `type` `block_actions`.
    payload: String,
}

/// What Slack says, as far as it is read. It adds to it as it likes.
#[derive(Debug, Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    api_app_id: String,
    team: Option<Named>,
    user: Named,
    actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "action_id")]
    id: String,
    value: String,
}

/// Who pressed, and what the button is of.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    user: String,
    about: String,
}

/// Take a press of a button in Slack
///
/// For Slack, which signs it (`v0`); no token is needed. Only where `slack.acknowledge` is configured. Whoever pressed the
/// button has in hand what is overdue: people are not reminded for a while. It is evidence of nothing, and what is overdue
/// stays so. Answered once the record is in the signed log.
#[utoipa::path(
    post,
    path = "/api/v1/slack/interactions",
    operation_id = "takeSlackInteraction",
    tag = "slack",
    security(()),
    request_body(content = Interaction, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "In the log, now or before. Nothing is in the body."),
        Presses,
        Common,
    )
)]
pub(super) async fn interact(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let config = app.config.current();
    let section = config.slack.as_ref().and_then(|slack| slack.acknowledge.as_ref());
    let Some(section) = section else {
        return Err(Problem::not_found(
            "nothing is to be acknowledged: slack.acknowledge is not configured",
        ));
    };
    let pressed = Box::pin(press(&app, section, &uri, &headers, body)).await;
    app.metrics.delivery.pressed(match &pressed {
        Ok(Pressed::Taken) => "taken",
        Ok(Pressed::Known) => "known",
        Err(problem) => match problem.status() {
            401 | 403 => "refused",
            404 | 409 => "nothing_late",
            429 | 503 => "unavailable",
            _ => "malformed",
        },
    });
    pressed.map(|_| StatusCode::OK)
}

async fn press(
    app: &App,
    section: &Acknowledge,
    uri: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Pressed, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(413, "too-large", "Body too large").detail("a press has up to 256 KiB")
        }
        _ => Problem::malformed("the body did not arrive whole"),
    })?;
    let now = clock::now();
    let at = signature::slack(&section.secret, headers, &body, now).map_err(|why| {
        tracing::warn!(why, "a press of a button was refused: its signature");
        auth::unauthorized(why)
    })?;
    auth::allowed(app, "slack", PER_MINUTE)?;
    if uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::malformed("there are no parameters"));
    }
    let read = read(section, &body)?;
    take(app, section, &read, at).await
}

async fn take(
    app: &App,
    section: &Acknowledge,
    read: &Read,
    at: UtcTime,
) -> Result<Pressed, Problem> {
    let press = Press { about: &read.about, user: &read.user, at, pause: section.pause };
    let taken = tokio::time::timeout(PATIENCE, app.intake.acknowledge(&press)).await;
    let Ok(taken) = taken else {
        tracing::warn!("a press of a button was not acknowledged in time");
        return Err(Problem::unavailable("it is not in the audit log yet; press it again"));
    };
    let pressed = taken.map_err(|error| problem_of("slack", error))?;
    let pressed = pressed.ok_or_else(|| Problem::not_found("there is nothing of that id"))?;
    tracing::info!(
        about = read.about,
        known = pressed == Pressed::Known,
        "somebody has it in hand"
    );
    Ok(pressed)
}

/// Reads a press of our button by somebody who may.
fn read(section: &Acknowledge, body: &[u8]) -> Result<Read, Problem> {
    let payload = payload_of(body)
        .ok_or_else(|| Problem::malformed("a form with the one field `payload` is expected"))?;
    // What is wrong with it quotes it, and it names people.
    let payload: Payload = serde_json::from_str(&payload)
        .map_err(|_| Problem::malformed("payload is not what Slack sends for a button"))?;
    let not_ours = || Problem::malformed("it is not our button");
    let [action] = payload.actions.as_slice() else { return Err(not_ours()) };
    if payload.kind != "block_actions" || action.kind != "button" || action.id != ACKNOWLEDGE {
        return Err(not_ours());
    }
    if !is_slack_id(&payload.user.id, &['U', 'W']) {
        return Err(Problem::malformed("the id of a user is U or W, letters and digits"));
    }
    let refused = |why: &'static str| {
        tracing::warn!(why, "a press of a button was refused");
        Problem::new(403, "forbidden", "Not allowed").detail(why)
    };
    if section.app.as_ref().is_some_and(|app| *app != payload.api_app_id) {
        return Err(refused("it comes from another app than slack.acknowledge.app"));
    }
    let team = payload.team.as_ref().map(|team| &team.id);
    if section.team.is_some() && section.team.as_ref() != team {
        return Err(refused("it comes from another workspace than slack.acknowledge.team"));
    }
    if section.users.as_ref().is_some_and(|users| !users.contains(&payload.user.id)) {
        return Err(refused("who pressed it is not among slack.acknowledge.users"));
    }
    if action.value.is_empty() || action.value.len() > 255 || action.value.contains('\0') {
        return Err(not_ours());
    }
    Ok(Read { user: payload.user.id, about: action.value.clone() })
}

/// The field `payload` of a form, if it has that one and no other.
fn payload_of(body: &[u8]) -> Option<String> {
    let mut form = reqwest::Url::parse("form:").ok()?;
    // The query of an address has the form of a form.
    form.set_query(Some(std::str::from_utf8(body).ok()?));
    let mut fields = form.query_pairs();
    let (name, value) = fields.next()?;
    (name == "payload" && fields.next().is_none()).then(|| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use serde_json::{Value, json};

    fn section() -> Acknowledge {
        Acknowledge {
            secret: Secret::new("8f742231b10e8888abcd99yyyzzz85a5".to_owned()),
            pause: PATIENCE,
            app: Some("A01".to_owned()),
            team: Some("T01".to_owned()),
            users: None,
        }
    }

    fn payload() -> Value {
        json!({
            "type": "block_actions", "api_app_id": "A01", "team": {"id": "T01", "domain": "acme"},
            "user": {"id": "U01", "username": "ann", "team_id": "T01"},
            "container": {"type": "message", "message_ts": "1548426417.840180"},
            "actions": [{
                "type": "button", "action_id": ACKNOWLEDGE, "block_id": "x", "value": "rev_1",
                "action_ts": "1548426417.840180",
            }],
        })
    }

    fn form(payload: &Value) -> Vec<u8> {
        let mut form = reqwest::Url::parse("form:").unwrap();
        form.query_pairs_mut().append_pair("payload", &payload.to_string());
        form.query().unwrap().as_bytes().to_vec()
    }

    #[test]
    fn our_button_is_read() {
        let read = read(&section(), &form(&payload())).unwrap();
        assert_eq!((read.user.as_str(), read.about.as_str()), ("U01", "rev_1"));
        assert_eq!(payload_of(b"payload=a+b%26%3D%23%E2%80%93").as_deref(), Some("a b&=#\u{2013}"));
    }

    #[test]
    fn whatever_else_it_is_is_refused() {
        let status = |body: &[u8]| read(&section(), body).map_err(|problem| problem.status());
        for body in [&b""[..], b"payload", b"payload={}", b"payload=1&payload=2", b"x=1", b"\xff"] {
            assert_eq!(status(body), Err(400), "{body:?}");
        }
        for (at, value, expected) in [
            ("/type", json!("view_submission"), 400),
            ("/actions", json!([]), 400),
            ("/actions/0/type", json!("overflow"), 400),
            ("/actions/0/action_id", json!("other"), 400),
            ("/actions/0/value", json!(""), 400),
            ("/actions/0/value", json!("\0"), 400),
            ("/actions/0/value", json!(7), 400),
            ("/actions/0/value", json!("r".repeat(256)), 400),
            ("/user/id", json!("ann"), 400),
            ("/user", json!(null), 400),
            ("/api_app_id", json!("A02"), 403),
            ("/team/id", json!("T02"), 403),
            ("/team", json!(null), 403),
        ] {
            let mut changed = payload();
            *changed.pointer_mut(at).unwrap() = value;
            assert_eq!(status(&form(&changed)), Err(expected), "{at}");
        }
        let mut two = payload();
        two["actions"] = json!([two["actions"][0], two["actions"][0]]);
        assert_eq!(status(&form(&two)), Err(400));
        let some = Acknowledge { users: Some(["U02".to_owned()].into()), ..section() };
        assert_eq!(read(&some, &form(&payload())).map_err(|problem| problem.status()), Err(403));
    }
}
