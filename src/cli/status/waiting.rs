//! What waits for a second person, with the command that approves it. Pure.

use crate::cli::exception::shown::sentence;
use crate::cli::output::shown;
use crate::domain::request::{Asked, LIFETIME, Request};
use crate::domain::time::UtcTime;
use crate::http::view::View;

/// One line each.
pub(in crate::cli) fn waiting(views: &[View], now: UtcTime) -> Vec<String> {
    views.iter().flat_map(|view| of(view, now)).map(|line| shown(&line)).collect()
}

fn of(view: &View, now: UtcTime) -> Vec<String> {
    let (id, subject) = (&view.id, &view.subject);
    let mut lines = Vec::new();
    if let Some(request) =
        view.pending.as_ref().filter(|asks| now.since(asks.requested_at) <= LIFETIME)
    {
        let (by, what, name) = (&request.requested_by, asks(request), &request.id);
        lines.push(format!(
            "waits for approval: {by} asks to {what}, of {subject} ({id}): revoked expect approve {id} --request {name}"
        ));
    }
    if let Some(called) = view.emergency.as_ref().filter(|called| called.approved_at.is_none()) {
        let (by, name) = (&called.requested_by, &called.id);
        lines.push(format!(
            "waits for approval: the emergency of {subject} ({id}), called by {by}: revoked expect approve {id} \
             --request {name}"
        ));
    }
    for one in view.exceptions.iter().filter(|one| one.waits()) {
        let (name, text) = (&one.id, sentence(one));
        lines.push(format!(
            "waits for approval: of {subject} ({id}): {text}: revoked exception approve {name}"
        ));
    }
    lines
}

/// What a request asks for.
pub(in crate::cli) fn asks(request: &Request) -> String {
    match request.asks {
        Asked::Postpone => "postpone it".to_owned(),
        Asked::Withdraw if request.erroneous => {
            "withdraw it, as one that should never have been expected".to_owned()
        }
        Asked::Withdraw => "withdraw it".to_owned(),
        Asked::NoAccount => "confirm that there is no account".to_owned(),
        Asked::Unlink => request.unlink.as_ref().map_or_else(
            || "unlink a role that is not the subject's".to_owned(),
            |unlink| {
                let account = &unlink.account;
                let (target, role, oid) = (&account.target, &account.role, account.oid);
                format!("unlink {target}/{role} (OID {oid}), since it is not the subject's")
            },
        ),
    }
}
