//! What a proved record says, in a few words. Pure and total: what is not there, or not as expected, is left out.

mod changes;

use crate::audit::format::CLOCK;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Names that are written out; of more the number is told.
const NAMES: usize = 6;

type What = Map<String, Value>;

/// What the line states, as far as this version knows the members; empty where it knows none.
pub(super) fn states(line: &str) -> String {
    let line: Option<Value> = serde_json::from_str(line).ok();
    let what = line.as_ref().and_then(|line| line.get("what")?.as_object());
    let kind = line.as_ref().and_then(|line| line.get("type")?.as_str()).unwrap_or_default();
    what.map(|what| parts(kind, what).join("; ")).unwrap_or_default()
}

fn parts(kind: &str, what: &What) -> Vec<String> {
    let mut parts = Vec::new();
    let mut say = |part: Option<String>| parts.extend(part);
    if let (Some(label), Some(verdict)) = (text(what, "label"), text(what, "verdict")) {
        say(Some(format!("{label}: {verdict}")));
    }
    // What waits for a second person is asked for, and has not come true.
    let is_asked = kind == "approval_requested";
    if is_asked {
        say(asked_for(what));
        return parts;
    }
    changes::say(what, &mut say);
    if let Some(by) = text(what, "triggered_by") {
        let asked = text(what, "kind").zip(text(what, "reason"));
        say(asked.map(|(kind, reason)| format!("a {kind} revocation is expected, reason {reason}")));
        say(Some(format!("told by {by}")));
    }
    // While a permission keeps access, these do not apply.
    if !changes::keeps(what) {
        say(text(what, "effective_at").map(|at| format!("effective {at}")));
        say(deadlines(what));
    }
    say(names(what, "accounts", account).map(|all| format!("accounts {all}")));
    say(what.get("account").and_then(account).map(|one| format!("account {one}")));
    for (key, of) in [("roles", "roles"), ("permissions", "permissions")] {
        say(names(what, key, plain).map(|all| format!("{of} that must be gone: {all}")));
    }
    say(missed(what));
    say(findings(what));
    say(counted(what, "gaps", "surface").map(|gaps| format!("not seen: {gaps}")));
    for key in ["before_state", "state", "after_state"] {
        let Some(state) = what.get(key).and_then(Value::as_object) else { continue };
        say(text(state, "account_status").map(|status| format!("account {status}")));
        say(names(state, "roles", plain).map(|all| format!("roles {all}")));
        say(names(state, "groups", plain).map(|all| format!("through them {all}")));
    }
    say(text(what, "first_clean_at").map(|at| format!("first seen clean {at}")));
    let verified = what.get("verification").and_then(Value::as_object);
    say(verified.and_then(|one| text(one, "verified_at")).map(|at| format!("verified {at}")));
    say(text(what, "verified_at").map(|at| format!("it had been verified {at}")));
    say(text(what, "as_of").map(|at| format!("by the look of {at}")));
    let exception = what.contains_key("exception_kind");
    if let (Some(by), Some(asks), false) =
        (text(what, "requested_by"), text(what, "asks"), exception)
    {
        say(Some(format!("{by} asks: {asks}")));
    }
    if let Some(approval) = what.get("approval").and_then(Value::as_object) {
        let both = text(approval, "requested_by").zip(text(approval, "approved_by"));
        say(both.map(|(asked, agreed)| format!("{asked} asked, {agreed} approved")));
    }
    let probe = what.get("probe").and_then(Value::as_object);
    say(probe.and_then(|one| text(one, "finding")).map(|found| format!("old secret: {found}")));
    let clock = text(what, "old").filter(|_| kind == CLOCK);
    say(clock.map(|old| format!("the clock was set; the line before was of {old}")));
    say(text(what, "commit").map(|_| "stands for one person, named in a disclosure".to_owned()));
    parts
}

