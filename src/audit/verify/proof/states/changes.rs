//! Permissions to keep access, words that were taken back, links that were removed, and notices, in a few words.

use super::{What, account, names, text};
use serde_json::Value;

/// Kinds of permission by which nothing changes until they end.
const KEEP: &[&str] = &["grace", "extension", "temporary", "break_glass"];

/// Whether the record says that a permission keeps access from now on.
pub(super) fn keeps(what: &What) -> bool {
    text(what, "approved_by").is_some()
        && text(what, "exception_kind").is_some_and(|kind| KEEP.contains(&kind))
}

/// Says what there is of these.
pub(super) fn say(what: &What, say: &mut impl FnMut(Option<String>)) {
    say(text(what, "exception_kind").and_then(|kind| permission(what, kind)));
    let both = text(what, "exception_kind").zip(text(what, "requested_by"));
    let both = both.and_then(|(_, asked)| Some((asked, text(what, "approved_by")?)));
    say(both.map(|(asked, agreed)| format!("{asked} asked, {agreed} approved")));
    say(taken_back(what));
    say(linked(what));
    say(notice(what));
}

fn permission(what: &What, kind: &str) -> Option<String> {
    let until = text(what, "until").map(|at| format!(" until {at}")).unwrap_or_default();
    if let Some(ending) = text(what, "ending") {
        let by = text(what, "ended_by").map(|by| format!(" by {by}")).unwrap_or_default();
        let never = what.get("granted") == Some(&Value::Bool(false));
        let never = if never { ", never in force" } else { "" };
        return Some(format!("over: {kind}, {ending}{by}{never}"));
    }
    if let Some(by) = text(what, "reviewed_by") {
        return Some(format!("{kind} reviewed by {by}"));
    }
    if text(what, "approved_by").is_some() {
        return Some(format!("in force: {kind}{until}"));
    }
    match (text(what, "requested_by")?, text(what, "asks")?) {
        (by, "release") => Some(format!("{by} asks that the {kind} ends")),
        (by, _) => {
            let article = if kind == "extension" { "an" } else { "a" };
            Some(format!("{by} asks for {article} {kind}{until}"))
        }
    }
}

fn taken_back(what: &What) -> Option<String> {
    let by = text(what, "by").unwrap_or("nobody");
    match text(what, "because") {
        Some("user_rehired") => {
            let at = text(what, "rehired_at")?;
            Some(format!("back since {at}, says {by}: what was granted since is not asked to go"))
        }
        Some("termination_rescinded") => {
            Some(format!("nothing is expected any more: {by} took the end back"))
        }
        _ if what.get("erroneous") == Some(&Value::Bool(true)) => {
            Some("it should never have been expected".to_owned())
        }
        _ => None,
    }
}

fn linked(what: &What) -> Option<String> {
    let by = text(what, "by")?;
    if let Some(named) = what.get("named").and_then(account) {
        return Some(format!("the subject's: {named}, says {by}"));
    }
    what.get("unlinked")?;
    if let Some(removed) = names(what, "unlinked", account) {
        return Some(format!("not the subject's: {removed}, says {by}"));
    }
    let recycled = text(what, "because") == Some("identifier_recycled");
    recycled.then(|| format!("the name is somebody else's, says {by}"))
}

fn notice(what: &What) -> Option<String> {
    let (notice, outcome) = (text(what, "notice")?, text(what, "outcome")?);
    let became = match outcome {
        "quarantined" => {
            let cause = text(what, "cause").map(|cause| format!(": {cause}"));
            format!("held{}", cause.unwrap_or_default())
        }
        "superseded" => {
            let of = text(what, "revocation").map(|id| format!(" by {id}"));
            format!("superseded{}", of.unwrap_or_default())
        }
        outcome => {
            let by = text(what, "by").map(|by| format!(" by {by}"));
            format!("{outcome}{}", by.unwrap_or_default())
        }
    };
    Some(format!("notice {notice} is {became}"))
}