/// What somebody asks for, and nobody has approved yet.
fn asked_for(what: &What) -> Option<String> {
    let (by, asks) = (text(what, "requested_by")?, text(what, "asks")?);
    let from = text(what, "effective_at").map(|at| format!(", effective {at}"));
    Some(format!("{by} asks: {asks}{}", from.unwrap_or_default()))
}

fn text<'a>(what: &'a What, key: &str) -> Option<&'a str> {
    what.get(key)?.as_str()
}

fn plain(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn account(value: &Value) -> Option<String> {
    let (target, role) = (value.get("target")?.as_str()?, value.get("role")?.as_str()?);
    let oid = value.get("oid").map(|oid| format!(" (OID {oid})")).unwrap_or_default();
    Some(format!("{target}/{role}{oid}"))
}

/// The list under `key`, the first names of it written out.
fn names(what: &What, key: &str, name: impl Fn(&Value) -> Option<String>) -> Option<String> {
    let all: Vec<String> = what.get(key)?.as_array()?.iter().filter_map(name).collect();
    let (first, more) = (all.iter().take(NAMES), all.len().saturating_sub(NAMES));
    let mut words = first.cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        words = format!("{words} and {more} more");
    }
    (!words.is_empty()).then_some(words)
}

fn deadlines(what: &What) -> Option<String> {
    let all = what.get("deadlines")?.as_object()?;
    let words =
        [("login", "login off by"), ("access", "all gone by"), ("credentials", "rotated by")];
    let said = words.iter().filter_map(|(key, by)| Some(format!("{by} {}", text(all, key)?)));
    let said = said.collect::<Vec<_>>().join(", ");
    (!said.is_empty()).then_some(said)
}

fn missed(what: &What) -> Option<String> {
    let (milestone, deadline) = (text(what, "milestone")?, text(what, "deadline")?);
    Some(format!("milestone {milestone} missed, due {deadline}"))
}

/// How much was found, by kind. The list may be cut, the total never is.
fn findings(what: &What) -> Option<String> {
    let total = what.get("residual_total")?.as_u64()?;
    let kinds = counted(what, "residual", "kind").map(|kinds| format!(" ({kinds})"));
    let word = if total == 1 { "finding" } else { "findings" };
    Some(format!("{total} {word}{}", kinds.unwrap_or_default()))
}

/// Values of `member` in the list under `key`, each with how often it is there.
fn counted(what: &What, key: &str, member: &str) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for one in what.get(key)?.as_array()? {
        *counts.entry(one.get(member)?.as_str()?).or_default() += 1;
    }
    let said: Vec<String> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What somebody asks for is no fact, and a clock is set by a record about the clock.
    #[test]
    fn the_type_of_a_record_tells_what_its_members_mean() {
        let said =
            |kind: &str, what: &str| states(&format!("{{\"type\":\"{kind}\",\"what\":{what}}}"));
        let set = r#"{"old":"a","new":"b"}"#;
        assert_eq!(said("clock", set), "the clock was set; the line before was of a");
        assert_eq!(said("campaign_swept", set), "");
        let asked = r#"{"asks":"postpone","requested_by":"a","effective_at":"E","deadlines":{"login":"D"},"erroneous":true}"#;
        assert_eq!(said("approval_requested", asked), "a asks: postpone, effective E");
        let asked =
            r#"{"asks":"withdraw","requested_by":"a","effective_at":null,"erroneous":true}"#;
        assert_eq!(said("approval_requested", asked), "a asks: withdraw");
    }

    #[test]
    fn a_record_in_a_few_words() {
        let said = |what: &str| states(&format!("{{\"what\":{what}}}"));
        assert_eq!(
            said(
                r#"{"label":"before","verdict":"residual","residual_total":3,"residual":[{"kind":"login"},{"kind":"membership"},{"kind":"membership"}],"gaps":[],"before_state":{"account_status":"active","roles":["app","reader"],"groups":[]}}"#
            ),
            "before: residual; 3 findings (login 1, membership 2); account active; roles app, reader"
        );
        assert_eq!(
            said(
                r#"{"triggered_by":"uid:0","kind":"full","reason":"other","deadlines":{"login":"A","access":null}}"#
            ),
            "a full revocation is expected, reason other; told by uid:0; login off by A"
        );
        assert_eq!(
            said(
                r#"{"accounts":[{"target":"main","role":"x","oid":7}],"roles":["1","2","3","4","5","6","7"]}"#
            ),
            "accounts main/x (OID 7); roles that must be gone: 1, 2, 3, 4, 5, 6 and 1 more"
        );
        for (what, says) in [
            (
                r#"{"asks":"grant","exception_kind":"grace","requested_by":"uid:0","until":"U"}"#,
                "uid:0 asks for a grace until U",
            ),
            (
                r#"{"asks":"release","exception_kind":"legal_hold","requested_by":"hr","until":null}"#,
                "hr asks that the legal_hold ends",
            ),
            (
                r#"{"approved_by":"b","requested_by":"a","exception_kind":"extension","until":"U","effective_at":"E","deadlines":{"login":"A"}}"#,
                "in force: extension until U; a asked, b approved",
            ),
            (
                r#"{"approved_by":"b","requested_by":"a","exception_kind":"legal_hold","until":null,"deadlines":{"login":"A"}}"#,
                "in force: legal_hold; a asked, b approved; login off by A",
            ),
            (
                r#"{"ending":"taken_back","ended_by":"a","exception_kind":"break_glass","granted":true,"effective_at":"E"}"#,
                "over: break_glass, taken_back by a; effective E",
            ),
            (
                r#"{"ending":"not_approved","ended_by":null,"exception_kind":"grace","granted":false}"#,
                "over: grace, not_approved, never in force",
            ),
            (r#"{"reviewed_by":"b","exception_kind":"break_glass"}"#, "break_glass reviewed by b"),
            (
                r#"{"because":"user_rehired","by":"hr","rehired_at":"R","effective_at":"E"}"#,
                "back since R, says hr: what was granted since is not asked to go; effective E",
            ),
            (
                r#"{"because":"termination_rescinded","by":"hr","erroneous":false}"#,
                "nothing is expected any more: hr took the end back",
            ),
            (
                r#"{"approval":{"requested_by":"a","approved_by":"b"},"erroneous":true}"#,
                "it should never have been expected; a asked, b approved",
            ),
            (
                r#"{"because":"person","by":"a","accounts":[],"unlinked":[{"target":"main","role":"x","oid":7}]}"#,
                "not the subject's: main/x (OID 7), says a",
            ),
            (
                r#"{"because":"identifier_recycled","by":"hr","accounts":[],"unlinked":[]}"#,
                "the name is somebody else's, says hr",
            ),
            (
                r#"{"because":"person","by":"a","named":{"role":"x","target":"main"}}"#,
                "the subject's: main/x, says a",
            ),
            (
                r#"{"notice":"ntc_1","outcome":"superseded","revocation":"rev_1","triggered_by":"hr"}"#,
                "notice ntc_1 is superseded by rev_1; told by hr",
            ),
            (
                r#"{"notice":"ntc_1","outcome":"quarantined","cause":"identity","triggered_by":"hr"}"#,
                "notice ntc_1 is held: identity; told by hr",
            ),
            (
                r#"{"notice":"ntc_1","outcome":"dismissed","cause":"identity","by":"a","triggered_by":"hr"}"#,
                "notice ntc_1 is dismissed by a; told by hr",
            ),
        ] {
            assert_eq!(said(what), says);
        }
        for nothing in ["{}", "[]", "{\"residual_total\":\"x\",\"gaps\":[1]}", "{\"deadlines\":7}"]
        {
            assert_eq!(said(nothing), "", "{nothing}");
        }
        assert_eq!(states("no JSON"), "");
    }
}
